"""Damaged files end in a warning with what could be saved, or in one line; soon, and small."""

import struct
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from time_tag_files import (
    NAMES,
    T2_NAMES,
    T3_NAMES,
    events_of,
    fine_message,
    photons_in,
    write_events,
)

from qdimage.domain.photons import PhotonStream
from qdimage.errors import FormatError
from qdimage.io.time_tags import open_photons
from qdimage.photons.correlate import correlate, correlate_between, log_edges, start_stop

MOST_BYTES = 200_000_000
MOST_SECONDS = 10
LAYOUTS = ["PicoHarp T2", "PicoHarp T3", "HydraHarp v1 T2", "MultiHarp T2", "MultiHarp T3"]


def tag_at(data: bytes, name: str) -> int:
    return data.index(name.encode() + b"\0")


def set_value(path: Path, name: str, value: bytes) -> Path:
    data = bytearray(path.read_bytes())
    at = tag_at(data, name) + 40
    data[at : at + 8] = value
    path.write_bytes(bytes(data))
    return path


def a_file(folder: Path, name: str = "HydraHarp v2 T2", n: int = 3000) -> Path:
    return write_events(folder / "a.ptu", name, events_of(name, n))


def refused(path: Path) -> str:
    """The one line with which opening, reading or correlating a file is refused."""
    with pytest.raises(FormatError) as caught:
        correlate(open_photons(path), bin_ticks=100, n_bins=100)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def survived(path: Path) -> PhotonStream | None:
    """Read and correlate in every way; nothing but a `FormatError` may come of it."""
    start = time.process_time()
    tracemalloc.start()
    stream = None
    with fine_message(path):
        stream = open_photons(path)
        for call in (
            lambda: correlate(stream, bin_ticks=128, n_bins=976),
            lambda: correlate(stream, bin_ticks=128, n_bins=976, first=1, second=1),
            lambda: correlate_between(stream, edges_ticks=log_edges(1, 10**6, bins_per_decade=2)),
            lambda: start_stop(stream, bin_ticks=128, n_bins=976),
        ):
            with fine_message(path):
                call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_BYTES
    assert time.process_time() - start < MOST_SECONDS
    assert stream is None or all(str(path) in text for text in stream.warnings)
    return stream


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_cut_keeps_what_is_before(name: str, tmp_path: Path) -> None:
    path = a_file(tmp_path, name)
    whole, n_photons = path.read_bytes(), photons_in(open_photons(path))
    start = tag_at(whole, "Header_End") + 48
    for left in (start + 4001, start + 4000, start + 4):
        path.write_bytes(whole[:left])
        stream = open_photons(path)
        found = photons_in(stream)
        np.testing.assert_array_equal(found.time, n_photons.time[: found.time.size])
        assert "cut short" in " ".join(stream.warnings)
        survived(path)


def test_a_file_that_is_cut_inside_the_header_is_refused(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    whole = path.read_bytes()
    for left in range(1, tag_at(whole, "Header_End") + 48):
        path.write_bytes(whole[:left])
        with pytest.raises(FormatError) as caught:
            open_photons(path)
        assert "\n" not in str(caught.value)


def test_a_file_without_records_has_no_photons(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: tag_at(whole, "Header_End") + 48])
    stream = open_photons(path)
    curve = correlate(stream, bin_ticks=1, n_bins=10)
    assert curve.counts.sum() == curve.counts_1 == 0
    assert "found 0 records" in stream.warnings[0]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ptu"
    path.write_bytes(b"")
    assert "empty" in refused(path)


def test_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b.ptu").mkdir()
    assert "folder" in refused(tmp_path / "b.ptu")
    assert "no such file" in refused(tmp_path / "c.ptu")


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    for suffix in (".txt", ".phu", ".csv", ""):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(b"x")
        with pytest.raises(FormatError, match="expected"):
            open_photons(path)


@pytest.mark.parametrize("magic", [b"PQHISTO\0", b"\0" * 8, b"RIFF1234", b"PQTTTRX\0"])
def test_a_wrong_magic_is_refused(magic: bytes, tmp_path: Path) -> None:
    path = a_file(tmp_path)
    path.write_bytes(magic + path.read_bytes()[8:])
    assert "beginning" in refused(path)


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("HydraHarp v2 T2", "MeasDesc_GlobalResolution"),
        ("MultiHarp T3", "MeasDesc_GlobalResolution"),
        ("MultiHarp T3", "MeasDesc_Resolution"),
    ],
)
@pytest.mark.parametrize("value", [0.0, -1e-12, float("nan"), float("inf"), 1e-300, 1e300])
def test_a_resolution_that_is_none_is_refused(
    name: str, tag: str, value: float, tmp_path: Path
) -> None:
    path = set_value(a_file(tmp_path, name), tag, struct.pack("<d", value))
    assert tag in refused(path)


def test_a_period_of_less_than_a_tick_is_refused(tmp_path: Path) -> None:
    path = a_file(tmp_path, "MultiHarp T3")
    set_value(path, "MeasDesc_GlobalResolution", struct.pack("<d", 2e-12))
    assert "period" in refused(path)


@pytest.mark.parametrize("code", [0, 0x00010302, 0x02010204, -1, 2**62])
def test_an_unknown_record_type_is_refused(code: int, tmp_path: Path) -> None:
    path = set_value(a_file(tmp_path), "TTResultFormat_TTTRRecType", struct.pack("<q", code))
    assert "record type" in refused(path)


