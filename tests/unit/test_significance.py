"""Tails of the matched filter and the number of noise peaks, against drawn noise."""

import numpy as np
import pytest
from frames import EMCCD, SCMOS, Chip, pixel_shares
from scipy.ndimage import gaussian_filter, maximum_filter
from scipy.stats import norm

from qdimage.domain.camera import NoiseModel
from qdimage.localize.significance import (
    deviate_for_noise_peaks,
    expected_noise_peaks,
    tail_table,
)

SIGMA = 1.2


def noise_of(chip: Chip) -> NoiseModel:
    unit = 1 / chip.quantum_efficiency
    return NoiseModel("photons", unit, chip.excess, (chip.read_noise_e / chip.em_gain * unit) ** 2)


def filter_outputs(chip: Chip, level: float, n_frames: int, n_draws: int) -> np.ndarray:
    """Matched filter over its standard deviation, on frames of nothing but background."""
    rng = np.random.default_rng(21)
    share = pixel_shares(np.array([5.0]), 11, SIGMA)[0]
    weights = np.outer(share, share).ravel()
    electrons = rng.poisson(level * chip.quantum_efficiency * n_frames, (n_draws, len(weights)))
    output = electrons.astype(float)
    if chip.em_gain > 1:
        output = rng.gamma(np.maximum(output, 1e-9)) * (output > 0)
    read = chip.read_noise_e / chip.em_gain * np.sqrt(n_frames)
    output += read * rng.standard_normal(output.shape)
    sums = (output / chip.quantum_efficiency - level * n_frames) @ weights
    spread = (
        chip.excess * level / chip.quantum_efficiency
        + (chip.read_noise_e / chip.em_gain / chip.quantum_efficiency) ** 2
    )
    return np.asarray(sums / np.sqrt(n_frames * spread * np.sum(weights**2)))


@pytest.mark.parametrize(
    ("chip", "level", "n_frames"),
    [(EMCCD, 0.1, 1), (EMCCD, 1.0, 5), (EMCCD, 20.0, 1), (SCMOS, 2.0, 10)],
)
def test_the_tail_is_that_of_drawn_frames(chip: Chip, level: float, n_frames: int) -> None:
    outputs = filter_outputs(chip, level, n_frames, 100_000)
    table = tail_table(
        noise_of(chip), n_frames=n_frames, psf_sigma_px=SIGMA, lowest=level / 2, highest=2 * level
    )
    ratio = np.quantile(outputs, norm.cdf([2.0, 3.0, 3.5]))
    deviate = table.normal_deviate(ratio, np.full(3, level))
    # 2275, 135 and 23 draws lie above: the quantiles are uncertain by 0.01, 0.03 and 0.06
    # deviates; 0.15 is beyond chance and allows for the saddlepoint formula.
    assert deviate == pytest.approx([2.0, 3.0, 3.5], abs=0.15)


def test_a_skewed_tail_is_much_less_significant_than_it_looks() -> None:
    table = tail_table(noise_of(EMCCD), n_frames=1, psf_sigma_px=SIGMA, lowest=0.05, highest=0.1)
    assert table.normal_deviate(np.array([8.0]), np.array([0.05]))[0] < 5.0


def test_many_frames_of_much_light_are_normal() -> None:
    table = tail_table(
        noise_of(EMCCD), n_frames=1000, psf_sigma_px=SIGMA, lowest=50.0, highest=100.0
    )
    ratio = np.array([2.0, 4.0, 6.0])
    assert table.normal_deviate(ratio, np.full(3, 50.0)) == pytest.approx(ratio, abs=0.02)


def test_more_signal_is_more_significant_within_the_table_and_beyond_it() -> None:
    table = tail_table(noise_of(EMCCD), n_frames=1, psf_sigma_px=SIGMA, lowest=-1.0, highest=30.0)
    ratio = np.linspace(-5, 60, 400)
    for level in (-1.0, 0.0, 0.01, 1.0, 1000.0):
        assert np.all(np.diff(table.normal_deviate(ratio, np.full(400, level))) > 0)


def test_noise_peaks_are_as_many_as_smooth_noise_shows() -> None:
    rng = np.random.default_rng(22)
    n_peaks, sigma = 0, 4.0  # so wide that no top falls between pixels
    for _ in range(40):
        field = gaussian_filter(rng.standard_normal((512, 512)), sigma, mode="wrap")
        field *= 2 * np.sqrt(np.pi) * sigma
        is_peak = (field == maximum_filter(field, 3, mode="wrap")) & (field > 3.2)
        n_peaks += int(is_peak.sum())
    expected = 40 * expected_noise_peaks(np.array([3.2]), n_pixels=512**2, psf_sigma_px=sigma)[0]
    # About 400 peaks, uncertain by 5 %: fails by chance once in 1000 seeds.
    assert n_peaks / expected == pytest.approx(1.0, abs=0.17)


@pytest.mark.parametrize("peaks", [0.01, 0.1, 10.0])
def test_the_threshold_is_the_inverse_of_the_number_of_peaks(peaks: float) -> None:
    deviate = deviate_for_noise_peaks(peaks, n_pixels=256**2, psf_sigma_px=SIGMA)
    found = expected_noise_peaks(np.array([deviate]), n_pixels=256**2, psf_sigma_px=SIGMA)
    assert found[0] == pytest.approx(peaks, rel=1e-6)


def test_a_tiny_frame_still_has_a_threshold() -> None:
    assert deviate_for_noise_peaks(100.0, n_pixels=64, psf_sigma_px=SIGMA) == 1.0
    assert deviate_for_noise_peaks(0.1, n_pixels=0, psf_sigma_px=SIGMA) == 1.0
