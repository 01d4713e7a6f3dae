"""Photons with their arrival times, read block by block."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Ticks = NDArray[np.int64]


@dataclass(frozen=True)
class PhotonBlock:
    """Photons in file order.

    Attributes
    ----------
    time : ndarray of int64, shape (n,)
        T2: ticks since the start. T3: number of the sync before the photon, from 0.
    channel : ndarray of uint8, shape (n,)
        Detectors from 0; sync, marker and overflow records are no photons and never here.
    delay : ndarray of int64, shape (n,), or None
        T3: ticks after that sync. None in T2.
    """

    time: Ticks
    channel: NDArray[np.uint8]
    delay: Ticks | None = None


@dataclass(frozen=True)
class PhotonStream:
    """A time-tag file; nothing of its payload is held.

    Attributes
    ----------
    source : str
        What to call it in messages.
    mode : {"T2", "T3"}
    tick_s : float
        Duration of a tick of `PhotonBlock.time` (T2) or of `PhotonBlock.delay` (T3).
    period_s : float or None
        T3: from one sync to the next.
    reader : callable
        ``reader()`` yields the blocks from the start; each call starts anew.
    header : mapping
        What the file says of itself: any of ``duration_s``, ``n_records``, ``instrument``.
    warnings : list of str
        What was found wrong and could be passed over; complete once a reading has ended.
    split : callable or None
        ``split(n)`` gives streams of n successive parts, to be read at the same time; fewer, or
        none, where that is not worth while. None where the format does not allow it.
    """

    source: str
    mode: Literal["T2", "T3"]
    tick_s: float
    period_s: float | None
    reader: Callable[[], Iterator[PhotonBlock]] = field(repr=False)
    header: Mapping[str, float | str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    split: "Callable[[int], list[PhotonStream]] | None" = field(default=None, repr=False)
