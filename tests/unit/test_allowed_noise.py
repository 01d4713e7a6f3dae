"""How many noise peaks are allowed where sources are many."""

import numpy as np
import pytest
from numpy.typing import NDArray

from qdimage.localize.allowed_noise import allowed_by_chance, allowed_by_share

Array = NDArray[np.float64]

LEAST, CHANCE = 0.1, 0.5
# Noise peaks looked at; of noise alone they have equal chances to be anywhere below this.
DEPTH = 200.0


def noise_peaks(rng: np.random.Generator) -> Array:
    return np.sort(rng.uniform(0.0, DEPTH, rng.poisson(DEPTH)))


def test_noise_alone_gains_nothing() -> None:
    rng = np.random.default_rng(1)
    allowed = [allowed_by_chance(noise_peaks(rng), CHANCE, LEAST) for _ in range(2000)]
    # A crowd of 1 in 1000 by chance, wherever it begins: with 20 chances to do so 40 of 2000 and
    # three times the root of that.
    assert np.count_nonzero(np.array(allowed) > LEAST) <= 60


def test_bright_sources_pay_for_no_noise() -> None:
    rng = np.random.default_rng(2)
    bright = np.full(600, 1e-20)
    allowed = [
        allowed_by_chance(np.concatenate([bright, noise_peaks(rng)]), CHANCE, LEAST)
        for _ in range(200)
    ]
    assert np.count_nonzero(np.array(allowed) > LEAST) <= 12
    # A share of all of them does pay for some.
    assert allowed_by_share(np.concatenate([bright, noise_peaks(rng)]), 0.05) > 20.0


def test_the_last_dim_source_is_as_likely_noise_as_was_asked() -> None:
    rng = np.random.default_rng(3)
    # The density of dim sources falls from four times that of noise peaks, which is one.
    dim = rng.exponential(8000.0, 4 * 8000)
    noise = rng.uniform(0.0, 80000.0, 80000)
    allowed = allowed_by_chance(np.sort(np.concatenate([dim, noise])), CHANCE, LEAST)
    assert allowed == pytest.approx(8000.0 * np.log(4.0), rel=0.15)


def test_no_sources_and_no_chance_leave_the_least() -> None:
    assert allowed_by_chance(np.empty(0), CHANCE, LEAST) == LEAST
    assert allowed_by_chance(np.linspace(0.2, 1.0, 500), 0.0, LEAST) == LEAST
    assert allowed_by_chance(np.linspace(0.2, 1.0, 500), CHANCE, LEAST) == pytest.approx(1.0)
