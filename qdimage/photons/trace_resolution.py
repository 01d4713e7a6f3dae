"""How short a change of intensity may be to be seen for sure."""

import math


def shortest_dwells_s(
    bright_s: float, dark_s: float, *, ratio: float, fewest: float
) -> tuple[float, float]:
    """Return the shortest dwells, bright and dark, that are seen for sure among longer ones.

    A dwell of t raises twice the log-likelihood ratio by x = 2 t KL on average, KL being the
    divergence of the two Poisson rates, with a standard deviation of about 2 sqrt(x); it is seen
    for sure where what remains after one deviation is the threshold, sqrt(x) = 1 + sqrt(1 + c).

    Parameters
    ----------
    bright_s, dark_s : float
        Counts per second; the bright one is more.
    ratio : float
        The threshold c of the search in short stretches.
    fewest : float
        Photons that a bright dwell needs.
    """
    needed = (1 + math.sqrt(1 + ratio)) ** 2
    enough_s = (fewest + 3 * math.sqrt(fewest)) / bright_s
    if dark_s <= 0:
        return enough_s, needed / (2 * bright_s)
    log_ratio = math.log(bright_s / dark_s)
    bright = bright_s * log_ratio + dark_s - bright_s
    dark = bright_s - dark_s * (1 + log_ratio)
    return max(needed / (2 * bright), enough_s), needed / (2 * dark)
