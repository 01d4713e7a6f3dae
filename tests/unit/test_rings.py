"""Rings of a point-spread function that a Gaussian leaves out."""

import numpy as np
import pytest
from numpy.typing import NDArray

from qdimage.localize.rings import dominant, may_be_ring, measured_rings, outshone

SIGMA = 1.2
SHAPE = (160, 160)


def grid_of_dots(distance: int = 32) -> NDArray[np.float64]:
    places = np.arange(20, 150, distance)
    x, y = (each.ravel() for each in np.meshgrid(places, places))
    return np.column_stack([x, y, np.full(len(x), 1000.0)]).astype(float)


def ring_image(spots: NDArray[np.float64], radius: float, share: float) -> NDArray[np.float64]:
    rows, columns = np.indices(SHAPE)
    image = np.zeros(SHAPE)
    for x, y, flux in spots:
        ring = np.exp(-0.5 * (np.hypot(rows - y, columns - x) - radius) ** 2)
        image += share * flux * ring / ring.sum()
    return image


def test_rings_are_measured_and_drawn_again() -> None:
    spots = grid_of_dots()
    truth = ring_image(spots, radius=4.0, share=0.3)
    rings = measured_rings(truth, spots, SIGMA)
    assert rings.visible
    drawn = rings.light(SHAPE, spots)
    # A low quantile of steps of a third of a pixel, of a ring that is one pixel wide.
    assert np.corrcoef(drawn.ravel(), truth.ravel())[0, 1] > 0.95
    assert drawn.sum() == pytest.approx(truth.sum(), rel=0.3)


def test_neighbours_are_no_rings() -> None:
    spots = grid_of_dots()
    rows, columns = np.indices(SHAPE)
    companions = np.zeros(SHAPE)
    for x, y, flux in spots:
        squared = (rows - y) ** 2 + (columns - x - 5.0) ** 2
        companions += flux * np.exp(-0.5 * squared / SIGMA**2) / (2 * np.pi * SIGMA**2)
    assert not measured_rings(companions, spots, SIGMA).visible


@pytest.mark.parametrize(("share", "visible"), [(0.3, True), (0.01, False)])
def test_few_dots_give_only_strong_rings(share: float, visible: bool) -> None:
    spots = grid_of_dots()[:2]
    image = ring_image(spots, 4.0, share)
    assert measured_rings(image, spots, SIGMA).visible == visible


def test_unusable_pixels_are_left_out() -> None:
    spots = grid_of_dots()
    image = ring_image(spots, radius=4.0, share=0.3)
    image[:, ::7] = np.nan
    assert np.isfinite(measured_rings(image, spots, SIGMA).profile).all()


def test_what_is_dim_beside_a_bright_dot_may_be_its_ring() -> None:
    bright, dim, far = [50.0, 50.0, 1000.0], [54.0, 50.0, 50.0], [90.0, 50.0, 50.0]
    sources = np.array([bright, dim, far])
    np.testing.assert_array_equal(may_be_ring(sources, SIGMA), [False, True, False])
    np.testing.assert_array_equal(dominant(sources, SIGMA), [True, False, True])
    weaker = np.array([[54.0, 50.0, 20.0]])
    assert outshone(weaker, sources[:1], SIGMA).all()
    assert not outshone(np.array([[54.0, 50.0, 200.0]]), sources[:1], SIGMA).any()


def test_two_strong_dots_side_by_side_tell_nothing_of_rings() -> None:
    sources = np.array([[50.0, 50.0, 1000.0], [55.0, 50.0, 900.0]])
    assert not dominant(sources, SIGMA).any()


def test_nothing_has_no_rings() -> None:
    nothing = np.empty((0, 3))
    rings = measured_rings(np.zeros(SHAPE), nothing, SIGMA)
    assert not rings.light(SHAPE, nothing).any()
    assert len(may_be_ring(nothing, SIGMA)) == len(dominant(nothing, SIGMA)) == 0
