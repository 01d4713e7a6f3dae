"""All pairs of a stream that is read in several parts at once: the counts of one reading."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.photons import PhotonStream
from qdimage.errors import FormatError
from qdimage.photons.arrivals import SLACK, Arrivals, arrivals
from qdimage.photons.correlate import PairCount, correlate


class _Counted(NamedTuple):
    """Pairs within a part, and the photons at its ends that may pair with its neighbours'."""

    pairs: PairCount
    head: Arrivals
    tail: Arrivals


def correlate_parts(
    stream: PhotonStream,
    *,
    bin_ticks: int,
    n_bins: int,
    first: int = 0,
    second: int = 1,
    workers: int,
) -> G2Curve:
    """Count all pairs as `correlate` does, on several processors.

    The answer is the same, to the count, whatever the number of workers. Streams that cannot be
    parted, and those that are damaged, are read by one.

    Parameters
    ----------
    stream, bin_ticks, n_bins, first, second
        As for `correlate`.
    workers : int
        Threads; the kernels do not hold Python's lock.

    Raises
    ------
    ConfigurationError, FormatError
        As for `correlate`.
    """

    def new() -> PairCount:
        return PairCount(stream, bin_ticks=bin_ticks, n_bins=n_bins, first=first, second=second)

    total = new()
    parts = stream.split(workers) if stream.split is not None and workers > 1 else []
    counted = _all_counted(parts, total.span, new)
    if counted is None:
        return correlate(stream, bin_ticks=bin_ticks, n_bins=n_bins, first=first, second=second)
    for each in counted:
        total.absorb(each.pairs)
    for before, after in pairwise(counted):
        # Pairs across the border are those of both sides together, less those within each.
        for photons, sign in (
            (_in_order(before.tail, after.head), 1),
            (before.tail, -1),
            (after.head, -1),
        ):
            pairs = new()
            pairs.add(photons)
            total.absorb(pairs, sign=sign)
    return total.curve()


def _all_counted(
    parts: list[PhotonStream], span: int, new: Callable[[], PairCount]
) -> list[_Counted] | None:
    """Count within each part; None where one is too short or damaged for the parts to add up."""
    if len(parts) < 2:
        return None
    with ThreadPoolExecutor(len(parts)) as pool:
        try:
            counted = list(pool.map(lambda part: _counted(part, span, new()), parts))
        except FormatError:
            return None
    fine = [each for each in counted if each is not None]
    return fine if len(fine) == len(parts) else None


def _counted(part: PhotonStream, span: int, pairs: PairCount) -> _Counted | None:
    reach = span + SLACK
    head: list[Arrivals] = []
    tail: list[Arrivals] = []
    earliest = newest = None
    for block in arrivals(part, gap=span + 1):
        pairs.add(block)
        newest = int(block.time[-1])
        earliest = int(block.time[0]) if earliest is None else earliest
        if block.time[0] <= earliest + reach:
            n = int(np.searchsorted(block.time, earliest + reach, side="right"))
            head.append(_copied(block, slice(None, n)))
        tail = [each for each in tail if each.time[-1] >= newest - reach]
        n = int(np.searchsorted(block.time, newest - reach))
        tail.append(_copied(block, slice(n, None)))
    if earliest is None or newest is None or part.warnings or newest - earliest <= reach + SLACK:
        return None
    late = _in_order(*tail)
    return _Counted(pairs, _in_order(*head), _since(late, newest - reach))


def _copied(block: Arrivals, piece: slice) -> Arrivals:
    """Copy, so that what is kept is small."""
    return Arrivals(block.time[piece].copy(), block.channel[piece].copy())


def _since(photons: Arrivals, earliest: int) -> Arrivals:
    n = int(np.searchsorted(photons.time, earliest))
    return Arrivals(photons.time[n:], photons.channel[n:])


def _in_order(*parts: Arrivals) -> Arrivals:
    time = np.concatenate([each.time for each in parts])
    channel = np.concatenate([each.channel for each in parts])
    order = np.argsort(time, kind="stable")
    return Arrivals(time[order], channel[order])
