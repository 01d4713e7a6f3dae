"""Curves behind the photon tables, made ready to be drawn."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qdimage.reporting.content import Array, Row

if TYPE_CHECKING:
    import pandas as pd

_COUNTS_OF_A_POINT = 100.0
_MOST_POINTS, _LEAST_POINTS = 260, 24
_SPAN_RISES, _POINTS_OF_A_RISE = 9.0, 4.0
_SHORTEST_SPAN_NS = 25.0


@dataclass(frozen=True)
class CurveView:
    """A correlation curve around its dip, bins joined until each holds enough.

    Attributes
    ----------
    lag_ns, g2, g2_err : ndarray, shape (n,)
        Relative to the plateau; delays counted from the dip.
    residual : ndarray, shape (n,)
        In standard deviations of the model's counts; NaN without a fit.
    model_lag_ns, model, rate_model : ndarray, shape (m,)
        The fits of the dip and of the rate model in single bins; NaN without one.
    """

    lag_ns: Array
    g2: Array
    g2_err: Array
    residual: Array
    model_lag_ns: Array
    model: Array
    rate_model: Array


def read_curve(out: Path, row: Row) -> "pd.DataFrame | None":
    """Return the curve that a row names; None where there is none, or it cannot be read."""
    import pandas as pd

    name = row.get("curve")
    if not name or not (out / str(name)).resolve().is_relative_to(out.resolve()):
        return None
    try:
        frame = pd.read_csv(out / str(name))
        return frame.astype(float) if len(frame) else None
    except (OSError, ValueError):
        return None


def curve_view(frame: "pd.DataFrame", row: Row) -> CurveView | None:
    """Return what of a curve is drawn; None where it has no accidentals to be held against."""
    columns = {"lag_ns", "counts", "g2", "model", "rate_model"}
    if not columns <= set(frame.columns):
        return None
    lag = frame["lag_ns"].to_numpy() - (row["delay_ns"] or 0.0)
    counts, g2, model, rate_model = (
        frame[name].to_numpy() for name in ("counts", "g2", "model", "rate_model")
    )
    accidentals = _accidentals(counts, g2)
    if accidentals is None:
        return None
    inside = np.abs(lag) <= _span_ns(lag, row)
    lag, counts, accidentals = (x[inside] for x in (lag, counts, accidentals))
    model, rate_model = model[inside], rate_model[inside]
    plateau = row["blinking_factor"] or 1.0
    joined = [_joined(x, _bins_of_a_point(counts, lag, row)) for x in (lag, counts, accidentals)]
    expected = _joined(model * accidentals, _bins_of_a_point(counts, lag, row)).sum(axis=1)
    at, seen, pairs = joined[0].mean(axis=1), joined[1].sum(axis=1), joined[2].sum(axis=1)
    scale = 1.0 / (pairs * plateau)
    with np.errstate(invalid="ignore", divide="ignore"):
        residual = (seen - expected) / np.sqrt(expected)
    error = np.sqrt(np.maximum(seen, 1.0)) * scale
    return CurveView(at, seen * scale, error, residual, lag, model / plateau, rate_model / plateau)


def _joined(values: Array, width: int) -> Array:
    """Return rows of neighbours, counted from the middle so that the centre stays in the centre."""
    n = len(values) // width * width
    first = (len(values) - n) // 2
    return np.asarray(values[first : first + n].reshape(-1, width))


def _accidentals(counts: Array, g2: Array) -> Array | None:
    """Return pairs of unrelated photons in each bin: counts over g2, the same where none fell."""
    known = (counts > 0) & (g2 > 0)
    if not known.any():
        return None
    return np.where(known, counts / np.where(known, g2, 1.0), np.median(counts[known] / g2[known]))


def _span_ns(lag: Array, row: Row) -> float:
    rise = row["rise_time_ns"]
    longest = float(np.abs(lag).max())
    if row["excitation"] == "pulsed" or not rise:
        return longest
    return min(max(_SPAN_RISES * float(rise), _SHORTEST_SPAN_NS), longest)


def _bins_of_a_point(counts: Array, lag: Array, row: Row) -> int:
    """Return how many bins are joined: odd, so that the central one stays central."""
    typical = max(float(counts.mean()), 1e-9)
    wanted = max(_COUNTS_OF_A_POINT / typical, len(counts) / _MOST_POINTS)
    most = max(len(counts) // _LEAST_POINTS, 1)
    if row["rise_time_ns"] and len(lag) > 1:
        most = min(most, row["rise_time_ns"] / _POINTS_OF_A_RISE / abs(lag[1] - lag[0]))
    return max(int(min(wanted, most)) // 2 * 2 + 1, 1)
