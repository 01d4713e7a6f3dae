"""Which dots are worth steering to."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qdimage.steering.options import TargetOptions

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Of such dots neither the light nor the neighbours are known.
UNUSABLE = ("edge", "outside", "unresolved", "faint", "hot")


def reasons_against(
    options: TargetOptions,
    *,
    accepted: Mask,
    isolated: Mask,
    lit: Mask,
    flux: Array,
    g2_floor: Array,
    flags: Sequence[str],
) -> list[list[str]]:
    """Return for each dot by which rules it is left out; an empty list for none.

    Parameters
    ----------
    options : TargetOptions
    accepted, isolated, lit : ndarray of bool, shape (n,)
    flux, g2_floor : ndarray, shape (n,)
        NaN where not known.
    flags : sequence of str
        Names joined by ``;``.
    """
    against: list[list[str]] = [[] for _ in flags]
    rules: list[tuple[str, Mask]] = [("rejected by a person", ~accepted)]
    if options.isolated:
        rules.append(("not isolated", ~isolated))
    if options.lit:
        rules.append(("not lit", ~lit))
    if options.min_photons_s is not None:
        rules.append(("too dim", ~(flux >= options.min_photons_s)))
    if options.max_photons_s is not None:
        rules.append(("too bright", ~(flux <= options.max_photons_s)))
    if options.max_g2_floor is not None:
        rules.append(("g2_floor too high", ~(g2_floor <= options.max_g2_floor)))
    for reason, out in rules:
        for index in np.flatnonzero(out):
            against[index].append(reason)
    for own, named in zip(against, flags, strict=True):
        own += [f"flag {flag}" for flag in named.split(";") if flag in UNUSABLE]
    return against


def spread_out(
    positions_um: Array, preference: Array, *, spacing_um: float, number: int | None
) -> NDArray[np.int64]:
    """Return indices of points that keep a distance from each other, the preferred ones first.

    Parameters
    ----------
    positions_um : ndarray, shape (n, 2)
    preference : ndarray, shape (n,)
        Lower is better; NaN comes last.
    spacing_um : float
        Least distance between two of them; 0 for any.
    number : int or None
        How many at most.
    """
    kept: list[int] = []
    for index in np.argsort(preference, kind="stable"):
        if number is not None and len(kept) == number:
            break
        away = np.hypot(*(positions_um[kept] - positions_um[index]).T) if kept else np.empty(0)
        if spacing_um == 0 or np.all(away >= spacing_um):
            kept.append(int(index))
    return np.sort(np.array(kept, np.int64))
