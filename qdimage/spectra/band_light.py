"""How much light is in a band above the detector's floor, and how much may be."""

import math

from scipy.optimize import brentq
from scipy.stats import norm

from qdimage.domain.spectrum_fit import BandLight, Light, Measured, Noise
from qdimage.spectra.band_sums import BandSums

# Fall of the log-likelihood's double at the end of a one-sided 95 % interval.
_ONE_SIDED = 2.705543
_LEAST = 1e-9


def light_of(counted: BandSums, noise: Noise) -> BandLight:
    """Return the light of both bands with limits, the floor free or known."""
    return BandLight(*(_light(counted, band, noise.counts_per_electron) for band in (0, 1)))


def _light(counted: BandSums, band: int, scale: float) -> Light:
    on, pixels = float(counted.sums[band]), float(counted.pixels[band])
    net = on - counted.floor * pixels
    spread = max(on, 1.0)
    if counted.fixed is None:
        spread += max(float(counted.sums[2]), 1.0) * (pixels / float(counted.pixels[2])) ** 2
    err = math.sqrt(spread)
    best = _profile(counted, band, max(net, 0.0))

    def beyond(light: float) -> float:
        return 2 * (best - _profile(counted, band, light)) - _ONE_SIDED

    far = max(net, 0.0) + 2 * err
    while beyond(far) < 0:
        far += 2 * err
    upper = float(brentq(beyond, max(net, 0.0), far, xtol=1e-6 * err))
    fall = 2 * (best - _profile(counted, band, 0.0))
    p_value = float(norm.sf(math.copysign(math.sqrt(max(fall, 0.0)), net)))
    return Light(Measured(scale * net, scale * err), scale * upper, p_value)


def _profile(counted: BandSums, band: int, light: float) -> float:
    """Largest log-likelihood over the floor, for so much light in a band.

    With the floor b of a pixel, n and m pixels in band and dark, the maximum solves
    (n + m) b^2 + ((n + m) s / n - on - off) b - off s / n = 0.
    """
    on, n = max(float(counted.sums[band]), 0.0), float(counted.pixels[band])
    if counted.fixed is not None:
        return _poisson(on, light + n * counted.fixed)
    off, m = max(float(counted.sums[2]), 0.0), float(counted.pixels[2])
    half = ((n + m) * light / n - on - off) / (2 * (n + m))
    floor = -half + math.sqrt(half**2 + off * light / n / (n + m))
    return _poisson(on, light + n * floor) + _poisson(off, m * floor)


def _poisson(counts: float, level: float) -> float:
    level = max(level, _LEAST)
    return counts * math.log(level) - level
