"""What is written is what is read, whatever the photons; and no bytes bring a reader down."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from time_tag_files import NAMES, photons_in, reference_pairs, stream_of, write_events

from qdimage.errors import FormatError
from qdimage.io.ptu_records import RECORD_TYPES
from qdimage.io.time_tags import open_histogram, open_photons
from qdimage.photons.correlate import correlate, correlate_between
from qdimage.simulation.ptu_writer import MARKER, PHOTON, SYNC, write_ptu

on_one_folder = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
on_few = settings(on_one_folder, max_examples=25)


@st.composite
def recordings(draw: st.DrawFn, name: str) -> dict[str, np.ndarray]:
    """Draw photons, markers and syncs as the named device writes them."""
    kind = next(each for each in RECORD_TYPES.values() if each.name == name)
    pico = kind.layout == "pico"
    n = draw(st.integers(0, 30))
    most = kind.wrap * (3 if not kind.counted else 1 << 11)
    steps = draw(
        st.lists(st.one_of(st.integers(0, 50), st.integers(0, most)), min_size=n, max_size=n)
    )
    events = [PHOTON, MARKER] if pico else [PHOTON, MARKER, SYNC]
    event = draw(st.lists(st.sampled_from(events), min_size=n, max_size=n))
    n_detectors = 64 if not pico else 4 if kind.mode == "T3" else 5
    channel = [
        draw(st.integers(1, 15) if each == MARKER else st.integers(0, n_detectors - 1))
        for each in event
    ]
    delay = draw(st.lists(st.integers(0, 4095 if pico else 32767), min_size=n, max_size=n))
    return {
        "time": np.cumsum(np.array(steps, np.int64)),
        "channel": np.array(channel, np.int64),
        "event": np.array(event, np.int64),
        "delay": np.array(delay, np.int64),
    }


@pytest.mark.parametrize("name", NAMES)
@on_few
@given(data=st.data())
def test_photons_come_back_as_they_were_written(
    name: str, data: st.DataObject, tmp_path: Path
) -> None:
    events = data.draw(recordings(name))
    stream = open_photons(write_events(tmp_path / "a.ptu", name, events))
    kept = events["event"] == PHOTON
    blocks = list(stream.reader())
    if not blocks:
        assert not kept.any()
        return
    found = photons_in(stream)
    np.testing.assert_array_equal(found.time, events["time"][kept])
    np.testing.assert_array_equal(found.channel, events["channel"][kept])
    if found.delay is not None:
        np.testing.assert_array_equal(found.delay, events["delay"][kept])


def anything_from(path: Path) -> None:
    """Use a file in every way; `FormatError` alone may come of it, in one line."""
    try:
        if path.suffix == ".phu":
            open_histogram(path, duration_s=1, rate_counts_s=(1, 1))
        else:
            correlate(open_photons(path), bin_ticks=100, n_bins=50)
    except FormatError as error:
        message = str(error)
    else:
        return
    assert "\n" not in message
    assert str(path) in message


@on_one_folder
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_no_changed_bytes_bring_the_reader_down(
    data: st.DataObject, name: str, tmp_path: Path
) -> None:
    path = write_events(tmp_path / "a.ptu", name, data.draw(recordings(name)))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.binary(min_size=1, max_size=8))
        content[at : at + len(piece)] = piece
    path.write_bytes(bytes(content)[: data.draw(st.integers(0, len(content)))])
    anything_from(path)


@on_one_folder
@given(payload=st.binary(max_size=4000), name=st.sampled_from(NAMES))
def test_no_payload_brings_the_reader_down(payload: bytes, name: str, tmp_path: Path) -> None:
    none = np.array([], np.int64)
    period = {"period_s": 1e-7} if name.endswith("T3") else {}
    path = write_ptu(tmp_path / "a.ptu", none, none, record_type=name, tick_s=4e-12, **period)
    path.write_bytes(path.read_bytes() + payload)
    anything_from(path)


@on_one_folder
@given(tail=st.binary(max_size=600), suffix=st.sampled_from([".ptu", ".phu"]))
def test_no_header_brings_the_reader_down(tail: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    magic = b"PQTTTR\0\0" if suffix == ".ptu" else b"PQHISTO\0"
    path.write_bytes(magic + b"1.0.00\0\0" + tail)
    anything_from(path)


photons = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2)), min_size=0, max_size=60)


@on_one_folder
@given(
    photons=photons,
    width=st.integers(1, 20),
    n_bins=st.integers(1, 12),
    second=st.integers(0, 1),
    n_block=st.integers(1, 20),
)
def test_counts_are_all_pairs(
    photons: list[tuple[int, int]], width: int, n_bins: int, second: int, n_block: int
) -> None:
    time = np.cumsum(np.array([step for step, _ in photons], np.int64))
    channel = np.array([each for _, each in photons], np.uint8)
    stream = stream_of(time, channel, n_block=n_block)
    edges = width * np.arange(-n_bins, n_bins + 1)
    expected = reference_pairs(time, channel, edges, 0, second)
    curve = correlate(stream, bin_ticks=width, n_bins=n_bins, second=second)
    np.testing.assert_array_equal(curve.counts, expected)
    between = correlate_between(stream, edges_ticks=edges, second=second)
    np.testing.assert_array_equal(between.counts, expected)


@on_one_folder
@given(photons=photons, edges=st.sets(st.integers(-300, 300), min_size=2, max_size=9))
def test_counts_in_bins_of_any_width_are_all_pairs(
    photons: list[tuple[int, int]], edges: set[int]
) -> None:
    time = np.cumsum(np.array([step for step, _ in photons], np.int64))
    channel = np.array([each for _, each in photons], np.uint8)
    rising = np.array(sorted(edges))
    curve = correlate_between(stream_of(time, channel, n_block=7), edges_ticks=rising)
    np.testing.assert_array_equal(curve.counts, reference_pairs(time, channel, rising))
