"""Rate-model fits of the correlation curves of a dot, and their rows of the table `rate_fits`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.g2_zero import G2Zero
from qdimage.domain.rate_fit import Estimate, RateFit, Rival
from qdimage.domain.refusal import Refusal
from qdimage.numerics.goodness import goodness
from qdimage.photons.dip_options import DipOptions
from qdimage.pipeline.dot_knowledge import DotKnowledge
from qdimage.pipeline.g2 import G2Settings, g2_of_file
from qdimage.rates.consistency import contradictions
from qdimage.rates.fit import RateCurve, fit_rates
from qdimage.rates.fit_options import RateFitOptions

_POOR_P = 1e-3
_TENSION = 3.0
_BETTER_BY = 6.0
_TRUNCATED = 0.05
_PLANCK_J_S, _LIGHT_M_S = 6.62607015e-34, 299792458.0
_CONVENTION = "each carrier's own rate into the neutral dot"


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


def rate_fit_row(found: RateFitAnswer) -> dict[str, Any]:
    """Return a fit as a row of the table `rate_fits`."""
    given, fit = found.given, found.answer
    row: dict[str, Any] = {
        "file": given.file,
        "kind": given.kind,
        "voltage_v": given.voltage_v,
        "coincidences": int(given.curve.counts.sum()),
    }
    if isinstance(fit, Refusal):
        message = "; ".join([fit.reason, *found.warnings])
        return row | {"status": "refused", "message": message}
    row |= {
        "model": fit.model,
        "rate_convention": _CONVENTION if fit.kind == "el" else "excitations of the dot",
        "photons_counted": "all" if fit.count_trions else "of neutral states alone",
        **_estimate("electron_rate", fit.electron, "_per_us"),
        **_estimate("hole_rate", fit.hole, "_per_us"),
        **_estimate("injection_rate", fit.injection, "_per_us"),
        "injection_rate_low_68_per_us": fit.injection.low_68,
        "injection_rate_high_68_per_us": fit.injection.high_68,
        **_estimate("rate_ratio", fit.ratio, ""),
        "balance_determined": fit.balance_determined,
        **_estimate("g2_0_model", fit.g2_0, ""),
        **_estimate("intensity_model", fit.intensity, "_per_us"),
        **_estimate("yield_ratio", fit.yield_ratio, ""),
        "truncation_error": fit.truncation_error,
        "deviance": fit.deviance,
        "dof": fit.dof,
        "p_value": fit.p_value,
        "plateau": fit.plateau,
        "delay_ns": fit.delay_ns,
        "background_share": fit.background_share,
        "fitted_response_fwhm_ns": fit.response_fwhm_ns,
        "curves_fitted": fit.joint,
        **_rival_columns(fit),
        **_brightness_columns(fit),
        **_pull_columns(fit),
    }
    flags = _flags(fit, row, given.dip)
    return row | {
        "status": "ok",
        "flags": ";".join(flags),
        "message": "; ".join([*_notes(fit, row, flags, given.dip), *found.warnings]),
    }


def _estimate(name: str, found: Estimate | None, unit: str) -> dict[str, float]:
    if found is None:
        return {}
    return {
        f"{name}{unit}": found.value,
        f"{name}_low{unit}": found.low_95,
        f"{name}_high{unit}": found.high_95,
    }


def _rival_columns(fit: RateFit) -> dict[str, Any]:
    """The other models' criteria relative to that of the model, fitted alone as they are."""
    if not fit.rivals:
        return {}
    own, *others = fit.rivals
    names = {
        "el none": "aic_no_coulomb",
        "three states": "aic_three_states",
        "signed exponentials": "aic_dip_only",
    }
    row: dict[str, Any] = {"aic": own.aic}
    for rival in others:
        row[names[rival.name.partition(",")[0]]] = rival.aic - own.aic
    if others:
        best = min(others, key=lambda rival: rival.aic)
        row |= {"best_rival": best.name, "best_rival_p_value": best.p_value}
    return row


def _brightness_columns(fit: RateFit) -> dict[str, float]:
    found = fit.brightness
    if found is None:
        return {}
    return {
        "counts_s": found.measured_counts_s,
        "counts_model_s": found.predicted_counts_s,
        "efficiency": found.efficiency,
        "on_fraction": found.on_fraction,
        "brightness_tension_sigma": found.tension_sigma,
    }


def _pull_columns(fit: RateFit) -> dict[str, Any]:
    if not fit.pulls:
        return {}
    name = max(fit.pulls, key=lambda each: abs(fit.pulls[each]))
    return {"largest_pull": name, "largest_pull_sigma": fit.pulls[name]}


def _flags(fit: RateFit, row: Mapping[str, Any], dip: G2Zero | None) -> list[str]:
    best = min((rival.aic for rival in fit.rivals[1:]), default=math.inf)
    found = {
        "undetermined": fit.undetermined,
        "open_interval": fit.injection.open_low or fit.injection.open_high,
        "poor_fit": fit.p_value < _POOR_P,
        "rival_preferred": bool(fit.rivals) and best < fit.rivals[0].aic - _BETTER_BY,
        "dip_disagrees": dip is not None
        and not (fit.g2_0.low_95 <= dip.high_95 and dip.low_95 <= fit.g2_0.high_95),
        "brightness_tension": abs(row.get("brightness_tension_sigma", 0.0)) > _TENSION,
        "parameter_tension": abs(row.get("largest_pull_sigma", 0.0)) > _TENSION,
        "truncated": fit.truncation_error > _TRUNCATED,
    }
    return [name for name, holds in found.items() if holds]


def _notes(
    fit: RateFit, row: Mapping[str, Any], flags: Sequence[str], dip: G2Zero | None
) -> list[str]:
    """What to know about the fit, one clause each."""
    notes = []
    if "undetermined" in flags:
        notes.append(
            "the curve does not separate electron and hole rate, so only their intervals and "
            "geometric mean are given"
        )
    if fit.ratio is not None and not fit.balance_determined:
        notes.append(
            f"values are those of equal rates, which electrons over holes of {fit.ratio.value:.2g} "
            f"(95 %: {fit.ratio.low_95:.2g} ... {fit.ratio.high_95:.2g}) do not exclude"
        )
    if "open_interval" in flags:
        notes.append("the interval of the rate ends at the bound of the search")
    if "rival_preferred" in flags:
        notes.append(f"{row['best_rival']} describe the curve better than {fit.model}")
    if dip is not None and "dip_disagrees" in flags:
        notes.append(
            f"its g2(0) of {fit.g2_0.value:.3g} is not that of the dip without a model, 95 %: "
            f"{dip.low_95:.3g} ... {dip.high_95:.3g}"
        )
    if "brightness_tension" in flags:
        brighter = "brighter" if row["brightness_tension_sigma"] > 0 else "darker"
        notes.append(
            f"the dot is {brighter} than the model by "
            f"{abs(row['brightness_tension_sigma']):.1f} sigma at an on-fraction of "
            f"{row['on_fraction']:g} and an efficiency of {row['efficiency']:.3g}"
        )
    if "parameter_tension" in flags:
        notes.append(
            f"the curve moves {row['largest_pull']} by {row['largest_pull_sigma']:.1f} of its "
            "standard errors"
        )
    if "truncated" in flags:
        notes.append(
            f"four more carriers change the model by {fit.truncation_error:.0%}; raise "
            "rates.carriers"
        )
    return notes
