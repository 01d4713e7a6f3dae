"""The field's own image of a point: rendered exactly, measured where dots show it."""

import numpy as np
import pytest
from frames import EMCCD, image_of, lattice_scene, matched, pixel_shares
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from qdimage.domain.field_psf import FieldPsf, gaussian_psf
from qdimage.domain.localizations import Localizations
from qdimage.localize.dots import localize
from qdimage.localize.options import LocalizeOptions
from qdimage.match.spots import slope_matrices, spot_matrix
from qdimage.numerics.psf_terms import draw_spots, fill_profiles, n_terms, psf_terms
from qdimage.simulation.options import PsfOptions
from qdimage.simulation.psf import make_psf
from qdimage.simulation.render import render_spots

Array = NDArray[np.float64]

RINGED = FieldPsf(1.0, 1.2, (0.8, 0.1, 0.05, -0.02), (3.0, 5.0), (0.12, 0.08))
AIRY = make_psf(PsfOptions(kind="airy", width_factor=1.0), 0.107)
DEFOCUSED = make_psf(PsfOptions(kind="defocused", defocus_nm=200.0, width_factor=1.0), 0.107)


def image(psf: FieldPsf, x: float, y: float, blur: float = 0.0, size: int = 61) -> Array:
    profiles = np.empty((2, 3, n_terms(psf_terms(psf)), size))
    fill_profiles(psf_terms(psf), blur, 0, x, True, profiles[0])
    fill_profiles(psf_terms(psf), blur, 0, y, False, profiles[1])
    return np.asarray(np.einsum("tj,ti->ji", profiles[1, 0], profiles[0, 0]))


def test_a_gaussian_is_the_integral_over_pixels() -> None:
    drawn = np.zeros((40, 50))
    spots = np.array([[20.3, 18.2, 100.0, 0.0], [47.0, 3.0, 50.0, 0.5]])
    draw_spots(drawn, psf_terms(gaussian_psf(1.3)), spots, 12)
    expected = np.zeros((40, 50))
    for x, y, flux, blur in spots:
        width = np.hypot(1.3, np.sqrt(blur))
        rows = pixel_shares(np.array([y]), 40, width)[0]
        expected += flux * np.outer(rows, pixel_shares(np.array([x]), 50, width)[0])
    assert drawn == pytest.approx(expected, abs=1e-9)


def test_all_light_is_there_and_moves_with_the_point() -> None:
    spot = image(RINGED, 30.3, 29.8)
    assert spot.sum() == pytest.approx(1.0, abs=1e-6)
    assert np.arange(61) @ spot.sum(axis=0) == pytest.approx(30.3, abs=1e-4)
    assert np.arange(61) @ spot.sum(axis=1) == pytest.approx(29.8, abs=1e-4)
    rotated = image(RINGED, 29.8, 60 - 30.3)
    assert np.rot90(spot) == pytest.approx(rotated, abs=1e-12)


def test_blur_is_a_convolution() -> None:
    # On pixels small beside the spot scipy's sampled kernel is as good as the integral.
    large = RINGED.scaled(3.0)
    blurred = gaussian_filter(image(large, 60.0, 60.0, size=121), 2.0, mode="constant", truncate=8)
    assert image(large, 60.0, 60.0, blur=4.0, size=121) == pytest.approx(blurred, abs=2e-5)


def test_photometry_takes_the_same_spot_and_its_slopes() -> None:
    place, width = np.array([[30.3, 29.8]]), np.array([np.hypot(1.0, 0.3)])
    spot = spot_matrix((61, 61), place, width, RINGED).toarray().reshape(61, 61)
    expected = image(RINGED, 30.3, 29.8, blur=0.09)
    assert spot[25:36, 25:36] == pytest.approx(expected[25:36, 25:36], abs=1e-12)
    for axis, slope in enumerate(slope_matrices((61, 61), place, width, RINGED)):
        step = 1e-4 * np.eye(2)[axis]
        ahead, behind = (
            spot_matrix((61, 61), place + sign * step, width, RINGED) for sign in (1, -1)
        )
        assert slope.toarray() == pytest.approx((ahead - behind).toarray() / 2e-4, abs=1e-7)


def field_of(
    psf: object, photons: float, seed: int, n_frames: int = 10
) -> tuple[Array, Localizations]:
    rng = np.random.default_rng(seed)
    scene = lattice_scene(rng, photons, pitch_px=23, shape=(210, 210))
    light = render_spots(scene.positions, scene.photons, shape=scene.shape, psf=psf)
    frames = EMCCD.expose(np.broadcast_to(light + 1.0, (n_frames, *scene.shape)), rng)
    dots = localize(image_of(frames, psf_sigma_px=1.0), options=LocalizeOptions(), psf_sigma_px=1.0)
    return scene.positions, dots


@pytest.mark.parametrize("psf", [AIRY, DEFOCUSED], ids=["Airy", "defocused"])
def test_rings_and_wings_are_measured_and_photons_are_all_there(psf: object) -> None:
    positions, dots = field_of(psf, 1000.0, seed=301)
    assert dots.psf is not None
    assert dots.psf.source == "profile"
    index = matched(dots.positions, positions, 0.3)
    assert np.all(index >= 0)
    assert len(dots) == len(positions)
    # A Gaussian's flux is 14 and 26 % less than all the light.
    assert np.mean(dots.signal) == pytest.approx(1000.0, rel=0.07)
    pulls = (dots.positions[index] - positions) / dots.position_err_px[index]
    assert 0.8 < np.std(pulls) < 1.25


def test_a_gaussian_field_stays_gaussian() -> None:
    rng = np.random.default_rng(302)
    scene = lattice_scene(rng, 1000.0, pitch_px=23, shape=(210, 210))
    dots = localize(image_of(scene.record(10, rng)), options=LocalizeOptions(), psf_sigma_px=1.0)
    assert dots.psf is not None
    assert dots.psf.is_gaussian
    assert dots.psf.source == "width"
    # 81 dots: four standard deviations.
    assert dots.psf_sigma_px == pytest.approx(1.2, abs=4 * dots.psf.sigma_err_px)
    assert np.mean(dots.signal) == pytest.approx(1000.0, rel=0.01)


def test_a_field_with_too_few_dots_takes_what_it_is_given() -> None:
    rng = np.random.default_rng(303)
    scene = lattice_scene(rng, 1000.0, pitch_px=60, shape=(120, 60))
    image_ = image_of(scene.record(10, rng))
    other = localize(image_, options=LocalizeOptions(), psf=RINGED)
    assert other.psf is not None
    assert (other.psf.source, other.psf.core) == ("other channel", RINGED.core)
    assert localize(image_, options=LocalizeOptions(), psf_sigma_px=1.1).psf_sigma_px == 1.1
    given = localize(image_, options=LocalizeOptions(psf_sigma_px=1.3), psf=RINGED)
    assert given.field_psf == gaussian_psf(1.3, "given")
