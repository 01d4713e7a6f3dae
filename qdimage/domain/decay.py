"""A fluorescence decay after short pulses, and what a fit says of it."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Decay:
    """Photons by their delay after a pulse.

    Attributes
    ----------
    edges_ns : ndarray, shape (n + 1,)
        Growing; bins are half-open. The zero is anywhere.
    counts : ndarray of int64, shape (n,)
    period_ns : float or None
        Between pulses; None where it is not known, so that earlier pulses are taken to have
        faded away.
    pulses : float or None
        During the measurement; None where not known.
    duration_s : float or None
    """

    edges_ns: Array
    counts: NDArray[np.int64]
    period_ns: float | None = None
    pulses: float | None = None
    duration_s: float | None = None

    @property
    def time_ns(self) -> Array:
        """Centres of the bins."""
        return np.asarray((self.edges_ns[:-1] + self.edges_ns[1:]) / 2)

    @property
    def counts_per_pulse(self) -> float | None:
        """Photons for each pulse; None where the number of pulses is not known."""
        return float(self.counts.sum()) / self.pulses if self.pulses else None


@dataclass(frozen=True)
class Response:
    """The instrument's response to a pulse as it was measured.

    Attributes
    ----------
    edges_ns : ndarray, shape (n + 1,)
        Growing; the zero is that of the decay, as far as the shift that is fitted.
    density_per_ns : ndarray, shape (n,)
        Of area 1, background taken out; even within a bin.
    """

    edges_ns: Array
    density_per_ns: Array

    @property
    def fwhm_ns(self) -> float:
        """Width of all that is above half of the highest bin."""
        above = np.flatnonzero(self.density_per_ns >= self.density_per_ns.max() / 2)
        return float(self.edges_ns[above[-1] + 1] - self.edges_ns[above[0]])


@dataclass(frozen=True)
class Estimate:
    """A value with its profile intervals.

    Attributes
    ----------
    value : float
    low_68, high_68, low_95, high_95 : float
    """

    value: float
    low_68: float
    high_68: float
    low_95: float
    high_95: float

    @property
    def err(self) -> float:
        """Half the 68 % interval."""
        return (self.high_68 - self.low_68) / 2


@dataclass(frozen=True)
class DecayComponent:
    """One exponential.

    Attributes
    ----------
    lifetime_ns : Estimate
    share : Estimate
        Of the decaying photons.
    amplitude : Estimate
        Share of the intensity right after the pulse.
    """

    lifetime_ns: Estimate
    share: Estimate
    amplitude: Estimate


@dataclass(frozen=True)
class DecayFit:
    """Exponentials seen through the instrument's response, on a constant background.

    Attributes
    ----------
    components : tuple of DecayComponent
        From the fastest to the slowest.
    mean_lifetime_ns : Estimate
        Mean of the lifetimes weighted by their photons (by intensity).
    pulse_ns : float
        Where the pulse is in the decay's own time; of a measured response, its shift.
    response : {"measured", "gaussian", "none"}
    response_fwhm_ns : float
        0 for none.
    background_fraction : float
        Share of the photons that do not follow the pulses.
    evidence : tuple of float
        What the Bayesian information criterion says of 1, 2, ... exponentials, relative to the
        number that was chosen; of a given number, empty.
    deviance, p_value : float
    dof : int
        Goodness of fit.
    counts : int
    flags : tuple of str
    model : ndarray, shape (n,)
        Photons that are expected in each bin of the decay.
    """

    components: tuple[DecayComponent, ...]
    mean_lifetime_ns: Estimate
    pulse_ns: float
    response: Literal["measured", "gaussian", "none"]
    response_fwhm_ns: float
    background_fraction: float
    evidence: tuple[float, ...]
    deviance: float
    dof: int
    p_value: float
    counts: int
    flags: tuple[str, ...]
    model: Array = field(repr=False, compare=False)

    @property
    def main(self) -> DecayComponent:
        """The exponential with the most photons."""
        return max(self.components, key=lambda each: each.share.value)


@dataclass(frozen=True)
class YieldRatio:
    """Quantum yield of the biexciton relative to the exciton's.

    Attributes
    ----------
    ratio : Estimate
    source : {"g2", "amplitude"}
        From photon pairs of one pulse, or from the fast exponential's photons.
    """

    ratio: Estimate
    source: Literal["g2", "amplitude"]
