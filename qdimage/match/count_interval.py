"""The interval of a share from a count, and the fall of the likelihood that it stands for."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import betainc, xlogy


def fraction_interval(n_lit: float, n: float, confidence: float) -> tuple[float, float, float]:
    """Return the share of lit dots, and its interval.

    The mid-P interval (Lancaster, J. Am. Stat. Assoc. 56, 223, 1961): one-sided where none or all
    are lit, and from 5 dots on its 95 % never cover less than 91 % (Jeffreys' 87 %).
    """
    if n == 0:
        return float("nan"), float("nan"), float("nan")
    tail = (1.0 - confidence) / 2
    return n_lit / n, _low_share(n_lit, n, tail), 1.0 - _low_share(n - n_lit, n, tail)


def count_deviance(n: float, fraction: float, share: float) -> float:
    """Return twice the loss of log-likelihood if, of n counted dots, another share were lit."""
    lit = xlogy(fraction, fraction) - xlogy(fraction, share)
    dark = xlogy(1.0 - fraction, 1.0 - fraction) - xlogy(1.0 - fraction, 1.0 - share)
    return float(2.0 * n * (lit + dark))


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

    return float(np.clip(brentq(excess, 0.0, 1.0), 0.0, 1.0))
