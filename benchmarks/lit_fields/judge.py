"""What is called lit in a field, and what truly is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lit_fields.draw import Case
from qdimage.domain.matches import Matches
from qdimage.domain.photometry import ForcedPhotometry
from qdimage.domain.refusal import Refusal
from qdimage.domain.transform import Transform
from qdimage.match.lit import dark_null, null_width_s, upper_limit, widened_error
from qdimage.match.options import MatchOptions
from qdimage.match.pairing import match
from qdimage.match.photometry import forced_photometry
from qdimage.match.turn_on import counted
from qdimage.registration.align import align
from qdimage.registration.options import RegisterOptions

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MATCH, REGISTER = MatchOptions(), RegisterOptions()
# Light nearer than the first is the dot's own; an unlisted source farther than the second is no
# neighbour.
_OWN_SIGMA, _FREE_SIGMA = 1.5, 4.0
_OTHER_PLACES = 1


@dataclass(frozen=True)
class Judged:
    """Arrays over the counted PL dots of one channel, and numbers of it.

    Attributes
    ----------
    lit : ndarray of bool
        As decided.
    dark : ndarray of bool
        No lit emitter at the dot's place.
    free : ndarray of bool
        No lit emitter that PL does not show beside it.
    true_s, flux_s, err_s, upper_s : ndarray
        Light of the place, its estimate, error, and upper limit.
    f_min_s : float
        That a run of this channel alone takes.
    widening : float
        Width of the null over the nominal error.
    blanks_lit : ndarray of bool
        Decision at blank places that the null was not learned from, without any near a source of
        EL that PL does not show.
    """

    lit: Mask
    dark: Mask
    free: Mask
    true_s: Floats
    flux_s: Floats
    err_s: Floats
    upper_s: Floats
    f_min_s: float
    widening: float
    blanks_lit: Mask


def judged(case: Case) -> Judged | None:
    """Register, measure and decide, and set the truth beside it; None where that was refused."""
    shape = (case.image.mean.shape[0], case.image.mean.shape[1])
    fit = align(case.found, case.dots, moving_shape=shape, fixed_shape=shape, options=REGISTER)
    if isinstance(fit, Refusal):
        return None
    _, photometry = measured(case, fit.transform)
    null = dark_null(photometry.blanks)
    counts = counted(case.dots, photometry)
    dark, free, true_s = _truth(case, fit.transform)
    flux, err = photometry.flux_s, widened_error(photometry, null)
    limit = MATCH.false_alarm_probability
    blanks = measured(case, fit.transform, seed=_OTHER_PLACES)[1].blanks
    blank = _truly_blank(case, fit.transform, blanks.positions)
    return Judged(
        (null.false_alarm(flux / photometry.err_s) <= limit)[counts],
        dark[counts],
        free[counts],
        true_s[counts],
        flux[counts],
        err[counts],
        upper_limit(flux[counts], err[counts]),
        MATCH.f_min_sigma * null_width_s(photometry.blanks, null),
        null.widening,
        (null.false_alarm(blanks.flux_s / blanks.err_s) <= limit)[blank],
    )


def measured(
    case: Case, transform: Transform, *, seed: int = 0
) -> tuple[Matches, ForcedPhotometry]:
    """Match and measure as the pipeline does."""
    matches = match(
        case.found,
        case.dots,
        transform,
        gate_probability=MATCH.gate_probability,
        systematic_px=REGISTER.systematic_error_px,
        fixed_shape=(case.image.mean.shape[0], case.image.mean.shape[1]),
    )
    photometry = forced_photometry(
        case.image,
        case.dots,
        transform,
        case.found,
        matches,
        options=MATCH,
        systematic_px=REGISTER.systematic_error_px,
        seed=seed,
    )
    return matches, photometry


def _truth(case: Case, transform: Transform) -> tuple[Mask, Mask, Floats]:
    """Whether each PL dot is dark, whether it is free, and the light of its place."""
    sigma = case.found.psf_sigma_px
    places = transform.inverse(case.dots.positions)
    lit = case.flux_s > 0
    emitters, flux = case.emitters[lit], case.flux_s[lit]
    if not len(emitters):
        return np.ones(len(places), bool), np.ones(len(places), bool), np.zeros(len(places))
    tree = cKDTree(emitters)
    own = tree.query_ball_point(places, _OWN_SIGMA * sigma)
    true_s = np.array([flux[each].sum() for each in own])
    unlisted = cKDTree(places).query(emitters)[0] > _OWN_SIGMA * sigma
    near = tree.query_ball_point(places, _FREE_SIGMA * sigma)
    free = np.array([not np.any(unlisted[each]) for each in near], bool)
    return true_s == 0, free, true_s


def _truly_blank(case: Case, transform: Transform, blanks: Floats) -> Mask:
    """Blank places with no lit emitter that PL does not show nearby."""
    sigma = case.found.psf_sigma_px
    emitters = case.emitters[case.flux_s > 0]
    places = transform.inverse(case.dots.positions)
    unlisted = emitters[cKDTree(places).query(emitters)[0] > _OWN_SIGMA * sigma]
    if not len(unlisted):
        return np.ones(len(blanks), bool)
    distance, _ = cKDTree(unlisted).query(transform.inverse(blanks))
    return np.asarray(distance > _FREE_SIGMA * sigma)
