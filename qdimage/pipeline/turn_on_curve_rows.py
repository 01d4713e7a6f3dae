"""Rows of the tables `turn_on_curves` and `turn_on_variance`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qdimage.domain.fraction_pool import LevelSpread
from qdimage.domain.refusal import Refusal
from qdimage.domain.turn_on_curve import Estimate, TurnOnCurve
from qdimage.match.nested_variance import FieldCount, group_count, nested_spread
from qdimage.match.pooling import effective_counts
from qdimage.pipeline.voltage_series import Measured, SeriesAnswer

Row = dict[str, Any]

ALL = "all"
_EV_NM = 1239.84198


@dataclass(frozen=True)
class SeriesFacts:
    """What fluxes do not say of a field, or of several.

    Attributes
    ----------
    batch : str
        "" where it is not declared.
    photon_energy_ev : float or None
    energy_source : str
    """

    batch: str = ""
    photon_energy_ev: float | None = None
    energy_source: str = ""


def known_facts(
    batch: str | None, emission_nm: float | None, spectra: Iterable[Row] = ()
) -> SeriesFacts:
    """Return what an experiment file says, the photon energy by spectra where there are any.

    Parameters
    ----------
    batch : str or None
    emission_nm : float or None
    spectra : iterable of dict
        Rows of the table `spectra` of the device: of EL, else of PL, the median peak counts.
    """
    rows = [row for row in spectra if row["status"] == "ok" and row.get("peak_ev") is not None]
    for kind in ("el", "pl"):
        peaks = [row["peak_ev"] for row in rows if row["kind"] == kind]
        if peaks:
            source = f"{kind.upper()} peak, median of {len(peaks)}"
            return SeriesFacts(batch or "", float(np.median(peaks)), source)
    if emission_nm is None:
        return SeriesFacts(batch or "")
    return SeriesFacts(batch or "", _EV_NM / emission_nm, "optics.emission_nm")


def shared_facts(parts: Sequence[SeriesFacts]) -> SeriesFacts:
    """Return what several fields have in common."""
    batches = {part.batch for part in parts}
    batch = batches.pop() if len(batches) == 1 else ALL
    energies = {(part.photon_energy_ev, part.energy_source) for part in parts}
    if len(energies) == 1:
        return SeriesFacts(batch, *energies.pop())
    return SeriesFacts(batch, None, "fields differ")


def curve_row(place: Row, answer: SeriesAnswer | None, facts: SeriesFacts) -> Row:
    """Return the row of a field, a device or a run; `answer` is None without a fraction."""
    row = place | {
        "batch": facts.batch,
        "photon_energy_ev": facts.photon_energy_ev,
        "energy_source": facts.energy_source,
    }
    if answer is None:
        message = "no EL channel gave a fraction; see turn_on"
        return row | {"status": "refused", "message": message, "n_dots": 0, "n_voltages": 0}
    row |= {
        "n_dots": answer.n_dots,
        "n_voltages": len(answer.monotone.voltages_v),
        "n_not_monotone": answer.not_monotone.n,
        "n_not_monotone_by_noise": answer.not_monotone.by_noise,
        "lapse_share": answer.monotone.lapse,
    }
    if isinstance(answer.curve, Refusal):
        return row | {"status": "refused", "message": answer.curve.reason}
    return row | {"status": "ok", "message": ""} | _curve(answer.curve, facts.photon_energy_ev)


def _curve(curve: TurnOnCurve, energy_ev: float | None) -> Row:
    row: Row = {
        **_interval("median", curve.median_v, "_v"),
        **_interval("width", curve.width_v, "_v"),
        **_interval("plateau", curve.plateau, ""),
        **_interval("first_light", curve.first_light_v, "_v"),
        "below_range": curve.shape.below_range,
        "deviance": curve.deviance,
        "dof": curve.dof,
        "p_value": curve.p_value,
    }
    if energy_ev is not None:
        row |= _interval("sub_bandgap", _below(energy_ev, curve.median_v), "_v")
        row |= _interval("first_light_sub_bandgap", _below(energy_ev, curve.first_light_v), "_v")
    return row


def _interval(name: str, found: Estimate, unit: str) -> Row:
    return {
        f"{name}{unit}": found.value,
        f"{name}_low{unit}": found.low,
        f"{name}_high{unit}": found.high,
    }


def _below(energy_ev: float, voltage_v: Estimate) -> Estimate:
    """How far an electron's energy at a voltage is below a photon's, in volts."""
    return Estimate(
        energy_ev - voltage_v.value, energy_ev - voltage_v.high, energy_ev - voltage_v.low
    )


def variance_rows(
    channels: Sequence[Measured], batches: dict[tuple[str, str], str], *, confidence: float
) -> list[Row]:
    """Return the spread between fields, devices and batches at each voltage.

    Parameters
    ----------
    channels : sequence of Measured
        One for each voltage of each field.
    batches : dict
        By (device, field).
    confidence : float
    """
    rows = []
    for voltage in sorted({each.voltage_v for each in channels}):
        fields = [
            _field_count(each, batches[each.device, each.field], confidence)
            for each in channels
            if each.voltage_v == voltage
        ]
        rows += [
            _variance_row(voltage, level, group_count(fields, level), answer)
            for level, answer in nested_spread(fields, confidence=confidence).items()
        ]
    return rows


def _field_count(channel: Measured, batch: str, confidence: float) -> FieldCount:
    turn_on = channel.turn_on
    lit, n = effective_counts(turn_on.n_pl, turn_on.fraction, turn_on.low, turn_on.high, confidence)
    return FieldCount(batch, channel.device, channel.field, lit, n)


def _variance_row(voltage: float, level: str, n: int, found: LevelSpread | Refusal) -> Row:
    row: Row = {
        "device": ALL,
        "field": ALL,
        "voltage_v": voltage,
        "level": level,
        "n_groups": n,
    }
    if isinstance(found, Refusal):
        return row | {"status": "refused", "message": found.reason}
    return row | {
        "status": "ok",
        "message": "",
        "sd": found.sd,
        "sd_low": found.sd_low,
        "sd_high": found.sd_high,
        "sd_logit": found.sd_logit,
        "sd_logit_low": found.sd_logit_low,
        "sd_logit_high": found.sd_logit_high,
    }
