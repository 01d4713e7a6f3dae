"""Events of every kind of time-tag file, and slow, plain answers to compare with."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from folders import CLONE

from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.errors import FormatError
from qdimage.io.ptu_records import RECORD_TYPES
from qdimage.simulation.ptu_writer import MARKER, PHOTON, SYNC, write_ptu

REAL = CLONE.parent / "shared" / "data" / "photons"
NAMES = [each.name for each in RECORD_TYPES.values()]
T2_NAMES = [name for name in NAMES if name.endswith("T2")]
T3_NAMES = [name for name in NAMES if name.endswith("T3")]


def events_of(name: str, n: int = 3000, seed: int = 3) -> dict[str, np.ndarray]:
    """Return photons, markers and, where the device writes such, syncs, across many overflows."""
    rng = np.random.default_rng(seed)
    wrap = next(each.wrap for each in RECORD_TYPES.values() if each.name == name)
    pico = name.startswith("PicoHarp")
    steps = rng.choice([0, 1, 40, wrap // 7, 3 * wrap], n, p=[0.1, 0.2, 0.4, 0.28, 0.02])
    event = rng.choice([PHOTON, MARKER, SYNC], n, p=[0.9, 0.05, 0.05])
    if pico or name.endswith("T3"):
        event[event == SYNC] = PHOTON
    delay = rng.integers(0, 4096 if pico else 1 << 15, n)
    channel = np.where(event == MARKER, rng.integers(1, 16, n), rng.integers(0, 4, n))
    return {"time": np.cumsum(steps), "channel": channel, "event": event, "delay": delay}


def write_events(path: Path, name: str, events: dict[str, np.ndarray], **header: object) -> Path:
    """Write events as a file of the named device, T3 with a period of 25,000 ticks."""
    arrays = dict(events)
    if name.endswith("T2"):
        del arrays["delay"]
    period = {"period_s": 1e-7} if name.endswith("T3") else {}
    return write_ptu(path, record_type=name, tick_s=4e-12, **period, **arrays, **header)


def photons_in(stream: PhotonStream) -> PhotonBlock:
    """Read all photons at once."""
    blocks = list(stream.reader())
    delays = [block.delay for block in blocks if block.delay is not None]
    return PhotonBlock(
        np.concatenate([block.time for block in blocks]),
        np.concatenate([block.channel for block in blocks]),
        np.concatenate(delays) if delays else None,
    )


def reference_photons(path: Path, name: str) -> list[tuple[int, int, int]]:
    """Decode a file's records one by one: (time or sync, channel, delay)."""
    data = path.read_bytes()
    start = data.index(b"Header_End") + 48
    photons, clock = [], 0
    for at in range(start, len(data) - 3, 4):
        record = int.from_bytes(data[at : at + 4], "little")
        bits = f"{record:032b}"
        device, mode = name.rsplit(" ", 1)
        if device == "PicoHarp":
            channel = int(bits[:4], 2)
            if mode == "T2":
                time, delay, mark, wrap = int(bits[4:], 2), 0, int(bits[28:], 2), 210698240
            else:
                time, delay, wrap = int(bits[16:], 2), int(bits[4:16], 2), 65536
                mark, channel = delay, channel - 1 if channel < 15 else channel
            if channel < 15:
                photons.append((clock + time, channel, delay))
            elif mark == 0:
                clock += wrap
            continue
        special, channel = int(bits[0]), int(bits[1:7], 2)
        if mode == "T2":
            time, delay, wrap = int(bits[7:], 2), 0, 33552000 if "v1" in device else 33554432
        else:
            time, delay, wrap = int(bits[22:], 2), int(bits[7:22], 2), 1024
        if not special:
            photons.append((clock + time, channel, delay))
        elif channel == 63:
            clock += wrap * (1 if "v1" in device or time == 0 else time)
    return photons


def stream_of(
    time: np.ndarray, channel: np.ndarray, *, tick_s: float = 1e-12, n_block: int = 1000
) -> PhotonStream:
    """A T2 stream from memory, in blocks."""
    time, channel = np.asarray(time, np.int64), np.asarray(channel, np.uint8)

    def reader():
        for start in range(0, time.size, n_block):
            piece = slice(start, start + n_block)
            yield PhotonBlock(time[piece], channel[piece])

    return PhotonStream("memory", "T2", tick_s, None, reader)


def reference_pairs(
    time: np.ndarray, channel: np.ndarray, edges: np.ndarray, first: int = 0, second: int = 1
) -> np.ndarray:
    """Count every pair by its delay, all against all; no photon pairs with itself."""
    at_1, at_2 = np.flatnonzero(channel == first), np.flatnonzero(channel == second)
    counts = np.zeros(edges.size - 1, np.int64)
    for i in at_1:
        delay = time[at_2[at_2 != i]] - time[i]
        place = np.searchsorted(edges, delay, side="right") - 1
        inside = (place >= 0) & (place < counts.size)
        counts += np.bincount(place[inside], minlength=counts.size)
    return counts


@contextmanager
def fine_message(path: Path) -> Iterator[None]:
    """Let a `FormatError` pass that names the file in one line."""
    try:
        yield
    except FormatError as error:
        text = str(error)
    else:
        return
    assert "\n" not in text
    assert str(path) in text
