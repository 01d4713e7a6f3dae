"""The time-tag files and histograms of one field, each analysed and attached to its dot."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from qdimage.config import AnalysisOptions
from qdimage.domain.experiment import Experiment, PhotonsTable
from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_tables import PHOTONS, RATE_FITS, TRACES
from qdimage.domain.refusal import Failure
from qdimage.io.curve_file import write_curve
from qdimage.pipeline.attempt import attempt
from qdimage.pipeline.kept_steps import KeptSteps, file_marks
from qdimage.pipeline.names import curve_path
from qdimage.pipeline.photon_fits import Measured, conditional_g2, fit_files
from qdimage.pipeline.photon_place import Place, place_of
from qdimage.pipeline.photon_steps import ANALYSES, G2, Analysis, Declared, Step, g2_frame

Row = dict[str, Any]
Rows = Mapping[str, list[Row]]
# What waits for each analysis of a file.
Begun = list[Callable[[], Step]]

_FILE_KEYS = ("device", "field", "dot_id", "file", "kind", "voltage_v")
_TABLES = (*(each.table for each in ANALYSES), RATE_FITS)


@dataclass(frozen=True)
class PhotonWork:
    """What the files of one field share.

    Attributes
    ----------
    experiment : Experiment
    number : int
        Of the field in the run; names the curves' files.
    options : AnalysisOptions
    out : pathlib.Path
        Folder that receives ``curves/``.
    dots : Localizations or None
        The field's PL dots; None where there are none to attach a file to.
    pixel_um : float or None
    steps : KeptSteps
        What earlier runs have found.
    """

    experiment: Experiment
    number: int
    options: AnalysisOptions
    out: Path
    dots: Localizations | None
    pixel_um: float | None
    steps: KeptSteps = field(default_factory=KeptSteps)

    def place(self, declared: PhotonsTable) -> Place:
        """Return where a file was taken."""
        return place_of(
            declared,
            optics=self.experiment.declared.optics,
            dots=self.dots,
            pixel_um=self.pixel_um,
            within_um=self.options.match.place_distance_um,
        )

    def curve_file(self, folder: str, index: int) -> str:
        """Return where a curve of a file lies, relative to the output folder."""
        file = self.experiment.declared.photons[index].file
        return curve_path(folder, self.number, self.experiment.name, index + 1, file)


def begin_photon_files(
    experiment: Experiment, options: AnalysisOptions, steps: KeptSteps
) -> list[Begun]:
    """Begin what is found of every declared file whatever the field's dots are."""
    return [
        _start(steps, Declared(experiment, each, options)) for each in experiment.declared.photons
    ]


def analyse_photon_files(
    work: PhotonWork, begun: Sequence[Begun], progress: Callable[[str], None]
) -> Rows:
    """Analyse every declared file; one that fails keeps its rows and stops nothing else.

    Parameters
    ----------
    work : PhotonWork
    begun : sequence
        From `begin_photon_files`.
    progress : callable
        Called with a text after each file.

    Returns
    -------
    mapping of str to list of dict
        Rows by table.
    """
    rows: dict[str, list[Row]] = {table.name: [] for table in _TABLES}
    measured: list[Measured] = []
    for index, (photons, answers) in enumerate(
        zip(work.experiment.declared.photons, begun, strict=True)
    ):
        declared, place = Declared(work.experiment, photons, work.options), work.place(photons)
        steps = [_step(declared, answer) for answer in answers]
        for analysis, step in zip(ANALYSES, steps, strict=True):
            rows[analysis.table.name].append(_row(work, index, place, analysis, step))
        g2, trace = steps[ANALYSES.index(G2)].g2, rows[TRACES.name][-1]
        rests_on = _file_rests_on(declared)
        measured.append(Measured(declared, place.dot_id, g2, trace, rests_on))
        progress(f"{work.experiment.name}, {photons.file}")
    for index, (each, fit) in enumerate(
        zip(measured, fit_files(measured, work.steps), strict=True)
    ):
        row = rows[PHOTONS.name][index]
        rows[RATE_FITS.name].append(fit.row | {name: row[name] for name in _FILE_KEYS})
        row |= conditional_g2(fit.row)
        if each.g2 is not None:
            row["curve"] = work.curve_file(G2.folders["curve"], index)
            write_curve(g2_frame(each.g2, rate_model=fit.counts), work.out / row["curve"])
    return rows


def failed_photon_files(experiment: Experiment, reason: str) -> Rows:
    """Return the rows of files of which nothing could be computed."""
    failed = {"status": "failed", "message": reason}
    return {
        table.name: [
            _known(table.column_names, _shared(experiment, photons, Place())) | failed
            for photons in experiment.declared.photons
        ]
        for table in _TABLES
    }


def _known(names: tuple[str, ...], row: Row) -> Row:
    return {name: value for name, value in row.items() if name in names}


def _shared(experiment: Experiment, declared: PhotonsTable, place: Place) -> Row:
    return {
        "device": experiment.device,
        "field": experiment.name,
        "dot_id": place.dot_id,
        "file": declared.file,
        "kind": declared.kind,
        "sample": experiment.declared.experiment.sample,
        "voltage_v": declared.voltage_v,
        "x_px": place.x_px,
        "y_px": place.y_px,
        "dot_distance_px": place.distance_px,
    }


def _start(steps: KeptSteps, declared: Declared) -> Begun:
    """Begin every analysis of a file."""
    rests_on, what = _file_rests_on(declared), _what(declared)
    return [
        steps.start(each.table.name, what, rests_on, partial(each.analyse, declared))
        for each in ANALYSES
    ]


def _step(declared: Declared, answer: Callable[[], Step]) -> Step:
    found = attempt(answer, _what(declared))
    if isinstance(found, Failure):
        return Step({"status": "failed", "message": found.reason})
    return found


def _what(declared: Declared) -> str:
    return f"{declared.experiment.name}, {declared.photons.file}"


def _file_rests_on(declared: Declared) -> list[Any]:
    """Return what g2(0), trace and decay of a file rest on; the file's place is none of it."""
    photons, options = declared.photons, declared.options
    files = [photons.file, photons.background_file, photons.response_file]
    return [
        photons.model_dump(mode="json", exclude={"x_px", "y_px", "x_um", "y_um"}),
        declared.experiment.declared.optics.model_dump(mode="json"),
        [each.model_dump(mode="json") for each in (options.g2, options.trace, options.lifetime)],
        file_marks(declared.experiment.folder, files),
    ]


def _row(work: PhotonWork, index: int, place: Place, analysis: Analysis, step: Step) -> Row:
    """Return one file's row of one table, and keep the curve behind it."""
    photons = work.experiment.declared.photons[index]
    shared = _known(analysis.table.column_names, _shared(work.experiment, photons, place))
    row = step.row | shared
    for column, curve in step.curves.items():
        row[column] = work.curve_file(analysis.folders[column], index)
        write_curve(curve, work.out / row[column])
    row["message"] = "; ".join(text for text in (place.message, step.row["message"]) if text)
    return row
