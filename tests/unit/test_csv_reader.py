"""Time tags as CSV: exact to the picosecond, and told from histograms by their first line."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from time_tag_files import fine_message, photons_in

import qdimage
from qdimage.errors import FormatError
from qdimage.io import time_tag_csv
from qdimage.io.time_tags import holds_photons, is_histogram, open_histogram, open_photons
from qdimage.photons.correlate import correlate

on_one_folder = settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def table(folder: Path, text: str | bytes) -> Path:
    path = folder / "tags.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@on_one_folder
@given(
    photons=st.lists(st.tuples(st.integers(-(1 << 59), 1 << 59), st.integers(0, 63))),
    in_ns=st.booleans(),
    separator=st.sampled_from([",", ";", "\t"]),
    end=st.sampled_from(["\n", "\r\n"]),
    n_block=st.integers(1, 60),
)
def test_photons_come_back_to_the_picosecond(
    photons: list[tuple[int, int]],
    in_ns: bool,
    separator: str,
    end: str,
    n_block: int,
    tmp_path: Path,
) -> None:
    photons = sorted(photons)
    lines = [separator.join(["number", "channel", "time_ns" if in_ns else "time_ps"])]
    for k, (time, channel) in enumerate(photons):
        sign, size = "-" * (time < 0), abs(time)
        text = f"{sign}{size // 1000}.{size % 1000:03d}00" if in_ns else str(time)
        lines.append(separator.join([f"n{k}", str(channel), f" {text}"]))
    path = table(tmp_path, end.join([*lines, ""]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time_tag_csv, "_BLOCK_BYTES", n_block)
        stream = open_photons(path)
        blocks = list(stream.reader())
    assert [t for block in blocks for t in block.time.tolist()] == [t for t, _ in photons]
    assert [c for block in blocks for c in block.channel.tolist()] == [c for _, c in photons]
    assert (stream.mode, stream.tick_s, stream.warnings) == ("T2", 1e-12, [])


def test_few_digits_count_as_nanoseconds(tmp_path: Path) -> None:
    path = table(tmp_path, "time_ns,channel\n# a remark\n1,0\n\n2.5,1\n.25,0\n")
    assert photons_in(open_photons(path)).time.tolist() == [1000, 2500, 250]


@pytest.mark.parametrize(
    "line", ["1", "1,", ",1", "1,64", "1,-1", "1.5,0", "nan,0", "1e6,0", "x,y", "9" * 30 + ",0"]
)
def test_a_line_that_makes_no_sense_is_named(line: str, tmp_path: Path) -> None:
    path = table(tmp_path, f"time_ps,channel\n1,0\n{line}\n5,1\n")
    with pytest.raises(FormatError, match="line 3") as caught:
        photons_in(open_photons(path))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_cut_keeps_what_is_before(tmp_path: Path) -> None:
    stream = open_photons(table(tmp_path, "time_ps,channel\n1,0\n5,1\n123"))
    assert photons_in(stream).time.tolist() == [1, 5]
    assert "cut short" in stream.warnings[0]


def test_the_last_line_needs_no_end(tmp_path: Path) -> None:
    stream = open_photons(table(tmp_path, "time_ps,channel\n1,0\n5,1"))
    assert photons_in(stream).time.tolist() == [1, 5]
    assert stream.warnings == []


def test_time_running_backwards_is_named(tmp_path: Path) -> None:
    stream = open_photons(table(tmp_path, "time_ps,channel\n5,0\n1,1\n"))
    assert photons_in(stream).time.tolist() == [5, 1]
    assert "backwards at 1 places" in stream.warnings[0]


def test_a_table_of_one_endless_line_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, "time_ps,channel\n" + "1" * 3_000_000)
    with pytest.raises(FormatError, match="more than 4096 letters"):
        list(open_photons(path).reader())


def test_histograms_and_time_tags_are_told_apart(tmp_path: Path) -> None:
    tags = table(tmp_path, "time_ps,channel\n1,0\n")
    with pytest.raises(FormatError, match="time tags, expected a histogram"):
        open_histogram(tags)
    histogram = tmp_path / "curve.csv"
    histogram.write_text("lag_ns,counts\n1,2\n2,3\n", encoding="utf-8")
    assert is_histogram(histogram)
    assert not is_histogram(tags)
    with pytest.raises(FormatError, match="histogram, expected time tags"):
        open_photons(histogram)


@pytest.mark.parametrize(
    ("name", "content", "holds"),
    [
        ("a.csv", b"time_ps,channel\n1,0\n", True),
        ("a.csv", b"lag_ns,counts\n1,2\n2,3\n", False),
        ("a.csv", b"energy_ev,counts\n1,2\n", False),
        ("a.spc", b"\0\x4bgrams spectrum", False),
        ("a.h5", b"no HDF5", False),
        ("a.ptu", b"damaged, and to be named later", True),
        ("a.phu", b"", True),
        ("a.txt", b"time_ps,channel\n", False),
    ],
)
def test_files_that_share_a_name_with_others_are_looked_into(
    name: str, content: bytes, holds: bool, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert holds_photons(path) == holds


def test_g2_reads_a_table_as_time_tags(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    time = np.cumsum(rng.integers(1, 2_000_000, 20_000))
    rows = [f"{t},{c}" for t, c in zip(time, rng.integers(0, 2, time.size), strict=True)]
    found = qdimage.g2(table(tmp_path, "\n".join(["time_ps,channel", *rows, ""])))
    assert found.curve.counts_1 + found.curve.counts_2 == time.size
    assert found.curve.duration_s == pytest.approx((time[-1] - time[0]) * 1e-12)


@on_one_folder
@given(
    text=st.one_of(
        st.binary(max_size=300), st.text("0123456789.,-e \n#", max_size=300).map(str.encode)
    )
)
def test_no_text_brings_the_reader_down(text: bytes, tmp_path: Path) -> None:
    path = table(tmp_path, b"time_ns,channel\n" + text)
    with fine_message(path):
        correlate(open_photons(path), bin_ticks=100, n_bins=50)
