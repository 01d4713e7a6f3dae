"""g2(0) where excitation comes much more rarely than the dot decays."""

from collections.abc import Mapping, Sequence

import numpy as np

from qdimage.rates.coulomb import Law
from qdimage.rates.declared import DeclaredModel
from qdimage.rates.dot import DotParameters
from qdimage.rates.solution import solve

# Of the slowest other rate; solving loses no digits to it.
_WEAK = 1e-10


def weak_limit_constant(
    coulomb: Law, dot: DotParameters, *, largest_charge: int, count_trions: bool
) -> float:
    """Return C of g2(0) -> C (k_X / k)(eta_BX / eta_X) at weak, balanced injection.

    k = k_Y k_Z / (k_Y + k_Z) with the trions' decay rates. C = F(-1) Z / [4 (1 + t)^2]; Z sums the
    populations of all charges relative to the neutral dot, p(q+1)/p(q) = F(-q)/F(q+1), and t is the
    number of trion photons for each exciton photon, F(-1)(eta_Y + eta_Z)/(2 F(1) eta_X), or 0
    where they are not counted. Where they are counted, the light of dots with more than one charge
    and a pair is left out, which `weak_g2_0` has.

    Parameters
    ----------
    coulomb : callable
        F(s), s > 0 for attraction.
    dot : DotParameters
    largest_charge : int
        Beyond it no carrier enters.
    count_trions : bool
    """
    charges = np.arange(largest_charge)
    steps = [coulomb(-int(q)) / coulomb(int(q) + 1) for q in charges]
    total = 1.0 + 2.0 * float(np.sum(np.cumprod(steps)))
    share = 0.0
    if count_trions:
        yields = dot.negative_trion_qy + dot.positive_trion_qy
        share = coulomb(-1) * yields / (2.0 * coulomb(1) * dot.exciton_qy)
    return float(coulomb(-1) * total / (4.0 * (1.0 + share) ** 2))


def weak_limit_scale(dot: DotParameters) -> float:
    """Return (k_X / k)(eta_BX / eta_X), by which the constant is multiplied."""
    positive, negative = dot.rate_per_us("positive_trion"), dot.rate_per_us("negative_trion")
    harmonic = positive * negative / (positive + negative)
    return dot.rate_per_us("exciton") / harmonic * dot.biexciton_qy / dot.exciton_qy


def weak_g2_0(
    declared: DeclaredModel, values: Mapping[str, float], *, lines: Sequence[str] | None = None
) -> float | None:
    """Return g2(0) of any model where its drive is much slower than all else, in equal measure.

    Parameters
    ----------
    declared : DeclaredModel
    values : mapping
        Of every parameter; the ratios of the drive's count.
    lines : sequence of str, optional
        Of whose photons.

    Returns
    -------
    float or None
        None where nothing drives the model.
    """
    driven = {name: values[name] for name in declared.drive}
    others = [jump.rate_per_us for jump in declared.undriven(values).transitions]
    slowest = min((rate for rate in others if rate > 0), default=0.0)
    if not slowest or not any(driven.values()):
        return None
    share = _WEAK * slowest / max(driven.values())
    weak = {**values, **{name: value * share for name, value in driven.items()}}
    return solve(declared.build(weak), lines=lines).g2_0
