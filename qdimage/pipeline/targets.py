"""From a finished run to the dots to steer to, with what to expect of each."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.refusal import Refusal
from qdimage.domain.target_tables import TARGETS
from qdimage.errors import ConfigurationError
from qdimage.match.options import MatchOptions
from qdimage.pipeline.finished import FinishedRun, read_run
from qdimage.pipeline.tables import as_frame
from qdimage.pipeline.targets_decisions import with_decisions
from qdimage.pipeline.targets_dots import FieldDots, el_channels_at, field_dots
from qdimage.pipeline.targets_expected import Expected, expectations
from qdimage.pipeline.targets_map import MapToStage, map_to_stage, optics_of
from qdimage.steering.choice import reasons_against, spread_out
from qdimage.steering.options import TargetOptions
from qdimage.steering.route import travelling_order

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
Array = NDArray[np.float64]

_TABLES = (
    "channels",
    "registration",
    "localizations",
    "matches",
    "dots",
    "dot_channels",
    "photons",
)
_SAME_PLACE = 0.5
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True)
class TargetRequest:
    """What is asked for.

    Attributes
    ----------
    voltage_v : float or None
        EL at that voltage; None for PL.
    device, fields : str or None, tuple of str
        Which fields; all where not given.
    dots : tuple of int
        These dots, whatever the rules say; empty for a choice by the rules.
    pairs : pathlib.Path or None
        Clicked pairs of one field, instead of its declared map.
    start_um : (float, float) or None
        Where the stage is.
    stage_z_um : float or None
        Instead of that of ``[optics]``.
    curation : pathlib.Path or None
        Decisions about dots, instead of those beside the experiments.
    """

    voltage_v: float | None = None
    device: str | None = None
    fields: tuple[str, ...] = ()
    dots: tuple[int, ...] = ()
    pairs: Path | None = None
    start_um: tuple[float, float] | None = None
    stage_z_um: float | None = None
    curation: Path | None = None


@dataclass(frozen=True)
class TargetsAnswer:
    """The targets, or why there are none.

    Attributes
    ----------
    out : pathlib.Path
        Folder of the run.
    table : pandas.DataFrame
        The table `targets`, in travelling order within each field.
    refusal : Refusal or None
        Why the table is empty.
    path_um : float
        Length of the whole way.
    warnings : tuple of str
    maps : mapping of (str, str) to MapToStage
        By device and field.
    """

    out: Path
    table: "pd.DataFrame"
    refusal: Refusal | None
    path_um: float
    warnings: tuple[str, ...] = ()
    maps: Mapping[tuple[str, str], MapToStage] = field(default_factory=dict)


@dataclass(frozen=True)
class _Field:
    """A field's dots, where they are on the stage, and what is expected of them."""

    dots: FieldDots
    map: MapToStage
    expected: Expected
    z_um: float | None
    against: list[list[str]]


def find_targets(out: Path, *, request: TargetRequest, options: TargetOptions) -> TargetsAnswer:
    """Choose targets, and put them in a short travelling order.

    Raises
    ------
    FormatError
        If the folder holds no finished run, or the file of pairs cannot be read.
    ConfigurationError
        If a field, voltage or dot is not there, or a field has no map to the stage.
    """
    run = read_run(out, names=_TABLES)
    recorded = _chosen_fields(run, request)
    run, decided = with_decisions(run, recorded, request.curation)
    channels = _channels(run, recorded, request)
    found = [_field(run, each, channels[_key(each)], request, options) for each in recorded]
    fields = [each for each in found if each is not None]
    warnings = (*decided, *_warnings(fields))
    chosen = _chosen(fields, request, options)
    maps = {(each.dots.device, each.dots.field): each.map for each in fields}
    if not chosen:
        return TargetsAnswer(
            out, as_frame([], TARGETS), Refusal(_no_target(fields, request)), 0.0, warnings, maps
        )
    names = _names(chosen)
    rows = [_row(where, index, name) for (where, index), name in zip(chosen, names, strict=True)]
    path_um = _put_in_order(rows, request.start_um)
    for row in rows:
        row["g2_0_err"] = options.g2_err
    return TargetsAnswer(out, as_frame(rows, TARGETS), None, path_um, warnings, maps)


def _key(recorded: Mapping[str, Any]) -> tuple[str, str]:
    return str(recorded["device"]), str(recorded["field"])


