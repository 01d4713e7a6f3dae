"""Photons that a dot emits: on the photon counters, and beside the camera's flux of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import norm

from qdimage.domain.experiment import OpticsTable
from qdimage.domain.refusal import Refusal
from qdimage.match.ratio import Measured, Ratio, pooled_ratio, ratio_of
from qdimage.pipeline.el_series import POOLED
from qdimage.pipeline.net_counts import NetCounts, net_counts

Row = dict[str, Any]
Place = tuple[str, str]
Key = tuple[str, str, int]

# Voltages that are set to the same value.
_SAME_V = 1e-3
# Ends of an interval further apart than this hold 1 without saying that the arms agree.
_WIDEST = 4.0


@dataclass(frozen=True)
class _Lookup:
    """What is known beside a file: its trace, the fluxes of its dot, the field's optics."""

    traces: Mapping[tuple[str, str, str], Row]
    fluxes: Mapping[Key, Sequence[Row]]
    optics: Mapping[Place, OpticsTable]
    spot_shares: Mapping[Place, Measured]


def photon_flux_rows(
    photons: Sequence[Row],
    traces: Sequence[Row],
    dot_channels: Sequence[Row],
    optics: Mapping[Place, OpticsTable],
    spot_shares: Mapping[Place, Measured],
) -> list[Row]:
    """Return a row for each time-tag file with a rate, and one for each device with ratios.

    Parameters
    ----------
    photons, traces, dot_channels : rows of the tables of these names
    optics : mapping
        By device and field.
    spot_shares : mapping
        By device and field: which share of a source's light the camera's fluxes count, with its
        standard deviation.
    """
    fluxes: dict[Key, list[Row]] = {}
    for row in dot_channels:
        if row.get("photons_s") is not None:
            key = row["device"], row["field"], row["dot_id"]
            fluxes.setdefault(key, []).append(row)
    by_file = {(row["device"], row["field"], row["file"]): row for row in traces}
    lookup = _Lookup(by_file, fluxes, optics, spot_shares)
    rows = [_row(each, lookup) for each in photons]
    return [*rows, *_devices(rows)]


def _row(photons: Row, lookup: _Lookup) -> Row:
    same = ("device", "field", "dot_id", "file", "kind", "voltage_v")
    row: Row = {name: photons.get(name) for name in same}
    net = net_counts(photons)
    if photons["status"] == "failed" or net is None:
        reason = photons.get("message") if photons["status"] == "failed" else ""
        status = "failed" if photons["status"] == "failed" else "refused"
        return row | {"status": status, "message": reason or "the count rate is not known"}
    place = row["device"], row["field"]
    trace = lookup.traces.get((*place, row["file"]), {})
    err = math.hypot(net.err_s, _blinking(trace))
    row |= {"counts_s": net.counts_s, "counts_err_s": err}
    if net.dark_s > 0:
        # Dark counts alone would scatter as a Poisson number of them does.
        dark_err = math.sqrt(net.dark_s / net.duration_s)
        row["counts_p"] = float(norm.sf(net.counts_s / dark_err))
    optics = lookup.optics[place]
    return row | _emitted(row, net, err, optics, lookup)


def _blinking(trace: Row) -> float:
    """Standard deviation of a mean rate that is due to how long the dot happened to be on."""
    names = ("on_counts_s", "off_counts_s", "on_fraction_err")
    on, off, err = (trace.get(name) for name in names)
    return 0.0 if on is None or off is None or err is None else abs(on - off) * err


def _emitted(row: Row, net: NetCounts, err: float, optics: OpticsTable, lookup: _Lookup) -> Row:
    efficiency = optics.collection_efficiency
    if efficiency is None:
        reason = "collection_efficiency is not known; add it to [optics]"
        return {"status": "refused", "message": reason}
    found: Row = {
        "emitted_photons_s": net.counts_s / efficiency,
        "emitted_photons_err_s": err / efficiency,
        "status": "ok",
        "message": "",
    }
    if row["kind"] != "el":
        return found
    beside = _camera(row, optics, lookup)
    if isinstance(beside, str):
        return found | {"message": f"not compared with the camera: {beside}"}
    found |= beside
    ratio = ratio_of(
        (found["emitted_photons_s"], found["emitted_photons_err_s"]),
        (found["camera_emitted_photons_s"], found["camera_emitted_photons_err_s"]),
    )
    if isinstance(ratio, Refusal):
        return found | {"message": f"not compared with the camera: {ratio.reason}"}
    return found | _compared(ratio)


