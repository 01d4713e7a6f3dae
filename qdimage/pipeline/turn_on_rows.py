"""The rows of the tables about turn-on: channels and their pools, curves, spread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qdimage.domain.fraction_pool import PooledFraction
from qdimage.domain.table import Table
from qdimage.domain.tables import TURN_ON, TURN_ON_CURVES, TURN_ON_VARIANCE
from qdimage.domain.turn_on import TurnOn
from qdimage.domain.voltage_series import DotSeries, MonotoneFraction
from qdimage.match.mixture import FluxMixture
from qdimage.match.pooling import pool
from qdimage.match.turn_on import channel_mixture, turn_on_fraction
from qdimage.pipeline.channel_fluxes import ChannelFluxes
from qdimage.pipeline.turn_on_curve_rows import (
    SeriesFacts,
    curve_row,
    shared_facts,
    variance_rows,
)
from qdimage.pipeline.voltage_series import (
    Measured,
    SeriesAnswer,
    analyse_series,
    blends_of,
    field_series,
    joined,
    one_for_each_voltage,
)

Row = dict[str, Any]
Place = tuple[str, str]

POOLED = "all"
_AT_BLANKS = ("lit_false_alarm_share", "lit_contamination_share")


@dataclass(frozen=True)
class ElChannel:
    """An EL channel on its way to a fraction.

    Attributes
    ----------
    row : dict
        device, field, channel, voltage_v, signal_unit, and why there are no fluxes: status,
        message.
    fluxes : ChannelFluxes or None
    """

    row: Row
    fluxes: ChannelFluxes | None

    @property
    def place(self) -> Place:
        """Device and field."""
        return self.row["device"], self.row["field"]


@dataclass(frozen=True)
class _Series:
    """The channels of fields that count, one for each voltage, and what they say together."""

    channels: Mapping[Place, Sequence[Measured]]
    dots: Mapping[Place, DotSeries]
    answers: Mapping[Place, SeriesAnswer]


@dataclass(frozen=True)
class _Question:
    """What all fields of a run share."""

    facts: Mapping[Place, SeriesFacts]
    f_min_s: float
    confidence: float


def turn_on_tables(
    channels: Sequence[ElChannel],
    *,
    facts: Mapping[Place, SeriesFacts],
    f_min_s: float,
    confidence: float,
) -> dict[Table, list[Row]]:
    """Return the rows of `turn_on`, `turn_on_curves` and `turn_on_variance`.

    Parameters
    ----------
    channels : sequence of ElChannel
        Of all fields.
    facts : mapping
        By device and field.
    f_min_s : float
        One for the whole run.
    confidence : float
        Of the intervals.
    """
    asked = _Question(facts, f_min_s, confidence)
    fitted = [
        (None, None) if each.fluxes is None else _turn_on(each.fluxes, f_min_s, confidence)
        for each in channels
    ]
    counts = [counted for counted, _ in fitted]
    series = _series(channels, fitted, asked)
    single = [
        each.row | _counts(counted, asked) | _at_blanks(each) | _monotone_of_channel(each, series)
        for each, counted in zip(channels, counts, strict=True)
    ]
    places = list(dict.fromkeys(each.place for each in channels))
    devices = list(dict.fromkeys(device for device, _ in places))
    pooled: list[Row] = []
    curves = [_curve(place, [place], series.answers.get(place), asked) for place in places]
    for device in devices:
        own = [place for place in places if place[0] == device]
        rows = [row for row in single if row["device"] == device]
        found, answer = _device_rows(device, rows, own, series, asked)
        pooled += found
        curves.append(_curve((device, POOLED), own, answer, asked))
    if len(devices) > 1:
        _, answer = _together(places, series, asked)
        curves.append(_curve((POOLED, POOLED), places, answer, asked))
    variance = variance_rows(
        [each for place in places for each in series.channels.get(place, ())],
        {place: _facts(place, asked).batch for place in places},
        confidence=confidence,
    )
    return {TURN_ON: single + pooled, TURN_ON_CURVES: curves, TURN_ON_VARIANCE: variance}


def _turn_on(
    fluxes: ChannelFluxes, f_min_s: float, confidence: float
) -> tuple[TurnOn, FluxMixture]:
    mixture = channel_mixture(
        fluxes.dots,
        fluxes.photometry,
        f_min_s=f_min_s,
        confidence=confidence,
        rejected=fluxes.rejected,
    )
    counted = turn_on_fraction(
        fluxes.dots,
        fluxes.matches,
        fluxes.photometry,
        f_min_s=f_min_s,
        confidence=confidence,
        rejected=fluxes.rejected,
        mixture=mixture,
    )
    return counted, mixture


def _series(
    channels: Sequence[ElChannel],
    found: Sequence[tuple[TurnOn | None, FluxMixture | None]],
    asked: _Question,
) -> _Series:
    measured: dict[Place, list[Measured]] = {}
    for each, (counted, mixture) in zip(channels, found, strict=True):
        voltage = each.row["voltage_v"]
        if each.fluxes is None or counted is None or mixture is None or voltage is None:
            continue
        if counted.n_pl == 0:
            continue
        name = each.row["channel"]
        own = measured.setdefault(each.place, [])
        own.append(Measured(*each.place, name, voltage, each.fluxes, mixture, counted))
    chosen = {place: one_for_each_voltage(own) for place, own in measured.items()}
    dots = {place: field_series(own) for place, own in chosen.items()}
    answers = {
        place: analyse_series(
            own,
            f_min_s=asked.f_min_s,
            confidence=asked.confidence,
            blends=blends_of(chosen[place]),
        )
        for place, own in dots.items()
    }
    return _Series(chosen, dots, answers)


def _together(
    places: Sequence[Place], series: _Series, asked: _Question
) -> tuple[dict[float, tuple[TurnOn, PooledFraction]], SeriesAnswer | None]:
    """Pool fields at each voltage, and look at all their dots as one series."""
    own = [place for place in places if place in series.channels]
    if not own:
        return {}, None
    voltages = sorted({each.voltage_v for place in own for each in series.channels[place]})
    pools = {
        voltage: pool(
            [
                each.turn_on
                for place in own
                for each in series.channels[place]
                if each.voltage_v == voltage
            ],
            confidence=asked.confidence,
        )
        for voltage in voltages
    }
    if len(own) == 1:
        return pools, series.answers[own[0]]
    answer = analyse_series(
        joined([series.dots[place] for place in own]),
        f_min_s=asked.f_min_s,
        confidence=asked.confidence,
        excess=np.array([pools[voltage][1].excess for voltage in voltages]),
        blends=blends_of([each for place in own for each in series.channels[place]]),
    )
    return pools, answer


def _device_rows(
    device: str, rows: Sequence[Row], places: Sequence[Place], series: _Series, asked: _Question
) -> tuple[list[Row], SeriesAnswer | None]:
    """Return a row for each voltage of a device, and what its dots say together."""
    pools, answer = _together(places, series, asked)
    members: dict[float, list[Row]] = {}
    for row in rows:
        members.setdefault(float(row["voltage_v"] or 0.0), []).append(row)
    found = []
    for voltage, own in members.items():
        row = {"device": device, "field": POOLED, "voltage_v": voltage}
        row |= _pooled(own, pools.get(voltage), asked)
        if answer is not None:
            row |= _monotone(answer.monotone, voltage)
        if {each["status"] for each in own} == {"failed"}:
            row["status"] = "failed"
        row["signal_unit"] = next((each["signal_unit"] for each in own if each["signal_unit"]), "")
        found.append(row)
    return found, answer


def _pooled(
    members: Sequence[Row], found: tuple[TurnOn, PooledFraction] | None, asked: _Question
) -> Row:
    known = sum(row.get("fraction") is not None for row in members)
    if found is None:
        message = f"none of {len(members)} channels gave a fraction; see their own rows"
        return _counts(None, asked) | {"status": "refused", "message": message}
    notes = []
    if known < len(members):
        notes.append(f"{known} of {len(members)} channels gave a fraction; see their own rows")
    counted, pooled = found
    if pooled.n_fields < known:
        notes.append(
            f"{known} channels in {pooled.n_fields} fields: of those in one field, whose dots are "
            "the same, the first by name counts"
        )
    spread = {
        "n_fields": pooled.n_fields,
        "between_field_sd": pooled.between_sd,
        "between_field_sd_low": pooled.between_sd_low,
        "between_field_sd_high": pooled.between_sd_high,
    }
    row: Row = {"status": "ok", "message": "; ".join(notes)}
    row |= {name: _mean_over_dots(members, name) for name in _AT_BLANKS}
    return row | _counts(counted, asked) | spread


def _counts(counted: TurnOn | None, asked: _Question) -> Row:
    row: Row = {"f_min_photons_s": asked.f_min_s, "confidence": asked.confidence}
    if counted is None:
        return row
    row |= {
        "n_pl": counted.n_pl,
        "n_lit": counted.n_lit,
        "n_el_only": counted.n_el_only,
        "n_pl_dark": counted.n_pl - counted.n_lit,
        "n_edge": counted.n_edge,
        "n_outside": counted.n_outside,
        "n_unresolved": counted.n_unresolved,
        "n_rejected": counted.n_rejected,
        "n_faint": counted.n_faint,
        "chance_matches": counted.chance_matches,
        "fraction": counted.fraction,
        "fraction_low": counted.low,
        "fraction_high": counted.high,
        "fraction_extrapolated": counted.extrapolated,
        "blend_share": counted.blend_share,
    }
    if counted.n_pl == 0:
        reason = "no PL dot lies inside the area that both show"
        if counted.n_rejected:
            reason = f"no PL dot is left to count; {counted.n_rejected} were rejected by a person"
        row |= {"status": "refused", "message": reason}
    return row


def _at_blanks(channel: ElChannel) -> Row:
    found = channel.fluxes
    if found is None:
        return {}
    return dict(zip(_AT_BLANKS, (found.false_alarm_share, found.contamination_share), strict=True))


def _mean_over_dots(members: Sequence[Row], name: str) -> float:
    """Mean of a share over the dots of channels."""
    known = [(row[name], row["n_pl"]) for row in members if np.isfinite(row.get(name, np.nan))]
    n = sum(weight for _, weight in known)
    return sum(share * weight for share, weight in known) / n if n else float("nan")


def _monotone_of_channel(channel: ElChannel, series: _Series) -> Row:
    own = series.channels.get(channel.place, ())
    if not any(each.channel == channel.row["channel"] for each in own):
        return {}
    return _monotone(series.answers[channel.place].monotone, channel.row["voltage_v"])


def _monotone(found: MonotoneFraction, voltage: float) -> Row:
    at = np.flatnonzero(found.voltages_v == voltage)
    if len(at) == 0:
        return {}
    return {
        "fraction_monotone": float(found.fraction[at[0]]),
        "fraction_monotone_low": float(found.low[at[0]]),
        "fraction_monotone_high": float(found.high[at[0]]),
    }


def _facts(place: Place, asked: _Question) -> SeriesFacts:
    return asked.facts.get(place, SeriesFacts())


def _curve(
    place: Place, members: Sequence[Place], answer: SeriesAnswer | None, asked: _Question
) -> Row:
    facts = shared_facts([_facts(each, asked) for each in members])
    shared = {
        "device": place[0],
        "field": place[1],
        "f_min_photons_s": asked.f_min_s,
        "confidence": asked.confidence,
    }
    return curve_row(shared, answer, facts)
