"""Likelihood of lit dots in fields whose logits of the lit share are normally distributed."""

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.hermite.hermgauss(15)
_LOG_WEIGHTS = np.log(_WEIGHTS) + _NODES**2
_NEWTON_STEPS, _TOLERANCE = 50, 1e-8
_LARGEST_STEP = 2.0
_LEAST_SIGMA = 1e-6


@numba.njit(cache=True)
def field_log_likelihoods(lit: Array, n: Array, mean: Array, sigma: Array) -> Array:
    """Integrate over each field's own logit, by quadrature about its most likely value.

    Adaptive Gauss-Hermite quadrature (Pinheiro and Bates, J. Comput. Graph. Stat. 4, 12, 1995).

    Parameters
    ----------
    lit, n : ndarray, shape (f,)
        Lit dots and dots of each field; need not be whole numbers.
    mean, sigma : ndarray, shape (p,)
        Mean and standard deviation of the logits.

    Returns
    -------
    ndarray, shape (p, f)
        Binomial coefficients left out.
    """
    result = np.empty((len(mean), len(lit)))
    for p in range(len(mean)):
        for f in range(len(lit)):
            if sigma[p] < _LEAST_SIGMA:
                result[p, f] = _binomial(lit[f], n[f], mean[p])
            else:
                result[p, f] = _integrated(lit[f], n[f], mean[p], sigma[p])
    return result


@numba.njit(cache=True)
def _binomial(lit: float, n: float, logit: float) -> float:
    # log(1 + exp(logit)) without overflow
    softplus = max(logit, 0.0) + np.log1p(np.exp(-abs(logit)))
    return float(lit * logit - n * softplus)


@numba.njit(cache=True)
def _integrated(lit: float, n: float, mean: float, sigma: float) -> float:
    precision = 1.0 / sigma**2
    mode, width = mean, sigma
    for _ in range(_NEWTON_STEPS):
        share = 1.0 / (1.0 + np.exp(-mode))
        slope = lit - n * share - (mode - mean) * precision
        curvature = n * share * (1.0 - share) + precision
        step = slope / curvature
        mode += min(max(step, -_LARGEST_STEP), _LARGEST_STEP)
        width = 1.0 / np.sqrt(curvature)
        if abs(step) < _TOLERANCE:
            break
    largest = -np.inf
    terms = np.empty(len(_NODES))
    for q in range(len(_NODES)):
        logit = mode + np.sqrt(2.0) * width * _NODES[q]
        deviate = (logit - mean) / sigma
        terms[q] = _LOG_WEIGHTS[q] + _binomial(lit, n, logit) - 0.5 * deviate * deviate
        largest = max(largest, terms[q])
    total = np.sum(np.exp(terms - largest)) * width / sigma / np.sqrt(np.pi)
    return float(largest + np.log(total))
