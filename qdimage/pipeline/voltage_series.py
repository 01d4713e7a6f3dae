"""The EL channels of a field, or of all fields of a device, as series of voltages."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.refusal import Refusal
from qdimage.domain.turn_on import TurnOn
from qdimage.domain.turn_on_curve import TurnOnCurve
from qdimage.domain.voltage_series import DotSeries, MonotoneFraction, NotMonotone
from qdimage.match.dot_odds import bright_odds
from qdimage.match.mixture import FluxMixture
from qdimage.match.not_monotone import not_monotone
from qdimage.match.series_of_dots import curve_of_dots, fraction_of_dots
from qdimage.match.turn_on import counted
from qdimage.match.turn_on_curve import fit_curve
from qdimage.match.voltage_series import class_evidence, monotone_fraction
from qdimage.pipeline.channel_fluxes import ChannelFluxes

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """An EL channel with a fraction.

    Attributes
    ----------
    device, field, channel : str
    voltage_v : float
    fluxes : ChannelFluxes
    mixture : FluxMixture
        Of the counted dots.
    turn_on : TurnOn
    """

    device: str
    field: str
    channel: str
    voltage_v: float
    fluxes: ChannelFluxes
    mixture: FluxMixture
    turn_on: TurnOn


@dataclass(frozen=True)
class SeriesAnswer:
    """What a series of voltages says.

    Attributes
    ----------
    n_dots : int
        Counted at one voltage at least.
    monotone : MonotoneFraction
    curve : TurnOnCurve or Refusal
    not_monotone : NotMonotone
    """

    n_dots: int
    monotone: MonotoneFraction
    curve: TurnOnCurve | Refusal
    not_monotone: NotMonotone


def one_for_each_voltage(channels: Sequence[Measured]) -> list[Measured]:
    """Return the channels of one field, by voltage, the first by name where several share one.

    Their dots are the same, and would count twice.
    """
    chosen: dict[float, Measured] = {}
    for each in sorted(channels, key=lambda one: one.channel):
        chosen.setdefault(each.voltage_v, each)
    return [chosen[voltage] for voltage in sorted(chosen)]


def field_series(channels: Sequence[Measured]) -> DotSeries:
    """Return the series of one field's dots.

    Parameters
    ----------
    channels : sequence of Measured
        One for each voltage, ascending.
    """
    columns = [_column(each) for each in channels]
    flux, err, odds, chance = (np.column_stack(parts) for parts in zip(*columns, strict=True))
    used = np.isfinite(flux).any(axis=1)
    voltages = np.array([each.voltage_v for each in channels])
    return DotSeries(voltages, flux[used], err[used], odds[used], chance[used])


def _column(channel: Measured) -> tuple[Array, Array, Array, Array]:
    """Flux, error, odds and chance of every dot; NaN fluxes where not counted."""
    photometry = channel.fluxes.photometry
    here = counted(channel.fluxes.dots, photometry, channel.fluxes.rejected)
    here &= np.isfinite(photometry.flux_s) & np.isfinite(photometry.err_s)
    flux = np.where(here, photometry.flux_s, np.nan)
    err = np.where(here, photometry.err_s, np.nan)
    chance = channel.turn_on.chance_share
    return flux, err, bright_odds(channel.mixture, chance), np.full(len(flux), chance)


def blends_of(channels: Sequence[Measured]) -> float:
    """Return the share of dots that are two seen as one, of all channels."""
    weights = np.array([each.turn_on.n_pl for each in channels], float)
    return float(np.average([each.turn_on.blend_share for each in channels], weights=weights))


def joined(parts: Sequence[DotSeries]) -> DotSeries:
    """Return the dots of several fields as one series; a voltage that a field lacks is unknown."""
    voltages = np.unique(np.concatenate([part.voltages_v for part in parts]))

    def whole(name: str, missing: float) -> Array:
        blocks = []
        for part in parts:
            block = np.full((len(part), len(voltages)), missing)
            block[:, np.searchsorted(voltages, part.voltages_v)] = getattr(part, name)
            blocks.append(block)
        return np.vstack(blocks)

    return DotSeries(
        voltages,
        whole("flux_s", np.nan),
        whole("err_s", np.nan),
        whole("odds", 1.0),
        whole("chance", 0.0),
    )


def analyse_series(
    series: DotSeries,
    *,
    f_min_s: float,
    confidence: float,
    excess: Array | None = None,
    blends: float = 0.0,
) -> SeriesAnswer:
    """Return the shares that never fall, the curve, and the dots that do not keep to them.

    Parameters
    ----------
    series : DotSeries
        At least one dot at each voltage.
    f_min_s, confidence : float
    excess : ndarray, shape (n voltages,), optional
        At each voltage, variance over that of independent dots, where fields differ.
    blends : float
        Share of the dots that are two seen as one.
    """
    evidence = class_evidence(series)
    monotone = monotone_fraction(series, evidence, confidence=confidence, excess=excess)
    factor = 1.0 if excess is None else _at_the_rise(monotone.fraction, excess)
    curve = fit_curve(series.voltages_v, evidence, confidence=confidence, excess=factor)
    if isinstance(curve, TurnOnCurve):
        curve = curve_of_dots(curve, blends)
    monotone = fraction_of_dots(monotone, blends)
    return SeriesAnswer(len(series), monotone, curve, not_monotone(series, f_min_s))


def _at_the_rise(fraction: Array, excess: Array) -> float:
    """Mean excess of the voltages, each as far as it has both lit and dark dots."""
    weight = fraction * (1.0 - fraction)
    return float((weight * excess).sum() / weight.sum()) if weight.sum() > 0 else 1.0
