"""Forced photometry: fluxes and errors at known places, and at places without a dot."""

from dataclasses import replace

import numpy as np
import pytest
from dots import SHAPE, SIGMA_PX, localizations, similarity, spot_image, uniform

from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations
from qdimage.domain.photometry import ForcedPhotometry
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.transform import Transform
from qdimage.match.blanks import blank_places
from qdimage.match.joint_fit import crowding, fit_fluxes, surroundings
from qdimage.match.lit import dark_null
from qdimage.match.options import MatchOptions
from qdimage.match.pairing import match
from qdimage.match.photometry import forced_photometry
from qdimage.match.spots import slope_matrices, spot_matrix

OPTIONS = MatchOptions()
IDENTITY = Transform.from_matrix(np.eye(2, 3))
EXPOSURE_S = 0.1
RIGHT = np.array([1.0, 0.0])
NOTHING = localizations(np.empty((0, 2)))


def measured(
    image: PhotonImage,
    dots: Localizations,
    found: Localizations = NOTHING,
    transform: Transform = IDENTITY,
    systematic_px: float = 0.0,
    seed: int = 0,
) -> ForcedPhotometry:
    matches = match(found, dots, transform, gate_probability=0.998, systematic_px=systematic_px)
    return forced_photometry(
        image,
        dots,
        transform,
        found,
        matches,
        options=OPTIONS,
        systematic_px=systematic_px,
        seed=seed,
    )


def grid(pitch: float = 25.0, jitter: float = 4.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    axis = np.arange(15.0, 242.0, pitch)
    places = np.stack(np.meshgrid(axis, axis), axis=2).reshape(-1, 2)
    return np.asarray(places + rng.uniform(-jitter, jitter, places.shape))


def test_without_noise_the_fluxes_are_exact() -> None:
    places = grid()
    flux = np.linspace(0, 300, len(places))
    image = spot_image(places, flux, rng=None)
    found = measured(image, localizations(places, 1e-6))
    assert found.flux_s * EXPOSURE_S == pytest.approx(flux, abs=1.5)
    assert np.all(found.flags == 0)


@pytest.mark.slow
@pytest.mark.parametrize("err_px", [0.01, 0.15])
def test_isolated_dots_have_unbiased_fluxes_and_honest_errors(err_px: float) -> None:
    rng = np.random.default_rng(120)
    dark, lit, mean_lit = [], [], []
    for seed in range(12):
        places = grid(seed=seed)
        on = rng.random(len(places)) < 0.5
        flux = np.where(on, 50.0, 0.0)
        known = localizations(places + err_px * rng.standard_normal(places.shape), err_px)
        found = measured(spot_image(places, flux, rng=rng), known)
        pull = (found.flux_s * EXPOSURE_S - flux) / (found.err_s * EXPOSURE_S)
        dark.append(pull[~on])
        lit.append(pull[on])
        mean_lit.append(found.flux_s[on] * EXPOSURE_S)
    for pulls in (np.concatenate(dark), np.concatenate(lit)):
        # Some 600 pulls: their mean is known to 0.04, their width to 3 %; four of these.
        assert np.mean(pulls) == pytest.approx(0.0, abs=0.16)
        assert np.std(pulls) == pytest.approx(1.0, abs=0.12)
    assert np.mean(np.concatenate(mean_lit)) == pytest.approx(50.0, rel=0.01)


def test_the_flux_is_per_second_and_follows_the_exposure() -> None:
    places = grid()
    image = spot_image(places, 60.0, rng=None)
    short = measured(image, localizations(places, 1e-6))
    long = measured(replace(image, exposure_s=10 * EXPOSURE_S), localizations(places, 1e-6))
    assert long.flux_s == pytest.approx(short.flux_s / 10)
    assert long.err_s == pytest.approx(short.err_s / 10)
    assert long.blanks.flux_s == pytest.approx(short.blanks.flux_s / 10)


def test_overlapping_dots_are_fitted_together() -> None:
    rng = np.random.default_rng(121)
    middle = grid(pitch=45.0)
    places = np.vstack([middle, middle + 2.0 * SIGMA_PX * RIGHT])
    flux = np.concatenate([np.full(len(middle), 80.0), np.zeros(len(middle))])
    pulls = []
    for _ in range(8):
        found = measured(spot_image(places, flux, rng=rng), localizations(places, 1e-6))
        pulls.append((found.flux_s * EXPOSURE_S - flux) / (found.err_s * EXPOSURE_S))
    # 400 pulls, pairs correlated: the mean of each half is known to 0.07.
    assert np.mean(pulls, axis=0)[len(middle) :].mean() == pytest.approx(0.0, abs=0.3)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.15)


