"""Two dots seen as one, and spots too faint to be dots."""

from dataclasses import replace

import numpy as np
import pytest
from dots import localizations
from scipy.spatial import cKDTree

from qdimage.domain.flags import DotFlag
from qdimage.match.blends import blend_share, share_of_dots
from qdimage.match.faint import flag_faint

SIGMA, SIDE = 1.0, 1000.0


def seen(places: np.ndarray) -> np.ndarray:
    """Spots of dots: of two within 1.5 sigma, one is seen."""
    pairs = cKDTree(places).query_pairs(1.5 * SIGMA, output_type="ndarray")
    return np.delete(places, pairs[:, 1], axis=0)


@pytest.mark.parametrize("density", [0.002, 0.006])
def test_the_share_of_blends_is_told_from_pairs_that_are_resolved(density: float) -> None:
    rng = np.random.default_rng(310)
    places = rng.uniform(0, SIDE, (round(density * SIDE**2), 2))
    spots = seen(places)
    blended = len(places) / len(spots) - 1
    # Some 14 and 130 pairs are blends: 4 standard deviations of their number, odds of 1e-4.
    allowed = 4 * np.sqrt(blended / len(spots))
    assert 0.004 < blended < 0.03
    assert blend_share(spots, SIGMA) == pytest.approx(blended, abs=allowed)


def test_clusters_have_more_blends_than_their_mean_density_tells() -> None:
    rng = np.random.default_rng(311)
    even = rng.uniform(0, SIDE, (500, 2))
    clustered = np.repeat(rng.uniform(0, SIDE, (100, 2)), 5, axis=0) + rng.normal(0, 4, (500, 2))
    assert blend_share(clustered, SIGMA) > 4 * blend_share(even, SIGMA)


def test_without_neighbours_or_a_width_there_are_no_blends() -> None:
    assert blend_share(np.empty((0, 2)), SIGMA) == 0.0
    assert blend_share(np.array([[1.0, 1.0], [90.0, 5.0]]), SIGMA) == 0.0
    assert blend_share(np.zeros((5, 2)), float("nan")) == 0.0


def test_one_lit_dot_lights_a_spot_of_two() -> None:
    rng = np.random.default_rng(312)
    n, blends, share = 200_000, 0.2, 0.4
    double = rng.random(n) < blends
    lit = (rng.random(n) < share) | (double & (rng.random(n) < share))
    # Standard deviation 0.0011.
    assert share_of_dots(float(np.mean(lit)), blends) == pytest.approx(share, abs=0.005)


def test_spots_of_some_percent_of_a_dots_light_are_faint() -> None:
    signal = np.array([800.0, 1200.0, 20.0, np.nan, 60.0])
    dots = replace(localizations(np.zeros((5, 2))), signal=signal)
    flagged = flag_faint(dots, 0.05)
    assert (flagged.flags & DotFlag.FAINT != 0).tolist() == [False, False, True, False, False]
    assert np.all(flag_faint(dots, 0.0).flags == dots.flags)
    assert len(flag_faint(localizations(np.zeros((0, 2))), 0.05)) == 0
