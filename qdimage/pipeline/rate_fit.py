"""Rate-model fits of the correlation curves of a dot."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.g2_zero import G2Zero
from qdimage.domain.rate_fit import RateFit, Rival
from qdimage.domain.refusal import Refusal
from qdimage.numerics.goodness import goodness
from qdimage.photons.dip_options import DipOptions
from qdimage.pipeline.dot_knowledge import DotKnowledge
from qdimage.pipeline.g2 import G2Settings, g2_of_file
from qdimage.rates.consistency import contradictions
from qdimage.rates.fit import fit_rates
from qdimage.rates.fit_curves import RateCurve
from qdimage.rates.fit_options import RateFitOptions

_PLANCK_J_S, _LIGHT_M_S = 6.62607015e-34, 299792458.0


@dataclass(frozen=True)
class CurveToFit:
    """A curve, where it is from, and what is known of its measurement.

    Attributes
    ----------
    file : str
    curve : G2Curve
    kind : {"el", "pl"}
    voltage_v : float or None
    response_fwhm_ns : float
    dark_counts_s : (float, float)
    delay_ns : float or None
        Of the second detector; found in the curve where None.
    efficiency : float or None
        Counts per emitted photon.
    on_fraction : float
        Share of the time that the dot is on.
    pump_per_us : float or None
        pl: see `pump_rate_per_us`.
    dip : G2Zero or None
        The same curve without a rate model, which is then one of the rivals.
    """

    file: str
    curve: G2Curve
    kind: Literal["el", "pl"]
    voltage_v: float | None = None
    response_fwhm_ns: float = 0.0
    dark_counts_s: tuple[float, float] = (0.0, 0.0)
    delay_ns: float | None = None
    efficiency: float | None = None
    on_fraction: float = 1.0
    pump_per_us: float | None = None
    dip: G2Zero | None = None


@dataclass(frozen=True)
class RateFitAnswer:
    """A curve with its fit, or the reason why there is none.

    Attributes
    ----------
    given : CurveToFit
    answer : RateFit or Refusal
    warnings : tuple of str
        Where what is known of the dot contradicts itself.
    """

    given: CurveToFit
    answer: RateFit | Refusal
    warnings: tuple[str, ...] = ()


def pump_rate_per_us(
    *,
    absorption_cross_section_cm2: float | None,
    excitation_power_density_w_cm2: float | None,
    excitation_nm: float | None,
) -> float | None:
    """Return the pump rate, absorption cross-section times photon flux; None if one is missing."""
    if (
        absorption_cross_section_cm2 is None
        or excitation_power_density_w_cm2 is None
        or excitation_nm is None
    ):
        return None
    photon_j = _PLANCK_J_S * _LIGHT_M_S / (excitation_nm * 1e-9)
    return absorption_cross_section_cm2 * excitation_power_density_w_cm2 / photon_j * 1e-6


def fit_curves(
    curves: Sequence[CurveToFit], *, dot: DotKnowledge, options: RateFitOptions
) -> list[RateFitAnswer]:
    """Fit the curves of one dot together: own rates for each, one set of dot parameters.

    Raises
    ------
    ConfigurationError
        If dark counts, a parameter of the dot or an option makes no sense.
    """
    found = fit_rates(
        [_rate_curve(each) for each in curves],
        dot=dot.dot,
        errors=dot.errors,
        options=options,
    )
    answers = []
    for given, answer in zip(curves, found, strict=True):
        if isinstance(answer, RateFit) and given.dip is not None and options.rivals:
            rival = _dip_rival(given.curve, given.dip)
            answer = replace(answer, rivals=(*answer.rivals, rival))
        warned = contradictions(dot.dot, charged=given.kind == "el")
        answers.append(RateFitAnswer(given, answer, warned))
    return answers


def _rate_curve(each: CurveToFit) -> RateCurve:
    return RateCurve(
        each.curve,
        each.kind,
        response_fwhm_ns=each.response_fwhm_ns,
        dark_counts_s=each.dark_counts_s,
        delay_ns=each.delay_ns,
        efficiency=each.efficiency,
        on_fraction=each.on_fraction,
        pump_per_us=each.pump_per_us,
    )


def _dip_rival(curve: G2Curve, dip: G2Zero) -> Rival:
    parameters = 2 * dip.components + 2
    counts = curve.counts.astype(np.float64)
    deviance, _, p_value = goodness(counts, np.asarray(dip.model, np.float64), parameters)
    return Rival("signed exponentials", deviance, parameters, p_value)


@dataclass(frozen=True)
class FileToFit:
    """A time-tag file or histogram to be fitted.

    Attributes
    ----------
    path : pathlib.Path
    settings : G2Settings
        How it is correlated.
    kind : {"el", "pl"}
    voltage_v, efficiency, on_fraction, pump_per_us
        See `CurveToFit`.
    """

    path: Path
    settings: G2Settings
    kind: Literal["el", "pl"]
    voltage_v: float | None = None
    efficiency: float | None = None
    on_fraction: float = 1.0
    pump_per_us: float | None = None


def curve_of_file(each: FileToFit, *, options: DipOptions) -> tuple[CurveToFit, tuple[str, ...]]:
    """Correlate a file, or read its histogram; return it with what was wrong and passed over.

    Raises
    ------
    FormatError, ConfigurationError
        In one line, what is wrong with the file or the settings, and what to do.
    """
    found = g2_of_file(each.path, settings=each.settings, options=options)
    curve = CurveToFit(
        each.path.name,
        found.curve,
        each.kind,
        voltage_v=each.voltage_v,
        response_fwhm_ns=each.settings.response_fwhm_ns,
        dark_counts_s=each.settings.dark_counts_s,
        delay_ns=each.settings.delay_ns,
        efficiency=each.efficiency,
        on_fraction=each.on_fraction,
        pump_per_us=each.pump_per_us,
        dip=found.answer if isinstance(found.answer, G2Zero) else None,
    )
    return curve, found.warnings
