"""Images of a point, and how they are added up to a picture."""

import numpy as np
import pytest
from scipy.special import erf

from qdimage.simulation.options import PsfOptions
from qdimage.simulation.psf import gaussian_sigma_px, make_psf, perfect_sigma_nm
from qdimage.simulation.render import render_spots

PIXEL_UM = 0.107
KINDS = ("gaussian", "airy", "defocused")
OFFSETS = [(0.0, 0.0), (0.25, 0.0), (0.5, -0.5), (-0.3, 0.41), (-0.5, 0.5)]


def psf_of(kind, pixel_um=PIXEL_UM, **options):
    return make_psf(PsfOptions(kind=kind, **options), pixel_um)


def patch(psf, dx=0.0, dy=0.0):
    return psf.patches(np.array([dx]), np.array([dy]))[0]


def centroid(image):
    rows, columns = np.indices(image.shape)
    return (image * columns).sum() / image.sum(), (image * rows).sum() / image.sum()


def variance_along_x(image):
    column = image.sum(axis=0) / image.sum()
    place = np.arange(len(column)) - len(column) // 2
    return np.sum(column * place**2) - np.sum(column * place) ** 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dx", "dy"), OFFSETS)
def test_an_image_has_unit_flux_and_no_negative_pixel(kind, dx, dy):
    psf = psf_of(kind)
    image = patch(psf, dx, dy)
    assert image.shape == (2 * psf.radius_px + 1,) * 2
    assert image.sum() == pytest.approx(1, abs=1e-12)
    assert image.min() >= 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_centred_image_is_symmetric_and_peaks_in_its_middle(kind):
    image = patch(psf_of(kind))
    assert np.argmax(image) == image.size // 2
    for mirrored in (image[::-1], image[:, ::-1], image.T):
        assert np.allclose(image, mirrored, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dx", "dy"), OFFSETS)
def test_a_shift_moves_the_centroid_by_exactly_as_much(kind, dx, dy):
    psf = psf_of(kind)
    x, y = centroid(patch(psf, dx, dy))
    # Splines between the samples of the numerical images cost a few millionths of a pixel.
    allowed = 1e-7 if kind == "gaussian" else 2e-5
    assert x - psf.radius_px == pytest.approx(dx, abs=allowed)
    assert y - psf.radius_px == pytest.approx(dy, abs=allowed)


def test_the_gaussian_has_the_width_of_the_objective():
    sigma_px = 1.2 * 0.21 * 630 / 1.46 / 107
    psf = psf_of("gaussian")
    assert psf.sigma_px == pytest.approx(sigma_px)
    # Integration over a pixel adds the variance of a uniform distribution.
    assert variance_along_x(patch(psf)) == pytest.approx(sigma_px**2 + 1 / 12, rel=1e-6)
    assert gaussian_sigma_px(psf) == pytest.approx(sigma_px)


def test_the_gaussian_is_integrated_over_pixels():
    psf = psf_of("gaussian", width_factor=0.3)
    edge = 0.5 / (np.sqrt(2) * psf.sigma_px)
    assert patch(psf).max() == pytest.approx(erf(edge) ** 2, rel=1e-9)


@pytest.mark.parametrize("width_factor", [1.0, 1.2])
def test_the_airy_pattern_has_its_half_width_and_first_dark_ring(width_factor):
    pixel_um = 0.015
    psf = psf_of("airy", pixel_um, width_factor=width_factor)
    middle = patch(psf)[psf.radius_px, psf.radius_px :]
    radius_nm = 1e3 * pixel_um * np.arange(len(middle))
    half_nm = np.interp(-0.5, -middle / middle[0], radius_nm)
    unit_nm = width_factor * 630 / 1.46
    # From J1: half of the peak at 0.2572, the first zero at 0.6098 wavelengths per NA.
    assert half_nm == pytest.approx(0.2572 * unit_nm, rel=0.01)
    ring = psf_of("airy", 0.04, width_factor=width_factor)
    profile = patch(ring)[ring.radius_px, ring.radius_px :]
    dark = 0.6098 * unit_nm / 40
    falling = int(np.argmax(np.diff(profile) > 0))
    assert abs(falling - dark) < 1


def test_the_airy_pattern_resembles_the_gaussian_that_stands_for_it():
    sigma_px = perfect_sigma_nm(PsfOptions()) * 1.2 / 107
    assert gaussian_sigma_px(psf_of("airy")) == pytest.approx(sigma_px, rel=0.05)


def test_the_pupil_in_focus_gives_the_airy_pattern():
    airy = psf_of("airy")
    focused = psf_of("defocused", defocus_nm=0.0)
    assert focused.radius_px == airy.radius_px
    difference = patch(focused, 0.2, -0.4) - patch(airy, 0.2, -0.4)
    assert np.abs(difference).max() < 0.01 * patch(airy).max()


def test_defocus_widens_and_dims_the_image_alike_on_either_side():
    images = [patch(psf_of("defocused", defocus_nm=each)) for each in (0.0, 200.0, 400.0, 600.0)]
    widths = [gaussian_sigma_px(psf_of("defocused", defocus_nm=each)) for each in (0, 200, 400)]
    assert np.all(np.diff([image.max() for image in images]) < 0)
    assert np.all(np.diff(widths) > 0.05)
    beyond = patch(psf_of("defocused", defocus_nm=-400.0))
    assert np.allclose(beyond, images[2], atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_width_factor_scales_the_image(kind):
    narrow, wide = (gaussian_sigma_px(psf_of(kind, width_factor=each)) for each in (1.5, 3.0))
    assert wide / narrow == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_spots_inside_the_frame_keep_their_flux(kind):
    psf = psf_of(kind)
    size = 4 * psf.radius_px + 20
    places = np.array([[psf.radius_px + 0.4, psf.radius_px + 5.7], [size / 2, size / 2 + 0.5]])
    image = render_spots(places, np.array([300.0, 700.0]), shape=(size, size), psf=psf)
    assert image.sum() == pytest.approx(1000, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_spot_lies_where_its_position_says(kind):
    psf = psf_of(kind)
    shape = (3 * psf.radius_px, 5 * psf.radius_px)
    place = np.array([[3 * psf.radius_px + 0.37, 1.5 * psf.radius_px - 0.21]])
    image = render_spots(place, np.array([5.0]), shape=shape, psf=psf)
    assert centroid(image) == pytest.approx(tuple(place[0]), abs=2e-5)


def test_a_point_on_the_border_gives_half_and_on_the_corner_a_quarter_of_its_flux():
    psf = psf_of("gaussian")
    for place, share in (((-0.5, 20.0), 0.5), ((29.5, 20.0), 0.5), ((-0.5, 39.5), 0.25)):
        image = render_spots(np.array([place]), np.array([8.0]), shape=(40, 30), psf=psf)
        assert image.sum() == pytest.approx(8 * share, rel=1e-6)


def test_points_beyond_the_border_give_what_reaches_the_frame():
    psf = psf_of("gaussian")
    wide = render_spots(np.array([[8.0, 10.0]]), np.array([1.0]), shape=(20, 40), psf=psf)
    # The same frame without its left ten columns sees the same point from outside.
    narrow = render_spots(np.array([[-2.0, 10.0]]), np.array([1.0]), shape=(20, 30), psf=psf)
    assert np.array_equal(narrow, wide[:, 10:])
    assert 0 < narrow.sum() < 0.1
    far = render_spots(np.array([[-30.0, 10.0], [500.0, 5.0]]), np.ones(2), shape=(20, 30), psf=psf)
    assert not far.any()


def test_spots_add_up():
    psf = psf_of("airy")
    places = np.array([[20.2, 31.1], [21.0, 30.4], [-0.3, 3.3]])
    photons = np.array([10.0, 0.0, 30.0])
    together = render_spots(places, photons, shape=(50, 60), psf=psf)
    alone = [
        render_spots(places[i : i + 1], photons[i : i + 1], shape=(50, 60), psf=psf)
        for i in range(3)
    ]
    assert np.allclose(together, np.sum(alone, axis=0), atol=1e-12)
    assert not alone[1].any()


def test_no_spots_give_an_empty_picture():
    image = render_spots(np.zeros((0, 2)), np.zeros(0), shape=(9, 11), psf=psf_of("gaussian"))
    assert image.shape == (9, 11)
    assert not image.any()
