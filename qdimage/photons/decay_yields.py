"""The biexciton's quantum yield relative to the exciton's, from pairs or from its own decay.

A pulse makes a Poisson number of excitons of mean N; P1 and P2 are the chances of at least one
and at least two. Higher ones are taken to relax to the biexciton without light.
"""

import math
from collections.abc import Callable

from qdimage.domain.decay import DecayFit, Estimate, YieldRatio
from qdimage.domain.refusal import Refusal

_BIEXCITON = 2


def ratio_of_pairs(g2_0: Estimate, mean_excitations: float | None = None) -> YieldRatio:
    """Return the ratio that g2(0) under pulses says.

    A pulse's pairs are P2 etaBX etaX and its photons P1 etaX + P2 etaBX, so that g2(0) =
    2 P2 q / (P1 + P2 q)^2 for a ratio q, which is q itself at weak excitation (Nair, Zhao and
    Bawendi, Nano Lett. 11, 1136, 2011, doi:10.1021/nl104054t).

    Parameters
    ----------
    g2_0 : Estimate
        Under pulses: the central peak relative to the others.
    mean_excitations : float, optional
        N; weak excitation, N << 1, where not given.
    """

    def ratio(value: float) -> float:
        if mean_excitations is None or value <= 0:
            return value
        one, two = _chances(mean_excitations)
        # Beyond the largest g2(0) that any ratio gives, the ratio of that largest one.
        root = math.sqrt(max(1 - 2 * value * one, 0.0))
        return (1 - value * one - root) / (value * two)

    return YieldRatio(_mapped(g2_0, ratio), "g2")


def ratio_of_amplitudes(fit: DecayFit, mean_excitations: float) -> YieldRatio | Refusal:
    """Return the ratio that the photons of the fast exponential say.

    The exciton that a biexciton leaves begins to decay later, which takes photons from the fast
    exponential: with d = tBX / (tX - tBX), the exponentials hold P2 (etaBX - etaX d) and
    etaX (P1 + P2 d) photons a pulse. Photons that a dot emits while it is charged would be taken
    for the biexciton's.

    Parameters
    ----------
    fit : DecayFit
        Of two exponentials.
    mean_excitations : float
        N.
    """
    if len(fit.components) != _BIEXCITON:
        return Refusal(
            f"found {len(fit.components)} exponentials, expected 2, of biexciton and exciton, for "
            "the ratio of their yields"
        )
    fast, slow = (each.lifetime_ns.value for each in fit.components)
    if slow <= fast:
        return Refusal("found two exponentials of one lifetime, expected two that differ")
    one, two = _chances(mean_excitations)
    cascade = fast / (slow - fast)

    def ratio(share: float) -> float:
        odds = share / max(1 - share, 1e-12)
        return cascade + odds * (one + two * cascade) / two

    return YieldRatio(_mapped(fit.components[0].share, ratio), "amplitude")


def _chances(mean_excitations: float) -> tuple[float, float]:
    one = -math.expm1(-mean_excitations)
    return one, one - mean_excitations * math.exp(-mean_excitations)


def _mapped(value: Estimate, growing: Callable[[float], float]) -> Estimate:
    """A growing function of an estimate; its intervals go along."""
    return Estimate(
        growing(value.value),
        growing(value.low_68),
        growing(value.high_68),
        growing(value.low_95),
        growing(value.high_95),
    )