def test_dots_that_cannot_be_told_apart_are_flagged() -> None:
    places = np.array([[60.0, 60.0], [60.9, 60.0], [150.0, 150.0], [154.0, 150.0]])
    found = measured(spot_image(places, 50.0, rng=None), localizations(places, 1e-6))
    unresolved = (found.flags & DotFlag.UNRESOLVED) != 0
    assert unresolved.tolist() == [True, True, False, False]


def test_two_dots_at_the_same_place_are_flagged_and_finite() -> None:
    places = np.array([[60.0, 60.0], [60.0, 60.0], [150.0, 150.0]])
    found = measured(spot_image(places[1:], 50.0, rng=None), localizations(places, 1e-6))
    assert ((found.flags & DotFlag.UNRESOLVED) != 0).tolist() == [True, True, False]
    assert found.flux_s[:2].sum() * EXPOSURE_S == pytest.approx(50.0, abs=1.0)


def test_an_el_only_source_keeps_its_light_to_itself() -> None:
    places = grid(pitch=45.0)
    source = places + 2.5 * RIGHT
    rng = np.random.default_rng(122)
    image = spot_image(source, 200.0, rng=rng)
    alone = measured(image, localizations(places, 0.02))
    shared = measured(image, localizations(places, 0.02), localizations(source, 0.02))
    assert np.mean(alone.flux_s) * EXPOSURE_S > 15.0
    # Mean of 25 fluxes with an error of 3 each.
    assert np.mean(shared.flux_s) * EXPOSURE_S == pytest.approx(0.0, abs=3.5)


def test_dots_outside_the_image_have_no_flux() -> None:
    places = np.array([[-40.0, 50.0], [3000.0, 3000.0], [100.0, 256.5], [100.0, 100.0]])
    found = measured(spot_image(places[3:], 50.0, rng=None), localizations(places, 0.05))
    assert np.isnan(found.flux_s).tolist() == [True, True, True, False]
    assert np.isnan(found.err_s).tolist() == [True, True, True, False]
    assert ((found.flags & DotFlag.OUTSIDE) != 0).tolist() == [True, True, True, False]
    assert found.flags[3] == 0


def test_a_dot_at_the_pl_frames_border_keeps_that_flag() -> None:
    places = np.array([[60.0, 60.0], [150.0, 150.0]])
    shift = similarity((-40.0, 0.0))
    dots = localizations(shift.apply(places), 0.01, flags=[DotFlag.EDGE | DotFlag.CROWDED, 0])
    found = measured(spot_image(places, 50.0, rng=None), dots, transform=shift)
    assert found.flags.tolist() == [DotFlag.EDGE, 0]


def test_dots_at_the_border_are_measured_and_flagged() -> None:
    places = np.array([[1.0, 100.0], [100.0, 254.5], [100.0, 100.0]])
    found = measured(spot_image(places, 50.0, rng=None), localizations(places, 0.01))
    assert ((found.flags & DotFlag.EDGE) != 0).tolist() == [True, True, False]
    assert found.flux_s * EXPOSURE_S == pytest.approx([50.0] * 3, abs=1.0)


def test_a_dot_on_unusable_pixels_has_no_flux_and_says_why() -> None:
    places = np.array([[60.0, 60.0], [150.0, 150.0]])
    image = spot_image(places, 50.0, rng=None)
    hot = np.zeros(SHAPE, bool)
    hot[58:63, 58:63] = True
    blind = replace(
        image,
        hot=hot,
        usable=~hot,
        n_samples=np.where(hot, 0, image.n_samples).astype(np.int32),
        mean=np.where(hot, 0.0, image.mean),
    )
    found = measured(blind, localizations(places, 0.01))
    assert np.isnan(found.flux_s).tolist() == [True, False]
    assert found.flags[0] & DotFlag.HOT
    assert found.flags[0] & DotFlag.UNRESOLVED
    assert found.flux_s[1] * EXPOSURE_S == pytest.approx(50.0, abs=1.0)


