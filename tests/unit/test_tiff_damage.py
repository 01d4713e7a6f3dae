"""What is wrong with a TIFF is said in one line, and nothing is left out or made up."""

import gc
import logging
import struct
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import stack_files as files
import tifffile

from qdimage.errors import FormatError
from qdimage.io import open_stack
from qdimage.io.tiff_file import collected_log


def read_all(path: Path) -> np.ndarray:
    with open_stack(path) as stack:
        return stack.reader(0, stack.shape[0])


@contextmanager
def refused(path: Path, *words: str) -> Iterator[None]:
    """The body raises one line that names the file and holds the words."""
    with pytest.raises(FormatError) as caught:
        yield
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    for word in words:
        assert word in message


@contextmanager
def little_memory(most_bytes: int = 30_000_000) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most_bytes


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "absent.tif"
    with refused(path, "no such file", "correct the path"):
        open_stack(path)


def test_a_folder_is_named(tmp_path: Path) -> None:
    with refused(tmp_path, "found a folder", "expected a file"):
        open_stack(tmp_path)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "empty.tif"
    path.touch()
    with refused(path, "empty"):
        open_stack(path)


def test_another_suffix_is_named(tmp_path: Path) -> None:
    path = tmp_path / "stack.png"
    path.write_bytes(b"x")
    with refused(path, "'.png'", ".tif"):
        open_stack(path)


@pytest.mark.parametrize("content", [b"x", b"II", b"II*\0", b"not a picture at all" * 50])
def test_what_is_no_tiff_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.tif"
    path.write_bytes(content)
    with refused(path, "found no readable TIFF"):
        open_stack(path)


def test_a_header_without_pages_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.tif"
    path.write_bytes(files.raw_tiff([]))
    with refused(path):
        open_stack(path)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colour_is_refused(planar: str, tmp_path: Path) -> None:
    path = tmp_path / "colour.tif"
    shape = (20, 20, 3) if planar == "contig" else (3, 20, 20)
    tifffile.imwrite(path, np.zeros(shape, np.uint8), photometric="rgb", planarconfig=planar)
    with refused(path, "colour", "grey"):
        open_stack(path)


def test_a_palette_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "palette.tif"
    colormap = np.zeros((3, 256), np.uint16)
    tifffile.imwrite(path, np.zeros((20, 20), np.uint8), photometric="palette", colormap=colormap)
    with refused(path, "colour"):
        open_stack(path)