def _chosen_fields(run: FinishedRun, request: TargetRequest) -> list[Mapping[str, Any]]:
    known = run.record["fields"]
    chosen = [
        each
        for each in known
        if (not request.fields or each["field"] in request.fields)
        and request.device in (None, each["device"])
    ]
    missing = set(request.fields) - {each["field"] for each in chosen}
    if missing or not chosen:
        asked = ", ".join(sorted(missing)) or request.device or "any field"
        there = ", ".join(f"{each['device']}/{each['field']}" for each in known) or "none"
        raise ConfigurationError(
            f"{run.out}: found no field {asked}, only {there}; correct --field or --device"
        )
    for name, given in (("--dots", request.dots), ("--pairs", request.pairs)):
        if given and len(chosen) > 1:
            raise ConfigurationError(
                f"{name} is about one field, and {len(chosen)} are chosen; name one with --field"
            )
    return chosen


def _channels(
    run: FinishedRun, recorded: Sequence[Mapping[str, Any]], request: TargetRequest
) -> dict[tuple[str, str], str | None]:
    """The EL channel of each field at the voltage; None for PL."""
    if request.voltage_v is None:
        return {_key(each): None for each in recorded}
    found: dict[tuple[str, str], str | None] = {}
    for each in recorded:
        here = el_channels_at(run.tables, *_key(each), request.voltage_v)
        found[_key(each)] = here[0] if here else ""
    if not any(found.values()):
        table = run.tables["dot_channels"]
        voltages = sorted(set(table[table["status"] == "ok"]["voltage_v"].dropna()))
        there = ", ".join(f"{voltage:g}" for voltage in voltages) or "none"
        raise ConfigurationError(
            f"{run.out}: found no EL measured at {request.voltage_v:g} V, only at {there} V; "
            "correct --voltage"
        )
    return found


def _field(
    run: FinishedRun,
    recorded: Mapping[str, Any],
    channel: str | None,
    request: TargetRequest,
    options: TargetOptions,
) -> _Field | None:
    """What is known of one field; None where nothing was measured at the voltage."""
    device, name = _key(recorded)
    own = run.tables["channels"]
    own = own[(own["device"] == device) & (own["field"] == name) & (own["status"] == "ok")]
    if channel == "" or not own["reference"].fillna(False).any():
        return None
    optics = optics_of(recorded)
    declared_um = recorded.get("pixel_um")
    to_stage = map_to_stage(
        name, optics, pairs=request.pairs, pixel_um=declared_um, options=options
    )
    isolation_um = options.isolation_um or _isolation_um(recorded)
    dots = field_dots(
        run.tables,
        device,
        name,
        channel=channel,
        pixel_um=declared_um or to_stage.stage.pixel_um,
        optics=optics,
        isolation_um=isolation_um,
    )
    expected = expectations(dots, optics, options, photons=run.tables["photons"], recorded=recorded)
    against = reasons_against(
        options,
        accepted=dots.accepted,
        isolated=dots.isolated,
        lit=dots.lit,
        flux=dots.flux,
        g2_floor=expected.g2_floor,
        flags=dots.flags,
    )
    z_um = optics.stage_z_um if request.stage_z_um is None else request.stage_z_um
    return _Field(dots, to_stage, expected, z_um, against)


def _isolation_um(recorded: Mapping[str, Any]) -> float:
    """The distance by which the run called dots isolated."""
    by_default = MatchOptions().isolation_um
    return float(recorded.get("options", {}).get("match", {}).get("isolation_um", by_default))


def _warnings(fields: Sequence[_Field]) -> tuple[str, ...]:
    lines = [
        f"{each.dots.field}: {note}"
        for each in fields
        for note in (*each.map.notes, *each.dots.notes, *each.expected.notes)
    ]
    if any(each.z_um is None for each in fields):
        lines.append("the list of POIs has Z = 0: stage_z_um is not in [optics] and was not given")
    return tuple(dict.fromkeys((*lines, *_coinciding(fields))))


def _coinciding(fields: Sequence[_Field]) -> list[str]:
    """Name fields whose maps put them where another one is: one way cannot lead through both."""
    seen = [each for each in fields if len(each.dots.positions)]
    boxes = [_box_um(each) for each in seen]
    return [
        f"{one.dots.device}/{one.dots.field} and {other.dots.device}/{other.dots.field} lie at the "
        "same place of the stage; correct stage_from_px, or choose one by --device or --field"
        for (one, here), (other, there) in combinations(zip(seen, boxes, strict=True), 2)
        if _share(here, there) > _SAME_PLACE
    ]


def _box_um(where: _Field) -> Array:
    """Least and largest stage coordinates of a field's dots, shape (2, 2)."""
    places = where.map.stage.apply(where.dots.positions)
    return np.array([places.min(axis=0), places.max(axis=0)])


