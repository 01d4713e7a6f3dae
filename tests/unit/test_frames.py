"""Binning and regions of interest between channels."""

import numpy as np
import pytest

from qdimage.domain.experiment import ChannelTable
from qdimage.domain.transform import Transform
from qdimage.pipeline.frames import nominal_map, overlap_fraction


def channel(binning: int = 1, roi: tuple[float, float] = (0.0, 0.0)) -> ChannelTable:
    return ChannelTable(name="c", kind="pl", stack="c.tif", binning=binning, roi_offset_px=roi)


def bent(rng: np.random.Generator) -> Transform:
    matrix = np.array([[1.01, 0.02, 3.0], [-0.02, 0.99, -4.0]])
    root = 1e-3 * rng.standard_normal((7, 7))
    return Transform(matrix, 0.4, (127.5, 120.0), 180.0, root @ root.T)


def test_a_binned_pixel_lies_in_the_middle_of_those_it_holds() -> None:
    nominal = nominal_map(channel(binning=2), channel())
    np.testing.assert_allclose(
        nominal.points(np.array([[0.0, 0.0], [3.0, 1.0]])), [[0.5, 0.5], [6.5, 2.5]]
    )
    assert nominal.shape((128, 100)) == (256, 200)


def test_a_region_of_interest_is_moved_to_its_corner() -> None:
    nominal = nominal_map(channel(roi=(30.0, 12.0)), channel(roi=(10.0, 2.0)))
    np.testing.assert_allclose(nominal.points(np.zeros((1, 2))), [[20.0, 10.0]])


def test_a_binned_reference_counts_in_its_own_pixels() -> None:
    nominal = nominal_map(channel(), channel(binning=2))
    np.testing.assert_allclose(
        nominal.points(np.array([[0.5, 0.5], [6.5, 2.5]])), [[0.0, 0.0], [3.0, 1.0]]
    )


@pytest.mark.parametrize("roi", [(0.0, 0.0), (17.0, -5.0)])
def test_composing_with_the_declared_map_is_exact(roi: tuple[float, float]) -> None:
    rng = np.random.default_rng(3)
    nominal, transform = nominal_map(channel(2, roi), channel()), bent(rng)
    points = rng.uniform(0, 128, (40, 2))
    both = nominal.then(transform)
    np.testing.assert_allclose(
        both.apply(points), transform.apply(nominal.points(points)), atol=1e-9
    )
    np.testing.assert_allclose(
        both.position_covariance(points),
        transform.position_covariance(nominal.points(points)),
        rtol=1e-9,
        atol=1e-15,
    )
    again = nominal.before(both)
    there = nominal.points(points)
    np.testing.assert_allclose(again.apply(there), transform.apply(there), atol=1e-9)


def test_overlap_of_shifted_frames() -> None:
    shift = Transform.from_matrix(np.array([[1.0, 0.0, 64.0], [0.0, 1.0, 0.0]]))
    assert overlap_fraction(shift, (256, 256), (256, 256)) == pytest.approx(0.75, abs=0.02)
    same = Transform.from_matrix(np.eye(2, 3))
    assert overlap_fraction(same, (256, 256), (256, 256)) == 1.0
    away = Transform.from_matrix(np.array([[1.0, 0.0, 900.0], [0.0, 1.0, 0.0]]))
    assert overlap_fraction(away, (256, 256), (256, 256)) == 0.0
