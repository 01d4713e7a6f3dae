"""What a pinhole passes of a dot, its neighbours and background, and the floor of g2(0)."""

import numpy as np
import pytest

from qdimage.match.neighbours import g2_floor, pinhole_light

OPTICS = {"pinhole_um": 0.5, "psf_sigma_um": 0.15}


def test_the_floor_is_the_g2_of_such_photons() -> None:
    places = np.array([[0.0, 0.0], [0.55, 0.1]])
    flux, background_um2 = np.array([900.0, 700.0]), 250.0
    light = pinhole_light(places, flux, **OPTICS, background_um2=background_um2)
    rng, n = np.random.default_rng(20), 4_000_000
    # Pulses: each emitter gives at most one photon, background any number.
    scale = 3e-4
    photons = (rng.random(n) < scale * light.own[0]).astype(int)
    photons += rng.random(n) < scale * light.neighbours[0]
    photons += rng.poisson(scale * light.background[0], n)
    measured = np.mean(photons * (photons - 1)) / photons.mean() ** 2
    # Some 100,000 pairs: five standard deviations are 0.01.
    assert light.g2_floor[0] == pytest.approx(measured, abs=0.01)


def test_background_alone_raises_the_floor_by_its_share() -> None:
    flux = np.array([1000.0])
    area = np.pi * 0.5**2
    light = pinhole_light(np.zeros((1, 2)), flux, **OPTICS, background_um2=100.0)
    passed = 1000.0 * (1 - np.exp(-0.5 * (0.5 / 0.15) ** 2))
    assert light.own[0] == pytest.approx(passed)
    assert light.background[0] == pytest.approx(100 * area)
    share = passed / (passed + 100 * area)
    assert light.g2_floor[0] == pytest.approx(1 - share**2)


def test_a_larger_pinhole_lets_more_neighbours_in() -> None:
    places = np.random.default_rng(3).uniform(0, 4, (30, 2))
    flux = np.random.default_rng(4).uniform(500, 1500, 30)
    floors = [
        g2_floor(places, flux, pinhole_um=r, psf_sigma_um=0.12).mean() for r in (0.2, 0.5, 1.0)
    ]
    assert floors == sorted(floors)


def test_what_is_not_known_or_negative_counts_as_none() -> None:
    places = np.array([[0.0, 0.0], [0.3, 0.0]])
    alone = pinhole_light(places[:1], np.array([5.0]), **OPTICS)
    for other, background in ((np.nan, np.nan), (-3.0, -10.0)):
        light = pinhole_light(
            places,
            np.array([5.0, other]),
            **OPTICS,
            background_um2=np.array([background, background]),
        )
        assert light.total[0] == pytest.approx(alone.total[0])
        assert light.g2_floor[0] == pytest.approx(0.0)
        assert light.own[1] == 0
        # Its floor is that of the neighbour, which is all that it would see.
        assert 0 <= light.g2_floor[1] < 1e-9


def test_there_are_no_dots() -> None:
    light = pinhole_light(np.empty((0, 2)), np.empty(0), **OPTICS)
    assert light.g2_floor.shape == (0,)
