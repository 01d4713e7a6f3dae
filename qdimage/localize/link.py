"""Localizations of successive frames that are one dot's, by trackpy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qdimage.errors import FitError


def link(
    positions: Sequence[NDArray[np.float64]], *, search_range_px: float, memory_frames: int
) -> tuple[NDArray[np.int64], ...]:
    """Return the track of every position, counted from 1 in order of (first frame, y, x).

    Positions are linked so that the sum of squared steps is least (Crocker and Grier, J. Colloid
    Interface Sci. 179, 298, 1996).

    Parameters
    ----------
    positions : sequence of ndarray, shape (n, 2)
        (x, y) in each frame.
    search_range_px : float
        Longest step.
    memory_frames : int
        Frames that a track may miss.

    Raises
    ------
    FitError
        If so many positions lie within the range of one another that they cannot be told apart.
    """
    import trackpy

    levels = [each[:, ::-1] for each in positions]
    n_all = sum(len(each) for each in levels)
    if n_all == 0:
        return tuple(np.zeros(0, np.int64) for _ in levels)
    try:
        linked = list(trackpy.link_iter(levels, search_range=search_range_px, memory=memory_frames))
    except trackpy.SubnetOversizeException as error:
        raise FitError(
            f"found too many dots within {search_range_px:g} px of one another to tell their "
            "tracks apart; lower link.search_range_px"
        ) from error
    return _renumbered([np.asarray(ids, np.int64) for _, ids in linked], positions)


def _renumbered(
    tracks: Sequence[NDArray[np.int64]], positions: Sequence[NDArray[np.float64]]
) -> tuple[NDArray[np.int64], ...]:
    """Number tracks by where they begin: trackpy's order is that of its dictionaries."""
    known: dict[int, int] = {}
    numbered = []
    for ids, where in zip(tracks, positions, strict=True):
        for index in np.lexsort((where[:, 0], where[:, 1])) if len(where) else ():
            known.setdefault(int(ids[index]), len(known) + 1)
        numbered.append(np.array([known[int(each)] for each in ids], np.int64))
    return tuple(numbered)
