"""Random telegraph switching, integrated over each frame."""

import numpy as np
from numpy.typing import NDArray

from qdimage.simulation.options import BlinkingOptions

Floats = NDArray[np.float64]

_INTERVALS_AT_ONCE = 64


def on_fractions(
    n_emitters: int,
    *,
    n_frames: int,
    exposure_s: float,
    options: BlinkingOptions,
    rng: np.random.Generator,
) -> Floats:
    """Share of each frame during which each emitter is on.

    On and off intervals last exponentially distributed times and the first state is drawn from
    the long-run distribution, so that every moment is alike.

    Returns
    -------
    ndarray, shape (n_emitters, n_frames)
        Between 0 and 1.
    """
    if options.on_fraction == 1.0:
        return np.ones((n_emitters, n_frames))
    edges_s: Floats = exposure_s * np.arange(n_frames + 1.0)
    rows = [np.diff(_on_time(edges_s, options, rng)) / exposure_s for _ in range(n_emitters)]
    return np.clip(np.array(rows).reshape(n_emitters, n_frames), 0.0, 1.0)


def _on_time(edges_s: Floats, options: BlinkingOptions, rng: np.random.Generator) -> Floats:
    """Time spent on until each edge."""
    on_time_s = options.off_time_s * options.on_fraction / (1 - options.on_fraction)
    starts_on = rng.random() < options.on_fraction
    means = [on_time_s, options.off_time_s] if starts_on else [options.off_time_s, on_time_s]
    intervals = np.empty(0)
    while intervals.sum() <= edges_s[-1]:
        more = rng.exponential(np.tile(means, _INTERVALS_AT_ONCE // 2))
        intervals = np.concatenate([intervals, more])
    state = (np.arange(len(intervals)) % 2 == 0) == starts_on
    switches_s = np.concatenate([[0.0], np.cumsum(intervals)])
    spent_on_s = np.concatenate([[0.0], np.cumsum(np.where(state, intervals, 0.0))])
    return np.asarray(np.interp(edges_s, switches_s, spent_on_s))


def dark_intervals(
    duration_s: float, *, options: BlinkingOptions, rng: np.random.Generator
) -> Floats:
    """Beginnings and ends in turn, in s from 0 to `duration_s`, of the intervals spent off."""
    if options.on_fraction == 1.0:
        return np.empty(0)
    on_time_s = options.off_time_s * options.on_fraction / (1 - options.on_fraction)
    starts_off = bool(rng.random() >= options.on_fraction)
    means = [options.off_time_s, on_time_s] if starts_off else [on_time_s, options.off_time_s]
    n_pairs = int(1.2 * duration_s / sum(means)) + 16
    switches_s = np.zeros(1)
    while switches_s[-1] <= duration_s:
        more = rng.exponential(np.tile(means, n_pairs))
        switches_s = np.concatenate([switches_s, switches_s[-1] + np.cumsum(more)])
    edges_s = switches_s[switches_s < duration_s][0 if starts_off else 1 :]
    return np.append(edges_s, duration_s) if edges_s.size % 2 else edges_s
