"""Every parser, with a small valid file that it is given damaged."""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from counter_files import SUFFIX, legacy_file, photon_file, spc_events, spc_file, write_phu
from spectrum_files import SENSOR, wavelengths, write_sif, write_spe2, write_spe3
from stack_files import SINGLE_CHANNEL, write_sif_stack
from time_tag_files import NAMES, events_of, write_events

from fuzzed import anatomy
from fuzzed.damage import Anatomy
from fuzzed.documents import DOCUMENTS, TABLES
from qdimage.io import open_stack
from qdimage.io.bias_map_file import read_bias_map, write_bias_map
from qdimage.io.iv_file import open_iv
from qdimage.io.object_file import read_object, write_object
from qdimage.io.spectrum_file import open_spectrum
from qdimage.io.time_tags import open_histogram, open_photons
from qdimage.photons.correlate import correlate
from qdimage.simulation.iv import Readings, write_kickstart

_RNG_SEED = 7
_N_EVENTS = 300


@dataclass(frozen=True)
class Subject:
    """A parser.

    Attributes
    ----------
    make : callable
        Writes a valid file into a folder and returns its path.
    open : callable
        Opens a file by its header; what it returns is given to `rest`. Refusals there do not count
        as having reached the payload.
    rest : callable
        Reads what is behind; None where a file is read as a whole.
    anatomy : callable
        Of the bytes of a valid file.
    """

    make: Callable[[Path], Path]
    open: Callable[[Path], Any]
    rest: Callable[[Any], object] | None = None
    anatomy: Callable[[bytes], Anatomy] = anatomy.of_toml


def read_through(subject: Subject, path: Path, reached: Callable[[], None]) -> None:
    """Read a file to its end; `reached` is called when it has been opened."""
    opened = subject.open(path)
    reached()
    if subject.rest is not None:
        subject.rest(opened)


def _frames(dtype: Any = np.uint16) -> np.ndarray:
    return np.random.default_rng(_RNG_SEED).integers(1, 2000, (4, 12, 16)).astype(dtype)


def _blocks(stack: Any) -> None:
    with stack:
        for _ in stack.blocks(2):
            pass


def _correlated(stream: Any) -> None:
    correlate(stream, bin_ticks=128, n_bins=64)


def _stack(make: Callable[[Path], Path], parts: Callable[[bytes], Anatomy]) -> Subject:
    return Subject(make, open_stack, _blocks, parts)


def _photons(make: Callable[[Path], Path], parts: Callable[[bytes], Anatomy]) -> Subject:
    return Subject(make, open_photons, _correlated, parts)


def _tiff(kind: str) -> Subject:
    def make(folder: Path) -> Path:
        SINGLE_CHANNEL[kind](folder / "a.tif")
        return folder / "a.tif"

    return _stack(make, anatomy.of_tiff)


def _sif_stack(folder: Path) -> Path:
    return write_sif_stack(folder / "a.sif", _frames())


def _fits(packed: bool) -> Subject:
    def make(folder: Path) -> Path:
        from astropy.io import fits

        frames, path = _frames(np.int16), folder / "a.fits"
        unit = fits.CompImageHDU(frames, compression_type="RICE_1") if packed else None
        fits.HDUList(
            [fits.PrimaryHDU(None if packed else frames), *([unit] if unit else [])]
        ).writeto(path)
        return path

    return _stack(make, anatomy.of_fits)


