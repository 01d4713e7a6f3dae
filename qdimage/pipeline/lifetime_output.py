"""What was found of a decay, as a row, as a curve, and as ``[dot_parameters]``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qdimage.domain.decay import DecayFit, YieldRatio
from qdimage.domain.refusal import Refusal
from qdimage.errors import ConfigurationError
from qdimage.io.atomic import write_text
from qdimage.io.documents import format_toml
from qdimage.pipeline.cells import listed
from qdimage.pipeline.lifetime import LifetimeAnswer

if TYPE_CHECKING:
    import pandas as pd


def lifetime_row(found: LifetimeAnswer) -> dict[str, Any]:
    """Return what is known of a file, as in the table `lifetimes`."""
    decay, answer = found.decay, found.answer
    row: dict[str, Any] = {"file": found.file.name, "mode": found.mode}
    if decay is not None:
        row |= {
            "period_ns": decay.period_ns,
            "bin_width_ns": float(np.diff(decay.edges_ns).mean()),
            "duration_s": decay.duration_s,
            "counts": int(decay.counts.sum()),
            "counts_per_pulse": decay.counts_per_pulse,
        }
    notes = [*found.warnings, *found.notes]
    if isinstance(answer, Refusal):
        return row | {"status": "refused", "message": "; ".join([*notes, answer.reason])}
    row |= _fitted(answer) | _yields(found.yield_ratio)
    if found.biexciton_ns is not None:
        row |= {
            "biexciton_lifetime_ns": found.biexciton_ns.value,
            "biexciton_lifetime_low_ns": found.biexciton_ns.low_95,
            "biexciton_lifetime_high_ns": found.biexciton_ns.high_95,
        }
    if decay is not None and decay.duration_s:
        row["background_counts_s"] = answer.background_fraction * answer.counts / decay.duration_s
    return row | {"status": "ok", "message": "; ".join(notes)}


def _fitted(answer: DecayFit) -> dict[str, Any]:
    mean, main = answer.mean_lifetime_ns, answer.main.lifetime_ns
    lifetimes = [each.lifetime_ns for each in answer.components]
    amplitudes = [each.amplitude for each in answer.components]
    return {
        "components": len(answer.components),
        "lifetime_ns": mean.value,
        "lifetime_low_ns": mean.low_95,
        "lifetime_high_ns": mean.high_95,
        "main_lifetime_ns": main.value,
        "main_lifetime_err_ns": main.err,
        "lifetimes_ns": listed(each.value for each in lifetimes),
        "lifetimes_low_ns": listed(each.low_95 for each in lifetimes),
        "lifetimes_high_ns": listed(each.high_95 for each in lifetimes),
        "amplitudes": listed(each.value for each in amplitudes),
        "amplitudes_low": listed(each.low_95 for each in amplitudes),
        "amplitudes_high": listed(each.high_95 for each in amplitudes),
        "shares": listed(each.share.value for each in answer.components),
        "response": answer.response,
        "response_fwhm_ns": answer.response_fwhm_ns,
        "pulse_ns": answer.pulse_ns,
        "background_fraction": answer.background_fraction,
        "p_value": answer.p_value,
        "flags": ";".join(answer.flags),
    }


def _yields(found: YieldRatio | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "qy_ratio": found.ratio.value,
        "qy_ratio_low": found.ratio.low_95,
        "qy_ratio_high": found.ratio.high_95,
        "qy_ratio_source": found.source,
    }


def decay_curve(found: LifetimeAnswer) -> "pd.DataFrame":
    """Return a decay as it is kept: time_ns, counts, model, residual.

    The residual is in standard deviations of the model's counts. A decay without a fit has empty
    model and residual; an answer without a decay has no rows.
    """
    import pandas as pd

    decay, answer = found.decay, found.answer
    if decay is None:
        return pd.DataFrame({"time_ns": [], "counts": [], "model": [], "residual": []})
    model = np.full(decay.counts.shape, np.nan)
    if isinstance(answer, DecayFit):
        model = answer.model
    return pd.DataFrame(
        {
            "time_ns": decay.time_ns,
            "counts": decay.counts,
            "model": model,
            "residual": (decay.counts - model) / np.sqrt(model),
        }
    )


def dot_table(found: LifetimeAnswer) -> dict[str, float]:
    """Return what a decay says of the dot, as in ``[dot_parameters]``.

    The exciton's is the lifetime with the most photons. The biexciton's is that of the first
    photons of pairs, or else of the fast one of two exponentials, where the ratio of the yields
    came from its photons. The ratio is stated
    as the biexciton's yield beside an exciton's of 1.
    """
    if isinstance(found.answer, Refusal):
        return {}
    exciton = found.answer.main.lifetime_ns
    table = {
        "exciton_lifetime_ns": exciton.value,
        "exciton_lifetime_err_ns": exciton.err,
    }
    ratio, biexciton = found.yield_ratio, found.biexciton_ns
    if biexciton is None and ratio is not None and ratio.source == "amplitude":
        biexciton = found.answer.components[0].lifetime_ns
    if biexciton is not None:
        table["biexciton_lifetime_ns"] = biexciton.value
        table["biexciton_lifetime_err_ns"] = biexciton.err
    if ratio is not None and ratio.ratio.value <= 1:
        table["exciton_qy"] = 1.0
        table["biexciton_qy"] = max(ratio.ratio.value, 0.0)
        table["biexciton_qy_err"] = ratio.ratio.err
    return table


def write_dot(found: LifetimeAnswer, path: Path) -> None:
    """Write `dot_table` as TOML, whole or not at all.

    Raises
    ------
    ConfigurationError
        If nothing was found, so that there is nothing to write.
    """
    table = dot_table(found)
    if not table:
        raise ConfigurationError(
            f"{found.file}: no lifetime was found, so that {path} is not written; see the message"
        )
    write_text(path, format_toml({"dot_parameters": table}))
