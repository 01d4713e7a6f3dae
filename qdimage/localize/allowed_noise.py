"""How many noise peaks the sources of an image may hold where they are many."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

Array = NDArray[np.float64]

# So seldom noise alone gives as many peaks as would make a dim crowd of sources.
_BY_CHANCE = 1e-3


def allowed_by_share(expected: Array, share: float) -> float:
    """Return the number of noise peaks that are at most a share of the sources kept.

    Benjamini and Hochberg, J. R. Stat. Soc. B 57, 289 (1995), with expected numbers of peaks in
    place of p-values.

    Parameters
    ----------
    expected : ndarray, shape (n,)
        Of each source the number of noise peaks as significant, growing.
    share : float
    """
    limits = share * np.arange(1, len(expected) + 1)
    kept = np.flatnonzero(expected <= limits)
    return float(limits[kept[-1]]) if len(kept) else 0.0


def allowed_by_chance(expected: Array, chance: float, least: float) -> float:
    """Return the number of noise peaks up to which a source is noise with at most a chance.

    That chance is one over the sources per expected noise peak around it (a local rate of false
    discoveries: Efron, J. Am. Stat. Assoc. 99, 96, 2004); their density is the slope of the least
    concave majorant of their number (Grenander, Skand. Aktuarietidskr. 39, 125, 1956).

    Parameters
    ----------
    expected : ndarray, shape (n,)
        Of each source the number of noise peaks as significant, growing.
    chance : float
    least : float
        Peaks allowed anyway. Returned, too, where noise alone may have made the sources beyond.
    """
    beyond = expected[expected > least] - least
    if chance == 0.0 or len(beyond) == 0:
        return least
    numbers = np.arange(1, len(beyond) + 1)
    # A line of the slope 1 / chance touches the majorant where this is greatest.
    last = int(np.argmax(numbers - beyond / chance))
    if poisson.sf(last, beyond[last]) > _BY_CHANCE:
        return least
    return float(least + beyond[last])
