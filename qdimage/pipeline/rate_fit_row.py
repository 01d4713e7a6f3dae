"""A rate-model fit as a row of the table `rate_fits`, with its flags and what to know about it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from qdimage.domain.g2_zero import G2Zero
from qdimage.domain.rate_fit import Estimate, RateFit
from qdimage.domain.refusal import Refusal
from qdimage.pipeline.rate_fit import RateFitAnswer

_POOR_P = 1e-3
_TENSION = 3.0
_BETTER_BY = 6.0
_TRUNCATED = 0.05
_CONVENTION = "each carrier's own rate into the neutral dot"


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