def _share(one: Array, other: Array) -> float:
    """Area that two boxes share, over that of the smaller one."""
    common = np.minimum(one[1], other[1]) - np.maximum(one[0], other[0])
    least = min(float(np.prod(one[1] - one[0])), float(np.prod(other[1] - other[0])))
    return float(np.prod(np.maximum(common, 0))) / least if least > 0 else 0.0


def _chosen(
    fields: Sequence[_Field], request: TargetRequest, options: TargetOptions
) -> list[tuple[_Field, int]]:
    if request.dots:
        return [(fields[0], index) for index in _named(fields, request.dots)]
    free = [
        (each, index)
        for each in fields
        for index, against in enumerate(each.against)
        if not against
    ]
    if not free:
        return []
    places = np.array([each.map.stage.apply(each.dots.positions[[k]])[0] for each, k in free])
    minutes = np.array([each.expected.minutes[k] for each, k in free])
    if np.all(np.isnan(minutes)):
        minutes = np.array([-each.dots.flux[k] for each, k in free])
    kept = spread_out(places, minutes, spacing_um=options.spacing_um, number=options.number)
    return [free[index] for index in kept]


def _named(fields: Sequence[_Field], wanted: Sequence[int]) -> list[int]:
    ids = fields[0].dots.dot_id.tolist() if fields else []
    unknown = [str(each) for each in dict.fromkeys(wanted) if each not in ids]
    if unknown:
        known = f"{min(ids)} to {max(ids)}" if ids else "none"
        raise ConfigurationError(
            f"found no dot {', '.join(unknown)}, only {known}; correct the list of dots"
        )
    return [ids.index(each) for each in dict.fromkeys(wanted)]


def _no_target(fields: Sequence[_Field], request: TargetRequest) -> str:
    first = [reasons[0] for each in fields for reasons in each.against]
    counts = {reason: first.count(reason) for reason in dict.fromkeys(first)}
    at = "under PL" if request.voltage_v is None else f"at {request.voltage_v:g} V"
    listed = ", ".join(f"{n} {reason}" for reason, n in counts.items()) or "there are no dots"
    return f"none of {len(first)} dots {at} passes: {listed}; relax these rules, or name dots"


def _names(chosen: Sequence[tuple[_Field, int]]) -> list[str]:
    """Names that are unique in the run, as short as the number of fields and devices allows."""
    devices = {where.dots.device for where, _ in chosen}
    fields = {(where.dots.device, where.dots.field) for where, _ in chosen}
    names = []
    for where, index in chosen:
        parts = [f"d{where.dots.dot_id[index]:03d}"]
        if len(fields) > 1:
            parts.insert(0, where.dots.field)
        if len(devices) > 1:
            parts.insert(0, where.dots.device)
        names.append("_".join(_NOT_IN_NAMES.sub("-", part) for part in parts))
    return names


def _row(where: _Field, index: int, name: str) -> Row:
    dots, stage = where.dots, where.map.stage
    place, err = dots.positions[[index]], dots.position_err[index]
    at = stage.apply(place)[0]
    covariance = stage.position_covariance(place, np.diag(err**2)[np.newaxis])[0]
    return {
        "device": dots.device,
        "field": dots.field,
        "target": name,
        "dot_id": int(dots.dot_id[index]),
        "x_px": place[0, 0],
        "y_px": place[0, 1],
        "x_err_px": err[0],
        "y_err_px": err[1],
        "stage_x_um": at[0],
        "stage_y_um": at[1],
        "stage_z_um": where.z_um,
        "stage_x_err_um": math.sqrt(covariance[0, 0]),
        "stage_y_err_um": math.sqrt(covariance[1, 1]),
        "kind": "pl" if dots.voltage_v is None else "el",
        "channel": dots.channel,
        "voltage_v": dots.voltage_v,
        "photons_s": dots.flux[index],
        "photons_err_s": dots.flux_err[index],
        "lit": None if dots.voltage_v is None else bool(dots.lit[index]),
        "isolated": bool(dots.isolated[index]),
        "nearest_um": dots.nearest_um[index],
        "stage_source": where.map.source,
        "flags": dots.flags[index],
        "signal_unit": dots.unit,
        "message": "; ".join(where.against[index]),
    } | where.expected.row(index)


def _put_in_order(rows: list[Row], start_um: tuple[float, float] | None) -> float:
    """Number the rows along a short path; return its length."""
    places = np.array([[row["stage_x_um"], row["stage_y_um"]] for row in rows])
    start = None if start_um is None else np.array(start_um)
    before, total = start, 0.0
    for number, index in enumerate(travelling_order(places, start=start), start=1):
        step = 0.0 if before is None else float(np.hypot(*(places[index] - before)))
        rows[index] |= {"order": number, "step_um": step}
        before, total = places[index], total + step
    return total
