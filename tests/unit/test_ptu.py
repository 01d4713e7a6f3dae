"""PTU files of every device are read to the record."""

from pathlib import Path

import numpy as np
import pytest
from time_tag_files import (
    NAMES,
    T2_NAMES,
    T3_NAMES,
    events_of,
    photons_in,
    reference_photons,
    write_events,
)

from qdimage.errors import ConfigurationError, FormatError
from qdimage.io import record_file
from qdimage.io.ptu_records import RECORD_TYPES
from qdimage.io.time_tags import open_photons
from qdimage.simulation.ptu_writer import MARKER, PHOTON, SYNC, write_ptu


@pytest.mark.parametrize("name", NAMES)
def test_photons_are_those_that_were_written(name: str, tmp_path: Path) -> None:
    events = events_of(name)
    stream = open_photons(write_events(tmp_path / "a.ptu", name, events))
    found = photons_in(stream)
    kept = events["event"] == PHOTON
    np.testing.assert_array_equal(found.time, events["time"][kept])
    np.testing.assert_array_equal(found.channel, events["channel"][kept])
    if name in T3_NAMES:
        np.testing.assert_array_equal(found.delay, events["delay"][kept])
    assert stream.mode == name[-2:]
    assert stream.tick_s == 4e-12
    assert stream.period_s == (1e-7 if name in T3_NAMES else None)
    assert stream.warnings == []


@pytest.mark.parametrize("name", NAMES)
def test_photons_are_those_of_a_record_by_record_decoder(name: str, tmp_path: Path) -> None:
    path = write_events(tmp_path / "a.ptu", name, events_of(name, seed=5))
    found = photons_in(open_photons(path))
    delay = np.zeros(found.time.size, int) if found.delay is None else found.delay
    got = list(zip(found.time.tolist(), found.channel.tolist(), delay.tolist(), strict=True))
    assert got == reference_photons(path, name)


@pytest.mark.parametrize("name", NAMES)
def test_blocks_do_not_change_the_photons(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = open_photons(write_events(tmp_path / "a.ptu", name, events_of(name)))
    whole = photons_in(stream)
    monkeypatch.setattr(record_file, "BLOCK_RECORDS", 7)
    parts = photons_in(stream)
    np.testing.assert_array_equal(parts.time, whole.time)
    np.testing.assert_array_equal(parts.channel, whole.channel)


@pytest.mark.parametrize("name", [name for name in T2_NAMES if not name.startswith("Pico")])
def test_syncs_and_markers_are_never_photons(name: str, tmp_path: Path) -> None:
    n = 200
    events = {
        "time": np.arange(n) * 1000,
        "channel": np.full(n, 1),
        "event": np.where(np.arange(n) % 2, SYNC, MARKER),
        "delay": np.zeros(n, int),
    }
    assert photons_in(open_photons(write_events(tmp_path / "a.ptu", name, events))).time.size == 0


def test_times_beyond_what_a_float_can_count_stay_exact(tmp_path: Path) -> None:
    time = 2**57 + np.array([0, 1, 3])
    path = write_ptu(
        tmp_path / "a.ptu", time, np.zeros(3, int), record_type="MultiHarp T2", tick_s=1e-12
    )
    assert photons_in(open_photons(path)).time.tolist() == time.tolist()


def test_an_overflow_record_without_a_count_is_one_overflow(tmp_path: Path) -> None:
    path = write_ptu(
        tmp_path / "a.ptu",
        np.array([5]),
        np.array([0]),
        record_type="HydraHarp v2 T2",
        tick_s=1e-12,
    )
    photon = path.read_bytes()[-4:]
    path.write_bytes(path.read_bytes()[:-4] + bytes([0, 0, 0, 0xFE]) + photon)
    set_count(path, 0)
    assert photons_in(open_photons(path)).time.tolist() == [5 + 2**25]


def set_count(path: Path, count: int) -> None:
    data = bytearray(path.read_bytes())
    at = data.index(b"TTResult_NumberOfRecords") + 40
    data[at : at + 8] = count.to_bytes(8, "little", signed=True)
    path.write_bytes(bytes(data))


def test_a_count_of_zero_falls_back_to_the_size(tmp_path: Path) -> None:
    events = events_of("PicoHarp T2")
    path = write_events(tmp_path / "a.ptu", "PicoHarp T2", events)
    whole = photons_in(open_photons(path))
    set_count(path, 0)
    stream = open_photons(path)
    np.testing.assert_array_equal(photons_in(stream).time, whole.time)
    assert stream.warnings == []


def test_the_header_says_duration_and_instrument(tmp_path: Path) -> None:
    path = write_events(tmp_path / "a.ptu", "PicoHarp T2", events_of("PicoHarp T2"), duration_s=30)
    header = open_photons(path).header
    assert header["duration_s"] == 30
    assert header["instrument"] == "PicoHarp"
    assert (
        header["n_records"]
        == (path.stat().st_size - path.read_bytes().index(b"Header_End") - 48) / 4
    )


def test_the_writer_refuses_what_no_device_writes(tmp_path: Path) -> None:
    one, path = np.array([1]), tmp_path / "a.ptu"
    with pytest.raises(ConfigurationError, match="record type"):
        write_ptu(path, one, one, record_type="AbacusHarp T2", tick_s=1e-12)
    with pytest.raises(ConfigurationError, match="period_s"):
        write_ptu(path, one, one, record_type="MultiHarp T3", tick_s=1e-12)
    with pytest.raises(ConfigurationError, match="sort"):
        write_ptu(
            path,
            np.array([10**9, 1]),
            np.array([0, 0]),
            record_type="MultiHarp T2",
            tick_s=1e-12,
        )
    with pytest.raises(ConfigurationError, match="sync"):
        write_ptu(path, one, one, event=one + 1, record_type="PicoHarp T2", tick_s=4e-12)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".t3r", ".phd", ".hhd", ".thd"])
def test_old_formats_are_refused_with_a_way_out(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"PicoHarp 300")
    with pytest.raises(FormatError, match="export it as PTU") as caught:
        open_photons(path)
    assert "\n" not in str(caught.value)


def test_every_record_type_is_named_once() -> None:
    assert len({each.name for each in RECORD_TYPES.values()}) == len(RECORD_TYPES) == 12
