"""Photon-HDF5 files (Ingargiola et al. 2016, doi:10.1016/j.bpj.2015.11.013), read with h5py.

Detectors are numbered from 0 in rising order of their ids, those of one spot after those of the
other. Where photons carry nanotimes, the timestamps are taken for counts of laser pulses, unless
the stated repetition rate says otherwise.
"""

import importlib
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.errors import ConfigurationError, FormatError

_BLOCK_PHOTONS = 1 << 17
_MOST_SPOTS = 32
_MOST_DETECTORS = 64
_MOST_CHUNK_BYTES = 1 << 28
# Deflate's best; a dataset that claims more than this times what is stored holds nothing.
_MOST_COMPRESSED = 1100
_MOST_TICKS = 1 << 60
_SAME_RATE = 0.01
_SPOT = re.compile(r"photon_data(\d*)")


class _Layout(NamedTuple):
    """What all spots have in common."""

    tick_s: float
    period_s: float | None
    said: dict[str, float | str]


@dataclass(frozen=True)
class _Spot:
    """A group of photons, and the numbers of its detectors by their ids."""

    name: str
    n_photons: int
    numbers: dict[int, int]
    has_detectors: bool


class _Photons(NamedTuple):
    time: NDArray[np.int64]
    channel: NDArray[np.uint8]
    delay: NDArray[np.int64] | None


