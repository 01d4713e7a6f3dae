"""The rows of the table `turn_on`: each EL channel, and the pool of a device at a voltage."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qdimage.domain.turn_on import TurnOn
from qdimage.match.turn_on import pool, turn_on_fraction
from qdimage.pipeline.channel_fluxes import ChannelFluxes

Row = dict[str, Any]

POOLED = "all"


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


def turn_on_rows(channels: Sequence[ElChannel], *, f_min_s: float, confidence: float) -> list[Row]:
    """Return a row for each channel, and one for each device and voltage.

    Parameters
    ----------
    channels : sequence of ElChannel
        Of all fields.
    f_min_s : float
        One for the whole run.
    confidence : float
        Of the intervals.
    """
    rows: list[Row] = []
    pools: dict[tuple[str, float], list[TurnOn | None]] = {}
    members: dict[tuple[str, float], list[Row]] = {}
    for channel in channels:
        counted = None if channel.fluxes is None else _turn_on(channel.fluxes, f_min_s, confidence)
        key = channel.row["device"], float(channel.row["voltage_v"] or 0.0)
        pools.setdefault(key, []).append(counted)
        members.setdefault(key, []).append(channel.row)
        rows.append(channel.row | _counts(counted, f_min_s, confidence))
    for (device, voltage_v), parts in pools.items():
        own = members[device, voltage_v]
        row = {"device": device, "field": POOLED, "voltage_v": voltage_v}
        row |= _pooled(parts, f_min_s, confidence)
        if {each["status"] for each in own} == {"failed"}:
            row["status"] = "failed"
        unit = next((each["signal_unit"] for each in own if each["signal_unit"]), "")
        rows.append(row | {"signal_unit": unit})
    return rows


def _turn_on(fluxes: ChannelFluxes, f_min_s: float, confidence: float) -> TurnOn:
    return turn_on_fraction(
        fluxes.dots,
        fluxes.matches,
        fluxes.photometry,
        f_min_s=f_min_s,
        confidence=confidence,
        rejected=fluxes.rejected,
    )


def _counts(counted: TurnOn | None, f_min_s: float, confidence: float) -> Row:
    row: Row = {"f_min_photons_s": f_min_s, "confidence": confidence}
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
        "chance_matches": counted.chance_matches,
        "fraction": counted.fraction,
        "fraction_low": counted.low,
        "fraction_high": counted.high,
        "fraction_extrapolated": counted.extrapolated,
    }
    if counted.n_pl == 0:
        reason = "no PL dot lies inside the area that both show"
        if counted.n_rejected:
            reason = f"no PL dot is left to count; {counted.n_rejected} were rejected by a person"
        row |= {"status": "refused", "message": reason}
    return row


def _pooled(parts: Sequence[TurnOn | None], f_min_s: float, confidence: float) -> Row:
    known = [part for part in parts if part is not None]
    if not known:
        message = f"none of {len(parts)} channels gave a fraction; see their own rows"
        return _counts(None, f_min_s, confidence) | {"status": "refused", "message": message}
    message = ""
    if len(known) < len(parts):
        message = f"{len(known)} of {len(parts)} channels gave a fraction; see their own rows"
    counts = _counts(pool(known, confidence=confidence), f_min_s, confidence)
    return {"status": "ok", "message": message} | counts
