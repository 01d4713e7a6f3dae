"""Each number of a header set to a huge one, in a file of a few KB: no memory is taken for it."""

import re
import sys
import time
import tracemalloc
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import stack_files
from folders import CLONE

from qdimage.errors import FormatError, QdimageError
from qdimage.io import open_stack

sys.path.insert(0, str(CLONE / "benchmarks"))

from fuzzed.damage import Anatomy
from fuzzed.subjects import SUBJECTS, Subject, read_through

HUGE = (2**31 - 1, 10**12, 2**63 - 1)
MOST_INPUTS = 60
MOST_BYTES = 20e6
MOST_SECONDS = 1.0

_NUMBER = re.compile(rb"(?<![\w.])\d+(?![\w.])")
# Headers in lines of text; in the others the numbers are words.
IN_TEXT = ("stack, sif", "spectrum, sif")
BINARY = [
    *(name for name in SUBJECTS if name.startswith(("tiff", "ptu", "pt", "ht", "stack, spe"))),
    *("bias map", "phu", "spc", "spectrum, spe 2", "spectrum, spe 3"),
]


def in_words(data: bytes, anatomy: Anatomy) -> Iterator[bytes]:
    for at, size in anatomy.fields:
        for value in HUGE:
            if value < 2 ** (8 * size):
                yield data[:at] + value.to_bytes(size, "little") + data[at + size :]


def in_text(data: bytes, anatomy: Anatomy) -> Iterator[bytes]:
    for found in _NUMBER.finditer(data[: anatomy.header]):
        yield data[: found.start()] + b"1000000000000" + data[found.end() :]


def read_or_refused(subject: Subject, path: Path) -> None:
    """Read a file in little memory and time."""
    tracemalloc.start()
    begun, said = time.process_time(), f"{path}: read"
    try:
        read_through(subject, path, lambda: None)
    except QdimageError as error:
        said = str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert said.startswith(str(path))
    assert "\n" not in said
    assert peak < MOST_BYTES
    assert time.process_time() - begun < MOST_SECONDS


@pytest.mark.parametrize("name", [*BINARY, *IN_TEXT])
def test_no_number_of_a_header_takes_memory(name: str, tmp_path: Path) -> None:
    subject = SUBJECTS[name]
    path = subject.make(tmp_path)
    valid = path.read_bytes()
    # Kernels are loaded by now.
    read_through(subject, path, lambda: None)
    changed = list((in_text if name in IN_TEXT else in_words)(valid, subject.anatomy(valid)))
    assert changed
    # Evenly over all numbers, and a first one each time.
    for data in changed[:: -(-len(changed) // MOST_INPUTS)]:
        path.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read_or_refused(subject, path)


MANY = 10**12
DESCRIPTIONS = {
    "ImageJ, images": f"ImageJ=1.53\nimages={MANY}\nframes={MANY}\n",
    "ImageJ, channels": f"ImageJ=1.53\nimages={MANY}\nchannels={MANY}\n",
    "shaped": f'{{"shape": [{MANY}, 18, 22]}}',
    "shaped and cut": f'{{"shape": [{MANY}, 18, 22], "truncated": true}}',
    "OME, t": stack_files.ome_xml("<TiffData/>", size_t=MANY),
    "OME, c": stack_files.ome_xml("<TiffData/>", size_c=MANY, size_t=6),
    "OME, planes": stack_files.ome_xml(f'<TiffData PlaneCount="{MANY}"/>', size_t=MANY),
    "OME, first": stack_files.ome_xml(f'<TiffData FirstT="{MANY - 1}"/>', size_t=MANY),
    "OME, page": stack_files.ome_xml(f'<TiffData IFD="{MANY}" PlaneCount="6"/>', size_t=6),
}


@pytest.mark.parametrize("description", DESCRIPTIONS.values(), ids=DESCRIPTIONS)
@pytest.mark.parametrize("n_pages", [1, 6])
def test_frames_that_a_description_makes_up_take_no_memory(
    description: str, n_pages: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.ome.tif"
    stack_files.write_pages(path, stack_files.frames_of(n_pages), description)
    with pytest.raises(FormatError):
        open_stack(path)
    read_or_refused(SUBJECTS["tiff, pages"], path)


def test_frames_that_micromanager_makes_up_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    places = [(0, 0, t) for t in range(6)]
    for name in ("Channels", "Slices", "Frames"):
        summary = {"Channels": 1, "Slices": 1, "Frames": 6} | {name: MANY}
        stack_files.write_micromanager(path, stack_files.frames_of(6), places, summary)
        with pytest.raises(FormatError):
            open_stack(path)
        read_or_refused(SUBJECTS["tiff, pages"], path)


def packed_fits(path: Path, name: str, value: int) -> Path:
    """A FITS file of packed frames, or of plain ones, one of whose numbers is another."""
    fits = pytest.importorskip("astropy.io.fits")
    frames = np.random.default_rng(1).integers(0, 50, (5, 64, 64)).astype(np.int16)
    packed = fits.CompImageHDU(frames, compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(path)
    data = path.read_bytes()
    at = data.index(f"{name:<8}= ".encode(), 2880)
    card = f"{name:<8}= {value:>20}".ljust(80).encode()
    path.write_bytes(data[:at] + card + data[at + 80 :])
    return path


@pytest.mark.parametrize(
    "name",
    ["NAXIS", "ZNAXIS", "TFIELDS", "ZNAXIS1", "ZNAXIS2", "ZNAXIS3", "NAXIS1", "NAXIS2", "PCOUNT"],
)
def test_no_number_of_a_packed_fits_takes_memory(name: str, tmp_path: Path) -> None:
    path = packed_fits(tmp_path / "a.fits", name, MANY)
    with pytest.raises(FormatError):
        open_stack(path)
    read_or_refused(SUBJECTS["tiff, pages"], path)


def test_packed_frames_of_a_fits_file_are_read(tmp_path: Path) -> None:
    with open_stack(packed_fits(tmp_path / "a.fits", "ZNAXIS3", 5)) as stack:
        assert stack.shape == (5, 64, 64)
        assert stack.reader(0, 5).max() < 50
