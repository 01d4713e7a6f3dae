"""Binned traces, and the arrivals kept beside them."""

from pathlib import Path

import numpy as np
import pytest
from time_tag_files import NAMES, events_of, photons_in, stream_of, write_events

from qdimage.errors import ConfigurationError
from qdimage.io.time_tags import open_photons
from qdimage.photons import trace as module
from qdimage.photons.trace import read_trace


@pytest.mark.parametrize("name", NAMES)
def test_every_record_type_gives_all_its_photons(name: str, tmp_path: Path) -> None:
    stream = open_photons(write_events(tmp_path / "a.ptu", name, events_of(name)))
    photons = photons_in(stream)
    time = photons.time if photons.delay is None else photons.time * 25_000 + photons.delay
    bin_ticks = int(np.ptp(time)) // 50
    trace, kept = read_trace(stream, detectors=(0, 2), bin_s=bin_ticks * 4e-12)
    chosen = np.isin(photons.channel, (0, 2))
    first = time[chosen].min()
    for row, detector in zip(trace.counts, (0, 2), strict=True):
        own = (time[photons.channel == detector] - first) // bin_ticks
        np.testing.assert_array_equal(row, np.bincount(own, minlength=row.size))
    np.testing.assert_array_equal(kept.time, np.sort(time[chosen]))
    assert (kept.every, kept.n_photons) == (1, chosen.sum())
    assert trace.time_s[0] == pytest.approx((first + bin_ticks / 2) * 4e-12)


@pytest.mark.parametrize("n_block", [1, 17, 4000])
def test_many_arrivals_are_thinned_evenly(n_block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_KEPT", 300)
    time = np.cumsum(np.random.default_rng(1).integers(0, 9, 4000))
    _, kept = read_trace(stream_of(time, np.zeros(4000), n_block=n_block), bin_s=1e-9)
    assert kept.time.size <= 300
    assert kept.every == 16
    np.testing.assert_array_equal(kept.time, time[:: kept.every])
    assert (kept.last, kept.n_photons) == (time[-1], 4000)


def test_no_photons_give_an_empty_trace() -> None:
    trace, kept = read_trace(stream_of([1, 2], [5, 5]), bin_s=1e-9)
    assert trace.counts.shape == (2, 0)
    assert (kept.time.size, kept.n_photons) == (0, 0)


@pytest.mark.parametrize("bin_s", [0.0, -1.0, 1e-15, float("nan"), float("inf")])
def test_bins_that_make_no_sense_are_refused(bin_s: float) -> None:
    with pytest.raises(ConfigurationError, match="bins"):
        read_trace(stream_of([1, 2], [0, 1]), bin_s=bin_s)


def test_bins_too_many_to_hold_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="wider bins"):
        read_trace(stream_of([0, 1 << 40], [0, 1]), bin_s=1e-9)