def _camera(row: Row, optics: OpticsTable, lookup: _Lookup) -> Row | str:
    """The camera's flux of the dot at the same voltage, or why there is none."""
    if row["dot_id"] is None:
        return "no dot lies at the place of the file"
    if row["voltage_v"] is None:
        return "voltage_v is not declared"
    known = lookup.fluxes.get((row["device"], row["field"], row["dot_id"]), ())
    at = [each for each in known if abs(each["voltage_v"] - row["voltage_v"]) <= _SAME_V]
    if not at:
        return f"no EL channel shows the dot at {row['voltage_v']:g} V"
    channel = min(at, key=lambda each: (each["photons_err_s"], each["channel"]))
    if channel["signal_unit"] != "photons":
        return f"its fluxes are in {channel['signal_unit']}; complete the camera's keys"
    found = {
        "channel": channel["channel"],
        "camera_photons_s": channel["photons_s"],
        "camera_photons_err_s": channel["photons_err_s"],
    }
    share = optics.camera_collection_efficiency
    if share is None:
        return "camera_collection_efficiency is not known; add it to [optics]"
    spot, spot_err = lookup.spot_shares.get((row["device"], row["field"]), (1.0, 0.0))
    emitted = channel["photons_s"] / share / spot
    err = channel["photons_err_s"] / share / spot
    return found | {
        "camera_emitted_photons_s": emitted,
        "camera_emitted_photons_err_s": math.hypot(err, emitted * spot_err / spot),
    }


def _compared(ratio: Ratio) -> Row:
    agrees = ratio.low <= 1.0 <= ratio.high
    wide = ratio.high > _WIDEST * ratio.low
    found: Row = {
        "ratio": ratio.value,
        "ratio_low": ratio.low,
        "ratio_high": ratio.high,
        "agrees": None if agrees and wide else agrees,
    }
    if agrees and wide:
        found["message"] = "the interval is too wide to tell whether the arms agree"
    if not agrees:
        arm = "the counters see" if ratio.value > 1 else "the camera sees"
        found["message"] = (
            f"the arms disagree: {arm} {max(ratio.value, 1 / ratio.value):.3g} times the photons "
            "of the other; check both collection efficiencies, the stage and the focus"
        )
    return found


def _devices(rows: Sequence[Row]) -> list[Row]:
    """Pool the ratios of each device's dots, every dot once."""
    devices: dict[str, dict[tuple[str, int], list[Row]]] = {}
    for row in rows:
        if row.get("ratio") is not None:
            dots = devices.setdefault(row["device"], {})
            dots.setdefault((row["field"], row["dot_id"]), []).append(row)
    return [_device(device, list(dots.values())) for device, dots in sorted(devices.items())]


def _device(device: str, dots: Sequence[Sequence[Row]]) -> Row:
    row: Row = {
        "device": device,
        "field": POOLED,
        "kind": "el",
        "n_dots": len(dots),
        "status": "ok",
        "message": "",
    }
    found = pooled_ratio([[_log(each) for each in files] for files in dots])
    if isinstance(found, Refusal):
        return row | {"status": "refused", "message": found.reason}
    return row | {"spread": found.spread} | _compared(found.ratio)


def _log(row: Row) -> tuple[float, float]:
    """Logarithm of a ratio and its standard deviation."""
    arms = ("", "camera_")
    shares = [row[f"{arm}emitted_photons_err_s"] / row[f"{arm}emitted_photons_s"] for arm in arms]
    return math.log(row["ratio"]), math.hypot(*shares)
