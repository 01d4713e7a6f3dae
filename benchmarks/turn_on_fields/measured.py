"""Localized fields registered and measured, beside what is true of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.experiment import ChannelTable
from qdimage.domain.localizations import Localizations
from qdimage.domain.matches import Matches
from qdimage.domain.photometry import ForcedPhotometry
from qdimage.domain.refusal import Refusal
from qdimage.domain.transform import Transform
from qdimage.match.faint import flag_faint
from qdimage.match.lit import dark_null, null_width_s
from qdimage.match.options import MatchOptions
from qdimage.match.pairing import EDGE_SIGMA, match
from qdimage.match.photometry import forced_photometry
from qdimage.pipeline.registration import Found, register_channels
from qdimage.registration.options import RegisterOptions
from qdimage.simulation.blinking import on_fractions
from qdimage.simulation.scene import DOT
from turn_on_fields.draw import Case, brightness
from turn_on_fields.localized import LocalizedChannel, LocalizedField

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

MATCH, REGISTER = MatchOptions(), RegisterOptions()
_POPULATION = 20000
_BLINKING_SAMPLES = 2000


@dataclass(frozen=True)
class MeasuredChannel:
    """A channel; `matches` and `photometry` are None where the registration was refused.

    Attributes
    ----------
    voltage_v : float
    matches : Matches or None
    photometry : ForcedPhotometry or None
    in_overlap : ndarray of bool
        True PL-visible dots that both frames show away from their borders.
    true_photons_s : ndarray
        Of all sources.
    """

    voltage_v: float
    matches: Matches | None
    photometry: ForcedPhotometry | None
    in_overlap: Mask
    true_photons_s: Array


@dataclass(frozen=True)
class MeasuredField:
    """A field with all its channels; `f_min_s` is what a run of this field alone takes."""

    case: Case
    dots: Localizations
    channels: tuple[MeasuredChannel, ...]
    f_min_s: float


def measured(field: LocalizedField) -> MeasuredField:
    """Register and measure a field as the pipeline does."""
    side = field.channels[0].image.mean.shape[0]
    reference = _declared("PL", None), Found(field.dots, (side, side))
    found = {
        f"{each.voltage_v}": (
            _declared(f"{each.voltage_v}", each.voltage_v),
            Found(each.dots, (side, side)),
        )
        for each in field.channels
    }
    answers = register_channels(found, reference, options=REGISTER)
    dots = flag_faint(field.dots, MATCH.faint_share)
    channels = []
    for each in field.channels:
        answer = answers[f"{each.voltage_v}"]
        transform = None if isinstance(answer, Refusal) else answer.registration.transform
        channels.append(_measure(field, dots, each, transform))
    widths = [
        null_width_s(each.photometry.blanks, dark_null(each.photometry.blanks))
        for each in channels
        if each.photometry is not None
    ]
    f_min_s = MATCH.f_min_sigma * max(widths, default=np.nan)
    return MeasuredField(field.case, dots, tuple(channels), f_min_s)


def _declared(name: str, voltage_v: float | None) -> ChannelTable:
    return ChannelTable(
        name=name,
        kind="pl" if voltage_v is None else "el",
        stack=f"{name}.tif",
        voltage_v=voltage_v,
        exposure_s=0.1,
    )


def _measure(
    field: LocalizedField,
    dots: Localizations,
    channel: LocalizedChannel,
    transform: Transform | None,
) -> MeasuredChannel:
    side = channel.image.mean.shape[0]
    margin = EDGE_SIGMA * field.dots.psf_sigma_px
    inside = np.ones(len(field.kind), bool)
    for places in (field.positions, channel.true_positions):
        inside &= np.all((places >= margin) & (places <= side - 1 - margin), axis=1)
    in_overlap = inside & (field.kind == DOT)
    if transform is None:
        return MeasuredChannel(channel.voltage_v, None, None, in_overlap, channel.true_photons_s)
    matches = match(
        channel.dots,
        dots,
        transform,
        gate_probability=MATCH.gate_probability,
        systematic_px=REGISTER.systematic_error_px,
        fixed_shape=(side, side),
    )
    photometry = forced_photometry(
        channel.image,
        dots,
        transform,
        channel.dots,
        matches,
        options=MATCH,
        systematic_px=REGISTER.systematic_error_px,
    )
    return MeasuredChannel(
        channel.voltage_v, matches, photometry, in_overlap, channel.true_photons_s
    )


class Population:
    """The share of all dots of a case that are brighter than a flux, by drawing many of them."""

    def __init__(self) -> None:
        self._fluxes: dict[tuple[str, float, bool], Array] = {}

    def share(self, case: Case, voltage_v: float, f_min_s: float) -> float:
        """Probability that a PL-visible dot's average flux exceeds F_min."""
        key = case.law, voltage_v, case.dim
        if key not in self._fluxes:
            self._fluxes[key] = _relative_fluxes(case, voltage_v)
        return float(np.mean(self._fluxes[key] > f_min_s / case.onset_photons_s))


def _relative_fluxes(case: Case, voltage_v: float) -> Array:
    """Average fluxes of dots, in units of the case's onset brightness."""
    rng, options = np.random.default_rng(11), case.options
    el = options.el
    onset = el.onset_photons_s * np.exp(el.spread * rng.standard_normal(_POPULATION))
    onset = brightness(case, np.maximum(onset, el.minimum_photons_s), rng)
    above = voltage_v - rng.normal(el.turn_on_median_v, el.turn_on_spread_v, _POPULATION)
    lit = np.where(above >= 0, onset * np.exp(np.maximum(above, 0.0) / el.rise_v), 0.0)
    on = on_fractions(
        _BLINKING_SAMPLES,
        n_frames=options.experiment.n_frames,
        exposure_s=options.experiment.exposure_s,
        options=options.blinking,
        rng=rng,
    ).mean(axis=1)
    return np.asarray(lit * rng.choice(on, _POPULATION) / case.onset_photons_s)
