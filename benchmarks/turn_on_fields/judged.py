"""The turn-on fraction of measured channels against two truths, and the figures of many."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qdimage.match.count_interval import fraction_interval
from qdimage.match.turn_on import turn_on_fraction
from turn_on_fields.measured import MATCH, MeasuredChannel, MeasuredField, Population

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Judged:
    """A registered channel's fraction beside what is true.

    Attributes
    ----------
    n_pl : int
    n_true : int
        PL-visible dots that truly lie where both channels show them.
    fraction, low, high : float
    of_device : float
        Probability by the laws of the simulation that a dot is brighter than F_min.
    of_field : float
        Share of the field's own dots that are.
    counted_width : float
        Width of the interval if the states of all those dots were known.
    """

    n_pl: int
    n_true: int
    fraction: float
    low: float
    high: float
    of_device: float
    of_field: float
    counted_width: float


def judged(field: MeasuredField, channel: MeasuredChannel, population: Population) -> Judged | None:
    """Judge a channel; None where its registration was refused or no true dot is in it."""
    n_true = int(channel.in_overlap.sum())
    if channel.matches is None or channel.photometry is None or n_true == 0:
        return None
    found = turn_on_fraction(
        field.dots,
        channel.matches,
        channel.photometry,
        f_min_s=field.f_min_s,
        confidence=MATCH.confidence,
    )
    share = population.share(field.case, channel.voltage_v, field.f_min_s)
    _, low, high = fraction_interval(share * n_true, n_true, MATCH.confidence)
    return Judged(
        found.n_pl,
        n_true,
        found.fraction,
        found.low,
        found.high,
        share,
        float(np.mean(channel.true_photons_s[channel.in_overlap] > field.f_min_s)),
        high - low,
    )


@dataclass(frozen=True)
class Figures:
    """What many channels say of the fraction and its interval.

    Attributes
    ----------
    n : int
        Channels with a fraction.
    answered : float
        Share of the registered channels that have one.
    dots : float
        Mean number of true dots.
    bias_of_device, bias_err, bias_of_field : float
        Mean error, with its standard error, against each truth.
    covers_device, covers_field : float
        Share of intervals that contain each truth.
    too_low, too_high : float
        Share of intervals all below, and all above, the device's truth.
    width : float
        Median width over that of counting all dots.
    """

    n: int
    answered: float
    dots: float
    bias_of_device: float
    bias_err: float
    bias_of_field: float
    covers_device: float
    covers_field: float
    too_low: float
    too_high: float
    width: float


def figures(channels: Sequence[Judged]) -> Figures:
    """Return the figures of registered channels, one with a fraction at least."""
    known = [each for each in channels if np.isfinite(each.fraction)]
    fraction, low, high, device, field, counted, n_true = np.array(
        [
            (o.fraction, o.low, o.high, o.of_device, o.of_field, o.counted_width, o.n_true)
            for o in known
        ]
    ).T
    off = fraction - device

    def covers(truth: np.ndarray) -> float:
        return float(np.mean((low <= truth + _ROUNDING) & (truth - _ROUNDING <= high)))

    return Figures(
        len(known),
        len(known) / len(channels),
        float(n_true.mean()),
        float(off.mean()),
        float(off.std() / np.sqrt(len(known))),
        float(np.mean(fraction - field)),
        covers(device),
        covers(field),
        float(np.mean(high < device - _ROUNDING)),
        float(np.mean(low > device + _ROUNDING)),
        float(np.median((high - low) / counted)),
    )
