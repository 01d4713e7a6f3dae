"""The turn-on fraction and its interval; the turn-on voltage of a dot."""

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations
from qdimage.domain.matches import Matches
from qdimage.domain.photometry import ForcedPhotometry
from qdimage.domain.turn_on import TurnOn
from qdimage.match.blends import blend_share, share_of_dots
from qdimage.match.mixture import FluxMixture, fit_mixture

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Beside the flags of a dot, which are positive.
_REJECTED = -1


def counted(
    dots: Localizations, photometry: ForcedPhotometry, rejected: Mask | None = None
) -> Mask:
    """Whether each PL dot belongs to the denominator."""
    return np.asarray(_group(dots, photometry, rejected) == 0)


def _group(
    dots: Localizations, photometry: ForcedPhotometry, rejected: Mask | None
) -> NDArray[np.int64]:
    """The one reason why a dot is not counted; 0 for those that are."""
    flags = photometry.flags | (dots.flags & (DotFlag.EDGE | DotFlag.FAINT))
    reasons = (DotFlag.OUTSIDE, DotFlag.EDGE, DotFlag.FAINT, DotFlag.UNRESOLVED)
    group = np.select([(flags & reason) != 0 for reason in reasons], reasons, 0)
    return group if rejected is None else np.where(rejected, _REJECTED, group)


def channel_mixture(
    dots: Localizations,
    photometry: ForcedPhotometry,
    *,
    f_min_s: float,
    confidence: float,
    rejected: Mask | None = None,
) -> FluxMixture:
    """Return the mixture of a channel's counted dots; parameters as for `turn_on_fraction`."""
    inside = _group(dots, photometry, rejected) == 0
    blanks = photometry.blanks
    return fit_mixture(
        np.where(inside, photometry.flux_s, np.nan),
        photometry.err_s,
        blanks.flux_s,
        blanks.err_s,
        blanks.occupied,
        f_min_s=f_min_s,
        confidence=confidence,
    )


def turn_on_fraction(
    dots: Localizations,
    matches: Matches,
    photometry: ForcedPhotometry,
    *,
    f_min_s: float,
    confidence: float,
    rejected: Mask | None = None,
    mixture: FluxMixture | None = None,
) -> TurnOn:
    """Return the share of PL-visible dots that are brighter in EL than F_min.

    Of the mixture of dark and lit dots that explains the forced fluxes, freed of the excess that
    two dots seen as one bring, since one of them suffices to light the spot.

    Parameters
    ----------
    dots : Localizations
        PL dots.
    matches : Matches
    photometry : ForcedPhotometry
    f_min_s : float
        Signal per second; one for a whole run, or voltages cannot be compared.
    confidence : float
        Of the interval.
    rejected : ndarray of bool, optional
        Dots that a person took out.
    mixture : FluxMixture, optional
        By `channel_mixture`, where it is known already.
    """
    group = _group(dots, photometry, rejected)
    inside = group == 0
    n_pl = int(inside.sum())
    n_lit = int(np.sum(photometry.flux_s[inside] > f_min_s))
    blanks = photometry.blanks
    chance = float(np.mean(blanks.flux_s > f_min_s)) if len(blanks.flux_s) else 0.0
    if mixture is None:
        mixture = channel_mixture(
            dots, photometry, f_min_s=f_min_s, confidence=confidence, rejected=rejected
        )
    visible = (dots.flags & DotFlag.FAINT) == 0
    blends = blend_share(dots.positions[visible], dots.psf_sigma_px)
    fraction, low, high, extrapolated = (
        share_of_dots(share, blends)
        for share in (mixture.fraction, mixture.low, mixture.high, mixture.extrapolated)
    )
    return TurnOn(
        n_pl,
        n_lit,
        int(np.sum(matches.el_only)),
        int(np.sum(group == DotFlag.EDGE)),
        int(np.sum(group == DotFlag.OUTSIDE)),
        int(np.sum(group == DotFlag.UNRESOLVED)),
        chance,
        fraction,
        low,
        high,
        extrapolated,
        int(np.sum(group == _REJECTED)),
        int(np.sum(group == DotFlag.FAINT)),
        blends,
    )


def turn_on_voltage(voltages: Array, lit: Mask, known: Mask) -> tuple[float, float, bool]:
    """Return the voltages between which one dot turns on, and whether it stayed lit above.

    Parameters
    ----------
    voltages : ndarray, shape (n,)
        Ascending.
    lit, known : ndarray of bool, shape (n,)
        Whether the dot is lit, and whether that is known.

    Returns
    -------
    low, high : float
        Highest voltage below the first lit one at which it is dark, and the first lit one; NaN
        where there is none.
    monotone : bool
    """
    lit_at = voltages[lit & known]
    dark_at = voltages[~lit & known]
    high = float(lit_at.min()) if len(lit_at) else float("nan")
    below = dark_at if np.isnan(high) else dark_at[dark_at < high]
    low = float(below.max()) if len(below) else float("nan")
    monotone = len(lit_at) == 0 or not bool(np.any(dark_at > high))
    return low, high, monotone