@pytest.mark.parametrize("count", [2**33, 2**62, -1, -(2**63)])
def test_a_false_record_count_warns_and_keeps_all(count: int, tmp_path: Path) -> None:
    path = a_file(tmp_path)
    whole = photons_in(open_photons(path))
    set_value(path, "TTResult_NumberOfRecords", struct.pack("<q", count))
    stream = survived(path)
    assert stream is not None
    np.testing.assert_array_equal(photons_in(stream).time, whole.time)
    assert any(str(count) in text for text in stream.warnings)


def test_a_record_count_below_the_size_is_believed_and_says_so(tmp_path: Path) -> None:
    path = set_value(a_file(tmp_path), "TTResult_NumberOfRecords", struct.pack("<q", 10))
    stream = open_photons(path)
    assert photons_in(stream).time.size <= 10
    assert "left out" in stream.warnings[0]


@pytest.mark.parametrize("length", [-1, 2**40, 2**63 - 1, -(2**63), 10**9])
@pytest.mark.parametrize("kind", [0x4001FFFF, 0x4002FFFF, 0x2001FFFF, 0xFFFFFFFF])
def test_a_false_tag_length_is_refused(length: int, kind: int, tmp_path: Path) -> None:
    path = a_file(tmp_path)
    data = bytearray(path.read_bytes())
    at = tag_at(data, "HW_Type")
    data[at + 36 : at + 48] = struct.pack("<Iq", kind, length)
    path.write_bytes(bytes(data))
    assert "HW_Type" in refused(path)


def test_an_unknown_tag_type_is_refused(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    data = bytearray(path.read_bytes())
    at = tag_at(data, "HW_Type")
    data[at + 36 : at + 40] = struct.pack("<I", 0x12345678)
    path.write_bytes(bytes(data))
    assert "type 0x12345678" in refused(path)


def test_a_header_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ptu"
    tag = struct.pack("<32siIq", b"Again", -1, 0x10000008, 1)
    path.write_bytes(b"PQTTTR\0\x001.0.00\0\0" + tag * 100_000)
    assert "tags" in refused(path)


def with_records(folder: Path, name: str, records: np.ndarray) -> Path:
    path = write_events(folder / "a.ptu", name, events_of(name, 1))
    data = path.read_bytes()
    start = tag_at(data, "Header_End") + 48
    path.write_bytes(data[:start] + records.astype("<u4").tobytes())
    return set_value(path, "TTResult_NumberOfRecords", bytes(8))


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("word", [0, 1, 0x7FFFFFFF, 0x80000000, 0xF0000000, 0xFFFFFFFF, 0xFE000000])
def test_a_record_repeated_very_often_is_survived(name: str, word: int, tmp_path: Path) -> None:
    survived(with_records(tmp_path, name, np.full(200_000, word, np.uint32)))


@pytest.mark.parametrize("name", NAMES)
def test_a_random_payload_is_survived_and_warned_of(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    records = rng.integers(0, 2**32, 300_000, dtype=np.uint32)
    stream = survived(with_records(tmp_path, name, records))
    assert stream is not None
    assert "runs backwards" in " ".join(stream.warnings)


@pytest.mark.parametrize("name", T2_NAMES)
def test_a_lost_overflow_warns_and_keeps_the_photons(name: str, tmp_path: Path) -> None:
    first = np.arange(1000) * 20_000
    twice = np.concatenate([first, first])
    path = with_records(tmp_path, name, twice)
    stream = open_photons(path)
    assert photons_in(stream).time.size == 2000
    assert "time runs backwards at 1 places" in " ".join(stream.warnings)


@pytest.mark.parametrize("name", T3_NAMES)
def test_syncs_running_backwards_are_named(name: str, tmp_path: Path) -> None:
    syncs = np.array([5, 4], np.uint32) + (0x10000000 if name.startswith("Pico") else 0)
    stream = open_photons(with_records(tmp_path, name, syncs))
    assert photons_in(stream).time.tolist() == [5, 4]
    assert "count of syncs runs backwards" in stream.warnings[0]


def test_warnings_are_not_repeated_by_a_second_reading(tmp_path: Path) -> None:
    stream = open_photons(with_records(tmp_path, "PicoHarp T2", np.array([5, 4], np.uint32)))
    photons_in(stream)
    photons_in(stream)
    assert len(stream.warnings) == 1


def test_a_clock_beyond_all_measurements_stops_the_reading(tmp_path: Path) -> None:
    records = np.full(10_000, 0xFFFFFFFF, np.uint32)
    records[-1] = 7
    stream = open_photons(with_records(tmp_path, "MultiHarp T2", records))
    assert photons_in(stream).time.size == 0
    assert "beyond 2^60" in stream.warnings[0]


def test_inputs_that_a_picoharp_lacks_are_left_out_and_counted(tmp_path: Path) -> None:
    records = np.array([0x00000001, 0x70000002, 0x10000003], np.uint32)
    stream = open_photons(with_records(tmp_path, "PicoHarp T2", records))
    assert photons_in(stream).time.tolist() == [1, 3]
    assert "found 1 records of inputs" in stream.warnings[0]


def test_a_file_that_shrinks_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    stream = open_photons(path)
    path.write_bytes(path.read_bytes()[:-400])
    photons_in(stream)
    assert "shorter while it was read; 100 records" in stream.warnings[0]


def test_a_file_that_vanishes_is_an_error_in_one_line(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    stream = open_photons(path)
    path.unlink()
    with pytest.raises(FormatError, match="cannot be read"):
        photons_in(stream)
