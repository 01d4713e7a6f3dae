"""A file's path to its correlation."""

from pathlib import Path

import numpy as np
import pytest
from time_tag_files import events_of, reference_pairs, write_events

from qdimage.errors import ConfigurationError, FormatError
from qdimage.pipeline.photons import correlate_file
from qdimage.simulation.ptu_writer import write_ptu


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    time = np.cumsum(rng.integers(0, 200, 3000))
    return write_ptu(
        tmp_path / "a.ptu",
        time,
        rng.integers(0, 3, 3000),
        record_type="PicoHarp T2",
        tick_s=4e-12,
    )


def photons(path: Path) -> tuple[np.ndarray, np.ndarray]:
    data = np.frombuffer(path.read_bytes()[-12_000:], "<u4").astype(np.int64)
    return data & 0xFFFFFFF, data >> 28


def test_bins_and_delays_are_rounded_to_whole_ticks(path: Path) -> None:
    curve, warnings = correlate_file(path, bin_ns=0.51, longest_ns=4.1)
    np.testing.assert_allclose(curve.edges_ns, 0.512 * np.arange(-8, 9))
    np.testing.assert_array_equal(
        curve.counts, reference_pairs(*photons(path), 128 * np.arange(-8, 9))
    )
    assert warnings == []


def test_growing_bins_begin_with_the_shortest_delay(path: Path) -> None:
    curve, _ = correlate_file(path, bin_ns=0.1, longest_ns=10, method="growing bins")
    np.testing.assert_allclose(curve.edges_ns[[0, -1]], [0.1, 10])
    edges = np.rint(curve.edges_ns / 0.004).astype(np.int64)
    np.testing.assert_array_equal(curve.counts, reference_pairs(*photons(path), edges))


def test_start_stop_and_other_detectors_are_passed_on(path: Path) -> None:
    curve, _ = correlate_file(path, detectors=(2, 1), longest_ns=5, method="start-stop")
    assert curve.method == "start-stop"
    _, channel = photons(path)
    assert curve.counts_1 == np.sum(channel == 2)
    assert curve.counts_2 == np.sum(channel == 1)


def test_warnings_of_the_file_are_handed_on(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-6])
    _, warnings = correlate_file(path)
    assert len(warnings) == 2


def test_wrong_choices_and_files_are_refused(path: Path) -> None:
    for wrong in ({"method": "some"}, {"bin_ns": 0.0}, {"bin_ns": 9.0, "longest_ns": 1.0}):
        with pytest.raises(ConfigurationError, match="expected"):
            correlate_file(path, **wrong)
    with pytest.raises(ConfigurationError, match="bin"):
        correlate_file(path, bin_ns=float("nan"))
    with pytest.raises(FormatError, match="no such file"):
        correlate_file(path.with_name("b.ptu"))


def test_t3_files_are_correlated_across_syncs(tmp_path: Path) -> None:
    events = events_of("MultiHarp T3", n=2000)
    file = write_events(tmp_path / "a.ptu", "MultiHarp T3", events)
    curve, _ = correlate_file(file, bin_ns=10, longest_ns=1000)
    kept = events["event"] == 0
    time = (events["time"] * 25_000 + events["delay"])[kept]
    expected = reference_pairs(time, events["channel"][kept], 2500 * np.arange(-100, 101))
    np.testing.assert_array_equal(curve.counts, expected)
