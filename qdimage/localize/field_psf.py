"""The field's own image of a point, measured on its bright solitary dots."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from qdimage.domain.field_psf import FieldPsf, gaussian_psf
from qdimage.localize.fit import FLUX_ERR
from qdimage.localize.fitting import fit_spots
from qdimage.localize.profile import profile_equations
from qdimage.localize.scene import NO_SPOTS, Scene, Seen
from qdimage.localize.shapes import Shapes, measured_shapes
from qdimage.numerics.psf_terms import psf_terms

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

_CLEAR_SIGMA = 6.0
_BRIGHT_SIGMA = 7.0
_FEWEST, _MOST = 3, 200
_ROUNDS = 8
# A step of scoring that is so short is wrong by its square.
_SETTLED = 0.015
# However small its error, one dot's variance says no more than this share about the others'.
_SCATTER = 0.06
_OUTLIER_SIGMA = 4.0
# Spots that are longer in one direction may be two dots and say nothing about the width; where most
# are, the width is not believed.
_ROUND_SIGMA, _LEAST_ROUND = 2.0, 0.3
_SMALLEST_PX, _LARGEST_PX = 0.3, 10.0

# Even derivatives of a density somewhat wider than the spot describe its core and first rings.
_N_CORE, _CORE_SIGMA = 7, 1.3
_EXPECTED = np.array([0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2])
_EXPECTED_ERR = np.array([1.0, 0.3, 0.3, 0.1, 0.03, 0.01, 0.003, 0.05])
# Wings that fall off as the third power of the distance, as an aperture's edge makes them:
# Gaussians whose light is inverse to their width. A perfect lens has 12 % of its light beyond
# 4 sigma, as a share of 0.2 in these has; what is beyond some 16 sigma is not counted.
_WING_SIGMA = np.array([2.8, 4.0, 5.6, 8.0])
_WING_SHARES = (1 / _WING_SIGMA) / np.sum(1 / _WING_SIGMA)
_PROFILE_REACH_SIGMA, _TEST_REACH_SIGMA = 10.0, 6.0
_MASK_SIGMA = 3.5
_FEWEST_FOR_PROFILE, _ENOUGH_TO_TEST, _MOST_FOR_PROFILE = 5, 50, 200
# Chi-square that the profile must gain over a Gaussian; chance gives about its 7 parameters.
_GAIN, _BY_CHANCE = 40.0, 15.0
_PROFILE_ROUNDS = 4


def measured_psf(
    scene: Scene, background: Array, fallback: FieldPsf | None
) -> tuple[FieldPsf, Seen]:
    """Return the image of a point that the field shows, or the one expected of it.

    First the width of a Gaussian that all bright dots share, by maximum likelihood; then the
    profile they have in common, where their light says that it is no Gaussian.

    Parameters
    ----------
    scene : Scene
        With the width that is expected.
    background : ndarray, shape (y, x)
    fallback : FieldPsf, optional
        Of another channel: all of it for fields with too few bright dots, and its shape for those
        whose light shows no other.

    Returns
    -------
    psf, seen
        And the sources that were seen in search of bright dots.
    """
    other = scene.psf if fallback is None else replace(fallback, source="other channel")
    answer, seen = _measured(scene, background)
    if answer is None:
        return other, seen
    if answer.source == "profile" or fallback is None or fallback.is_gaussian:
        return answer, seen
    other = replace(
        fallback.scaled(answer.sigma_px / fallback.sigma_px),
        source="other channel",
        sigma_err_px=answer.sigma_err_px,
        n_dots=answer.n_dots,
    )
    return other, seen


def _measured(scene: Scene, background: Array) -> tuple[FieldPsf | None, Seen]:
    seen, spots, sigma = Seen(NO_SPOTS, 0.0), NO_SPOTS, scene.sigma
    no_light = np.zeros(scene.shape)
    for _ in range(_ROUNDS):
        trial = scene.with_psf(gaussian_psf(sigma))
        if not seen.serves(sigma):
            every = trial.candidates(background, no_light, trial.tails(background))
            spots, seen = every[_bright_and_solitary(trial, every)], Seen(every, sigma)
        if len(spots) < _FEWEST:
            return None, seen
        fit = fit_spots(trial, spots, background, sweeps=1, with_shape=True)
        spots, result = fit.spots, fit.result
        clear = spots[:, 2] > _BRIGHT_SIGMA * result[:, FLUX_ERR]
        if clear.sum() < _FEWEST:
            return None, seen
        shapes = measured_shapes(trial, spots[clear], result[clear])
        change, change_err, typical = _common_width(shapes, sigma)
        if not typical.any():
            return None, seen
        square = np.clip(sigma**2 + change, (0.6 * sigma) ** 2, (1.6 * sigma) ** 2)
        updated = float(np.clip(np.sqrt(square), _SMALLEST_PX, _LARGEST_PX))
        err = change_err / (2 * updated)
        done = abs(updated - sigma) < max(_SETTLED * sigma, 0.1 * err)
        sigma = updated
        if done:
            break
    good = spots[clear][typical]
    answer = gaussian_psf(sigma, "width", sigma_err_px=err, n_dots=len(good))
    if scene.options.psf == "gaussian" or len(good) < _FEWEST_FOR_PROFILE:
        return answer, seen
    return _with_profile(scene.with_psf(answer), background, seen.spots, good), seen


def _bright_and_solitary(scene: Scene, spots: Array) -> Indices:
    """Spots to measure the width on.

    Of equally bright ones the brightest by chance would be the narrowest, so that all above half
    the brightness of the last that is wanted are taken, and thinned out evenly.
    """
    alone = ~scene.at_edge(spots)
    if len(spots) > 1:
        distance, _ = cKDTree(spots[:, :2]).query(spots[:, :2], k=2)
        alone &= distance[:, 1] > _CLEAR_SIGMA * scene.sigma
    chosen = np.flatnonzero(alone)
    if len(chosen) <= _MOST:
        return chosen
    enough = np.sort(spots[chosen, 2])[-_MOST]
    chosen = chosen[spots[chosen, 2] > 0.5 * enough]
    return np.asarray(chosen[np.linspace(0, len(chosen) - 1, _MOST).astype(np.int64)])


def _common_width(shapes: Shapes, sigma_px: float) -> tuple[float, float, Mask]:
    """Variance that round spots have beside the Gaussian's, its error, and which are typical."""
    round_ = shapes.longest - shapes.added < _ROUND_SIGMA * shapes.longest_err
    if round_.sum() < max(_FEWEST, _LEAST_ROUND * len(round_)):
        return 0.0, math.inf, np.zeros(len(round_), bool)
    variance = shapes.added_err**2 + (_SCATTER * sigma_px**2) ** 2
    middle = _weighted_median(shapes.added[round_], 1.0 / variance[round_])
    typical = round_ & (np.abs(shapes.added - middle) < _OUTLIER_SIGMA * np.sqrt(variance))
    weight = typical / variance
    total = float(weight.sum())
    return float(np.sum(weight * shapes.added)) / total, total**-0.5, typical


