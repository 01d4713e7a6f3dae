"""A damaged TIFF is refused or gives exactly its frames; it never crashes the program."""

import functools
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
import stack_files as files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qdimage.errors import FormatError, QdimageError
from qdimage.io import open_stack

MOST_BYTES = 100_000_000

on_one_folder = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@functools.cache
def whole(kind: str) -> tuple[dict[str, bytes], np.ndarray]:
    """The files of a stack, the one to open first, and its frames."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stack.tif"
        frames = files.SINGLE_CHANNEL[kind](path)
        others = sorted(each for each in Path(folder).iterdir() if each != path)
        return {each.name: each.read_bytes() for each in (path, *others)}, frames


def read_all(path: Path) -> np.ndarray | None:
    with open_stack(path) as stack:
        n_bytes = int(np.prod(stack.shape, dtype=object)) * stack.dtype.itemsize
        return stack.reader(0, stack.shape[0]) if n_bytes < MOST_BYTES else None


def outcome(path: Path) -> np.ndarray | str | None:
    """The frames, None if they are too many to read here, or the one line that refuses them."""
    try:
        return read_all(path)
    except QdimageError as error:
        return str(error)


def put(folder: Path, contents: dict[str, bytes]) -> Path:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder / "stack.tif"


@pytest.mark.parametrize("kind", files.SINGLE_CHANNEL)
@on_one_folder
@given(data=st.data())
def test_a_cut_file_is_refused_or_gives_exactly_its_frames(
    kind: str, data: st.DataObject, tmp_path: Path
) -> None:
    contents, frames = whole(kind)
    name = data.draw(st.sampled_from(sorted(contents)))
    size = len(contents[name])
    cut = data.draw(st.integers(0, size - 1) | st.integers(max(size - 400, 0), size - 1))
    path = put(tmp_path, {**contents, name: contents[name][:cut]})
    read = outcome(path)
    if isinstance(read, str):
        assert str(path.parent) in read
        assert "\n" not in read
    else:
        np.testing.assert_array_equal(read, frames)


@pytest.mark.parametrize("kind", files.SINGLE_CHANNEL)
@settings(on_one_folder, max_examples=80)
@given(data=st.data())
def test_changed_bytes_raise_nothing_but_our_own_errors(
    kind: str, data: st.DataObject, tmp_path: Path
) -> None:
    contents, _ = whole(kind)
    name = data.draw(st.sampled_from(sorted(contents)))
    changed = bytearray(contents[name])
    for position in data.draw(st.lists(st.integers(0, len(changed) - 1), min_size=1, max_size=8)):
        changed[position] = data.draw(st.integers(0, 255))
    path = put(tmp_path, {**contents, name: bytes(changed)})
    read = outcome(path)
    assert not isinstance(read, str) or "\n" not in read


CODES = [254, 256, 257, 258, 259, 262, 266, 270, 273, 277, 278, 279, 284, 317]
CODES += [322, 323, 324, 325, 330, 338, 339, 347, 530, 32997, 34412, 33628, 42113, 50838, 50839]
VALUES = st.integers(0, 2**32 - 1) | st.integers(0, 40)


@settings(on_one_folder, max_examples=600)
@given(
    tags=st.dictionaries(
        st.sampled_from(CODES),
        VALUES | st.lists(VALUES, min_size=2, max_size=4).map(tuple) | st.binary(max_size=20),
        min_size=1,
        max_size=3,
    )
)
def test_false_tags_raise_nothing_but_our_own_errors(
    tags: dict[int, int | tuple[int, ...] | bytes], tmp_path: Path
) -> None:
    pages = [files.RawPage(frame.tobytes(), tags) for frame in files.frames_of(2)]
    path = put(tmp_path, {"stack.tif": files.raw_tiff(pages)})
    read = outcome(path)
    assert not isinstance(read, str) or "\n" not in read


TEXTS = st.text(st.characters(max_codepoint=255), max_size=30)
NUMBERS = (st.integers() | st.floats() | TEXTS).map(str)


@settings(on_one_folder, max_examples=300)
@given(
    description=st.builds(
        "ImageJ=1.53\nimages={}\nchannels={}\nslices={}\nframes={}\nunit={}\n".format,
        *[NUMBERS] * 5,
    )
    | st.builds('{{"shape": {}}}'.format, NUMBERS | st.lists(st.integers()).map(str))
    | st.builds("shape=({})".format, NUMBERS)
    | st.builds("<OME>{}</OME>".format, TEXTS)
    | st.builds(
        (
            '<OME><Image><Pixels SizeT="{}" SizeC="{}" DimensionOrder="{}" PhysicalSizeX="{}">'
            '<TiffData IFD="{}" PlaneCount="{}" FirstT="{}"/></Pixels></Image></OME>'
        ).format,
        *[NUMBERS | st.integers(0, 4).map(str)] * 2,
        TEXTS | st.sampled_from(["XYTCZ", "XY", "XYCCC"]),
        *[NUMBERS | st.integers(0, 4).map(str)] * 4,
    )
)
def test_false_descriptions_raise_nothing_but_our_own_errors(
    description: str, tmp_path: Path
) -> None:
    frames = files.frames_of(2)
    text = {270: description.encode("latin-1")}
    pages = [files.RawPage(frames[0].tobytes(), text), files.RawPage(frames[1].tobytes())]
    path = put(tmp_path, {"stack.tif": files.raw_tiff(pages)})
    read = outcome(path)
    if isinstance(read, str):
        assert "\n" not in read
    else:
        np.testing.assert_array_equal(read, frames)


@settings(on_one_folder, max_examples=200)
@given(header=st.binary(max_size=32), words=st.lists(st.integers(0, 2**32 - 1), max_size=12))
def test_headers_of_micromanager_files_raise_nothing_but_our_own_errors(
    header: bytes, words: list[int], tmp_path: Path
) -> None:
    contents, frames = whole("micro-manager")
    changed = bytearray(contents["stack.tif"])
    changed[8 : 8 + 4 * len(words)] = struct.pack(f"<{len(words)}I", *words)
    changed[40 : 40 + len(header)] = header
    path = put(tmp_path, {"stack.tif": bytes(changed)})
    read = outcome(path)
    if isinstance(read, str):
        assert "\n" not in read
    else:
        assert read is not None
        assert read.shape == frames.shape


@settings(on_one_folder, max_examples=100)
@given(content=st.binary(max_size=200).map(lambda tail: b"II*\0" + tail) | st.binary(max_size=200))
def test_any_bytes_raise_nothing_but_our_own_errors(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        read_all(put(tmp_path, {"stack.tif": content}))