@pytest.mark.parametrize("dtype", [np.complex64, np.bool_])
def test_complex_and_one_bit_pixels_are_refused(dtype: type, tmp_path: Path) -> None:
    path = tmp_path / "type.tif"
    tifffile.imwrite(path, np.zeros((20, 20), dtype))
    with refused(path, "found pixels of type", "expected integers or real numbers"):
        open_stack(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_refused_when_its_frame_is_read(
    value: float, tmp_path: Path
) -> None:
    path = tmp_path / "nan.tif"
    frames = files.frames_of(3, np.float32)
    frames[1, 5, 5] = value
    tifffile.imwrite(path, frames, photometric="minisblack")
    with open_stack(path) as stack:
        np.testing.assert_array_equal(stack.reader(0, 1), frames[:1])
        with refused(path, "frame 1", "no finite numbers"):
            stack.reader(0, 3)


@pytest.mark.parametrize("odd", [np.zeros((9, 9), "u2"), np.zeros((18, 22), "u1")])
def test_mixed_shapes_and_types_are_refused(odd: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "mixed.tif"
    with tifffile.TiffWriter(path) as file:
        for frame in (*files.frames_of(2), odd):
            file.write(frame, metadata=None, contiguous=False)
    with refused(path, "frame 2", "frame 0", "18 x 22 uint16", "one shape and type"):
        open_stack(path)


def test_a_volume_in_one_page_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "volume.tif"
    tifffile.imwrite(
        path, np.zeros((16, 32, 32), np.uint8), volumetric=True, photometric="minisblack"
    )
    with refused(path, "two-dimensional"):
        open_stack(path)


@pytest.mark.parametrize(
    ("description", "by"),
    [
        ("ImageJ=1.53\nimages=9\nframes=9\n", "ImageJ description"),
        ('{"shape": [9, 18, 22]}', "description"),
        (files.ome_xml("<TiffData/>", size_t=9), "OME description"),
    ],
)
def test_fewer_frames_than_promised_are_refused(description: str, by: str, tmp_path: Path) -> None:
    path = tmp_path / "few.tif"
    files.write_pages(path, files.frames_of(6), description)
    with refused(path, "6", "9", by, "promises"):
        open_stack(path)


@pytest.mark.parametrize(
    "description",
    [
        "ImageJ=1.53\nimages=4\nframes=4\n",
        files.ome_xml('<TiffData IFD="0" PlaneCount="4"/>', size_t=4),
    ],
)
def test_more_frames_than_promised_are_refused_and_not_dropped(
    description: str, tmp_path: Path
) -> None:
    path = tmp_path / "many.tif"
    files.write_pages(path, files.frames_of(6), description)
    with refused(path, "found 6 frames, expected the 4", "more than it describes"):
        open_stack(path)


@pytest.mark.parametrize(("n_frames", "cause"), [(9, "cut short"), (4, "more than it describes")])
def test_another_count_than_micromanagers_summary_is_refused(
    n_frames: int, cause: str, tmp_path: Path
) -> None:
    path = tmp_path / "mm.tif"
    places = [(0, 0, t) for t in range(6)]
    summary = {"Channels": 1, "Slices": 1, "Frames": n_frames}
    files.write_micromanager(path, files.frames_of(6), places, summary)
    with refused(path, "found 6 frames", str(n_frames), cause):
        open_stack(path)


def test_several_micromanager_positions_in_one_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mm.tif"
    places = [(0, 0, t % 3) for t in range(6)]
    summary = {"Channels": 1, "Slices": 1, "Frames": 3, "Positions": 2}
    files.write_micromanager(path, files.frames_of(6), places, summary)
    with refused(path, "2 stage positions"):
        open_stack(path)


def test_an_imagej_file_with_one_page_and_too_little_behind_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "imagej.tif"
    files.SINGLE_CHANNEL["imagej with one page"](path)
    path.write_bytes(path.read_bytes()[:-1])
    with refused(path, "found 5 frames, expected the 6"):
        open_stack(path)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ('<TiffData IFD="0" PlaneCount="5"/>', "t=5 is missing"),
        ("", "c=0 z=0 t=0 is missing (0 of the 6"),
        ('<TiffData FirstT="6" IFD="0"/>', "outside"),
        ('<TiffData FirstC="1" IFD="0"/>', "outside"),
        ('<TiffData IFD="-1" PlaneCount="6"/>', "outside"),
        ("".join(f'<TiffData FirstT="{t}" IFD="0"/>' for t in range(6)), "one page to several"),
        ('<TiffData IFD="x"/>', "makes no sense"),
    ],
)
def test_an_ome_description_that_does_not_place_every_frame_is_refused(
    data: str, word: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.ome.tif"
    files.write_pages(path, files.frames_of(6), files.ome_xml(data))
    with refused(path, word):
        open_stack(path)


@pytest.mark.parametrize("sizes", [{"size_t": 0}, {"size_c": -1}, {"size_t": -6, "size_c": -1}])
def test_ome_sizes_below_one_are_refused(sizes: dict[str, int], tmp_path: Path) -> None:
    path = tmp_path / "sizes.ome.tif"
    files.write_pages(path, files.frames_of(6), files.ome_xml("<TiffData/>", **sizes))
    with refused(path, "expected at least 1 of each"):
        open_stack(path)


@pytest.mark.parametrize(
    "description",
    [
        files.ome_xml('<TiffData IFD="0" PlaneCount="999999999999"/>', size_t=999_999_999_999),
        "ImageJ=1.53\nimages=999999999999\nframes=999999999999\n",
        '{"shape": [999999999999, 18, 22]}',
    ],
)
def test_a_promise_of_a_million_million_frames_takes_no_memory(
    description: str, tmp_path: Path
) -> None:
    path = tmp_path / "huge.tif"
    files.write_pages(path, files.frames_of(2), description)
    with little_memory(), refused(path, "999999999999"):
        open_stack(path)


def test_a_missing_file_of_an_ome_set_is_named(tmp_path: Path) -> None:
    first, second = files.write_ome_files(tmp_path, files.frames_of())
    second.unlink()
    with refused(first, "'set_2.ome.tif'", "missing", "same folder"):
        open_stack(first)


def test_a_shorter_file_of_an_ome_set_is_refused(tmp_path: Path) -> None:
    first, second = files.write_ome_files(tmp_path, files.frames_of())
    files.write_pages(second, files.frames_of(2))
    with refused(first, "t=5 is missing"):
        open_stack(first)


def test_an_ome_set_never_leaves_its_folder(tmp_path: Path) -> None:
    files.write_pages(tmp_path / "outside.tif", files.frames_of(6))
    (tmp_path / "inside").mkdir()
    path = tmp_path / "inside/stack.ome.tif"
    for name in ("../outside.tif", "..\\outside.tif", ".."):
        data = f'<TiffData IFD="0" PlaneCount="6"><UUID FileName="{name}">u</UUID></TiffData>'
        files.write_pages(path, files.frames_of(6), files.ome_xml(data))
        with refused(path, "missing"):
            open_stack(path)


def test_an_ome_file_that_only_points_to_its_master_says_so(tmp_path: Path) -> None:
    path = tmp_path / "part.ome.tif"
    xml = '<OME><BinaryOnly MetadataFile="master.companion.ome" UUID="u"/></OME>'
    files.write_pages(path, files.frames_of(2), xml)
    with refused(path, "'master.companion.ome'"):
        open_stack(path)


def test_several_ome_images_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as file:
        file.write(files.frames_of(2), photometric="minisblack")
        file.write(files.frames_of(3), photometric="minisblack")
    with refused(path, "found 2 OME images"):
        open_stack(path)


def test_entities_in_an_ome_description_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.ome.tif"
    files.write_pages(path, files.frames_of(1), '<!DOCTYPE x [<!ENTITY a "b">]><OME>&a;</OME>')
    with refused(path, "entities"):
        open_stack(path)


def test_a_page_list_that_breaks_is_refused_even_with_a_silenced_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "broken.tif"
    frames = files.frames_of(4)
    content = bytearray(files.raw_tiff([files.raw_page(frame) for frame in frames]))
    (first_page,) = struct.unpack_from("<I", content, 4)
    (n_tags,) = struct.unpack_from("<H", content, first_page)
    struct.pack_into("<I", content, first_page + 2 + 12 * n_tags, len(content) + 1000)
    path.write_bytes(content)
    monkeypatch.setattr(logging.getLogger("tifffile"), "disabled", True)
    with refused(path, "cut short"):
        open_stack(path)


def test_a_tag_that_cannot_be_read_is_refused_even_with_a_silenced_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tag.tif"
    content = files.raw_tiff([files.raw_page(files.frames_of(1)[0], tag_270=b"a long text")])
    path.write_bytes(content.replace(struct.pack("<HH", 270, 2), struct.pack("<HH", 270, 99)))
    monkeypatch.setattr(logging.getLogger("tifffile"), "disabled", True)
    with refused(path, "page 0 has unreadable tags"):
        open_stack(path)


@pytest.mark.parametrize(("n_pages", "back_to"), [(1, 0), (4, 2), (150, 120)])
@pytest.mark.timeout(20)
def test_a_page_list_that_runs_in_a_circle_is_refused(
    n_pages: int, back_to: int, tmp_path: Path
) -> None:
    path = tmp_path / "circle.tif"
    page = files.raw_page(files.frames_of(1)[0])
    path.write_bytes(files.raw_tiff([page] * n_pages, next_of_last=back_to))
    with little_memory(), refused(path, "damaged"):
        open_stack(path)


BIG = 2**31 - 1


@pytest.mark.parametrize(
    "tags",
    [
        {"tag_256": BIG},
        {"tag_257": BIG, "tag_278": BIG},
        {"tag_256": 60_000, "tag_257": 60_000, "tag_278": 60_000},
        {"tag_256": 60_000, "tag_257": 60_000, "tag_278": 60_000, "tag_279": BIG},
        {"tag_256": 60_000, "tag_257": 60_000, "tag_278": 60_000, "tag_259": 5},
        {"tag_258": BIG},
        {"tag_277": BIG},
        {"tag_278": 1},
        {"tag_273": BIG},
        {"tag_279": BIG},
        {"tag_273": 0},
        {"tag_279": 0},
        {"tag_273": ()},
        {"tag_256": 0},
        {"tag_257": 0},
        {"tag_259": 777},
        {"tag_322": 0, "tag_323": 0},
        {"tag_322": BIG, "tag_323": BIG, "tag_324": 8, "tag_325": 792, "tag_259": 8},
    ],
)
def test_false_sizes_in_a_header_are_refused_before_memory_is_taken(
    tags: dict[str, int | tuple[int, ...]], tmp_path: Path
) -> None:
    path = tmp_path / "false.tif"
    path.write_bytes(files.raw_tiff([files.raw_page(files.frames_of(1)[0], **tags)]))
    with little_memory(), refused(path):
        read_all(path)


@pytest.mark.parametrize("kind", ["zlib", "lzw", "zstd", "tiled zlib"])
def test_damaged_compressed_data_are_refused_or_at_least_of_the_right_shape(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.tif"
    files.SINGLE_CHANNEL[kind](path)
    with tifffile.TiffFile(path) as file:
        page = file.pages[2]
        offset, count = page.dataoffsets[-1], page.databytecounts[-1]
    content = bytearray(path.read_bytes())
    content[offset : offset + count] = bytes(count)
    path.write_bytes(content)
    with open_stack(path) as stack, refused(path, "frame 2"):
        stack.reader(0, 6)


def test_a_compressed_strip_that_ends_early_is_not_filled_up(tmp_path: Path) -> None:
    path = tmp_path / "short.tif"
    frames = files.frames_of(1)
    tifffile.imwrite(path, frames[0], compression="zlib")
    short = tifffile.TIFF.COMPRESSORS[8](frames[0, :-1].astype("<u2").tobytes())
    page = files.RawPage(bytes(short), {259: 8})
    path.write_bytes(files.raw_tiff([page]))
    with open_stack(path) as stack, refused(path, "frame 0"):
        stack.reader(0, 1)


def test_a_refused_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "closed.tif"
    files.write_pages(path, files.frames_of(6), "ImageJ=1.53\nimages=9\n")
    with refused(path):
        open_stack(path)
    # An unclosed file warns when it is collected, which is an error; Windows would not remove it.
    gc.collect()
    path.unlink()
    assert not path.exists()


def test_a_closed_stack_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    files.write_pages(path, files.frames_of(2))
    with open_stack(path) as stack:
        pass
    with refused(path):
        stack.reader(0, 1)


def test_blocks_are_read_without_the_rest_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "big.tif"
    frame = np.ones((512, 512), np.uint16)
    with tifffile.TiffWriter(path) as file:
        for number in range(60):
            file.write(frame * number, metadata=None, contiguous=False)
    read: list[int] = []
    read_into = tifffile.FileHandle.readinto

    def counted(handle: tifffile.FileHandle, buffer: np.ndarray) -> int:
        read.append(buffer.nbytes)
        return read_into(handle, buffer)

    monkeypatch.setattr(tifffile.FileHandle, "readinto", counted)
    with little_memory(12 * frame.nbytes), open_stack(path) as stack:
        assert read == []
        for start, block in stack.blocks(5):
            assert read == [frame.nbytes] * (start + 5)
            assert block[-1, 0, 0] == start + 4
            del block
    assert len(read) == 60


def test_blocks_of_contiguous_frames_are_read_without_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "big.tif"
    frames = np.arange(60, dtype=np.uint16)[:, None, None] * np.ones((512, 512), np.uint16)
    tifffile.imwrite(path, frames, imagej=True, truncate=True, metadata={"axes": "TYX"})
    size = frames[0].nbytes
    del frames
    with little_memory(8 * size), open_stack(path) as stack:
        assert stack.reader(57, 60)[:, 0, 0].tolist() == [57, 58, 59]


def test_the_log_of_other_threads_is_let_through() -> None:
    logger = logging.getLogger("tifffile")
    with collected_log() as messages:
        logger.error("mine %d", 1)
        logger.warning("dropped")
        seen: list[bool] = []
        record = logger.makeRecord("tifffile", logging.ERROR, "", 0, "theirs", (), None)
        other = threading.Thread(target=lambda: seen.append(bool(logger.filter(record))))
        other.start()
        other.join()
    assert messages == ["mine 1"]
    assert seen == [True]
    assert logger.filter(record)


def test_what_the_innermost_collector_took_the_outer_does_not_see() -> None:
    logger = logging.getLogger("tifffile")
    with collected_log() as outer, collected_log() as inner:
        logger.error("once")
    assert (outer, inner) == ([], ["once"])


@pytest.mark.parametrize("kind", files.SINGLE_CHANNEL)
def test_nothing_is_logged_for_a_good_file(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "good.tif"
    files.SINGLE_CHANNEL[kind](path)
    with caplog.at_level(logging.WARNING):
        read_all(path)
    assert caplog.records == []
