"""Every kind of TIFF gives its frames, in order and unchanged."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import stack_files as files
import tifffile

from qdimage.errors import FormatError
from qdimage.io import open_stack
from qdimage.io.tiff_file import open_one

REAL_IMAGE = Path(__file__).parents[3] / "shared/data/images/smfret_film1_512.tif"


@pytest.mark.parametrize("kind", files.SINGLE_CHANNEL)
def test_frames_come_out_as_they_went_in(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    expected = files.SINGLE_CHANNEL[kind](path)
    with open_stack(path) as stack:
        read = stack.reader(0, stack.shape[0])
    assert stack.shape == expected.shape
    assert read.dtype == expected.dtype.newbyteorder("=")
    np.testing.assert_array_equal(read, expected)


@pytest.mark.parametrize("kind", files.SINGLE_CHANNEL)
def test_a_later_block_is_the_same_as_a_part_of_the_whole(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    expected = files.SINGLE_CHANNEL[kind](path)
    with open_stack(path) as stack:
        np.testing.assert_array_equal(stack.reader(3, 5), expected[3:5])


@pytest.mark.parametrize("suffix", [".tif", ".tiff", ".TIF", ".btf", ".tf8", ".ome.tif"])
def test_suffixes_of_tiff_are_known(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"stack{suffix}"
    files.write_pages(path, files.frames_of(2))
    with open_stack(path) as stack:
        assert stack.shape == (2, files.HEIGHT, files.WIDTH)


def test_a_single_frame_is_a_stack_of_one(tmp_path: Path) -> None:
    path = tmp_path / "one.tif"
    tifffile.imwrite(path, files.frames_of(1)[0])
    with open_stack(path) as stack:
        assert stack.shape == (1, files.HEIGHT, files.WIDTH)


@pytest.mark.parametrize("shape", [(6, 18, 22, 1), (2, 3, 18, 22), (1, 6, 18, 22)])
def test_unit_and_double_axes_of_a_shaped_file_are_frames(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    path = tmp_path / "axes.tif"
    frames = files.frames_of()
    tifffile.imwrite(path, frames.reshape(shape), photometric="minisblack")
    with open_stack(path) as stack:
        np.testing.assert_array_equal(stack.reader(0, 6), frames)


def test_arrays_appended_to_one_file_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "appended.tif"
    frames = files.frames_of()
    for part in (frames[:2], frames[2:]):
        tifffile.imwrite(path, part, append=True, photometric="minisblack")
    with open_stack(path) as stack:
        np.testing.assert_array_equal(stack.reader(0, 6), frames)


def test_channels_of_an_imagej_hyperstack_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "two.tif"
    frames = files.frames_of(6).reshape(3, 2, files.HEIGHT, files.WIDTH)
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TCYX"})
    for channel in range(2):
        with open_stack(path, channel_index=channel) as stack:
            np.testing.assert_array_equal(stack.reader(0, 3), frames[:, channel])


@pytest.mark.parametrize("axes", ["TCYX", "CTYX"])
def test_channels_of_an_ome_file_are_told_apart_in_either_order(axes: str, tmp_path: Path) -> None:
    path = tmp_path / "two.ome.tif"
    frames = files.frames_of(6).reshape(3, 2, files.HEIGHT, files.WIDTH)
    written = frames if axes == "TCYX" else np.ascontiguousarray(frames.transpose(1, 0, 2, 3))
    tifffile.imwrite(path, written, photometric="minisblack", ome=True, metadata={"axes": axes})
    for channel in range(2):
        with open_stack(path, channel_index=channel) as stack:
            np.testing.assert_array_equal(stack.reader(0, 3), frames[:, channel])


def test_micromanager_pages_are_sorted_by_its_index_and_not_by_their_order(tmp_path: Path) -> None:
    path = tmp_path / "mm.tif"
    frames = files.frames_of(6)
    places = [(1, 0, 2), (0, 0, 0), (0, 0, 1), (1, 0, 0), (0, 0, 2), (1, 0, 1)]
    files.write_micromanager(path, frames, places, {"Channels": 2, "Slices": 1, "Frames": 3})
    with open_stack(path, channel_index=0) as stack:
        np.testing.assert_array_equal(stack.reader(0, 3), frames[[1, 2, 4]])
    with open_stack(path, channel_index=1) as stack:
        np.testing.assert_array_equal(stack.reader(0, 3), frames[[3, 5, 0]])


def test_micromanager_channels_without_an_index_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mm.tif"
    places = [(c, 0, t) for t in range(3) for c in range(2)]
    summary = {"Channels": 2, "Slices": 1, "Frames": 3}
    files.write_micromanager(path, files.frames_of(6), places, summary, index=False)
    with pytest.raises(FormatError, match="index does not list"):
        open_stack(path, channel_index=0)


def test_several_channels_need_a_choice(tmp_path: Path) -> None:
    path = tmp_path / "two.tif"
    frames = files.frames_of(6).reshape(3, 2, files.HEIGHT, files.WIDTH)
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TCYX"})
    with pytest.raises(FormatError, match=r"found 2 channels.*channel_index to 0 \.\.\. 1"):
        open_stack(path)
    for wrong in (2, -1):
        with pytest.raises(FormatError, match=f"channel_index {wrong}"):
            open_stack(path, channel_index=wrong)


def test_an_ome_file_that_was_renamed_is_known_by_its_uuid(tmp_path: Path) -> None:
    path = tmp_path / "renamed.ome.tif"
    frames = files.frames_of()
    data = '<TiffData IFD="0" PlaneCount="6"><UUID FileName="old.ome.tif">urn:uuid:7</UUID>'
    files.write_pages(path, frames, files.ome_xml(data + "</TiffData>", root='UUID="urn:uuid:7"'))
    with open_stack(path) as stack:
        np.testing.assert_array_equal(stack.reader(0, 6), frames)


def test_an_ome_stack_of_z_planes_is_a_stack(tmp_path: Path) -> None:
    path = tmp_path / "z.ome.tif"
    frames = files.frames_of()
    tifffile.imwrite(path, frames, photometric="minisblack", ome=True, metadata={"axes": "ZYX"})
    with open_stack(path) as stack:
        np.testing.assert_array_equal(stack.reader(0, 6), frames)


def test_z_and_time_together_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "zt.tif"
    frames = files.frames_of(6).reshape(3, 2, files.HEIGHT, files.WIDTH)
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TZYX"})
    with pytest.raises(FormatError, match="2 z planes and 3 time points"):
        open_stack(path)


def test_imagej_frames_without_named_axes_are_no_channels(tmp_path: Path) -> None:
    path = tmp_path / "unnamed.tif"
    frames = files.frames_of(6)
    tifffile.imwrite(path, frames, imagej=True)
    with open_stack(path) as stack:
        np.testing.assert_array_equal(stack.reader(0, 6), frames)


def test_an_imagej_description_without_a_count_takes_every_page(tmp_path: Path) -> None:
    path = tmp_path / "uncounted.tif"
    frames = files.frames_of(6)
    files.write_pages(path, frames, "ImageJ=1.53\nunit=micron\n")
    with open_stack(path) as stack:
        np.testing.assert_array_equal(stack.reader(0, 6), frames)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems fill up the holes of a file")
def test_an_imagej_stack_of_more_than_4_gb_behind_one_page_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.tif"
    side, n_frames, offset = 2048, 520, 1000
    description = f"ImageJ=1.53\nimages={n_frames}\nslices={n_frames}\n".encode()
    tags = {256: side, 257: side, 278: side, 273: offset, 279: 2 * side**2, 270: description}
    path.write_bytes(files.raw_tiff([files.RawPage(b"", tags)]))
    last = np.arange(side, dtype="<u2")
    with path.open("r+b") as file:
        file.truncate(offset + 2 * side**2 * n_frames)
        file.seek(-last.nbytes, 2)
        file.write(last.tobytes())
    with open_stack(path) as stack:
        assert stack.shape == (n_frames, side, side)
        np.testing.assert_array_equal(stack.reader(519, 520)[0, -1], last)
        assert not stack.reader(518, 519).any()


def test_thumbnails_are_left_out_and_marked_frames_of_full_size_are_not(tmp_path: Path) -> None:
    path = tmp_path / "thumbnail.tif"
    frames = files.frames_of(3)
    with tifffile.TiffWriter(path) as file:
        for frame in frames:
            file.write(frame, contiguous=False, metadata=None, subfiletype=1)
        file.write(frames[0][:8, :8], contiguous=False, metadata=None, subfiletype=1)
    with open_stack(path) as stack:
        np.testing.assert_array_equal(stack.reader(0, 3), frames)


def test_frames_choose_a_range_and_exclude_some_of_it(tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    frames = files.frames_of(6)
    files.write_pages(path, frames)
    with open_stack(path, frames=(1, 5), frames_excluded=[2, 0]) as stack:
        np.testing.assert_array_equal(stack.reader(0, 3), frames[[1, 3, 4]])


@pytest.mark.parametrize("chosen", [(0, 7), (3, 3), (-1, 2), (4, 2)])
def test_a_range_outside_the_stack_is_refused(chosen: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    files.write_pages(path, files.frames_of(6))
    with pytest.raises(FormatError, match=r"expected a range inside \[0, 6\]"):
        open_stack(path, frames=chosen)


@pytest.mark.parametrize(
    ("excluded", "message"), [([6], "found 6 in"), ([-1], "found -1 in"), (range(6), "no frame")]
)
def test_excluded_frames_must_exist_and_leave_one(
    excluded: list[int], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "stack.tif"
    files.write_pages(path, files.frames_of(6))
    with pytest.raises(FormatError, match=message):
        open_stack(path, frames_excluded=excluded)


@pytest.mark.parametrize("kind", ["pages", "tiled zlib", "imagej with one page"])
def test_threads_that_share_a_stack_get_their_own_frames(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    expected = files.SINGLE_CHANNEL[kind](path)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with open_stack(path) as stack, ThreadPoolExecutor(8) as pool:
            numbers = [number % len(expected) for number in range(1500)]
            for number, block in zip(
                numbers, pool.map(lambda each: stack.reader(each, each + 1), numbers), strict=True
            ):
                np.testing.assert_array_equal(block[0], expected[number])
    finally:
        sys.setswitchinterval(interval)


def test_a_real_single_molecule_image_is_read() -> None:
    if not REAL_IMAGE.is_file():
        pytest.skip("the folder of real files is not there")
    with open_stack(REAL_IMAGE) as stack:
        image = stack.reader(0, 1)
    assert stack.shape == (1, 512, 512)
    assert image.dtype == np.uint32
    assert image.std() > 0


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", "<>")
def test_pages_that_are_alike_are_described_by_one(
    tmp_path: Path, big: bool, order: Literal["<", ">"]
) -> None:
    path = tmp_path / "many.tif"
    frames = np.arange(12 * 16 * 20).astype(np.uint16).reshape(12, 16, 20)
    with tifffile.TiffWriter(path, bigtiff=big, byteorder=order) as file:
        for number, frame in enumerate(frames):
            text = "taken twice" if number == 7 else "taken once"
            date = f"2017:03:0{1 + number % 9} 00:00:00"
            file.write(frame, metadata=None, contiguous=False, description=text, datetime=date)
    file = open_one(path)
    own = [page.number for page in file.pages if page.tags.index == page.number]
    described = [page.tags.description for page in file.pages]
    file.tiff.close()
    assert own == [0, 7, 8]
    assert described == ["taken once"] * 7 + ["taken twice"] + ["taken once"] * 4
    with open_stack(path) as stack:
        assert np.array_equal(stack.reader(0, 12), frames)
