"""The time-tag files and histograms of one field: g2(0), trace and decay of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qdimage.config import AnalysisOptions
from qdimage.domain.experiment import Experiment, PhotonsTable
from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_tables import LIFETIMES, PHOTONS, TRACES
from qdimage.domain.refusal import Failure, Refusal
from qdimage.domain.table import Table
from qdimage.io.curve_file import write_curve
from qdimage.io.time_tags import is_histogram, open_photons
from qdimage.pipeline.attempt import attempt
from qdimage.pipeline.g2 import G2Answer, G2Settings, g2_of_file, photon_row
from qdimage.pipeline.lifetime import (
    LifetimeSettings,
    decay_curve,
    lifetime_of_file,
    lifetime_row,
)
from qdimage.pipeline.names import curve_path
from qdimage.pipeline.photon_place import Place, place_of
from qdimage.pipeline.trace import TraceSettings, trace_curve, trace_of_file, trace_row

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
Rows = Mapping[str, list[Row]]
# A row without its place, and the curve behind it.
_Found = tuple[Row, "pd.DataFrame | None"]


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
    """

    experiment: Experiment
    number: int
    options: AnalysisOptions
    out: Path
    dots: Localizations | None
    pixel_um: float | None

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


def analyse_photon_files(work: PhotonWork, progress: Callable[[str], None]) -> Rows:
    """Analyse every declared file; one that fails keeps its rows and stops nothing else.

    Returns
    -------
    mapping of str to list of dict
        Rows by table.
    """
    rows: dict[str, list[Row]] = {each.table.name: [] for each in _ANALYSES}
    for index, declared in enumerate(work.experiment.declared.photons):
        place = work.place(declared)
        for each in _ANALYSES:
            rows[each.table.name].append(_row(work, index, place, each))
        progress(f"{work.experiment.name}, {declared.file}")
    return rows


def failed_photon_files(experiment: Experiment, reason: str) -> Rows:
    """Return the rows of files of which nothing could be computed."""
    failed = {"status": "failed", "message": reason}
    return {
        each.table.name: [
            _shared(experiment, declared, Place()) | failed
            for declared in experiment.declared.photons
        ]
        for each in _ANALYSES
    }


def _shared(experiment: Experiment, declared: PhotonsTable, place: Place) -> Row:
    return {
        "device": experiment.device,
        "field": experiment.name,
        "dot_id": place.dot_id,
        "file": declared.file,
        "kind": declared.kind,
        "sample": experiment.declared.experiment.sample,
        "voltage_v": declared.voltage_v,
    }


def _row(work: PhotonWork, index: int, place: Place, analysis: "_Analysis") -> Row:
    """Return one file's row of one table, and keep the curve behind it."""
    declared = work.experiment.declared.photons[index]
    row = _shared(work.experiment, declared, place)
    if analysis.table == PHOTONS:
        row |= {"x_px": place.x_px, "y_px": place.y_px, "dot_distance_px": place.distance_px}
    found = attempt(
        lambda: analysis.analyse(work, declared), f"{work.experiment.name}, {declared.file}"
    )
    if isinstance(found, Failure):
        found = {"status": "failed", "message": found.reason}, None
    known, curve = found
    if curve is not None:
        row["curve"] = work.curve_file(analysis.folder, index)
        write_curve(curve, work.out / row["curve"])
    row |= known | {"file": declared.file}
    row["message"] = _joined(place.message, known["message"])
    return row


def _g2(work: PhotonWork, declared: PhotonsTable) -> _Found:
    path = work.experiment.folder / declared.file
    settings = G2Settings(
        detectors=declared.detectors or (0, 1),
        response_fwhm_ns=declared.response_fwhm_ns or 0.0,
        period_ns=_period_ns(path, declared),
        dark_counts_s=declared.dark_counts_s or (0.0, 0.0),
        duration_s=declared.duration_s,
        rate_counts_s=declared.rate_counts_s,
    )
    found = g2_of_file(path, settings=settings, options=work.options.g2)
    row = photon_row(found)
    efficiency = work.experiment.declared.optics.collection_efficiency
    if efficiency is not None:
        row["emitted_photons_s"] = row["counts_s"] / efficiency
    return row, g2_frame(found)


def _trace(work: PhotonWork, declared: PhotonsTable) -> _Found:
    path = work.experiment.folder / declared.file
    if is_histogram(path):
        return _refused("a histogram holds no arrival times; declare the time tags"), None
    settings = TraceSettings(detectors=declared.detectors or (0, 1))
    found = trace_of_file(path, settings=settings, options=work.options.trace)
    return trace_row(found), trace_curve(found)


def _lifetime(work: PhotonWork, declared: PhotonsTable) -> _Found:
    path = work.experiment.folder / declared.file
    if is_histogram(path):
        return _refused("a histogram of pairs is no decay; declare pulsed time tags"), None
    if declared.excitation == "cw":
        return _refused("the light is declared steady, so that there is no decay"), None
    settings = LifetimeSettings(
        detectors=declared.detectors,
        response_fwhm_ns=None if declared.response_file else declared.response_fwhm_ns,
        response_file=_beside(work, declared.response_file),
    )
    found = lifetime_of_file(path, settings=settings, options=work.options.lifetime)
    return lifetime_row(found), None if found.decay is None else decay_curve(found)


def _refused(reason: str) -> Row:
    return {"status": "refused", "message": reason}


def _beside(work: PhotonWork, file: str | None) -> Path | None:
    return work.experiment.folder / file if file else None


@dataclass(frozen=True)
class _Analysis:
    """One thing that is done with every file: its table, its curves' folder, how it is done."""

    table: Table
    folder: str
    analyse: Callable[[PhotonWork, PhotonsTable], _Found]


_ANALYSES = (
    _Analysis(PHOTONS, "g2", _g2),
    _Analysis(TRACES, "traces", _trace),
    _Analysis(LIFETIMES, "decays", _lifetime),
)


def _period_ns(path: Path, declared: PhotonsTable) -> float | None:
    """Between pulses; T3 is recorded against their sync unless the light is declared steady."""
    if declared.excitation == "cw" or is_histogram(path):
        return None
    period_s = open_photons(path).period_s
    return None if period_s is None else period_s * 1e9


def g2_frame(found: G2Answer) -> "pd.DataFrame":
    """Return a curve as it is kept: lag_ns, counts, g2, g2_err, and the fitted model's g2."""
    import pandas as pd

    curve = found.curve
    model = np.full(curve.counts.shape, np.nan)
    if not isinstance(found.answer, Refusal):
        model = _relative(curve, found.answer.model)
    return pd.DataFrame(
        {
            "lag_ns": curve.lag_ns,
            "counts": curve.counts,
            "g2": curve.g2,
            "g2_err": _relative(curve, np.sqrt(np.maximum(curve.counts, 1))),
            "model": model,
        }
    )


def _relative(curve: G2Curve, coincidences: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    known = curve.accidentals > 0
    unknown = np.full(curve.counts.shape, np.nan)
    return np.divide(coincidences, curve.accidentals, out=unknown, where=known)


def _joined(*messages: str) -> str:
    return "; ".join(message for message in messages if message)
