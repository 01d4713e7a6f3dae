"""Every parser, with a small valid file that it is given damaged."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import spectrum_files
import tifffile
from folders import DEMO
from time_tag_files import NAMES, events_of, write_events

from qdimage.io import open_stack
from qdimage.io.camera_file import read_camera_file
from qdimage.io.curation_file import read_curation
from qdimage.io.expectations_file import read_expectations
from qdimage.io.experiment_file import read_experiment
from qdimage.io.iv_file import open_iv
from qdimage.io.model_file import read_model_file
from qdimage.io.object_file import read_object, write_object
from qdimage.io.place_list import read_places
from qdimage.io.poi_list import read_poi_list
from qdimage.io.spectrum_file import open_spectrum
from qdimage.io.time_tags import open_histogram, open_photons

_RNG_SEED = 7


@dataclass(frozen=True)
class Subject:
    """A parser.

    Attributes
    ----------
    make : callable
        Writes a valid file into a folder and returns its path.
    read : callable
        Reads a file to its end.
    text : bool
        Whether the file is a text.
    header : callable
        Bytes of its header; what is behind is the payload.
    """

    make: Callable[[Path], Path]
    read: Callable[[Path], object]
    text: bool = False
    header: Callable[[bytes], int] = lambda data: min(len(data) // 2, 512)


def _frames(dtype: Any = np.uint16) -> np.ndarray:
    return np.random.default_rng(_RNG_SEED).integers(1, 2000, (4, 12, 16)).astype(dtype)


def _stack(path: Path) -> None:
    with open_stack(path) as stack:
        for _ in stack.blocks(2):
            pass


def _photons(path: Path) -> None:
    for _ in open_photons(path).reader():
        pass


def _tiff(**how: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        tifffile.imwrite(folder / "a.tif", _frames(), photometric="minisblack", **how)
        return folder / "a.tif"

    return make


def _text(name: str, text: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_text(text, encoding="utf-8")
        return folder / name

    return make


def _ptu(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        return write_events(folder / "a.ptu", name, events_of(name, n=200))

    return make


def _records_begin(data: bytes) -> int:
    return data.index(b"Header_End") + 48


def _spectrum(kind: str) -> Callable[[Path], Path]:
    counts = np.random.default_rng(_RNG_SEED).poisson(100.0, (2, spectrum_files.SENSOR))

    def make(folder: Path) -> Path:
        path = folder / f"a.{kind}"
        if kind == "sif":
            return spectrum_files.write_sif(path, counts)
        return spectrum_files.write_spe2(path, counts)

    return make


def _columns(names: str, *columns: np.ndarray) -> str:
    rows = [",".join(f"{value:g}" for value in row) for row in zip(*columns, strict=True)]
    return "\n".join([names, *rows]) + "\n"


def _object(folder: Path) -> Path:
    write_object(folder / "a.zip", {"values": np.arange(20.0), "name": ("a", 1, None)})
    return folder / "a.zip"


_AXIS = np.linspace(400.0, 700.0, 60)
_CURATION = {
    "version": 1,
    "entries": [{"action": "reject", "x_px": 3.0, "y_px": 4.0, "field": "a", "device": "b"}],
}
_EXPERIMENT = (DEMO / "field-02" / "experiment.toml").read_text(encoding="utf-8")
_MODEL = """
name = "two-level"
[parameters.pump_per_us]
default = 1.0
[states]
names = ["ground", "excited"]
"""

SUBJECTS: dict[str, Subject] = {
    "tiff": Subject(_tiff(), _stack),
    "tiff, bigtiff": Subject(_tiff(bigtiff=True), _stack),
    "tiff, deflate": Subject(_tiff(compression="zlib"), _stack),
    "tiff, ome": Subject(_tiff(ome=True, metadata={"axes": "TYX"}), _stack),
    "tiff, imagej": Subject(_tiff(imagej=True, metadata={"axes": "TYX"}), _stack),
    **{f"ptu, {name}": Subject(_ptu(name), _photons, header=_records_begin) for name in NAMES},
    "spectrum, sif": Subject(_spectrum("sif"), open_spectrum, header=lambda data: len(data) // 2),
    "spectrum, spe": Subject(_spectrum("spe"), open_spectrum, header=lambda _: 4100),
    "spectrum, asc": Subject(
        _text("a.asc", "\n".join(f"{x:g}\t{100 + x:g}" for x in _AXIS)), open_spectrum, text=True
    ),
    "spectrum, csv": Subject(
        _text("a.csv", _columns("wavelength_nm,counts", _AXIS, _AXIS)), open_spectrum, text=True
    ),
    "time tags, csv": Subject(
        _text("a.csv", _columns("time_ps,channel", np.arange(60) * 1000, np.arange(60) % 2)),
        _photons,
        text=True,
    ),
    "histogram, csv": Subject(
        _text("a.csv", _columns("lag_ns,counts", np.arange(-30, 30), np.arange(60))),
        lambda path: open_histogram(path, duration_s=1.0, rate_counts_s=(1e3, 1e3)),
        text=True,
    ),
    "I-V, csv": Subject(
        _text("a.csv", _columns("voltage,current", _AXIS / 100, _AXIS * 1e-6)), open_iv, text=True
    ),
    "experiment.toml": Subject(_text("experiment.toml", _EXPERIMENT), read_experiment, text=True),
    "curation.json": Subject(
        _text("curation.json", json.dumps(_CURATION, indent=1)), read_curation, text=True
    ),
    "camera.toml": Subject(
        _text("camera.toml", "bias_adu = 200.0\nem_gain = 300.0\nread_noise_e = 45.0\n"),
        read_camera_file,
        text=True,
    ),
    "model.toml": Subject(_text("model.toml", _MODEL), read_model_file, text=True),
    "expectations.toml": Subject(
        _text("expectations.toml", 'source = "a"\n[[statements]]\nname = "b"\nstated = 0.5\n'),
        read_expectations,
        text=True,
    ),
    "places, csv": Subject(
        _text("a.csv", _columns("x_px,y_px", _AXIS, _AXIS)),
        lambda path: read_places(path, numbers=("x_px", "y_px")),
        text=True,
    ),
    "qudi POIs": Subject(
        _text("a.poi", "Name\tX\tY\tZ\nd1\t1e-6\t2e-6\t0\n"), read_poi_list, text=True
    ),
    "kept step": Subject(_object, read_object),
}