def _weighted_median(values: Array, weights: Array) -> float:
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, 0.5 * cumulative[-1])])


def _with_profile(scene: Scene, background: Array, every: Array, good: Array) -> FieldPsf:
    """Return the profile of good spots among all, or the scene's Gaussian if it is as good."""
    answer = scene.psf
    good = good[np.argsort(-good[:, 2], kind="stable")][:_MOST_FOR_PROFILE]
    every = _replaced(every, good, scene.sigma)
    for turn in range(_PROFILE_ROUNDS):
        light = scene.light(every)
        around = scene.background(light) if turn else background
        few = good[:_ENOUGH_TO_TEST]
        if turn == 0 and len(good) > 2 * _ENOUGH_TO_TEST:
            _, gain = _profile(scene, around, light, every, few, _TEST_REACH_SIGMA)
            if (gain - _BY_CHANCE) * len(good) / len(few) < _GAIN:
                return answer
        found, gain = _profile(scene, around, light, every, good, _PROFILE_REACH_SIGMA)
        if found is None or (turn == 0 and gain < _GAIN):
            return answer
        answer = found
        scene = scene.with_psf(found)
        good = fit_spots(scene, good, around, sweeps=1).spots
        every = _replaced(every, good, scene.sigma)
    return answer


def _replaced(every: Array, good: Array, sigma_px: float) -> Array:
    """All spots, those that were fitted at the head."""
    distance, _ = cKDTree(good[:, :2]).query(every[:, :2])
    return np.vstack([good, every[distance > sigma_px]])


def _profile(
    scene: Scene, background: Array, light: Array, every: Array, good: Array, reach_sigma: float
) -> tuple[FieldPsf | None, float]:
    """Fit the profile of good spots, the first ones of all; return it and its gain."""
    sigma = scene.sigma
    wings = psf_terms(
        replace(
            scene.psf,
            wing_sigmas_px=tuple(_WING_SIGMA * sigma),
            wing_shares=tuple(_WING_SHARES),
        )
    )
    reach = int(np.ceil(reach_sigma * sigma))
    near = cKDTree(every[:, :2]).query_ball_point(good[:, :2], (reach + 1) * 1.5)
    others = [[k for k in each if k != index] for index, each in enumerate(near)]
    start = np.concatenate([[0], np.cumsum([len(each) for each in others])]).astype(np.int64)
    flat = np.array([k for each in others for k in each], np.int64)

    def equations(width: float, n_core: int) -> tuple[Array, Array]:
        normal, right = profile_equations(
            scene.image.mean,
            scene.image.n_samples,
            background,
            light,
            every,
            np.arange(len(good)),
            start,
            flat,
            scene.terms,
            width,
            n_core,
            wings,
            scene.noise,
            reach,
            _MASK_SIGMA * sigma,
        )
        return normal, right

    normal, right = equations(_CORE_SIGMA * sigma, _N_CORE)
    prior = np.append(_EXPECTED_ERR**-2.0, 0.0)
    solution = np.linalg.solve(normal + np.diag(prior), right + prior * np.append(_EXPECTED, 0.0))
    plain, plain_right = equations(sigma, 1)
    two = np.array([0, 2])
    alone = np.linalg.solve(plain[np.ix_(two, two)], plain_right[two])
    gain = 2 * right @ solution - solution @ normal @ solution - plain_right[two] @ alone
    whole = solution[0] + solution[_N_CORE]
    if not 0.2 < whole < 5.0:
        return None, 0.0
    core, share = solution[:_N_CORE] / whole, solution[_N_CORE] / whole
    return (
        FieldPsf(
            sigma,
            _CORE_SIGMA * sigma,
            tuple(float(each) for each in core),
            tuple(float(each) for each in _WING_SIGMA * sigma),
            tuple(float(each) for each in share * _WING_SHARES),
            "profile",
            scene.psf.sigma_err_px,
            len(good),
        ),
        float(gain),
    )
