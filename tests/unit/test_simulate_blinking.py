"""Blinking against the theory of a random telegraph.

Bounds are five standard errors: each comparison fails by chance once in 1.7 million.
"""

import numpy as np
import pytest

from qdimage.simulation.blinking import dark_intervals, on_fractions
from qdimage.simulation.options import BlinkingOptions

EXPOSURE_S = 0.1
SIGMAS = 5.0


def draw(n_emitters, n_frames, on_fraction, off_time_s, seed=0):
    return on_fractions(
        n_emitters,
        n_frames=n_frames,
        exposure_s=EXPOSURE_S,
        options=BlinkingOptions(on_fraction=on_fraction, off_time_s=off_time_s),
        rng=np.random.default_rng(seed),
    )


def correlation_time(on_fraction, off_time_s):
    """1 / (1 / on time + 1 / off time)."""
    return off_time_s * on_fraction


@pytest.mark.parametrize(("on_fraction", "off_time_s"), [(0.9, 0.2), (0.5, 0.05), (0.2, 0.4)])
def test_the_duty_cycle_is_the_on_fraction(on_fraction, off_time_s):
    on = draw(3000, 20, on_fraction, off_time_s)
    ratio = 20 * EXPOSURE_S / correlation_time(on_fraction, off_time_s)
    variance = 2 * on_fraction * (1 - on_fraction) / ratio * (1 - (1 - np.exp(-ratio)) / ratio)
    assert abs(on.mean() - on_fraction) < SIGMAS * np.sqrt(variance / len(on))
    averages = on.mean(axis=1)
    spread = (averages - on_fraction) ** 2
    assert abs(spread.mean() - variance) < SIGMAS * spread.std() / np.sqrt(len(on))


def test_every_frame_is_alike():
    on = draw(4000, 10, 0.3, 0.5, seed=1)
    standard_error = on.std(axis=0) / np.sqrt(len(on))
    assert np.all(np.abs(on.mean(axis=0) - 0.3) < SIGMAS * standard_error)


@pytest.mark.parametrize(("on_fraction", "off_time_s"), [(0.9, 0.2), (0.5, 0.4)])
def test_frames_are_correlated_as_a_telegraph_is(on_fraction, off_time_s):
    on = draw(6000, 20, on_fraction, off_time_s, seed=2) - on_fraction
    ratio = EXPOSURE_S / correlation_time(on_fraction, off_time_s)
    scale = on_fraction * (1 - on_fraction) * 2 * (np.cosh(ratio) - 1) / ratio**2
    for lag in (1, 2, 3, 6):
        products = (on[:, lag:] * on[:, :-lag]).mean(axis=1)
        standard_error = products.std() / np.sqrt(len(products))
        assert abs(products.mean() - scale * np.exp(-lag * ratio)) < SIGMAS * standard_error


def test_slow_emitters_stay_dark_or_bright_for_a_whole_stack_as_often_as_they_should():
    n, on_fraction, off_time_s, duration_s = 20_000, 0.6, 2.0, 5 * EXPOSURE_S
    on = draw(n, 5, on_fraction, off_time_s, seed=3)
    on_time_s = off_time_s * on_fraction / (1 - on_fraction)
    dark = (1 - on_fraction) * np.exp(-duration_s / off_time_s)
    bright = on_fraction * np.exp(-duration_s / on_time_s)
    for found, expected in ((on.max(axis=1) == 0, dark), (on.min(axis=1) > 1 - 1e-9, bright)):
        allowed = SIGMAS * np.sqrt(expected * (1 - expected) / n)
        assert abs(found.mean() - expected) < allowed


def test_fast_emitters_are_steady():
    on = draw(20, 20, 0.7, 5e-4, seed=4)
    assert np.all(np.abs(on - 0.7) < 0.2)
    assert on.std() > 0


def test_emitters_blink_independently():
    on = draw(2, 20_000, 0.5, 0.05, seed=5)
    n_independent = on.shape[1] * EXPOSURE_S / (2 * correlation_time(0.5, 0.05) + EXPOSURE_S)
    assert abs(np.corrcoef(on)[0, 1]) < SIGMAS / np.sqrt(n_independent)


def test_an_emitter_that_is_always_on_draws_no_random_numbers():
    rng = np.random.default_rng(6)
    options = BlinkingOptions(on_fraction=1.0)
    on = on_fractions(3, n_frames=4, exposure_s=0.1, options=options, rng=rng)
    assert np.array_equal(on, np.ones((3, 4)))
    assert rng.random() == np.random.default_rng(6).random()


def test_no_emitters_give_no_rows():
    assert draw(0, 7, 0.9, 0.2).shape == (0, 7)


def test_dark_intervals_last_and_come_as_their_law_says():
    # Odds of failing by chance: below 6e-7 each (five standard deviations).
    options = BlinkingOptions(on_fraction=0.8, off_time_s=0.01)
    edges_s = dark_intervals(400.0, options=options, rng=np.random.default_rng(7))
    dark_s, bright_s = np.diff(edges_s)[::2], np.diff(edges_s)[1::2]
    n = dark_s.size
    assert abs(n - 8000) < 5 * np.sqrt(8000)
    assert abs(dark_s.mean() - 0.01) < 5 * 0.01 / np.sqrt(n)
    assert abs(bright_s.mean() - 0.04) < 5 * 0.04 / np.sqrt(n)
    assert dark_s.std() == pytest.approx(0.01, rel=0.1)


def test_dark_intervals_lie_in_order_within_the_measurement():
    options = BlinkingOptions(on_fraction=0.5, off_time_s=0.01)
    begins_dark, ends_dark = 0, 0
    for seed in range(400):
        edges_s = dark_intervals(0.02, options=options, rng=np.random.default_rng(seed))
        assert edges_s.size % 2 == 0
        assert np.all(np.diff(edges_s) > 0)
        assert edges_s.size == 0 or (edges_s[0] >= 0 and edges_s[-1] <= 0.02)
        begins_dark += edges_s.size > 0 and edges_s[0] == 0
        ends_dark += edges_s.size > 0 and edges_s[-1] == 0.02
    # Odds of failing by chance: 6e-7 each.
    assert abs(begins_dark - 200) < 50
    assert abs(ends_dark - 200) < 50


def test_an_emitter_that_is_always_on_has_no_dark_intervals():
    options = BlinkingOptions(on_fraction=1.0)
    assert dark_intervals(1.0, options=options, rng=np.random.default_rng(8)).size == 0