def test_a_missing_pixel_costs_accuracy_and_no_bias() -> None:
    places = np.array([[60.0, 60.0], [150.0, 150.0]])
    image = spot_image(places, 50.0, rng=None)
    hot = np.zeros(SHAPE, bool)
    hot[60, 61] = True
    partly = replace(
        image,
        hot=hot,
        usable=~hot,
        n_samples=np.where(hot, 0, image.n_samples).astype(np.int32),
        mean=np.where(hot, 0.0, image.mean),
    )
    found = measured(partly, localizations(places, 0.01))
    assert found.flux_s * EXPOSURE_S == pytest.approx([50.0, 50.0], abs=1.0)
    assert found.err_s[0] > 1.02 * found.err_s[1]


def test_dots_are_mapped_into_the_channel_and_its_image() -> None:
    true = similarity((12.0, -7.0), 2.0, 1.005, 0.4)
    in_channel = grid(pitch=40.0)
    offset = np.array([0.3, -0.4])
    image = replace(spot_image(in_channel + offset, 70.0, rng=None), offset_px=offset)
    found = measured(image, localizations(true.apply(in_channel), 0.01), transform=true)
    assert found.flux_s * EXPOSURE_S == pytest.approx(np.full(len(in_channel), 70.0), rel=0.02)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fields_of_few_dots_are_measured(n: int) -> None:
    places = np.array([[60.0, 60.0], [150.0, 150.0]])[:n]
    found = measured(spot_image(places, 50.0, rng=None), localizations(places, 0.01))
    assert found.flux_s * EXPOSURE_S == pytest.approx([50.0] * n, abs=1.0)
    assert len(found.flags) == n
    assert len(found.blanks.flux_s) == OPTIONS.blank_places


@pytest.mark.slow
def test_dark_dots_look_like_blank_places() -> None:
    rng = np.random.default_rng(123)
    alarms, centres, widths = [], [], []
    for _ in range(10):
        places = uniform(rng, 150)
        on = rng.random(150) < 0.4
        image = spot_image(places, np.where(on, 60.0, 0.0), rng=rng)
        known = localizations(places + 0.05 * rng.standard_normal(places.shape), 0.05)
        found = measured(image, known)
        null = dark_null(found.blanks)
        dark = ~on & (found.flags == 0)
        alarms.append(null.false_alarm(found.flux_s / found.err_s)[dark] <= 0.01)
        centres.append(null.centre)
        widths.append(null.widening)
    # About 800 dark dots: 8 expected, more than 20 with odds of 1e-4.
    share = np.mean(np.concatenate(alarms))
    assert share <= 20 / 800
    assert np.mean(centres) == pytest.approx(0.0, abs=0.1)
    assert np.mean(widths) == pytest.approx(1.0, abs=0.1)


def test_a_localization_near_a_blank_place_is_its_light() -> None:
    rng = np.random.default_rng(124)
    sources = uniform(rng, 250)
    image = spot_image(sources, 300.0, rng=rng)
    found = measured(image, localizations([[5.0, 5.0]], 0.05), localizations(sources, 0.05))
    blanks = found.blanks
    ratio = blanks.flux_s / blanks.err_s
    assert 0 < blanks.occupied.sum() < 0.2 * len(ratio)
    assert np.median(ratio[blanks.occupied]) > 10
    assert np.median(ratio[~blanks.occupied]) < 1


def test_blank_places_keep_away_from_dots_and_border() -> None:
    rng = np.random.default_rng(125)
    dots = uniform(rng, 80)
    places = blank_places(300, shape=SHAPE, margin_px=4.0, occupied=dots, clearance_px=6.0)
    assert len(places) == 300
    assert np.linalg.norm(places[:, np.newaxis] - dots, axis=2).min() > 6.0
    assert places.min() >= 4.0
    assert places.max() <= 251.0


