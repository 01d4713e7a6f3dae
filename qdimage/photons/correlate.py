"""Photon streams to correlations: exact counts of pairs in bins of whole ticks.

Memory does not grow with the length of a stream, only with the photons within the longest delay.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.g2_curve import G2Curve, accidentals
from qdimage.domain.photons import PhotonStream
from qdimage.errors import ConfigurationError, FormatError
from qdimage.photons.arrivals import Arrivals, arrivals
from qdimage.photons.pair_kernels import (
    COMPARED,
    FIRSTS,
    N_TALLIES,
    SECONDS,
    count_next,
    count_pairs,
    count_pairs_between,
    count_sampled,
)
from qdimage.photons.windows import TimeWindows, Windows

Ticks = NDArray[np.int64]

_MOST_BINS = 1 << 24
_LONGEST_TICKS = 1 << 55
_MOST_KEPT = 1 << 23
_MOST_DETECTOR = 63
# Photons at once: few, so that a clock that stands still is noticed before it costs minutes.
_PIECE = 1 << 15
_BEFORE_ALL = -(1 << 62)
# Pairs for each photon of a piece: more than any light gives that detectors can count.
_MOST_PER_PHOTON = 10_000


class _Span:
    """The time from the first photon to the last, of whatever detector."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.last = 0

    def extend(self, block: Arrivals) -> None:
        if self.first is None:
            self.first = int(block.time[0])
        self.last = int(block.time[-1])

    def include(self, other: "_Span") -> None:
        if other.first is None:
            return
        self.last = other.last if self.first is None else max(self.last, other.last)
        self.first = other.first if self.first is None else min(self.first, other.first)

    def duration_s(self, tick_s: float) -> float:
        return 0.0 if self.first is None else (self.last - self.first) * tick_s


