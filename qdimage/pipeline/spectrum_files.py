"""The spectra of one field, each analysed and attached to its dot."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from qdimage.domain.experiment import Experiment, SpectrumTable
from qdimage.domain.refusal import Failure
from qdimage.domain.spectrum_tables import SPECTRA
from qdimage.io.curve_file import write_curve
from qdimage.pipeline.attempt import attempt
from qdimage.pipeline.kept_steps import file_marks
from qdimage.pipeline.names import curve_path
from qdimage.pipeline.photon_files import PhotonWork, Rows
from qdimage.pipeline.photon_place import Place, place_of
from qdimage.pipeline.spectrum import (
    SpectrumAnswer,
    SpectrumSettings,
    compare_answers,
    spectrum_of_file,
)
from qdimage.pipeline.spectrum_output import spectrum_curve, spectrum_row

Row = dict[str, Any]
# A dot's number, or where it was taken.
Whose = int | tuple[float, float]

_PLACE_DECIMALS = 1


def analyse_spectra(work: PhotonWork) -> Rows:
    """Analyse every declared spectrum; one that fails keeps its row and stops nothing else.

    An EL spectrum of a dot is compared with the first PL spectrum of the same dot; where no dots
    were found, with that of the same place.

    Returns
    -------
    mapping of str to list of dict
        Rows of the table `spectra`, by its name.
    """
    declared = work.experiment.declared.spectra
    places = [
        place_of(
            each,
            optics=work.experiment.declared.optics,
            dots=work.dots,
            pixel_um=work.pixel_um,
            within_um=work.options.match.place_distance_um,
        )
        for each in declared
    ]
    started = [_start(work, each) for each in declared]
    found = [
        attempt(answer, f"{work.experiment.name}, {each.file}")
        for each, answer in zip(declared, started, strict=True)
    ]
    pl: dict[Whose, SpectrumAnswer] = {}
    for each, place, answer in zip(declared, places, found, strict=True):
        whose = _whose(each, place)
        if each.kind == "pl" and whose is not None and isinstance(answer, SpectrumAnswer):
            pl.setdefault(whose, answer)
    rows = []
    for index, (each, place, answer) in enumerate(zip(declared, places, found, strict=True)):
        whose = _whose(each, place)
        other = pl.get(whose) if each.kind == "el" and whose is not None else None
        rows.append(_row(work, index, place, answer, other))
    return {SPECTRA.name: rows}


def _whose(declared: SpectrumTable, place: Place) -> Whose | None:
    """Return the dot, or the place where there are no dots; None for an area and for nowhere."""
    if declared.scope == "area":
        return None
    if place.dot_id is not None:
        return place.dot_id
    if place.x_px is None or place.y_px is None:
        return None
    return round(place.x_px, _PLACE_DECIMALS), round(place.y_px, _PLACE_DECIMALS)


def failed_spectra(experiment: Experiment, reason: str) -> Rows:
    """Return the rows of spectra of which nothing could be computed."""
    failed = {"status": "failed", "message": reason}
    declared = experiment.declared.spectra
    return {SPECTRA.name: [_shared(experiment, each, Place()) | failed for each in declared]}


def settings_of(experiment: Experiment, declared: SpectrumTable) -> SpectrumSettings:
    """Return how a declared spectrum is read."""
    return SpectrumSettings(
        dark=experiment.folder / declared.dark_file if declared.dark_file else None,
        rows=declared.rows,
        exposure_s=declared.exposure_s,
        scope=declared.scope,
    )


def _start(work: PhotonWork, declared: SpectrumTable) -> Callable[[], SpectrumAnswer]:
    folder, options = work.experiment.folder, work.options.spectrum
    settings = settings_of(work.experiment, declared)
    rests_on = [
        declared.model_dump(mode="json", exclude={"x_px", "y_px", "x_um", "y_um"}),
        options.model_dump(mode="json"),
        file_marks(folder, [declared.file, declared.dark_file]),
    ]
    find = partial(spectrum_of_file, folder / declared.file, settings=settings, options=options)
    what = f"{work.experiment.name}, {declared.file}"
    return work.steps.start(SPECTRA.name, what, rests_on, find)


def _row(
    work: PhotonWork,
    index: int,
    place: Place,
    answer: SpectrumAnswer | Failure,
    other: SpectrumAnswer | None,
) -> Row:
    """Return one spectrum's row, and keep the curve behind it."""
    shared = _shared(work.experiment, work.experiment.declared.spectra[index], place)
    if isinstance(answer, Failure):
        return shared | {"status": "failed", "message": answer.reason}
    if other is not None:
        comparison = compare_answers(answer, other)
        answer = replace(answer, against=other.file, comparison=comparison)
    row = spectrum_row(answer) | shared
    file = work.experiment.declared.spectra[index].file
    row["curve"] = curve_path("spectra", work.number, work.experiment.name, index + 1, file)
    write_curve(spectrum_curve(answer), work.out / row["curve"])
    row["message"] = "; ".join(text for text in (place.message, row["message"]) if text)
    return row


def _shared(experiment: Experiment, declared: SpectrumTable, place: Place) -> Row:
    return {
        "device": experiment.device,
        "field": experiment.name,
        "dot_id": place.dot_id,
        "scope": declared.scope,
        "file": declared.file,
        "kind": declared.kind,
        "voltage_v": declared.voltage_v,
        "x_px": place.x_px,
        "y_px": place.y_px,
        "pmma_nm": experiment.declared.device.pmma_nm,
        "area_mm2": declared.area_mm2,
        "dark_file": declared.dark_file or "",
    }
