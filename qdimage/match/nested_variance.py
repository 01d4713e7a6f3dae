"""How much fields, devices and batches differ: nested components of variance of the fraction.

The logit of a field's fraction is a mean plus a normal term of its batch, one of its device and one
of its own. The likelihood is integrated over all terms and over the mean (as restricted likelihood
does, without which few groups look too much alike).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit, ndtr
from scipy.stats import chi2

from qdimage.domain.fraction_pool import LevelSpread
from qdimage.domain.refusal import Refusal
from qdimage.match.binomial_normal import field_log_likelihoods
from qdimage.match.pooling import fraction_moments
from qdimage.match.profiles import crossings, vertex

Array = NDArray[np.float64]

LEVELS = ("batch", "device", "field")
_PLURAL = {"batch": "batches", "device": "devices", "field": "fields"}
_SIGMAS = 3.0 * np.linspace(0.0, 1.0, 17) ** 1.5
_N_LOGITS = 121
# Beyond the fields' own logits, a group's mean may lie this far; half a dot keeps them finite.
_MARGIN = 4.0
_HALF_DOT = 0.5
_SMALLEST = 1e-300


@dataclass(frozen=True)
class FieldCount:
    """Lit dots and dots of a field, as they count, and where it belongs."""

    batch: str
    device: str
    field: str
    lit: float
    n: float


def nested_spread(
    fields: Sequence[FieldCount], *, confidence: float
) -> dict[str, LevelSpread | Refusal]:
    """Return the spread at each level of `LEVELS`.

    A level at which no group has two members is refused: its spread is part of that of the level
    above.

    Parameters
    ----------
    fields : sequence of FieldCount
        With dots.
    confidence : float
    """
    free = [level for level in LEVELS if _largest_group(fields, level) > 1]
    spreads = _spreads(fields, free, confidence) if free else {}
    return {level: spreads.get(level) or _too_few(fields, level) for level in LEVELS}


def _too_few(fields: Sequence[FieldCount], level: str) -> Refusal:
    above = {"batch": "run", "device": "batch", "field": "device"}[level]
    return Refusal(
        f"found no {above} with two {_PLURAL[level]} that gave a fraction; measure another {level}"
    )


def _spreads(
    fields: Sequence[FieldCount], free: Sequence[str], confidence: float
) -> dict[str, LevelSpread]:
    logits = _logits(fields)
    sigmas = {level: _SIGMAS if level in free else np.zeros(1) for level in LEVELS}
    axes = tuple(sigmas[level] for level in LEVELS)
    kernels = {float(sigma): _kernel(logits, float(sigma)) for sigma in _SIGMAS}
    log_likelihood = np.empty(tuple(len(axis) for axis in axes))
    for k, own in enumerate(axes[2]):
        at_device = _seen_from_devices(fields, logits, float(own))
        for j, of_device in enumerate(axes[1]):
            at_batch = _grouped(at_device, kernels[float(of_device)])
            for i, of_batch in enumerate(axes[0]):
                seen = _grouped(at_batch, kernels[float(of_batch)])[()]
                log_likelihood[i, j, k] = np.log(np.exp(seen - seen.max()).sum()) + seen.max()
    deviance = 2.0 * (log_likelihood.max() - log_likelihood)
    flat, level = deviance.ravel(), float(chi2.ppf(confidence, 1))
    places = np.meshgrid(*axes, indexing="ij")
    mean = sum(each.lit for each in fields) / sum(each.n for each in fields)
    return {
        name: _spread(name, group_count(fields, name), places[at].ravel(), flat, level, mean)
        for at, name in enumerate(LEVELS)
        if name in free
    }


def _spread(
    name: str, n_groups: int, sigma: Array, deviance: Array, level: float, mean: float
) -> LevelSpread:
    axis, where = np.unique(sigma, return_inverse=True)
    profile = np.full(len(axis), np.inf)
    np.minimum.at(profile, where, deviance)
    ends = np.array([vertex(axis, profile), *crossings(axis, profile, level, level)])
    centre = logit(np.clip(mean, 1e-9, 1 - 1e-9)) * np.ones(3)
    _, spread = fraction_moments(centre, ends)
    return LevelSpread(
        name,
        n_groups,
        float(ends[0]),
        float(ends[1]),
        float(ends[2]),
        float(spread[0]),
        float(spread[1]),
        float(spread[2]),
    )


def _key(field: FieldCount, level: str) -> tuple[str, ...]:
    return {
        "batch": (field.batch,),
        "device": (field.batch, field.device),
        "field": (field.batch, field.device, field.field),
    }[level]


def group_count(fields: Sequence[FieldCount], level: str) -> int:
    """Return how many members a level has."""
    return len({_key(each, level) for each in fields})


def _largest_group(fields: Sequence[FieldCount], level: str) -> int:
    """Most members of a level that share a group of the level above."""
    members = {_key(each, level) for each in fields}
    above = [key[:-1] for key in members]
    return max((above.count(key) for key in above), default=0)


def _logits(fields: Sequence[FieldCount]) -> Array:
    own = np.array(
        [np.log((each.lit + _HALF_DOT) / (each.n - each.lit + _HALF_DOT)) for each in fields]
    )
    return np.linspace(own.min() - _MARGIN, own.max() + _MARGIN, _N_LOGITS)


def _seen_from_devices(
    fields: Sequence[FieldCount], logits: Array, sigma: float
) -> dict[tuple[str, ...], Array]:
    """Log-likelihood of each device's fields, at each logit that the device may have."""
    each = field_log_likelihoods(
        np.array([field.lit for field in fields]),
        np.array([field.n for field in fields]),
        logits,
        np.full(len(logits), sigma),
    )
    seen: dict[tuple[str, ...], Array] = {}
    for k, field in enumerate(fields):
        key = field.batch, field.device
        seen[key] = seen.get(key, 0.0) + each[:, k]
    return seen


def _kernel(logits: Array, sigma: float) -> Array:
    """Probability of each cell of logits for a member, by that of its group."""
    if sigma <= 0:
        return np.eye(len(logits))
    step = logits[1] - logits[0]
    apart = logits[None, :] - logits[:, None]
    return np.asarray(ndtr((apart + 0.5 * step) / sigma) - ndtr((apart - 0.5 * step) / sigma))


def _grouped(seen: Mapping[tuple[str, ...], Array], kernel: Array) -> dict[tuple[str, ...], Array]:
    """Put members into their groups: integrate over each member's logit and multiply."""
    groups: dict[tuple[str, ...], Array] = {}
    for key, values in seen.items():
        largest = values.max()
        integrated = np.log(np.maximum(kernel @ np.exp(values - largest), _SMALLEST)) + largest
        groups[key[:-1]] = groups.get(key[:-1], 0.0) + integrated
    return groups
