"""What is done with one time-tag file: its g2(0), its trace, its decay."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qdimage.config import AnalysisOptions
from qdimage.domain.experiment import Experiment, PhotonsTable
from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.photon_tables import LIFETIMES, PHOTONS, TRACES
from qdimage.domain.refusal import Refusal
from qdimage.domain.table import Table
from qdimage.io.time_tags import is_histogram, open_photons
from qdimage.pipeline.g2 import G2Answer, G2Settings, g2_of_file, photon_row
from qdimage.pipeline.lifetime import (
    LifetimeSettings,
    decay_curve,
    lifetime_of_file,
    lifetime_row,
)
from qdimage.pipeline.trace import TraceSettings, trace_curve, trace_of_file, trace_row

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Declared:
    """One file with what is declared around it."""

    experiment: Experiment
    photons: PhotonsTable
    options: AnalysisOptions

    @property
    def path(self) -> Path:
        """The file."""
        return self.experiment.folder / self.photons.file

    def beside(self, file: str | None) -> Path | None:
        """Return the path of another file of the experiment."""
        return self.experiment.folder / file if file else None


@dataclass(frozen=True)
class Step:
    """What one step found: a row without its place, the curve behind it, and g2's answer."""

    row: dict[str, Any]
    curve: "pd.DataFrame | None" = None
    g2: G2Answer | None = None


@dataclass(frozen=True)
class Analysis:
    """A step: the table of its rows, the folder of its curves, and how it is done."""

    table: Table
    folder: str
    analyse: Callable[[Declared], Step]


def g2_settings(declared: Declared) -> G2Settings:
    """Return how a declared file is correlated."""
    photons = declared.photons
    return G2Settings(
        detectors=photons.detectors or (0, 1),
        response_fwhm_ns=photons.response_fwhm_ns or 0.0,
        period_ns=_period_ns(declared),
        dark_counts_s=photons.dark_counts_s or (0.0, 0.0),
        duration_s=photons.duration_s,
        rate_counts_s=photons.rate_counts_s,
    )


def _period_ns(declared: Declared) -> float | None:
    """Between pulses; T3 is recorded against their sync unless the light is declared steady."""
    if declared.photons.excitation == "cw" or is_histogram(declared.path):
        return None
    period_s = open_photons(declared.path).period_s
    return None if period_s is None else period_s * 1e9


def _g2(declared: Declared) -> Step:
    found = g2_of_file(declared.path, settings=g2_settings(declared), options=declared.options.g2)
    row = photon_row(found)
    efficiency = declared.experiment.declared.optics.collection_efficiency
    if efficiency is not None:
        row["emitted_photons_s"] = row["counts_s"] / efficiency
    return Step(row, g2_frame(found), found)


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


def _relative(curve: G2Curve, coincidences: Array) -> Array:
    unknown = np.full(curve.counts.shape, np.nan)
    known = curve.accidentals > 0
    return np.asarray(np.divide(coincidences, curve.accidentals, out=unknown, where=known))


def _trace(declared: Declared) -> Step:
    if is_histogram(declared.path):
        return _refused("a histogram holds no arrival times; declare the time tags")
    settings = TraceSettings(detectors=declared.photons.detectors or (0, 1))
    found = trace_of_file(declared.path, settings=settings, options=declared.options.trace)
    return Step(trace_row(found), trace_curve(found))


def _lifetime(declared: Declared) -> Step:
    photons = declared.photons
    if is_histogram(declared.path):
        return _refused("a histogram of pairs is no decay; declare pulsed time tags")
    if photons.excitation == "cw":
        return _refused("the light is declared steady, so that there is no decay")
    settings = LifetimeSettings(
        detectors=photons.detectors,
        response_fwhm_ns=None if photons.response_file else photons.response_fwhm_ns,
        response_file=declared.beside(photons.response_file),
    )
    found = lifetime_of_file(declared.path, settings=settings, options=declared.options.lifetime)
    return Step(lifetime_row(found), None if found.decay is None else decay_curve(found))


def _refused(reason: str) -> Step:
    return Step({"status": "refused", "message": reason})


G2 = Analysis(PHOTONS, "g2", _g2)
ANALYSES = (G2, Analysis(TRACES, "traces", _trace), Analysis(LIFETIMES, "decays", _lifetime))
