"""Counts of light alone, from the rates of two detectors."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Beyond this share of the time a detector is dead too long for a correction.
_MOST_DEAD = 0.5


@dataclass(frozen=True)
class NetCounts:
    """Counts each second of both detectors, without dead time and dark counts.

    Attributes
    ----------
    counts_s, err_s : float
        With the standard deviation of the counted number alone.
    dark_s : float
        What was taken off.
    duration_s : float
    """

    counts_s: float
    err_s: float
    dark_s: float
    duration_s: float


def net_counts(row: Mapping[str, Any]) -> NetCounts | None:
    """Return the light of a row of the table `photons`; None where its rates are not known.

    A detector that is dead for a time after each count counts n of n / (1 - n t) each second. The
    dead time is what its own time tags show; where they show none, none is corrected.
    """
    duration, total = _number(row, "duration_s"), _number(row, "counts_s")
    if duration is None or total is None or duration <= 0:
        return None
    counts = [_number(row, name) for name in ("counts_1", "counts_2")]
    rates = [each / duration for each in counts if each is not None]
    if len(rates) != 2 or not any(rates):
        rates = [total / 2, total / 2]
    dead_s = 1e-9 * (_number(row, "dead_time_ns") or 0.0)
    live = [1.0 - rate * dead_s for rate in rates]
    if min(live) < _MOST_DEAD:
        return None
    true = [rate / share for rate, share in zip(rates, live, strict=True)]
    # Of a count that is missed, the scatter is missed as well: d(n / (1 - n t)) = dn / (1 - n t)^2.
    variance = sum(rate / duration / share**4 for rate, share in zip(rates, live, strict=True))
    dark = (_number(row, "background_fraction") or 0.0) * total
    return NetCounts(sum(true) - dark, math.sqrt(variance), dark, duration)


def _number(row: Mapping[str, Any], name: str) -> float | None:
    value = row.get(name)
    return None if value is None or math.isnan(value) else float(value)
