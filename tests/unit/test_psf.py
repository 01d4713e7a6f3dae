"""The pixel-integrated Gaussian against scipy's integral of the normal density."""

import numpy as np
import pytest
from frames import pixel_shares
from scipy.stats import norm

from qdimage.numerics.psf import add_spots, pixel_profile, spot_profile


def profile(first: int, centre: float, sigma: float, length: int = 15) -> np.ndarray:
    values = np.empty((3, length))
    pixel_profile(first, centre, sigma, *values)
    return values


@pytest.mark.parametrize("sigma", [0.5, 1.2, 4.0])
def test_a_pixel_gets_the_integral_over_its_area(sigma: float) -> None:
    edges = np.arange(3, 19) - 0.5
    expected = np.diff(norm.cdf(edges, 10.3, sigma))
    assert profile(3, 10.3, sigma)[0] == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("sigma", [0.5, 1.2, 4.0])
def test_derivatives_are_those_of_the_profile(sigma: float) -> None:
    step = 1e-5
    _, by_centre, by_sigma = profile(3, 10.3, sigma)
    numeric = (profile(3, 10.3 + step, sigma)[0] - profile(3, 10.3 - step, sigma)[0]) / (2 * step)
    assert by_centre == pytest.approx(numeric, abs=1e-9)
    numeric = (profile(3, 10.3, sigma + step)[0] - profile(3, 10.3, sigma - step)[0]) / (2 * step)
    assert by_sigma == pytest.approx(numeric, abs=1e-9)


def test_spots_add_up_and_keep_their_light() -> None:
    image = np.ones((40, 50))
    x, y, flux = np.array([20.3, 25.0]), np.array([18.2, 22.9]), np.array([100.0, 7.0])
    add_spots(image, x, y, flux, 1.2, 10)
    assert image.sum() == pytest.approx(2000 + 107, rel=1e-9)
    rows, columns = pixel_shares(y, 40, 1.2), pixel_shares(x, 50, 1.2)
    expected = 1 + np.einsum("n,ny,nx->yx", flux, rows, columns)
    assert image == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("corner", [(0.0, 0.0), (-3.0, 5.0), (49.4, 39.4), (500.0, 500.0)])
def test_spots_beyond_the_border_leave_what_reaches_the_frame(corner: tuple[float, float]) -> None:
    image = np.zeros((40, 50))
    x, y = np.array([corner[0]]), np.array([corner[1]])
    add_spots(image, x, y, np.ones(1), 1.2, 8)
    expected = np.outer(pixel_shares(y, 40, 1.2)[0], pixel_shares(x, 50, 1.2)[0])
    assert image == pytest.approx(expected, abs=1e-9)


def test_the_filter_profile_is_symmetric_and_complete() -> None:
    values = spot_profile(1.2, 6)
    assert values.shape == (13,)
    assert values == pytest.approx(values[::-1], abs=1e-15)
    assert values.sum() == pytest.approx(1.0, abs=1e-6)