class _Patience:
    """Ends a correlation whose pairs are too many, as where a damaged clock stands still."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._n_photons = 0
        self._n_before = 0

    def spend(self, n_photons: int, n_compared: int) -> None:
        """Note photons, and the number of all pairs compared since the beginning."""
        if n_compared - self._n_before > _MOST_PER_PHOTON * _PIECE:
            raise FormatError(
                f"{self._source}: found more than {_MOST_PER_PHOTON} pairs for each photon, "
                "expected fewer; choose shorter delays or growing bins, or the clock stands "
                "still and the times are damaged"
            )
        self._n_photons += n_photons
        if self._n_photons >= _PIECE:
            self._n_photons, self._n_before = 0, n_compared


def correlate(
    stream: PhotonStream,
    *,
    bin_ticks: int,
    n_bins: int,
    first: int = 0,
    second: int = 1,
    window_s: TimeWindows | None = None,
) -> G2Curve:
    """Count all pairs of photons of two detectors, by their delay, in bins of equal width.

    Parameters
    ----------
    stream : PhotonStream
    bin_ticks : int
        Width of a bin in ticks of the stream.
    n_bins : int
        Bins on each side of zero: delays ``-n_bins * bin_ticks <= delay < n_bins * bin_ticks``.
    first, second : int
        Detectors; the delay is the second's time minus the first's. For one detector with
        itself each pair counts at both signs, and no photon pairs with itself.
    window_s : (float, float), or several such, optional
        Only photons from the first of these times on, and before the second; of several windows,
        which must rise and not overlap, only pairs within one and the same.

    Returns
    -------
    G2Curve
        Its duration is the time from the first photon to the last, of whatever detector; of
        windows, as much of it as lies inside.

    Raises
    ------
    ConfigurationError
        If bins, detectors or window make no sense.
    FormatError
        If the times are damaged: more photons in one place than detectors can count.
    """
    pairs = PairCount(stream, bin_ticks=bin_ticks, n_bins=n_bins, first=first, second=second)
    windows = _windows(stream, window_s, pairs.span)
    for block in arrivals(stream, gap=pairs.span + 1, windows=windows):
        pairs.add(block)
    return pairs.curve(windows)


class PairCount:
    """All pairs so far, in bins of equal width, of photons that are added as they come.

    Parameters
    ----------
    stream, bin_ticks, n_bins, first, second
        As for `correlate`; the blocks to add are those of `arrivals` with a gap above `span`.

    Raises
    ------
    ConfigurationError, FormatError
        As for `correlate`.
    """

    def __init__(
        self,
        stream: PhotonStream,
        *,
        bin_ticks: int,
        n_bins: int,
        first: int = 0,
        second: int = 1,
    ) -> None:
        _require(bin_ticks >= 1, f"bin_ticks = {bin_ticks}", "at least 1 tick")
        _require(1 <= n_bins <= _MOST_BINS // 2, f"n_bins = {n_bins}", f"1 ... {_MOST_BINS // 2}")
        self.span = bin_ticks * n_bins
        _check(first, second, self.span)
        self._stream, self._width, self._detectors = stream, bin_ticks, (first, second)
        self._edges = bin_ticks * np.arange(-n_bins, n_bins + 1)
        self._counts = np.zeros(2 * n_bins + 1, np.int64)
        self._tallies = np.zeros(N_TALLIES, np.int64)
        self._keys, self._n_kept = np.full(2 * _PIECE, _BEFORE_ALL, np.int64), 1
        self._close = np.empty(_PIECE, np.int64)
        self._seen, self._patience = _Span(), _Patience(stream.source)

    def add(self, block: Arrivals) -> None:
        """Count the pairs of photons that follow all others so far."""
        for piece in _pieces(block):
            n = piece.time.size
            self._seen.extend(piece)
            self._keys = _with_room(self._keys, self._n_kept + n, self._stream, self.span)
            self._n_kept = count_pairs(
                piece.time,
                piece.channel,
                *self._detectors,
                self._width,
                self._counts,
                self._keys,
                self._n_kept,
                self._close,
                self._tallies,
            )
            self._patience.spend(n, int(self._tallies[COMPARED]))

    def absorb(self, other: "PairCount", *, sign: int = 1) -> None:
        """Add, or take away, what another has counted; pairs between the two stay uncounted."""
        self._counts += sign * other._counts
        self._tallies += sign * other._tallies
        if sign > 0:
            self._seen.include(other._seen)

    def curve(self, windows: Windows | None = None) -> G2Curve:
        """Return the counts so far, of photons inside the windows if there are such."""
        counts = self._counts[:-1].copy()
        return _curve(self._stream, self._edges, counts, self._tallies, self._seen, windows)


def correlate_between(
    stream: PhotonStream,
    *,
    edges_ticks: NDArray[np.integer],
    first: int = 0,
    second: int = 1,
    window_s: TimeWindows | None = None,
) -> G2Curve:
    """Count all pairs by their delay in bins of any width, such as those of `log_edges`.

    The cost is that of each photon at each edge, whatever the rates and delays; for narrow bins
    of equal width `correlate` is faster. Counts are exact: nothing is coarsened at long delays.

    Parameters
    ----------
    stream : PhotonStream
    edges_ticks : ndarray of int, shape (n + 1,)
        Rising; half-open bins ``edges[k] <= delay < edges[k + 1]``, of either sign.
    first, second, window_s
        As for `correlate`.

    Raises
    ------
    ConfigurationError, FormatError
        As for `correlate`.
    """
    edges, span = _rising(edges_ticks)
    _check(first, second, span)
    windows = _windows(stream, window_s, span)
    above, places = np.zeros(edges.size, np.int64), np.zeros(edges.size, np.int64)
    tallies, n_kept = np.zeros(N_TALLIES, np.int64), np.zeros(2, np.int64)
    firsts, seconds = np.empty(2 * _PIECE, np.int64), np.empty(2 * _PIECE, np.int64)
    seen = _Span()
    for block in arrivals(stream, gap=span + 1, windows=windows):
        for piece in _pieces(block):
            seen.extend(piece)
            firsts = _with_room(firsts, int(n_kept[0]) + piece.time.size, stream, span)
            seconds = _with_room(seconds, int(n_kept[1]) + piece.time.size, stream, span)
            count_pairs_between(
                piece.time,
                piece.channel,
                first,
                second,
                edges,
                above,
                firsts,
                seconds,
                places,
                n_kept,
                tallies,
            )
    return _curve(stream, edges, above[:-1] - above[1:], tallies, seen, windows)


def correlate_sampled(
    stream: PhotonStream,
    *,
    edges_ticks: NDArray[np.integer],
    every: int,
    first: int = 0,
    second: int = 1,
) -> G2Curve:
    """Count pairs as `correlate_between` does, but of a share of the photons with all earlier ones.

    Of each detector every so many-th photon is paired with all photons of the other one before
    it. These photons follow the intensity as all do, so that g2 is the same but for its noise;
    its cost is that of those photons at each edge.

    Parameters
    ----------
    stream : PhotonStream
    edges_ticks : ndarray of int, shape (n + 1,)
    every : int
        1 counts all pairs.
    first, second
        As for `correlate_between`.

    Returns
    -------
    G2Curve
        Its counts and accidentals are of the pairs looked at; its numbers of photons are of all.

    Raises
    ------
    ConfigurationError, FormatError
        As for `correlate`.
    """
    edges, span = _rising(edges_ticks)
    _require(every >= 1, f"every = {every}", "at least 1")
    _check(first, second, span)
    # A first is earlier at delays of zero or more, a second at those of zero or less.
    back_firsts = np.maximum(edges, 0)
    back_seconds = 1 - np.minimum(edges, 1)[::-1]
    after_firsts, after_seconds = np.zeros((2, edges.size - 1), np.int64)
    tallies, n_kept = np.zeros(N_TALLIES, np.int64), np.zeros(2, np.int64)
    firsts, seconds = np.empty(2 * _PIECE, np.int64), np.empty(2 * _PIECE, np.int64)
    seen = _Span()
    for block in arrivals(stream, gap=span + 1):
        for piece in _pieces(block):
            seen.extend(piece)
            firsts = _with_room(firsts, int(n_kept[0]) + piece.time.size, stream, span)
            seconds = _with_room(seconds, int(n_kept[1]) + piece.time.size, stream, span)
            count_sampled(
                piece.time,
                piece.channel,
                first,
                second,
                back_firsts,
                back_seconds,
                every,
                after_firsts,
                after_seconds,
                firsts,
                seconds,
                n_kept,
                tallies,
            )
    counts = after_firsts + after_seconds[::-1]
    curve = _curve(stream, edges, counts, tallies, seen, None)
    return replace(curve, accidentals=curve.accidentals / every)


def start_stop(
    stream: PhotonStream,
    *,
    bin_ticks: int,
    n_bins: int,
    first: int = 0,
    second: int = 1,
    window_s: TimeWindows | None = None,
) -> G2Curve:
    """Count delays as a start-stop counter does: from a start to the next stop alone.

    For comparison with such instruments. At rates times delays that are not small it falls off
    exponentially; `correlate` does not.

    Parameters
    ----------
    stream : PhotonStream
    bin_ticks, n_bins : int
        Delays ``0 <= delay < n_bins * bin_ticks``; a start without a stop by then is dropped.
    first, second : int
        Detectors of the starts and of the stops.
    window_s
        As for `correlate`.

    Returns
    -------
    G2Curve
        Labelled ``method="start-stop"``.
    """
    _require(bin_ticks >= 1, f"bin_ticks = {bin_ticks}", "at least 1 tick")
    _require(1 <= n_bins <= _MOST_BINS, f"n_bins = {n_bins}", f"1 ... {_MOST_BINS}")
    span = bin_ticks * n_bins
    _check(first, second, span)
    windows = _windows(stream, window_s, span)
    counts = np.zeros(n_bins, np.int64)
    tallies = np.zeros(N_TALLIES, np.int64)
    started = -1
    seen = _Span()
    for block in arrivals(stream, gap=span + 1, windows=windows):
        seen.extend(block)
        started = count_next(
            block.time, block.channel, first, second, bin_ticks, counts, started, tallies
        )
    edges = bin_ticks * np.arange(n_bins + 1)
    curve = _curve(stream, edges, counts, tallies, seen, windows)
    return G2Curve(
        curve.edges_ns,
        curve.counts,
        curve.accidentals,
        curve.duration_s,
        curve.counts_1,
        curve.counts_2,
        method="start-stop",
    )


def log_edges(shortest_ticks: int, longest_ticks: int, *, bins_per_decade: int = 10) -> Ticks:
    """Return whole, rising edges that grow by a constant factor, where that is at least a tick.

    Parameters
    ----------
    shortest_ticks, longest_ticks : int
        The first and the last edge.
    bins_per_decade : int
    """
    _require(
        1 <= shortest_ticks < longest_ticks <= _LONGEST_TICKS,
        f"delays from {shortest_ticks} to {longest_ticks} ticks",
        f"rising ones among 1 ... {_LONGEST_TICKS}",
    )
    _require(
        1 <= bins_per_decade <= 1000, f"bins_per_decade = {bins_per_decade}", "1 ... 1000 of them"
    )
    decades = np.log10(longest_ticks / shortest_ticks)
    n_bins = max(round(decades * bins_per_decade), 1)
    inner = np.rint(np.geomspace(shortest_ticks, longest_ticks, n_bins + 1)[1:-1])
    edges = np.unique(np.concatenate([[shortest_ticks], inner.astype(np.int64), [longest_ticks]]))
    return np.asarray(edges, np.int64)


def _rising(edges_ticks: NDArray[np.integer]) -> tuple[Ticks, int]:
    """Return edges, and the longest delay of either sign."""
    edges = np.asarray(edges_ticks)
    rising = edges.ndim == 1 and edges.size >= 2 and bool(np.all(edges[1:] > edges[:-1]))
    whole = np.issubdtype(edges.dtype, np.integer)
    _require(rising and whole, f"edges {edges_ticks!r}"[:80], "two or more rising whole numbers")
    return edges.astype(np.int64), max(abs(int(edges[0])), abs(int(edges[-1])))


def _require(fine: bool, found: str, expected: str) -> None:
    if not fine:
        raise ConfigurationError(f"found {found}, expected {expected}; correct it")


def _check(first: int, second: int, span: int) -> None:
    _require(
        0 <= first <= _MOST_DETECTOR and 0 <= second <= _MOST_DETECTOR,
        f"detectors {first} and {second}",
        f"0 ... {_MOST_DETECTOR}",
    )
    _require(span <= _LONGEST_TICKS, f"delays up to {span} ticks", f"at most {_LONGEST_TICKS}")


def _windows(stream: PhotonStream, window_s: TimeWindows | None, span: int) -> Windows | None:
    return None if window_s is None else Windows(stream, window_s, span + 1)


def _pieces(block: Arrivals) -> list[Arrivals]:
    return [
        Arrivals(block.time[start : start + _PIECE], block.channel[start : start + _PIECE])
        for start in range(0, block.time.size, _PIECE)
    ]


def _with_room(kept: Ticks, n_needed: int, stream: PhotonStream, span: int) -> Ticks:
    """Return the array, enlarged if it does not hold as many."""
    if n_needed <= kept.size:
        return kept
    if n_needed > _MOST_KEPT:
        raise FormatError(
            f"{stream.source}: found more than {n_needed - _PIECE} photons within "
            f"{span * stream.tick_s:.3g} s, expected at most {_MOST_KEPT}; choose shorter delays, "
            "or the times are damaged"
        )
    larger = np.empty(min(2 * n_needed, _MOST_KEPT), np.int64)
    larger[: kept.size] = kept
    return larger


def _curve(
    stream: PhotonStream,
    edges: Ticks,
    counts: Ticks,
    tallies: Ticks,
    seen: _Span,
    windows: Windows | None,
) -> G2Curve:
    edges_ns = np.asarray(edges * (stream.tick_s * 1e9), np.float64)
    lengths_s = (
        None if windows is None else np.asarray(windows.lengths() * stream.tick_s, np.float64)
    )
    duration_s = seen.duration_s(stream.tick_s) if lengths_s is None else float(lengths_s.sum())
    counts_1, counts_2 = int(tallies[FIRSTS]), int(tallies[SECONDS])
    expected = accidentals(
        edges_ns,
        counts_1=counts_1,
        counts_2=counts_2,
        duration_s=duration_s,
        lengths_s=lengths_s,
    )
    return G2Curve(edges_ns, counts, expected, duration_s, counts_1, counts_2)
