"""What a fit of a rate model to a correlation curve says."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Estimate:
    """A value with the ends of its intervals.

    Attributes
    ----------
    value : float
        NaN where the data determine no value; the intervals are answers still.
    low_68, high_68, low_95, high_95 : float
    open_low, open_high : bool
        The 95 % interval ends at the bound of what was searched, not because of the data.
    """

    value: float
    low_68: float
    high_68: float
    low_95: float
    high_95: float
    open_low: bool = False
    open_high: bool = False


@dataclass(frozen=True)
class Rival:
    """Another model of the same curve.

    Attributes
    ----------
    name : str
    deviance : float
        Of the counts, with the penalties of priors.
    parameters : int
        That were fitted.
    p_value : float
        Goodness of fit.
    """

    name: str
    deviance: float
    parameters: int
    p_value: float

    @property
    def aic(self) -> float:
        """Akaike's criterion, up to a constant of the curve."""
        return self.deviance + 2.0 * self.parameters


@dataclass(frozen=True)
class Brightness:
    """Counts predicted by the model beside those measured.

    Attributes
    ----------
    measured_counts_s : float
        Without dark counts.
    predicted_counts_s : float
        Emitted photons times efficiency times on-fraction; NaN if no efficiency is known.
    efficiency, on_fraction : float
        Counts per emitted photon while the dot is on, given or fitted; share of the time that it
        is on.
    tension_sigma : float
        How far measurement and model are apart, in standard deviations; above 0 if the dot is
        brighter than the model. NaN if nothing can be compared.
    """

    measured_counts_s: float
    predicted_counts_s: float
    efficiency: float
    on_fraction: float
    tension_sigma: float


@dataclass(frozen=True)
class RateFit:
    """A fitted curve.

    Attributes
    ----------
    model : str
        Family, law and states, such as "el exp, 6 carriers".
    kind : {"el", "pl"}
    injection : Estimate
        Geometric mean of the two injection rates into the neutral dot, 1/us; pump rate for pl.
    electron, hole : Estimate or None
        Each carrier's rate; NaN where the curve does not separate them. None for pl.
    ratio : Estimate or None
        Electrons over holes, most likely value; None where balanced injection was assumed, and
        for pl.
    balance_determined : bool
        The 95 % interval of the ratio excludes 1. Else all values but the ratio are those of
        balanced injection, and intervals allow any ratio.
    undetermined : bool
        The interval of the ratio is so wide that neither rate is known alone.
    g2_0 : Estimate
        Of the model, without response, bins and background: the interval holds if the model does.
    intensity : Estimate
        Photons emitted while the dot is on, 1/us.
    yield_ratio : Estimate or None
        Biexciton's over exciton's quantum yield, which is the limit of g2(0) of pl; None for el.
    plateau, delay_ns, background_share, response_fwhm_ns : float
        Best values of the nuisances; the share is that of coincidences with background.
    dot : mapping
        Lifetimes (ns) and yields at the best point.
    pulls : mapping
        How far each fitted parameter of the dot is from what was given, in its standard errors.
    truncation_error : float
        Larger of the relative changes of g2(0) and intensity with four more carriers.
    deviance, p_value : float
    dof : int
        Goodness of fit.
    parameters : int
        That this curve's likelihood was maximized over.
    penalty : float
        Of priors, added to the deviance.
    rivals : tuple of Rival
    brightness : Brightness or None
    joint : int
        Curves that were fitted together.
    count_trions : bool
    counts : ndarray
        Expected coincidences in the bins of the curve.
    """

    model: str
    kind: str
    injection: Estimate
    electron: Estimate | None
    hole: Estimate | None
    ratio: Estimate | None
    balance_determined: bool
    undetermined: bool
    g2_0: Estimate
    intensity: Estimate
    yield_ratio: Estimate | None
    plateau: float
    delay_ns: float
    background_share: float
    response_fwhm_ns: float
    dot: Mapping[str, float]
    pulls: Mapping[str, float]
    truncation_error: float
    deviance: float
    dof: int
    p_value: float
    parameters: int
    penalty: float
    rivals: tuple[Rival, ...]
    brightness: Brightness | None
    joint: int
    count_trions: bool
    counts: NDArray[np.float64] = field(repr=False)
