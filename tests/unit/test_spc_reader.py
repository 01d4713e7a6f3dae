"""Becker & Hickl's records, against a decoder of single bits."""

from pathlib import Path

import numpy as np
import pytest
from counter_files import CLOCK_25_NS, spc_events, spc_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from time_tag_files import fine_message, photons_in

from qdimage.errors import FormatError
from qdimage.io import spc
from qdimage.io.time_tags import open_photons
from qdimage.photons.correlate import correlate


def test_photons_are_those_that_were_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time, channel, records = spc_events(4000)
    stream = open_photons(spc_file(tmp_path, records))
    for n_block in (7, 1 << 16):
        monkeypatch.setattr(spc, "_BLOCK_RECORDS", n_block)
        found = photons_in(stream)
        np.testing.assert_array_equal(found.time, time)
        np.testing.assert_array_equal(found.channel, channel)
    assert (stream.mode, stream.tick_s, stream.period_s) == ("T2", 25e-9, None)
    assert len(stream.warnings) == 1
    assert "clock of 25 ns" in stream.warnings[0]


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (250, "beginning"),
        (0x81000000 | 250, "beginning"),
        (0x80000000, "clock of 0.0 ns"),
        (0x80FFFFFF, "macro-time clock"),
        (0xFFFFFFFF, "beginning"),
    ],
)
def test_other_beginnings_are_refused(first: int, said: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=said) as caught:
        open_photons(spc_file(tmp_path, [1, 2], first))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("records", "times", "said"),
    [
        ([5, 4], [5, 4], "backwards at 1 places"),
        ([5, 0x20000006], [5, 6], "ran over at 1 places"),
        ([5, 0x80000006, 7], [5, 7], "1 records that the card marked as invalid"),
        ([5] + [0xCFFFFFFF] * ((1 << 20) + 9), [5], "beyond 2^60"),
    ],
)
def test_damage_is_named(records: list[int], times: list[int], said: str, tmp_path: Path) -> None:
    stream = open_photons(spc_file(tmp_path, records))
    assert photons_in(stream).time.tolist() == times
    assert said in stream.warnings[1]


def test_a_file_that_is_cut_keeps_what_is_before(tmp_path: Path) -> None:
    time, _, records = spc_events(300)
    path = spc_file(tmp_path, records)
    whole = path.read_bytes()
    for left in range(1, len(whole), 13):
        path.write_bytes(whole[:left])
        if left < 4:
            with pytest.raises(FormatError):
                open_photons(path)
            continue
        stream = open_photons(path)
        found = [t for block in stream.reader() for t in block.time.tolist()]
        assert found == time[: len(found)].tolist()
        assert any("cut short" in text for text in stream.warnings) == (left % 4 != 0)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=st.binary(min_size=1, max_size=2000), named=st.booleans())
def test_no_payload_brings_the_reader_down(payload: bytes, named: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.spc"
    path.write_bytes(CLOCK_25_NS.to_bytes(4, "little") * named + payload)
    with fine_message(path):
        correlate(open_photons(path), bin_ticks=1, n_bins=50)