def test_a_crowded_or_tiny_field_has_fewer_blank_places() -> None:
    rng = np.random.default_rng(126)
    crowd = blank_places(
        100, shape=(40, 40), margin_px=2.0, occupied=uniform(rng, 400, (40, 40)), clearance_px=6.0
    )
    tiny = blank_places(
        100, shape=(6, 6), margin_px=4.0, occupied=np.empty((0, 2)), clearance_px=6.0
    )
    assert len(crowd) < 100
    assert tiny.shape == (0, 2)


def test_blank_places_follow_the_seed_and_nothing_else() -> None:
    image = spot_image(grid(), 50.0, rng=None)
    dots = localizations(grid(), 0.01)
    first, again = measured(image, dots).blanks, measured(image, dots).blanks
    other = measured(image, dots, seed=2).blanks
    assert np.array_equal(first.positions, again.positions)
    assert not np.array_equal(first.positions, other.positions)


def test_a_place_added_to_a_fit_gets_what_the_whole_fit_would_give_it() -> None:
    rng = np.random.default_rng(128)
    places = np.array([[60.0, 60.0], [63.5, 61.0], [61.5, 64.0], [150.0, 150.0]])
    sigma = np.full(4, SIGMA_PX)
    extra = np.array([[61.0, 57.5], [152.0, 151.0]])
    image = spot_image(places, [200.0, 80.0, 300.0, 100.0], rng=rng)
    spots = spot_matrix(SHAPE, places, sigma)
    around = surroundings(image, spots, box_px=32)
    added = spot_matrix(SHAPE, extra, sigma[:2])
    found = fit_fluxes(image, spots, around).at(added, [[], [3]])
    for k, kept in enumerate(([0, 1, 2, 3], [0, 1, 2])):
        together = spot_matrix(
            SHAPE, np.vstack([places[kept], extra[k]]), np.full(5, SIGMA_PX)[: len(kept) + 1]
        )
        whole = fit_fluxes(image, together, around).fluxes()
        assert found.flux[k] == pytest.approx(whole.flux[-1], rel=1e-5)
        assert found.err[k] == pytest.approx(whole.err[-1], rel=1e-5)


def test_a_bright_neighbour_out_of_place_leaves_no_light_and_an_honest_error() -> None:
    rng = np.random.default_rng(129)
    middle = grid(pitch=45.0)
    off = 0.15 * rng.standard_normal(middle.shape)
    beside = middle + 2.5 * SIGMA_PX * RIGHT
    image = spot_image(middle + off, 2000.0, rng=rng)
    places = np.vstack([middle, beside])
    err = np.repeat([0.15, 0.01], len(middle))
    found = measured(image, localizations(places, err))
    pull = (found.flux_s / found.err_s)[len(middle) :]
    fixed = fit_fluxes(
        image,
        spots := spot_matrix(SHAPE, places, np.full(len(places), SIGMA_PX)),
        surroundings(image, spots, box_px=32),
    ).fluxes()
    rigid = (fixed.flux / fixed.err)[len(middle) :]
    # 25 pulls: the width is known to 14 %. Without displacements it is far from 1.
    assert np.std(rigid) > 3
    assert np.std(pull) == pytest.approx(1.0, abs=0.5)


def test_rings_of_bright_dots_are_not_light_of_their_neighbours() -> None:
    rng = np.random.default_rng(130)
    middle = grid(pitch=40.0)
    angle = np.arange(24) * np.pi / 12
    ring = 4.0 * np.column_stack([np.cos(angle), np.sin(angle)])
    around = (middle[:, np.newaxis] + ring).reshape(-1, 2)
    places = np.vstack([middle, around])
    flux = np.concatenate([np.full(len(middle), 3000.0), np.full(len(around), 3000.0 * 0.08 / 24)])
    dark = middle + 4.0 * RIGHT
    found = measured(
        spot_image(places, flux, rng=rng), localizations(np.vstack([middle, dark]), 0.01)
    )
    pull = (found.flux_s / found.err_s)[len(middle) :]
    # As a Gaussian, a dot would leave a ring's light of about 20 per spot, seven errors.
    assert np.mean(pull) == pytest.approx(0.0, abs=1.0)


