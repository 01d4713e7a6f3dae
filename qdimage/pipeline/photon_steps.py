"""What is done with one time-tag file: its g2(0), its trace, its decay."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
from qdimage.pipeline.lifetime import LifetimeSettings, lifetime_of_file
from qdimage.pipeline.lifetime_output import decay_curve, lifetime_row
from qdimage.pipeline.net_counts import net_counts
from qdimage.pipeline.photons import curve_frame
from qdimage.pipeline.trace import TraceSettings, trace_curve, trace_of_file, trace_row

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

_BIN_S, _NARROWEST_S, _LEAST_BINS = 0.01, 1e-4, 200


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
    """What one step found.

    Attributes
    ----------
    row : dict
        Of the step's table, without place and curves.
    curves : mapping of str to pandas.DataFrame
        Those behind the row, by the column that names their file.
    g2 : G2Answer or None
        Of the step that correlates.
    """

    row: dict[str, Any]
    curves: Mapping[str, "pd.DataFrame"] = field(default_factory=dict)
    g2: G2Answer | None = None


@dataclass(frozen=True)
class Analysis:
    """A step: the table of its rows, the folders of its curves by column, how it is done."""

    table: Table
    folders: Mapping[str, str]
    analyse: Callable[[Declared], Step]


def g2_settings(declared: Declared) -> G2Settings:
    """Return how a declared file is correlated."""
    photons = declared.photons
    return G2Settings(
        detectors=photons.detectors or (0, 1),
        response_fwhm_ns=photons.response_fwhm_ns or 0.0,
        dark_counts_s=photons.dark_counts_s or (0.0, 0.0),
        duration_s=photons.duration_s,
        rate_counts_s=photons.rate_counts_s,
        excitation=photons.excitation,
        background_file=declared.beside(photons.background_file),
        # Elsewhere the measured response is that of a decay.
        response_file=declared.beside(photons.response_file)
        if photons.excitation == "cw"
        else None,
    )


def _g2(declared: Declared) -> Step:
    found = g2_of_file(declared.path, settings=g2_settings(declared), options=declared.options.g2)
    row = photon_row(found)
    efficiency = declared.experiment.declared.optics.collection_efficiency
    net = net_counts(row)
    if efficiency is not None and net is not None:
        row["emitted_photons_s"] = net.counts_s / efficiency
        row["emitted_photons_err_s"] = net.err_s / efficiency
    # The curve itself waits for the rate model, see `qdimage.pipeline.photon_files`.
    curves = {}
    if found.long_curve is not None:
        curves["long_curve"] = curve_frame(found.long_curve)
    return Step(row, curves, found)


def g2_frame(found: G2Answer, *, rate_model: Array | None = None) -> "pd.DataFrame":
    """Return a curve as it is kept: lag_ns, counts, g2, g2_err, model.

    Parameters
    ----------
    found : G2Answer
        Its fit gives the column ``model``.
    rate_model : ndarray, shape (n,), optional
        Coincidences that a fitted rate model expects, for a column of that name.
    """
    import pandas as pd

    curve = found.curve
    model = None if isinstance(found.answer, Refusal) else found.answer.model
    return pd.DataFrame(
        {
            "lag_ns": curve.lag_ns,
            "counts": curve.counts,
            "g2": curve.g2,
            "g2_err": _relative(curve, np.sqrt(np.maximum(curve.counts, 1))),
            "model": _model(curve, model),
            "rate_model": _model(curve, rate_model),
        }
    )


def _model(curve: G2Curve, coincidences: Array | None) -> Array:
    if coincidences is None:
        return np.full(curve.counts.shape, np.nan)
    return _relative(curve, coincidences)


def _relative(curve: G2Curve, coincidences: Array) -> Array:
    unknown = np.full(curve.counts.shape, np.nan)
    known = curve.accidentals > 0
    return np.asarray(np.divide(coincidences, curve.accidentals, out=unknown, where=known))


def _trace(declared: Declared) -> Step:
    if is_histogram(declared.path):
        return _refused("a histogram holds no arrival times; declare the time tags")
    settings = TraceSettings(
        detectors=declared.photons.detectors or (0, 1), bin_s=_trace_bin_s(declared.path)
    )
    found = trace_of_file(declared.path, settings=settings, options=declared.options.trace)
    return Step(trace_row(found), {"curve": trace_curve(found)})


def _trace_bin_s(path: Path) -> float:
    """As wide as the usual bins, or narrower for a trace that would have too few of them."""
    duration_s = float(open_photons(path).header.get("duration_s", 0.0))
    return min(_BIN_S, max(duration_s / _LEAST_BINS, _NARROWEST_S)) if duration_s > 0 else _BIN_S


def _lifetime(declared: Declared) -> Step:
    photons = declared.photons
    if is_histogram(declared.path):
        return _refused("a histogram of pairs is no decay; declare pulsed time tags")
    if photons.excitation == "cw":
        return _refused("the light is declared steady, so that there is no decay")
    settings = LifetimeSettings(
        detectors=photons.detectors,
        response_fwhm_ns=None if photons.response_file else _of_one_detector(photons),
        response_file=declared.beside(photons.response_file),
    )
    found = lifetime_of_file(declared.path, settings=settings, options=declared.options.lifetime)
    curves = {} if found.decay is None else {"curve": decay_curve(found)}
    return Step(lifetime_row(found), curves)


def _of_one_detector(photons: PhotonsTable) -> float | None:
    """The response's width in a decay, to which one detector contributes, not the pair."""
    pair_fwhm_ns = photons.response_fwhm_ns
    return None if pair_fwhm_ns is None else pair_fwhm_ns / math.sqrt(2.0)


def _refused(reason: str) -> Step:
    return Step({"status": "refused", "message": reason})


G2 = Analysis(PHOTONS, {"curve": "g2", "long_curve": "g2_long"}, _g2)
TRACE = Analysis(TRACES, {"curve": "traces"}, _trace)
LIFETIME = Analysis(LIFETIMES, {"curve": "decays"}, _lifetime)
ANALYSES = (G2, TRACE, LIFETIME)
