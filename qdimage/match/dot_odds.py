"""How much likelier a flux is if the dot is brighter than F_min than if it is dark."""

import numpy as np
from numpy.typing import NDArray

from qdimage.match.mixture import FluxMixture

Array = NDArray[np.float64]

_LARGEST = 1e12


def bright_odds(mixture: FluxMixture, chance: float) -> Array:
    """Return each dot's odds with the light of other sources taken out of darkness.

    The mixture counts a dark dot on which another source lies as not bright. Such a source is there
    at other voltages too, so that a series of voltages must not meet it anew at each: it has to
    ask what nothing but darkness would show. Other sources are taken to be as bright as dots.

    Parameters
    ----------
    mixture : FluxMixture
        Of one channel.
    chance : float
        Share of dark places that other sources make brighter than F_min.
    """
    above = np.maximum(mixture.above_density, 1.0 / _LARGEST)
    dark = (mixture.below_density / above - chance) / (1.0 - chance)
    return np.asarray(1.0 / np.clip(dark, 1.0 / _LARGEST, _LARGEST))