def test_slopes_are_the_change_of_a_moved_spot() -> None:
    place, sigma = np.array([[30.3, 28.6]]), np.array([1.1])
    for axis, slope in enumerate(slope_matrices((60, 60), place, sigma)):
        step = np.zeros(2)
        step[axis] = 1e-4
        ahead, behind = (spot_matrix((60, 60), place + sign * step, sigma) for sign in (1, -1))
        expected = (ahead - behind).toarray() / 2e-4
        assert slope.toarray() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("flux", "err_px"), [(60.0, 0.6), (400.0, 0.3)])
def test_an_uncertain_place_costs_accuracy_and_no_bias(flux: float, err_px: float) -> None:
    rng = np.random.default_rng(131)
    ratio, share = [], []
    for seed in range(4):
        places = grid(seed=seed)
        known = localizations(places + err_px * rng.standard_normal(places.shape), err_px)
        found = measured(spot_image(places, flux, rng=rng), known)
        ratio.append(found.flux_s * EXPOSURE_S / flux)
        share.append(found.err_s * EXPOSURE_S / flux)
    every, expected = np.concatenate(ratio), np.sqrt(np.mean(np.concatenate(share) ** 2))
    # 400 fluxes: their mean is known to a 20th of their spread, that to 4 %; four of these.
    assert np.mean(every) == pytest.approx(1.0, abs=0.2 * expected + 0.01)
    assert np.std(every) == pytest.approx(expected, rel=0.16)


def shifted_within(err_px: float) -> Transform:
    """No shift, known to a standard deviation for each axis."""
    covariance = np.zeros((7, 7))
    covariance[[2, 5], [2, 5]] = err_px**2
    return replace(IDENTITY, covariance=covariance)


def test_the_registration_s_error_is_one_of_the_flux() -> None:
    rng = np.random.default_rng(132)
    places = grid()
    image = spot_image(places, 400.0, rng=rng)
    known = localizations(places, 0.01)
    transforms = [shifted_within(err_px) for err_px in (0.0, 0.1, 0.2, 0.4)]
    err = [measured(image, known, transform=each).err_s for each in transforms]
    assert np.all(np.diff(err, axis=0) > 0)


def test_fluxes_err_by_no_more_than_said_where_the_registration_is_off() -> None:
    rng = np.random.default_rng(133)
    pulls = []
    for seed in range(20):
        places = grid(pitch=50.0, seed=seed)
        image = spot_image(places + 0.3 * rng.standard_normal(2), 100.0, rng=rng)
        found = measured(image, localizations(places, 0.01), transform=shifted_within(0.3))
        pulls.append((found.flux_s * EXPOSURE_S - 100.0) / (found.err_s * EXPOSURE_S))
    # A field's dots share its shift: the mean is known to some 0.15, the width to 15 %.
    assert np.mean(pulls) == pytest.approx(0.0, abs=0.5)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.4)


def test_a_unit_spot_holds_all_its_light() -> None:
    spots = spot_matrix((60, 60), np.array([[30.2, 28.7], [-0.5, 30.0]]), np.array([1.2, 1.2]))
    assert np.asarray(spots.sum(axis=0)).ravel() == pytest.approx([1.0, 0.5], abs=2e-4)


def test_crowding_is_1_alone_and_grows_with_overlap() -> None:
    sigma = np.full(2, 1.2)
    growth = [crowding(np.array([[0.0, 0.0], [d, 0.0]]), sigma)[0] for d in (30.0, 4.0, 2.0, 1.0)]
    assert growth[0] == pytest.approx(1.0)
    assert np.all(np.diff(growth) > 0)
    # Two unit Gaussians overlap by exp(-d^2 / 4 sigma^2).
    overlap = np.exp(-(2.0**2) / (4 * 1.2**2))
    assert growth[2] == pytest.approx(1 / np.sqrt(1 - overlap**2), rel=0.05)
