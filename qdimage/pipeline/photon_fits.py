"""Rate-model fits of a field's correlation curves, those of one dot together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.g2_zero import G2Zero
from qdimage.domain.rate_fit import RateFit
from qdimage.domain.refusal import Failure
from qdimage.pipeline.attempt import attempt
from qdimage.pipeline.dot_knowledge import DotKnowledge, dot_knowledge
from qdimage.pipeline.g2 import G2Answer, completed
from qdimage.pipeline.kept_steps import KeptSteps
from qdimage.pipeline.photon_steps import Declared, g2_settings
from qdimage.pipeline.rate_fit import (
    CurveToFit,
    fit_curves,
    pump_rate_per_us,
)
from qdimage.pipeline.rate_fit_row import rate_fit_row

Row = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """One file: what is declared, its dot, and what was found.

    Attributes
    ----------
    declared : Declared
    dot_id : int or None
    g2 : G2Answer or None
        None where the file could not be read.
    trace : dict
        Its row of the table `traces`.
    rests_on : object
        What `g2` and `trace` rest on.
    """

    declared: Declared
    dot_id: int | None
    g2: G2Answer | None
    trace: Row
    rests_on: object


@dataclass(frozen=True)
class Fitted:
    """A row of the table `rate_fits` without its place, and the coincidences of the model."""

    row: Row
    counts: NDArray[np.float64] | None = None


def fit_files(files: Sequence[Measured], steps: KeptSteps) -> list[Fitted]:
    """Return for each file what the rate model says of it.

    Parameters
    ----------
    files : sequence of Measured
        Of one field. Steady curves of one dot and kind are fitted together; a file without a
        dot on its own.
    steps : KeptSteps
        What earlier runs have found.
    """
    answers = [Fitted(_without_curve(each)) for each in files]
    groups: dict[tuple[object, str], dict[int, CurveToFit]] = {}
    for index, each in enumerate(files):
        if each.g2 is not None and _is_steady(each, each.g2):
            dot: object = each.dot_id if each.dot_id is not None else f"of file {index + 1}"
            group = groups.setdefault((dot, each.declared.photons.kind), {})
            group[index] = _curve(each, each.g2)
    started = []
    for (dot, kind), curves in groups.items():
        declared = files[next(iter(curves))].declared
        name = f"{declared.experiment.name}, rates of dot {dot}, {kind}"
        rests_on = [_knowledge_rests_on(declared), [files[each].rests_on for each in curves]]
        fit = partial(_fitted, declared, list(curves.values()))
        started.append((curves, name, steps.start("rate_fits", name, rests_on, fit)))
    for curves, name, answer in started:
        found = attempt(answer, name)
        for place, index in enumerate(curves):
            answers[index] = Fitted(_failed(found)) if isinstance(found, Failure) else found[place]
    return answers


def _is_steady(each: Measured, found: G2Answer) -> bool:
    """Whether the light is not pulsed, whatever became of g2(0)."""
    return each.declared.photons.excitation == "cw" or found.period_ns is None


def conditional_g2(row: Row) -> Row:
    """Return the columns of the table `photons` that hold if the rate model does."""
    names = ("g2_0_model", "g2_0_model_low", "g2_0_model_high")
    return {name: row[name] for name in names if name in row}


def _fitted(declared: Declared, curves: Sequence[CurveToFit]) -> list[Fitted]:
    found = fit_curves(curves, dot=_knowledge(declared), options=declared.options.rates)
    return [
        Fitted(rate_fit_row(each), each.answer.counts if isinstance(each.answer, RateFit) else None)
        for each in found
    ]


def _knowledge_rests_on(declared: Declared) -> list[Any]:
    parameters = declared.experiment.declared.dot_parameters
    return [each.model_dump(mode="json") for each in (parameters, declared.options.rates)]


def _knowledge(declared: Declared) -> DotKnowledge:
    table = declared.experiment.declared.dot_parameters
    return dot_knowledge(table, source=str(declared.experiment.path))


def _curve(each: Measured, found: G2Answer) -> CurveToFit:
    declared = each.declared
    photons = declared.photons
    # The dark counts of a background file are those that g2(0) was found with.
    asked = replace(g2_settings(declared), background_file=None)
    settings = completed(declared.path, found.curve, asked)
    dip = found.answer if isinstance(found.answer, G2Zero) else None
    return CurveToFit(
        photons.file,
        found.curve,
        photons.kind,
        voltage_v=photons.voltage_v,
        response_fwhm_ns=settings.response_fwhm_ns,
        dark_counts_s=found.dark_counts_s,
        efficiency=declared.experiment.declared.optics.collection_efficiency,
        on_fraction=_on_fraction(each.trace),
        pump_per_us=pump_rate_per_us(
            absorption_cross_section_cm2=photons.absorption_cross_section_cm2,
            excitation_power_density_w_cm2=photons.excitation_power_density_w_cm2,
            excitation_nm=photons.excitation_nm,
        ),
        dip=dip,
    )


def _on_fraction(trace: Mapping[str, Any]) -> float:
    found = trace.get("on_fraction")
    return 1.0 if found is None else float(found)


def _without_curve(each: Measured) -> Row:
    if each.g2 is None:
        return {"status": "failed", "message": "the file could not be read; see photons"}
    return {"status": "refused", "message": "rates are fitted to curves of steady light alone"}


def _failed(found: Failure) -> Row:
    return {"status": "failed", "message": found.reason}
