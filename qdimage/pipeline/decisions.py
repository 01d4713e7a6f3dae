"""What is decided over all fields of a run: one F_min, lit or dark, fractions, their pool."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.errors import ConfigurationError
from qdimage.match.lit import (
    DarkNull,
    dark_null,
    null_width_s,
    upper_limit,
    widened_error,
)
from qdimage.match.mixture import fit_mixture
from qdimage.match.options import MatchOptions
from qdimage.photons.population_options import PopulationOptions
from qdimage.pipeline.field import ElResult, FieldResult

Floats = NDArray[np.float64]

# Options that make fractions comparable, and so have to be the same in all fields of a run.
_RUN_WIDE = ("f_min_photons_s", "f_min_sigma", "confidence")


@dataclass(frozen=True)
class DotFluxes:
    """EL of every PL dot in one channel; arrays with one element for each dot.

    Attributes
    ----------
    flux_s, err_s, upper_s : ndarray
        Flux, its error as widened by the blank places, 95 % upper limit; NaN if not measured.
    false_alarm_p, lit_probability : ndarray
    lit, known : ndarray of bool
        `known` is False where the flux could not be measured.
    """

    flux_s: Floats
    err_s: Floats
    upper_s: Floats
    false_alarm_p: Floats
    lit_probability: Floats
    lit: NDArray[np.bool_]
    known: NDArray[np.bool_]


def run_options(fields: Sequence[FieldResult]) -> MatchOptions:
    """Return the options of matching that all fields share.

    Raises
    ------
    ConfigurationError
        If two fields declare different ones.
    """
    for name in _RUN_WIDE:
        _require_same(fields, "match", name)
    return fields[0].options.match


def shared_population_options(fields: Sequence[FieldResult]) -> PopulationOptions:
    """Return the options of the population view that all fields share.

    Raises
    ------
    ConfigurationError
        If two fields declare different ones.
    """
    for name in PopulationOptions.model_fields:
        _require_same(fields, "population", name)
    return fields[0].options.population


def _require_same(fields: Sequence[FieldResult], stage: str, name: str) -> None:
    first = fields[0]
    for field in fields[1:]:
        a, b = (getattr(getattr(each.options, stage), name) for each in (first, field))
        if a != b:
            raise ConfigurationError(
                f"{field.experiment.path}: found {stage}.{name} = {b}, expected {a} as in "
                f"{first.experiment.path}, or fields cannot be compared; set it with --set"
            )


def shared_f_min_s(fields: Sequence[FieldResult], options: MatchOptions) -> float:
    """Return the flux above which a dot counts in every fraction of the run.

    As declared, else that many standard deviations of the noisiest channel's blank places: below
    it, some channel could not tell a lit dot from a dark one. NaN without a registered channel.
    """
    if options.f_min_photons_s is not None:
        return options.f_min_photons_s
    widths = [
        null_width_s(each.el.photometry.blanks, dark_null(each.el.photometry.blanks))
        for field in fields
        for each in field.el
        if isinstance(each.el, ElResult)
    ]
    known = [width for width in widths if np.isfinite(width)]
    return options.f_min_sigma * max(known) if known else float("nan")


def dot_fluxes(el: ElResult, options: MatchOptions, f_min_s: float) -> DotFluxes:
    """Decide which dots of a channel are lit, against the channel's own blank places."""
    photometry = el.photometry
    null: DarkNull = dark_null(photometry.blanks)
    flux, err = photometry.flux_s, widened_error(photometry, null)
    known = np.isfinite(flux) & np.isfinite(err)
    false_alarm, upper = np.full(len(flux), np.nan), np.full(len(flux), np.nan)
    false_alarm[known] = null.false_alarm(flux[known] / photometry.err_s[known])
    upper[known] = upper_limit(flux[known], err[known])
    blanks = photometry.blanks
    mixture = fit_mixture(
        flux, photometry.err_s, blanks.flux_s, blanks.err_s, blanks.occupied, f_min_s=f_min_s
    )
    lit = known & (np.nan_to_num(false_alarm, nan=1.0) <= options.false_alarm_probability)
    return DotFluxes(flux, err, upper, false_alarm, mixture.lit_probability, lit, known)
