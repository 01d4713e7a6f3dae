"""g2 of a model as detectors and bins show it."""

import numpy as np
from numpy.typing import NDArray

from qdimage.rates.blur import blurred
from qdimage.rates.propagation import fastest_per_us
from qdimage.rates.solution import CrossEmission, Emission

Array = NDArray[np.float64]

_US_PER_NS = 1e-3


def measured_g2(
    light: Emission | CrossEmission,
    lag_ns: Array,
    *,
    response_fwhm_ns: float = 0.0,
    bin_ns: float = 0.0,
    background_share: float = 0.0,
) -> Array:
    """Return g2 averaged over bins and blurred by the response of the pair of detectors.

    Parameters
    ----------
    light : Emission or CrossEmission
    lag_ns : ndarray, shape (n,)
        Centres of the bins.
    response_fwhm_ns : float
        Full width at half maximum of the Gaussian response of both detectors together.
    bin_ns : float
        Width of the bins.
    background_share : float
        Of each detector's counts, those that come at random.
    """
    lag_ns = np.asarray(lag_ns, np.float64)
    signal = (1.0 - background_share) ** 2
    if response_fwhm_ns == 0.0 and bin_ns == 0.0:
        g2 = light.g2(lag_ns)
    else:
        single = light.first if isinstance(light, CrossEmission) else light
        g2 = blurred(
            light.g2 if isinstance(light, Emission) else lambda t: light.g2(-t),
            light.g2,
            lag_ns,
            fastest_per_ns=fastest_per_us(single.generator) * _US_PER_NS,
            response_fwhm_ns=response_fwhm_ns,
            bin_ns=bin_ns,
        )
    return np.asarray(g2 if signal == 1.0 else 1.0 + signal * (g2 - 1.0))