def _ptu(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        return write_events(folder / "a.ptu", name, events_of(name, n=_N_EVENTS))

    return make


def _legacy(name: str) -> Subject:
    records = 4 * _N_EVENTS

    def make(folder: Path) -> Path:
        data = _ptu(name)(folder).read_bytes()
        return legacy_file(folder, name, data[-records:], _N_EVENTS)

    return _photons(make, lambda data: anatomy.of_bytes(len(data) - records))


def _spc(folder: Path) -> Path:
    return spc_file(folder, spc_events(_N_EVENTS)[2])


def _hdf5(folder: Path) -> Path:
    rng = np.random.default_rng(_RNG_SEED)
    columns = {
        "timestamps": np.cumsum(rng.integers(0, 5000, _N_EVENTS)),
        "detectors": rng.integers(0, 2, _N_EVENTS).astype(np.uint8),
        "nanotimes": rng.integers(0, 4096, _N_EVENTS).astype(np.uint16),
    }
    return photon_file(
        folder / "a.h5", {"photon_data": columns}, unit_s=5e-8, tcspc_s=1.6e-11, rate_hz=2e7
    )


def _of_hdf5(data: bytes) -> Anatomy:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.h5"
        path.write_bytes(data)
        return anatomy.of_hdf5(path)


def _spectra() -> Iterable[tuple[str, Subject]]:
    counts = np.random.default_rng(_RNG_SEED).poisson(100.0, (2, SENSOR))
    axis = wavelengths(400.0, 5.0, 60)
    yield (
        "spectrum, sif",
        Subject(
            lambda folder: write_sif(folder / "a.sif", counts),
            open_spectrum,
            anatomy=lambda data: anatomy.of_sif(data, counts.size),
        ),
    )
    yield (
        "spectrum, spe 2",
        Subject(
            lambda folder: write_spe2(folder / "a.spe", counts),
            open_spectrum,
            anatomy=anatomy.of_spe,
        ),
    )
    yield (
        "spectrum, spe 3",
        Subject(
            lambda folder: write_spe3(
                folder / "a.spe", counts[:, None], wavelength_nm=wavelengths()
            ),
            open_spectrum,
            anatomy=anatomy.of_spe,
        ),
    )
    for suffix, separator in ((".asc", "\t"), (".txt", " ")):
        text = "\n".join(f"{x:g}{separator}{100 + x:g}" for x in axis)
        written = _text(f"a{suffix}", text, open_spectrum)
        yield f"spectrum, {suffix[1:]}", replace(written, anatomy=anatomy.of_numbers)
    yield (
        "spectrum, csv",
        _text("a.csv", columns("wavelength_nm,counts", axis, axis), open_spectrum),
    )


def _text(name: str, text: str, read: Callable[[Path], Any], rest: Any = None) -> Subject:
    def make(folder: Path) -> Path:
        (folder / name).write_text(text, encoding="utf-8")
        return folder / name

    return Subject(make, read, rest, anatomy.of_table)


def columns(names: str, *values: np.ndarray) -> str:
    """Return a table as CSV."""
    rows = [",".join(f"{value:g}" for value in row) for row in zip(*values, strict=True)]
    return "\n".join([names, *rows]) + "\n"


def _object(folder: Path) -> Path:
    write_object(folder / "a.zip", {"values": np.arange(20.0), "name": ("a", 1, None)})
    return folder / "a.zip"


def _bias_map(folder: Path) -> Path:
    write_bias_map(folder / "a.tif", _frames(np.float64)[0])
    return folder / "a.tif"


def _iv(folder: Path) -> Path:
    volts = np.linspace(0.0, 3.0, 40)
    write_kickstart(folder / "a.csv", Readings(0.1 * volts, volts, 1e-6 * volts**2), limit_a=1e-3)
    return folder / "a.csv"


def _histogram(path: Path) -> object:
    return open_histogram(path, duration_s=1.0, rate_counts_s=(1e3, 1e3))


def _all() -> dict[str, Subject]:
    lags, times = np.arange(-30, 30), np.arange(60)
    found = {f"tiff, {kind}": _tiff(kind) for kind in _TIFFS}
    found["bias map"] = Subject(_bias_map, read_bias_map, anatomy=anatomy.of_tiff)
    found["stack, sif"] = _stack(_sif_stack, lambda data: anatomy.of_sif(data, _frames().size))
    found["stack, spe"] = _stack(
        lambda folder: write_spe2(folder / "a.spe", _frames().reshape(4, -1)), anatomy.of_spe
    )
    if find_spec("astropy"):
        found |= {"stack, fits": _fits(False), "stack, packed fits": _fits(True)}
    found |= {f"ptu, {name}": _photons(_ptu(name), anatomy.of_picoquant) for name in NAMES}
    found |= {f"{suffix[1:]}, {name}": _legacy(name) for name, suffix in SUFFIX.items()}
    found["spc"] = _photons(_spc, lambda _: anatomy.of_bytes(4))
    found["photon-hdf5"] = _photons(_hdf5, _of_hdf5)
    found["phu"] = Subject(
        lambda folder: write_phu(folder, np.arange(50)[None]),
        open_histogram,
        anatomy=anatomy.of_picoquant,
    )
    found["time tags, csv"] = _text(
        "a.csv", columns("time_ps,channel", times * 1000, times % 2), open_photons, _correlated
    )
    found["histogram, csv"] = _text("a.csv", columns("lag_ns,counts", lags, times), _histogram)
    found |= dict(_spectra())
    found["i-v, kickstart"] = Subject(_iv, open_iv, anatomy=anatomy.of_table)
    found["i-v, columns"] = _text(
        "a.csv", columns("voltage,current", times / 20, times * 1e-6), open_iv
    )
    found["kept step"] = Subject(_object, read_object, anatomy=anatomy.of_archive)
    for name, (file, text, read, rest) in DOCUMENTS.items():
        parts = anatomy.of_json if file.endswith(".json") else anatomy.of_toml
        found[name] = Subject(_text(file, text, read).make, read, rest, parts)
    for name, (file, text, read) in TABLES.items():
        found[name] = _text(file, text, read)
    return found


_TIFFS = ("pages", "shaped", "bigtiff", "tiled zlib", "lzw", "12 bits packed", "imagej", "ome")
SUBJECTS: dict[str, Subject] = _all()
