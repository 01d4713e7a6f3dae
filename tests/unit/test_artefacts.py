"""What detectors add to a correlation: found where it is, not found where it is not."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.photon_flags import PHOTON_FLAG_MEANING, PhotonFlag, photon_flag_names
from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.domain.refusal import Refusal
from qdimage.photons.artefacts import (
    AFTERPULSE_SIGMAS,
    CROSSTALK_CHANCE,
    DetectorFaults,
    clipped,
    crosstalk_chance,
    silent,
)
from qdimage.photons.artefacts_drift import SLICES, counts_in_slices, drifts
from qdimage.photons.dip import Plateau
from qdimage.photons.plateau import plateau_beyond
from qdimage.photons.pulsed_period import period_of
from qdimage.pipeline.g2_detectors import faults_of
from qdimage.rates.dot import DotParameters
from qdimage.rates.pl import pl_model
from qdimage.simulation.photon_options import PhotonStreamOptions
from qdimage.simulation.photon_stream import simulate_photons

EDGES = np.arange(-500.0, 500.1, 0.5)


def curve(counts: np.ndarray, edges: np.ndarray = EDGES) -> G2Curve:
    return G2Curve(
        edges, np.asarray(counts, np.int64), np.full(len(counts), 100.0), 60.0, 10_000, 10_000
    )


def light(**changes: float) -> PhotonStream:
    """Two million photons of a dot, which are antibunched on each detector too."""
    options = PhotonStreamOptions(duration_s=4.0, detection_efficiency=0.1)
    options = options.model_copy(update=changes)
    model = pl_model(DotParameters(), pump_per_us=5.0)
    return simulate_photons(model, options, np.random.default_rng(5))


def faults(stream: PhotonStream) -> tuple[DetectorFaults, DetectorFaults]:
    return faults_of(stream, (0, 1), 0.0)


def test_dead_time_and_afterpulses_are_found_and_measured() -> None:
    for found in faults(light(dead_time_ns=25.0, afterpulse_probability=0.01)):
        assert found.dead_time_ns == pytest.approx(25.0, abs=1.5)
        assert found.afterpulse_sigmas > 10
        assert found.afterpulse_probability == pytest.approx(0.01, rel=0.15)


def test_light_alone_shows_neither() -> None:
    for found in faults(light(dead_time_ns=0.0, afterpulse_probability=0.0)):
        assert math.isnan(found.dead_time_ns)
        # Odds of 3 in 100,000 each.
        assert found.afterpulse_sigmas < AFTERPULSE_SIGMAS


def dip(level: float) -> np.ndarray:
    return level * (1 - 0.95 * np.exp(-np.abs((EDGES[1:] + EDGES[:-1]) / 2) / 20.0))


@pytest.mark.parametrize("level", [3.0, 100.0])
def test_peaks_of_crosstalk_are_found_and_chance_is_as_rare_as_stated(level: float) -> None:
    rng, model = np.random.default_rng(2), dip(level)
    peaks = sum(
        np.exp(-0.5 * ((EDGES[1:] + EDGES[:-1]) / 2 - place) ** 2 / 0.5**2) for place in (-9.0, 7.0)
    )
    seen = curve(rng.poisson(model + (12 * math.sqrt(level)) * peaks))
    assert crosstalk_chance(seen, model) < CROSSTALK_CHANCE
    chances = [crosstalk_chance(curve(rng.poisson(model)), model) for _ in range(200)]
    # At most 0.2 expected of 200: 3 have odds of 0.1 %.
    assert sum(each < CROSSTALK_CHANCE for each in chances) < 3


def test_silence_and_clipping() -> None:
    assert silent(0, 50)
    assert silent(90_000, 700)
    assert not silent(90_000, 5_000)
    assert clipped(np.array([65535, 65535, 12]))
    assert not clipped(np.array([65535, 4, 12]))
    assert not clipped(np.array([700, 700, 12]))


def test_a_drift_is_told_from_blinking() -> None:
    rng = np.random.default_rng(3)
    bleaching = rng.poisson(1e4 * np.linspace(1.0, 0.6, SLICES))
    assert drifts(bleaching)
    blinking = [rng.poisson(1e4 * rng.uniform(0.2, 1.0, SLICES)) for _ in range(300)]
    # At most 0.3 expected of 300: 4 have odds of 0.03 %.
    assert sum(drifts(each) for each in blinking) < 4
    assert not drifts(np.zeros(SLICES, np.int64))


def test_every_photon_is_in_one_part() -> None:
    time = np.arange(0, 2001, dtype=np.int64)
    channel = (time % 3).astype(np.uint8)

    def reader() -> Iterator[PhotonBlock]:
        yield PhotonBlock(time[:700], channel[:700])
        yield PhotonBlock(time[700:], channel[700:])

    stream = PhotonStream("drawn", "T2", 1e-9, None, reader)
    counts = counts_in_slices(stream, 2000e-9, (0, 1))
    assert counts.sum() == np.isin(channel, (0, 1)).sum()
    assert counts.max() - counts.min() <= 2


def growing(g2: np.ndarray, edges: np.ndarray, pairs: float, seed: int) -> G2Curve:
    expected = pairs * np.diff(edges)
    counts = np.random.default_rng(seed).poisson(expected * g2)
    return G2Curve(edges, counts, expected, 60.0, 1000, 1000)


@pytest.mark.parametrize("seed", range(6))
def test_the_level_between_a_slow_recovery_and_blinking_is_found(seed: int) -> None:
    edges = np.geomspace(500.0, 1e6, 30)
    lags = np.sqrt(edges[1:] * edges[:-1])
    g2 = 1 + np.exp(-lags / 3e5) - 0.7 * np.exp(-lags / 1500.0)
    found = plateau_beyond(growing(g2, edges, 2.0, seed), 500.0)
    assert isinstance(found, Plateau)
    # The true level is 2, of which blinking takes away up to 10 % where the dip has recovered.
    assert abs(found.value - 2.0) < 0.1 + 4 * found.err


def test_what_never_levels_is_refused() -> None:
    edges = np.geomspace(500.0, 1e6, 30)
    falling = np.geomspace(4.0, 1.0, 29)
    assert isinstance(plateau_beyond(growing(falling, edges, 50.0, 1), 500.0), Refusal)


@pytest.mark.parametrize("period", [12.5, 33.37, 100.03])
def test_the_period_of_pulses_is_found(period: float) -> None:
    lags = (EDGES[1:] + EDGES[:-1]) / 2
    peaks = sum(np.exp(-np.abs(lags - m * period) / 4.0) for m in range(-45, 46) if m != 0)
    found = period_of(curve(np.random.default_rng(1).poisson(30 * peaks + 1.0)))
    assert found is not None
    assert found == pytest.approx(period, rel=1e-3)


@pytest.mark.parametrize("level", [2.0, 50.0, 2000.0])
def test_steady_light_has_no_period(level: float) -> None:
    rng = np.random.default_rng(6)
    found = [period_of(curve(rng.poisson(dip(level)))) for _ in range(150)]
    # At most 0.15 expected of 150: 3 have odds of 0.05 %.
    assert sum(each is not None for each in found) < 3


def test_every_flag_has_a_meaning_and_a_name() -> None:
    assert set(PHOTON_FLAG_MEANING) == set(PhotonFlag)
    assert photon_flag_names({PhotonFlag.NO_DIP, PhotonFlag.CROSSTALK}) == "crosstalk;no_dip"
    assert photon_flag_names(()) == ""
