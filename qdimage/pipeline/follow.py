"""g2(0) of a time-tag file while it is being recorded."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from qdimage.domain.g2_zero import G2Zero, PulsedG2Zero
from qdimage.domain.photons import PhotonStream
from qdimage.domain.refusal import Refusal
from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.time_tags import (
    GROWING_READERS,
    open_growing_photons,
    promised_records,
)
from qdimage.photons.arrivals import arrivals
from qdimage.photons.correlate import PairCount
from qdimage.photons.dip_options import DipOptions
from qdimage.pipeline.g2 import G2Answer, G2Settings, completed, g2_of_curve, g2_of_file
from qdimage.pipeline.photons import equal_bins

_POLL_S = 0.1
# A recorder writes its header at once; what is none by then is damaged, or another kind of file.
_HEADER_S = 3.0


@dataclass(frozen=True)
class FollowSettings:
    """When to look at a file, and when to stop.

    Attributes
    ----------
    every_s : float
        Between two answers, at least; more where an answer takes longer to find.
    idle_s : float
        Stop when the file has not grown for so long.
    until_width : float or None
        Stop when the 95 % interval of g2(0) is not wider.
    """

    every_s: float = 5.0
    idle_s: float = 30.0
    until_width: float | None = None


def follow_g2(
    path: Path,
    *,
    settings: G2Settings,
    options: DipOptions,
    follow: FollowSettings,
    show: Callable[[G2Answer], None],
    stopped: Callable[[], bool] = lambda: False,
) -> G2Answer:
    """Count the pairs of a growing file as they come; show the answer so far every few seconds.

    Nothing is read twice on the way. Of a file that has ended, the last answer is that of
    `g2_of_file`; of one that is stopped before, it is that of the curve so far.

    Parameters
    ----------
    path : pathlib.Path
    settings, options
        As for `g2_of_file`.
    follow : FollowSettings
    show : callable
        Called with each answer but the last.
    stopped : callable
        Ends it when True; asked several times in a second.

    Raises
    ------
    FormatError, ConfigurationError
        As for `g2_of_file`.
    """
    if settings.bright_only or settings.window_s is not None:
        raise ConfigurationError(
            f"{path}: found a time window or the bright level alone, expected neither while the "
            "file is followed; correlate it when it has ended"
        )
    width = follow.until_width
    # False also where one is NaN.
    if not (follow.idle_s > 0 and follow.every_s > 0 and (width is None or width > 0)):
        raise ConfigurationError(
            f"found idle_s = {follow.idle_s}, every_s = {follow.every_s} and until_width = "
            f"{width}, expected numbers above 0; correct them"
        )
    watch = _Watch(path, settings, options, follow, show, stopped)
    stream = watch.opened()
    ticks, n_bins = equal_bins(stream, bin_ns=settings.bin_ns, longest_ns=settings.longest_ns)
    first, second = settings.detectors
    pairs = PairCount(stream, bin_ticks=ticks, n_bins=n_bins, first=first, second=second)
    watch.pairs = pairs
    for block in arrivals(stream, gap=pairs.span + 1):
        pairs.add(block)
    if watch.is_finished:
        # With what the long delays of the whole file say of plateau and detectors.
        return g2_of_file(path, settings=settings, options=options)
    return replace(watch.answer(), warnings=tuple(stream.warnings))


class _Watch:
    """Decides before each reading whether to go on, waiting where nothing is new."""

    def __init__(
        self,
        path: Path,
        settings: G2Settings,
        options: DipOptions,
        follow: FollowSettings,
        show: Callable[[G2Answer], None],
        stopped: Callable[[], bool],
    ) -> None:
        self._path, self._settings, self._options = path, settings, options
        self._follow, self._show, self._stopped = follow, show, stopped
        self._grown_at = time.monotonic()
        self._next_look = self._grown_at + follow.every_s
        self._n_shown = 0
        self.n_read = 0
        self.is_finished = False
        self.pairs: PairCount | None = None

    def opened(self) -> PhotonStream:
        """Open the file, as soon as its recorder has written the header."""
        latest = time.monotonic() + min(_HEADER_S, self._follow.idle_s)
        while True:
            try:
                return open_growing_photons(self._path, go_on=self.go_on)
            except FormatError:
                growing = self._path.is_file() and self._path.suffix.lower() in GROWING_READERS
                if not growing or self._stopped() or time.monotonic() > latest:
                    raise
                time.sleep(_POLL_S)

    def go_on(self, n_read: int) -> bool:
        """Whether to read on; see `open_growing_photons`."""
        is_new = n_read > self.n_read
        self.n_read = n_read
        if is_new:
            self._grown_at = time.monotonic()
        if self._stopped() or self._is_good_enough():
            return False
        if is_new:
            return True
        if self._is_idle() or 0 < self.promised() <= n_read:
            self.is_finished = True
            return False
        time.sleep(_POLL_S)
        return True

    def promised(self) -> int:
        """How many records the header promises by now; 0 while that is not to be read."""
        with suppress(FormatError):
            return promised_records(self._path)
        return 0

    def answer(self) -> G2Answer:
        """Return the answer for all records so far."""
        if self.pairs is None:
            raise ConfigurationError(f"{self._path}: nothing is counted yet; wait")
        curve = self.pairs.curve()
        try:
            settings = completed(self._path, curve, self._settings)
        except ConfigurationError as error:
            # As a period that does not show yet.
            dark_counts_s = self._settings.dark_counts_s
            return G2Answer(self._path, curve, Refusal(str(error)), (), dark_counts_s)
        return g2_of_curve(self._path, curve, (), settings=settings, options=self._options)

    def _is_idle(self) -> bool:
        return time.monotonic() - self._grown_at >= self._follow.idle_s

    def _is_good_enough(self) -> bool:
        """Look at the answer, if it is time and there is something new."""
        start = time.monotonic()
        if start < self._next_look or self.n_read == self._n_shown or self.pairs is None:
            return False
        self._n_shown = self.n_read
        found = self.answer()
        self._show(found)
        taken = time.monotonic() - start
        # The file is not idle for the time that nobody looked at it.
        self._grown_at += taken
        self._next_look = start + taken + max(self._follow.every_s, taken)
        width, asked = interval_width(found.answer), self._follow.until_width
        return asked is not None and width is not None and width <= asked


def interval_width(answer: G2Zero | PulsedG2Zero | Refusal) -> float | None:
    """Return the full width of the 95 % interval, None where there is no answer."""
    return None if isinstance(answer, Refusal) else answer.high_95 - answer.low_95
