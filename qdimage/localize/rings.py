"""Light of a dot that its Gaussian spot leaves out, and what may be mistaken for a dot in it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_STEP_SIGMA = 0.25
_REACH_SIGMA = 8.0
# Closer in, a companion that is not resolved yet looks the same.
_CORE_SIGMA = 1.5
# Rings go all the way round and neighbours do not: what the darkest third shows is a ring.
_QUANTILE = 0.3
# Weaker rings than this share of a dot's flux are left alone.
_WEAKEST = 0.01
# Fewer dots than this, some of which may be two, are believed only where their rings are stronger
# than that share beyond two dots seen as one.
_MANY_DOTS, _WEAKEST_OF_FEW = 8, 0.03
# Close to a bright dot, sources below these shares of its flux are not told from its rings.
_LEAST = ((2.5, 0.10), (7.0, 0.03))
_STRONGEST = 0.25
_RESOLVED_SIGMA = 2.7


@dataclass(frozen=True)
class Rings:
    """Surface brightness around a dot beyond its Gaussian spot, for unit flux.

    Attributes
    ----------
    profile : ndarray, shape (n,)
        At distances in steps of a quarter of the spot's standard deviation; 1/px^2.
    sigma : float
        Width of the spot, px.
    known : bool
        Whether enough dots were seen to say that there are none.
    """

    profile: Array
    sigma: float
    known: bool = True

    @property
    def visible(self) -> bool:
        """Whether a matched filter takes them for a dot of 1 % of the flux or more."""
        return self.share > _WEAKEST

    @property
    def share(self) -> float:
        """Share of a dot's flux that a matched filter takes them for."""
        return float(self.profile.max(initial=0.0) * 4 * np.pi * self.sigma**2)

    def light(self, shape: tuple[int, int], spots: Array) -> Array:
        """Return the rings of spots (x, y, flux) as an image of a shape (height, width)."""
        image = np.zeros(shape)
        if not self.visible:
            return image
        distances = _STEP_SIGMA * self.sigma * (np.arange(len(self.profile)) + 0.5)
        for spot in spots:
            window, distance = _window(shape, spot, self.sigma)
            image[window] += spot[2] * np.interp(distance, distances, self.profile, right=0.0)
        return image


def measured_rings(left_over: Array, spots: Array, sigma: float) -> Rings:
    """Measure the rings of bright dots in what their Gaussian spots leave over.

    Parameters
    ----------
    left_over : ndarray, shape (y, x)
        Image without background and spots; NaN where a pixel is not usable.
    spots : ndarray, shape (n, 3)
        x, y, flux of bright dots without a brighter one in reach.
    sigma : float
        Width of the spots, px.

    Returns
    -------
    Rings
        The median over the dots of a low quantile around each; nothing where few dots show little.
    """
    n_steps = round(_REACH_SIGMA / _STEP_SIGMA)
    known_well = len(spots) >= _MANY_DOTS
    nothing = Rings(np.zeros(n_steps), sigma, known_well)
    if len(spots) == 0:
        return nothing
    profiles = np.array([_profile(left_over, spot, sigma, n_steps) for spot in spots])
    known = np.isfinite(profiles).any(axis=0)
    distances = _STEP_SIGMA * np.arange(n_steps)
    known &= distances >= _CORE_SIGMA
    profile = np.zeros(n_steps)
    profile[known] = np.maximum(np.nanmedian(profiles[:, known], axis=0), 0.0)
    outer = Rings(profile[distances >= _RESOLVED_SIGMA], sigma)
    if not known_well and outer.share < _WEAKEST_OF_FEW:
        return nothing
    return Rings(profile, sigma, known_well)


def _profile(left_over: Array, spot: Array, sigma: float, n_steps: int) -> Array:
    """Quantile at each distance from a spot for unit flux; NaN where no pixel is that far."""
    window, distance = _window(left_over.shape, spot, sigma)
    values = left_over[window]
    step = (distance / (sigma * _STEP_SIGMA)).astype(np.int64)
    used = (step < n_steps) & np.isfinite(values)
    ordered = values[used][np.lexsort((values[used], step[used]))]
    count = np.bincount(step[used], minlength=n_steps)
    place = np.cumsum(count) - count + (_QUANTILE * count).astype(np.int64)
    some = count > 0
    profile = np.full(n_steps, np.nan)
    profile[some] = ordered[place[some]] / spot[2]
    return profile


def _window(shape: tuple[int, ...], spot: Array, sigma: float) -> tuple[tuple[slice, slice], Array]:
    """Pixels in reach of a spot, and their distances from it, px."""
    x, y = spot[:2]
    reach = int(np.ceil(_REACH_SIGMA * sigma))
    rows = np.arange(max(0, round(y) - reach), min(shape[0], round(y) + reach + 1))
    columns = np.arange(max(0, round(x) - reach), min(shape[1], round(x) + reach + 1))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return window, np.hypot(rows[:, np.newaxis] - y, columns - x)


def dominant(sources: Array, sigma: float) -> Mask:
    """Whether each source (x, y, flux) has no brighter one, and no strong one beside it."""
    keep = np.ones(len(sources), bool)
    if len(sources):
        for a, b in cKDTree(sources[:, :2]).query_pairs(_REACH_SIGMA * sigma):
            dim, bright = (a, b) if sources[a, 2] < sources[b, 2] else (b, a)
            keep[dim] = False
            if sources[dim, 2] > _STRONGEST * sources[bright, 2]:
                keep[bright] = False
    return keep


def outshone(sources: Array, spots: Array, sigma: float) -> Mask:
    """Whether each source (x, y, flux) is too dim to be told from a spot's rings."""
    return _dimmer(sources, spots, sigma, _LEAST)


def may_be_ring(sources: Array, sigma: float) -> Mask:
    """Whether each source (x, y, flux) could be the ring of a brighter one among them."""
    return _dimmer(sources, sources, sigma, ((_REACH_SIGMA, _STRONGEST),))


def _dimmer(
    sources: Array, spots: Array, sigma: float, limits: tuple[tuple[float, float], ...]
) -> Mask:
    """Whether a spot within a reach makes a source dimmer than a share of it."""
    dim = np.zeros(len(sources), bool)
    if len(spots) == 0 or len(sources) == 0:
        return dim
    tree = cKDTree(spots[:, :2])
    for reach, share in limits:
        near = tree.query_ball_point(sources[:, :2], reach * sigma)
        for index, found in enumerate(near):
            if found and sources[index, 2] < share * spots[found, 2].max():
                dim[index] = True
    return dim