def open_photon_hdf5(path: Path) -> PhotonStream:
    """Open a Photon-HDF5 file; see `qdimage.io.time_tags.open_photons`."""
    warnings: list[str] = []
    with _opened(path) as file:
        names = _spot_names(path, file)
        layout = _layout(path, file, names, warnings)
        spots = _spots(path, file, names, layout, warnings)

    def reader() -> Iterator[PhotonBlock]:
        return _blocks(path, spots, layout, warnings)

    return PhotonStream(
        str(path),
        "T2" if layout.period_s is None else "T3",
        layout.tick_s,
        layout.period_s,
        reader,
        layout.said,
        warnings,
    )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file; whatever is wrong with it is a `FormatError`."""
    try:
        h5py = importlib.import_module("h5py")
    except ImportError as error:
        raise ConfigurationError(
            f"{path}: found no h5py, expected it for Photon-HDF5; install qdimage[hdf5]"
        ) from error
    try:
        with h5py.File(path, "r") as file:
            yield file
    except FormatError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, OverflowError) as error:
        reason = " ".join(str(error).split())[:200]
        raise FormatError(
            f"{path}: cannot be read as HDF5 ({reason}); it is another kind of file, or damaged"
        ) from error


def _spot_names(path: Path, file: Any) -> list[str]:
    found = [(match[1], name) for name in file if (match := _SPOT.fullmatch(name))]
    names = [name for _, name in sorted(found, key=lambda each: int(each[0] or 0))]
    if not 1 <= len(names) <= _MOST_SPOTS:
        raise FormatError(
            f"{path}: found {len(names)} groups photon_data, expected 1 ... {_MOST_SPOTS}; it is "
            "HDF5 of another layout, export the time tags as Photon-HDF5"
        )
    return names


def _dataset(path: Path, file: Any, name: str) -> Any:
    """Return a dataset that is stored in the file itself, or None where there is none."""
    place = file
    *groups, last = name.split("/")
    for part in groups:
        _refuse_link(path, place, part)
        place = place.get(part)
        if not hasattr(place, "keys"):
            return None
    _refuse_link(path, place, last)
    found = place.get(last)
    if found is None or not hasattr(found, "shape"):
        return None
    if found.is_virtual or found.external:
        raise FormatError(
            f"{path}: keeps {name} in another file, expected it inside; copy it into one file"
        )
    return found


def _refuse_link(path: Path, group: Any, name: str) -> None:
    link = group.get(name, getlink=True) if name in group else None
    if type(link).__name__ == "ExternalLink":
        raise FormatError(
            f"{path}: keeps {name} in another file, expected it inside; copy it into one file"
        )


def _column(path: Path, file: Any, name: str) -> Any:
    """Return a dataset of whole numbers in one dimension, None where there is none."""
    found = _dataset(path, file, name)
    if found is None:
        return None
    if len(found.shape) != 1 or found.dtype.kind not in "iu":
        raise FormatError(
            f"{path}: found {name} of type {found.dtype} and shape {found.shape}, expected a "
            "column of whole numbers; export the file again"
        )
    stored = found.id.get_storage_size()
    in_chunk = math.prod(found.chunks or (0,)) * found.dtype.itemsize
    if found.nbytes > _MOST_COMPRESSED * stored or in_chunk > _MOST_CHUNK_BYTES:
        raise FormatError(
            f"{path}: found {found.shape[0]} numbers in {stored} bytes of {name}, expected as many "
            "as are stored, in pieces of less than 256 MB; the file is damaged, export it again"
        )
    return found


def _scalar(path: Path, file: Any, name: str) -> float | None:
    found = _dataset(path, file, name)
    if found is None or found.size != 1 or found.dtype.kind not in "iuf":
        return None
    value = float(np.ravel(found[()])[0])
    return value if math.isfinite(value) else None


def _layout(path: Path, file: Any, names: list[str], warnings: list[str]) -> _Layout:
    units = {_unit(path, file, f"{name}/timestamps_specs/timestamps_unit") for name in names}
    if len(units) > 1:
        raise FormatError(
            f"{path}: found spots with the timestamps_unit {sorted(units)}, expected one for all; "
            "export each spot as a file"
        )
    unit_s = units.pop()
    said: dict[str, float | str] = {}
    duration_s = _scalar(path, file, "acquisition_duration")
    if duration_s is not None and duration_s > 0:
        said["duration_s"] = duration_s
    with_nanotimes = [_column(path, file, f"{name}/nanotimes") is not None for name in names]
    if not all(with_nanotimes):
        if any(with_nanotimes):
            warnings.append(f"{path}: only some spots have nanotimes; they are left out")
        return _Layout(unit_s, None, said)
    rate_hz = _laser_rate_hz(path, file, names[0])
    if rate_hz is not None and abs(rate_hz * unit_s - 1) > _SAME_RATE:
        warnings.append(
            f"{path}: found a laser of {rate_hz:g} Hz and timestamps of {unit_s:g} s, which do not "
            "count its pulses; nanotimes are left out, times are known to a timestamp"
        )
        return _Layout(unit_s, None, said)
    if rate_hz is None:
        warnings.append(
            f"{path}: found no laser_repetition_rate beside nanotimes; timestamps are taken for "
            "counts of its pulses"
        )
    tick_s = _unit(path, file, f"{names[0]}/nanotimes_specs/tcspc_unit")
    if tick_s > unit_s:
        raise FormatError(
            f"{path}: found a tcspc_unit of {tick_s} s above the timestamps_unit of {unit_s} s, "
            "expected less; correct them"
        )
    return _Layout(tick_s, unit_s, said)


def _unit(path: Path, file: Any, name: str) -> float:
    value = _scalar(path, file, name)
    if value is None or not 1e-15 <= value <= 1e-3:
        raise FormatError(
            f"{path}: found {name} = {value}, expected 1e-15 ... 0.001 s; export the file again"
        )
    return value


def _laser_rate_hz(path: Path, file: Any, spot: str) -> float | None:
    for name in (f"{spot}/measurement_specs/laser_repetition_rate", "setup/laser_repetition_rates"):
        rate_hz = _scalar(path, file, name)
        if rate_hz is not None and rate_hz > 0:
            return rate_hz
    return None


def _spots(
    path: Path, file: Any, names: list[str], layout: _Layout, warnings: list[str]
) -> list[_Spot]:
    spots: list[_Spot] = []
    n_before = 0
    for name in names:
        columns = {"timestamps": _column(path, file, f"{name}/timestamps")}
        columns["detectors"] = _column(path, file, f"{name}/detectors")
        if layout.period_s is not None:
            columns["nanotimes"] = _column(path, file, f"{name}/nanotimes")
        if columns["timestamps"] is None:
            raise FormatError(
                f"{path}: found no timestamps in {name}, expected them; it is HDF5 of another "
                "layout, export the time tags as Photon-HDF5"
            )
        lengths = {each.shape[0] for each in columns.values() if each is not None}
        n_photons = min(lengths)
        if len(lengths) > 1:
            warnings.append(
                f"{path}: found columns of {sorted(lengths)} photons in {name}, expected equal "
                f"ones; the first {n_photons} are read"
            )
        ids = _ids(path, columns["detectors"], n_photons) - _no_photons(path, file, name)
        numbers = {each: n_before + k for k, each in enumerate(sorted(ids))}
        n_before += len(numbers)
        if n_before > _MOST_DETECTORS:
            raise FormatError(
                f"{path}: found more than {_MOST_DETECTORS} detectors, expected fewer; the ids are "
                "damaged"
            )
        spots.append(_Spot(name, n_photons, numbers, columns["detectors"] is not None))
    return spots


def _ids(path: Path, detectors: Any, n_photons: int) -> set[int]:
    """Return the ids that occur; a spot without any has one detector."""
    if detectors is None:
        return {0}
    ids: set[int] = set()
    for start in range(0, n_photons, _BLOCK_PHOTONS):
        ids |= set(np.unique(detectors[start : min(start + _BLOCK_PHOTONS, n_photons)]).tolist())
        if len(ids) > 4 * _MOST_DETECTORS:
            raise FormatError(
                f"{path}: found more than {4 * _MOST_DETECTORS} ids of detectors, expected at most "
                f"{_MOST_DETECTORS}; they are damaged"
            )
    return ids


def _no_photons(path: Path, file: Any, spot: str) -> set[int]:
    """Return the ids of markers."""
    specs = file.get(f"{spot}/measurement_specs/detectors_specs")
    ids: set[int] = set()
    for name in specs if hasattr(specs, "keys") else ():
        if name.startswith("non_photon_id"):
            column = _dataset(path, specs, name)
            if column is not None and column.size <= 4 * _MOST_DETECTORS:
                ids |= {int(each) for each in np.ravel(column[()])}
    return ids


def _blocks(
    path: Path, spots: list[_Spot], layout: _Layout, warnings: list[str]
) -> Iterator[PhotonBlock]:
    n_backwards = 0
    with _opened(path) as file:
        latest = -_MOST_TICKS
        for photons in _merged([_photons(path, file, spot, layout) for spot in spots]):
            if photons.time.size:
                n_backwards += int(np.count_nonzero(np.diff(photons.time, prepend=latest) < 0))
                latest = int(photons.time[-1])
            yield PhotonBlock(photons.time, photons.channel, photons.delay)
    if n_backwards:
        text = (
            f"{path}: time runs backwards at {n_backwards} places, expected it to grow; timestamps "
            "are damaged or lost there"
        )
        if text not in warnings:
            warnings.append(text)


def _photons(path: Path, file: Any, spot: _Spot, layout: _Layout) -> Iterator[_Photons]:
    """Yield the photons of one spot, without its markers."""
    group = file[spot.name]
    ids = np.array(sorted(spot.numbers), np.int64)
    numbers = np.array([spot.numbers[each] for each in sorted(spot.numbers)], np.uint8)
    for start in range(0, spot.n_photons, _BLOCK_PHOTONS):
        piece = slice(start, min(start + _BLOCK_PHOTONS, spot.n_photons))
        time = group["timestamps"][piece]
        if time.min() < -_MOST_TICKS or time.max() > _MOST_TICKS:
            raise FormatError(
                f"{path}: found timestamps beyond 2^60 behind photon {start}, expected less; they "
                "are damaged"
            )
        time = time.astype(np.int64)
        delay = group["nanotimes"][piece].astype(np.int64) if layout.period_s is not None else None
        if not spot.has_detectors:
            yield _Photons(time, np.full(time.size, numbers[0], np.uint8), delay)
            continue
        found = group["detectors"][piece].astype(np.int64)
        place = np.searchsorted(ids, found)
        kept = np.isin(found, ids)
        late = delay[kept] if delay is not None else None
        yield _Photons(time[kept], numbers[place[kept]], late)


def _merged(sources: list[Iterator[_Photons]]) -> Iterator[_Photons]:
    """Yield the photons of several spots in the order of their times."""
    if len(sources) == 1:
        yield from sources[0]
        return
    heads: list[_Photons | None] = [None] * len(sources)
    while True:
        for k, source in enumerate(sources):
            while heads[k] is None or not heads[k].time.size:  # type: ignore[union-attr]
                heads[k] = next(source, None)
                if heads[k] is None:
                    break
        present = {k: head for k, head in enumerate(heads) if head is not None}
        if not present:
            return
        latest = min(int(head.time[-1]) for head in present.values())
        taken = []
        for k, head in present.items():
            n = int(np.searchsorted(head.time, latest, side="right"))
            # All of the one that ends first, even where its times run backwards.
            n = head.time.size if head.time[-1] == latest else n
            taken.append(_part(head, slice(None, n)))
            heads[k] = _part(head, slice(n, None))
        yield _in_order(taken)


def _part(photons: _Photons, piece: slice) -> _Photons:
    delay = None if photons.delay is None else photons.delay[piece]
    return _Photons(photons.time[piece], photons.channel[piece], delay)


def _in_order(parts: list[_Photons]) -> _Photons:
    time = np.concatenate([each.time for each in parts])
    order = np.argsort(time, kind="stable")
    channel = np.concatenate([each.channel for each in parts])[order]
    delays = [each.delay for each in parts if each.delay is not None]
    return _Photons(time[order], channel, np.concatenate(delays)[order] if delays else None)
