"""The turn-on fraction, its interval, its pool over fields; the turn-on voltage of a dot."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betainc

from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations
from qdimage.domain.matches import Matches
from qdimage.domain.photometry import ForcedPhotometry
from qdimage.domain.turn_on import TurnOn
from qdimage.match.lit import dark_null, lit_probability, widened_error

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_LARGEST_CHANCE = 0.9
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
    flags = photometry.flags | (dots.flags & DotFlag.EDGE)
    reasons = (DotFlag.OUTSIDE, DotFlag.EDGE, DotFlag.UNRESOLVED)
    group = np.select([(flags & reason) != 0 for reason in reasons], reasons, 0)
    return group if rejected is None else np.where(rejected, _REJECTED, group)


def turn_on_fraction(
    dots: Localizations,
    matches: Matches,
    photometry: ForcedPhotometry,
    *,
    f_min_s: float,
    confidence: float,
    rejected: Mask | None = None,
) -> TurnOn:
    """Count the PL-visible dots that are brighter in EL than F_min.

    The count of forced fluxes above F_min, less the share of blank places above it.

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
    """
    group = _group(dots, photometry, rejected)
    inside = group == 0
    n_pl = int(inside.sum())
    n_lit = int(np.sum(photometry.flux_s[inside] > f_min_s))
    blanks = photometry.blanks
    chance = float(np.mean(blanks.flux_s > f_min_s)) if len(blanks.flux_s) else 0.0
    fraction, low, high = fraction_interval(n_lit, n_pl, chance, confidence)
    err = widened_error(photometry, dark_null(blanks))
    _, extrapolated = lit_probability(photometry.flux_s[inside], err[inside])
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
    )


def fraction_interval(
    n_lit: float, n: float, chance: float, confidence: float
) -> tuple[float, float, float]:
    """Return the fraction freed from chance, and its interval.

    If a share f is lit and chance makes a share c of the dark ones look lit, f + (1 - f) c look
    lit. The interval is the mid-P one for that share (Lancaster, J. Am. Stat. Assoc. 56, 223,
    1961): one-sided where none or all are lit, and from 5 dots on its 95 % never cover less than
    91 % (Jeffreys' 87 %). Fewer lit dots than chance brings prove no more than none would.
    """
    if n == 0:
        return float("nan"), float("nan"), float("nan")
    tail = (1.0 - confidence) / 2
    chance = min(chance, _LARGEST_CHANCE)
    fraction, low, high = (
        float(np.clip((share - chance) / (1 - chance), 0.0, 1.0))
        for share in (n_lit / n, _low_share(n_lit, n, tail), 1.0 - _low_share(n - n_lit, n, tail))
    )
    return fraction, low, max(high, 1.0 - _low_share(n, n, tail))


def _low_share(count: float, n: float, tail: float) -> float:
    """Share at which as many or more have the probability `tail`, `count` itself by half.

    The binomial tails are incomplete beta functions, which take divided counts as well.
    """
    if count <= 0:
        return 0.0
    if count >= n:
        return float((2 * tail) ** (1 / n))

    def excess(share: float) -> float:
        as_many = betainc(count, n - count + 1, share)
        more = betainc(count + 1, n - count, share)
        return float(0.5 * (as_many + more) - tail)

    return float(brentq(excess, 0.0, 1.0))


def pool(parts: Sequence[TurnOn], *, confidence: float) -> TurnOn:
    """Pool the fields of a device.

    Where fields differ by more than counting explains, the numbers are divided by that excess
    (McCullagh and Nelder, Generalized Linear Models, 1989, section 4.5) before the interval.
    """
    n_pl, n_lit = sum(part.n_pl for part in parts), sum(part.n_lit for part in parts)
    chance = sum(part.chance_matches for part in parts) / n_pl if n_pl else 0.0
    excess = _overdispersion(parts, n_lit, n_pl)
    fraction, low, high = fraction_interval(n_lit / excess, n_pl / excess, chance, confidence)
    emitting = [part.extrapolated * part.n_pl for part in parts if part.n_pl]
    return TurnOn(
        n_pl,
        n_lit,
        sum(part.n_el_only for part in parts),
        sum(part.n_edge for part in parts),
        sum(part.n_outside for part in parts),
        sum(part.n_unresolved for part in parts),
        chance,
        fraction,
        low,
        high,
        sum(emitting) / n_pl if n_pl else float("nan"),
        sum(part.n_rejected for part in parts),
    )


def _overdispersion(parts: Sequence[TurnOn], n_lit: int, n_pl: int) -> float:
    filled = [part for part in parts if part.n_pl]
    if len(filled) < 2 or n_lit in (0, n_pl):
        return 1.0
    share = n_lit / n_pl
    chi_sq = sum(
        (part.n_lit - part.n_pl * share) ** 2 / (part.n_pl * share * (1 - share)) for part in filled
    )
    return max(1.0, chi_sq / (len(filled) - 1))


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
