"""PT2, PT3, HT2 and HT3: the records of PTU behind a fixed header."""

import struct
from pathlib import Path

import numpy as np
import pytest
from counter_files import PICO_T2, PICO_T3, SUFFIX, legacy_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from time_tag_files import REAL, events_of, fine_message, photons_in, write_events

from qdimage.errors import FormatError
from qdimage.io.time_tags import open_photons
from qdimage.photons.correlate import correlate

NAMES = list(SUFFIX)


def records_of(folder: Path, name: str, seed: int = 3) -> tuple[Path, bytes]:
    """A PTU file, and its records alone."""
    path = write_events(folder / "a.ptu", name, events_of(name, seed=seed))
    data = path.read_bytes()
    return path, data[data.index(b"Header_End") + 48 :]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("image", [0, 5])
def test_photons_are_those_of_a_ptu_file(name: str, image: int, tmp_path: Path) -> None:
    ptu, records = records_of(tmp_path, name)
    path = legacy_file(tmp_path, name, records, len(records) // 4, image=image)
    found, same = open_photons(path), open_photons(ptu)
    one, other = photons_in(found), photons_in(same)
    np.testing.assert_array_equal(one.time, other.time)
    np.testing.assert_array_equal(one.channel, other.channel)
    if name.endswith("T3"):
        np.testing.assert_array_equal(one.delay, other.delay)
        assert found.period_s == 1e-7
    assert found.tick_s == pytest.approx(1e-12 if "Hydra" in name and "T2" in name else 4e-12)
    assert found.mode == name[-2:]
    assert found.header["duration_s"] == 9.0
    assert found.warnings == []


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_cut_is_named_wherever_it_ends(name: str, tmp_path: Path) -> None:
    _, records = records_of(tmp_path, name)
    whole = legacy_file(tmp_path, name, records, len(records) // 4).read_bytes()
    path = tmp_path / f"b{SUFFIX[name]}"
    start = len(whole) - len(records)
    for left in range(1, start, 7):
        path.write_bytes(whole[:left])
        with pytest.raises(FormatError) as caught:
            open_photons(path)
        assert "\n" not in str(caught.value)
    for left in (start, start + 3, start + 4001):
        path.write_bytes(whole[:left])
        stream = open_photons(path)
        list(stream.reader())
        assert "cut short" in " ".join(stream.warnings)


@pytest.mark.parametrize("n_records", [0, -1, 2**31 - 1, 10])
def test_a_false_record_count_is_told(n_records: int, tmp_path: Path) -> None:
    _, records = records_of(tmp_path, PICO_T2)
    stream = open_photons(legacy_file(tmp_path, PICO_T2, records, n_records))
    assert bool(stream.warnings) == (n_records != 0)
    assert photons_in(stream).time.size <= len(records) // 4


@pytest.mark.parametrize(
    ("name", "at", "value", "said"),
    [
        (PICO_T3, 584, struct.pack("<f", float("nan")), "ticks"),
        (PICO_T3, 584, struct.pack("<f", -0.004), "ticks"),
        (PICO_T3, 584, struct.pack("<f", 0.0), "ticks"),
        (PICO_T3, 584, struct.pack("<f", 1e30), "ticks"),
        (PICO_T3, 704, struct.pack("<i", 0), "sync rate"),
        ("HydraHarp v2 T3", 352, struct.pack("<d", float("inf")), "ticks"),
        ("HydraHarp v2 T2", 648, struct.pack("<d", 0.0), "ticks"),
        ("HydraHarp v2 T2", 664, struct.pack("<i", -3), "inputs"),
        ("HydraHarp v2 T2", 664, struct.pack("<i", 2**30), "inputs"),
        ("HydraHarp v2 T2", 340, struct.pack("<i", 0), "mode 0"),
        ("HydraHarp v2 T2", 16, b"3.0\0\0\0", "format '3.0'"),
        ("HydraHarp v2 T2", 332, struct.pack("<i", 64), "64 bits"),
        (PICO_T2, 724, struct.pack("<i", 2**20), "fields of an image"),
        (PICO_T2, 724, struct.pack("<i", -1), "fields of an image"),
        (PICO_T2, 0, b"TimeHarp 200\0\0\0\0", "beginning"),
    ],
)
def test_a_damaged_header_is_refused(
    name: str, at: int, value: bytes, said: str, tmp_path: Path
) -> None:
    _, records = records_of(tmp_path, name)
    path = legacy_file(tmp_path, name, records, len(records) // 4)
    data = bytearray(path.read_bytes())
    data[at : at + len(value)] = value
    path.write_bytes(bytes(data))
    with pytest.raises(FormatError, match=said) as caught:
        open_photons(path)
    assert "\n" not in str(caught.value)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_no_bytes_bring_the_reader_down(data: st.DataObject, name: str, tmp_path: Path) -> None:
    records = data.draw(st.binary(max_size=400))
    whole = bytearray(legacy_file(tmp_path, name, records, len(records) // 4).read_bytes())
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, len(whole) - 1))
        piece = data.draw(st.binary(min_size=1, max_size=8))
        whole[at : at + len(piece)] = piece
    path = tmp_path / f"b{SUFFIX[name]}"
    path.write_bytes(bytes(whole)[: data.draw(st.integers(1, len(whole)))])
    with fine_message(path):
        correlate(open_photons(path), bin_ticks=100, n_bins=50)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real time tags are absent")
@pytest.mark.parametrize(
    ("file", "n_records", "n_photons", "longest_s"),
    [
        # Those of version 1, and the T2 of version 2, are beginnings of longer files.
        ("hydraharp_v10.ht2", 25, 19, 2e-4),
        ("hydraharp_v10.ht3", 1050, 32, 0.1),
        ("hydraharp_v20.ht2", 25, 0, 0.0),
        ("hydraharp_v20.ht3", 53606, 44141, 10.0),
    ],
)
def test_real_files_agree_with_their_own_headers(
    file: str, n_records: int, n_photons: int, longest_s: float
) -> None:
    stream = open_photons(REAL / f"libpicoquant_{file}")
    blocks = list(stream.reader())
    time = np.concatenate([block.time for block in blocks])
    assert stream.header["n_records"] == n_records
    assert time.size == n_photons
    assert np.all(np.diff(time) >= 0)
    assert np.ptp(time) * (stream.period_s or stream.tick_s) <= longest_s if time.size else True
    if stream.period_s is not None:
        latest = max(int(block.delay.max()) for block in blocks if block.delay.size)
        assert latest * stream.tick_s <= stream.period_s
    whole = file == "hydraharp_v20.ht3"
    assert bool(stream.warnings) != whole
    if whole:
        # It ran for the ten seconds that its header states.
        assert np.ptp(time) * stream.period_s == pytest.approx(10.0, abs=1e-3)
