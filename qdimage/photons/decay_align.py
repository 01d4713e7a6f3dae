"""Decays of several detectors, each behind its own cable, put on top of each other."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from qdimage.domain.decay import Decay
from qdimage.domain.refusal import Refusal
from qdimage.photons.decay import pulse_place
from qdimage.photons.decay_options import DecayOptions

# Photons from which a detector's own delay is found.
_LEAST_COUNTS = 1000
_WHOLE = 0.9


def aligned(
    together: Decay, alone: Sequence[Decay], options: DecayOptions
) -> tuple[Decay, list[float]]:
    """Return the sum of decays with their pulses in one place, to a bin.

    Detectors with few photons, or without a decay, stay where they are.

    Parameters
    ----------
    together : Decay
        Of all detectors as they are.
    alone : sequence of Decay
        Of each of them, in bins of the same width from the same time on.
    options : DecayOptions

    Returns
    -------
    Decay
    list of float
        By how much each was later than the one with the most photons, ns.
    """
    n = len(together.counts)
    width = float(together.edges_ns[-1] - together.edges_ns[0]) / n
    rows = [np.pad(each.counts, (0, max(n - each.counts.size, 0)))[:n] for each in alone]
    brightest = max(range(len(rows)), key=lambda k: int(rows[k].sum()))
    places = [_place(replace(together, counts=row), options) for row in rows]
    reference = places[brightest]
    if reference is None:
        return together, [0.0] * len(rows)
    late = [0.0 if place is None else place - reference for place in places]
    if together.period_ns is not None:
        half = together.period_ns / 2
        late = [(each + half) % together.period_ns - half for each in late]
    shifts = [round(each / width) for each in late]
    if together.period_ns is not None and n * width > _WHOLE * together.period_ns:
        moved = [np.roll(row, -shift) for row, shift in zip(rows, shifts, strict=True)]
        return replace(together, counts=np.sum(moved, axis=0)), late
    first, last = max(0, -min(shifts)), n - max(0, *shifts)
    if last - first < n // 2:
        return together, late
    moved = [row[first + s : last + s] for row, s in zip(rows, shifts, strict=True)]
    edges_ns = together.edges_ns[first : last + 1]
    return replace(together, edges_ns=edges_ns, counts=np.sum(moved, axis=0)), late


def _place(decay: Decay, options: DecayOptions) -> float | None:
    if decay.counts.sum() < _LEAST_COUNTS:
        return None
    place = pulse_place(decay, options)
    return None if isinstance(place, Refusal) else place
