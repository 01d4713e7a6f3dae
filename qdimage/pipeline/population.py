"""g2(0) of all dots together, from the tables `photons` and `dots` alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from qdimage.domain.photon_tables import POPULATION, POPULATION_DOTS
from qdimage.domain.population import DOUBTFUL, G2Values, Limit, ShareBelow, is_doubtful
from qdimage.domain.refusal import Refusal
from qdimage.photons.population_limit import given_limit, smallest_limit, yield_limit
from qdimage.photons.population_options import PopulationOptions
from qdimage.photons.population_share import share_below
from qdimage.photons.population_spread import spread_of
from qdimage.pipeline.plain_rows import plain_rows

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

_ALL = "all"
_YIELDS = ("biexciton_qy", "exciton_qy", "biexciton_qy_err", "exciton_qy_err")


@dataclass(frozen=True)
class FieldFacts:
    """What the tables do not say of a field.

    Attributes
    ----------
    device, name : str
    batch : str
        "" where it is not declared.
    dot_parameters : mapping of str to float
        As declared; quantum yields may give the limit.
    """

    device: str
    name: str
    batch: str = ""
    dot_parameters: Mapping[str, float] = field(default_factory=dict)


def population_tables(
    photons: "pd.DataFrame",
    dots: "pd.DataFrame",
    *,
    fields: Sequence[FieldFacts] = (),
    options: PopulationOptions | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, list[Row]]:
    """Return the rows of the tables `population` and `population_dots`.

    A dot counts once in a group, by the file of its narrowest interval; dots that a person rejected
    do not count, nor values that rest on a description that does not hold. A file
    without a dot counts as a dot of its own.

    Parameters
    ----------
    photons, dots : pandas.DataFrame
        Tables of a run.
    fields : sequence of FieldFacts
    options : PopulationOptions, optional
    progress : callable
        Told each group that is done.

    Returns
    -------
    dict of str to list of dict
        Rows by the name of their table.
    """
    measured = _measured(photons, dots, fields)
    limit = _limit(measured, fields, options or PopulationOptions())
    tables: dict[str, list[Row]] = {POPULATION.name: [], POPULATION_DOTS.name: []}
    for group in _groups(measured):
        row, dot_rows = _answer(group, limit)
        tables[POPULATION.name].append(row)
        # The same dots stand in several groups; their own device's, at any voltage, describes them.
        if group.device != _ALL and group.voltage_v is None:
            tables[POPULATION_DOTS.name] += dot_rows
        progress(f"{group.device}, {group.sample}, {group.kind}")
    return tables


@dataclass(frozen=True)
class _Group:
    """Files that are summarized together; `batch` is what the row says."""

    device: str
    sample: str
    batch: str
    kind: str
    voltage_v: float | None
    files: tuple[Row, ...]


def _measured(
    photons: "pd.DataFrame", dots: "pd.DataFrame", fields: Sequence[FieldFacts]
) -> list[Row]:
    """Return the files of dots that were not rejected, each with its batch and its dot's key."""
    rejected = {
        (row["device"], row["field"], int(row["dot_id"]))
        for row in plain_rows(dots)
        if row["accepted"] is False
    }
    batches = {(each.device, each.name): each.batch for each in fields}
    files = []
    for row in plain_rows(photons):
        place = row["device"], row["field"]
        own = row["file"] if row["dot_id"] is None else int(row["dot_id"])
        if (*place, own) not in rejected:
            files.append(row | {"batch": batches.get(place, ""), "dot": (*place, own)})
    return files


def _groups(files: Sequence[Row]) -> list[_Group]:
    groups: list[_Group] = []
    devices = _distinct(files, "device")
    for device in devices:
        own = [row for row in files if row["device"] == device]
        groups += _of_samples(device, _batch_of(own), own)
    groups += [
        group
        for group in _of_samples(_ALL, _batch_of(files), files)
        if len(_distinct(group.files, "device")) > 1
    ]
    batches = _distinct(files, "batch")
    if len(batches) > 1:
        for batch in batches:
            groups += _of_samples(_ALL, batch, [row for row in files if row["batch"] == batch])
    return groups


def _of_samples(device: str, batch: str, files: Sequence[Row]) -> list[_Group]:
    groups = []
    for sample in _distinct(files, "sample"):
        for kind in ("pl", "el"):
            own = [row for row in files if (row["sample"], row["kind"]) == (sample, kind)]
            voltages = sorted({row["voltage_v"] for row in own if row["voltage_v"] is not None})
            if own:
                groups.append(_Group(device, sample, batch, kind, None, tuple(own)))
            for voltage in voltages if kind == "el" else ():
                at = tuple(row for row in own if row["voltage_v"] == voltage)
                groups.append(_Group(device, sample, batch, kind, voltage, at))
    return groups


def _distinct(files: Iterable[Row], name: str) -> list[str]:
    return sorted({str(row[name] or "") for row in files})


def _batch_of(files: Iterable[Row]) -> str:
    batches = _distinct(files, "batch")
    return batches[0] if len(batches) == 1 else _ALL


def _once_each(files: Iterable[Row]) -> list[Row]:
    """Return of each dot the file with the narrowest interval, the first of equal ones."""
    best: dict[Any, Row] = {}
    for row in files:
        if not _has_value(row) or is_doubtful(row["flags"]):
            continue
        held = best.get(row["dot"])
        if held is None or _width(row) < _width(held):
            best[row["dot"]] = row
    return list(best.values())


def _has_value(row: Row) -> bool:
    return row["status"] == "ok" and row["g2_0"] is not None and row["g2_0_high"] is not None


def _left_out(files: Sequence[Row], dots: Sequence[Row]) -> list[str]:
    """Say how many dots have values that cannot be trusted, and no other."""
    n = len({row["dot"] for row in files if _has_value(row)} - {row["dot"] for row in dots})
    return [f"dots left out: {n}, every file of them flagged {' or '.join(DOUBTFUL)}"] if n else []


def _width(row: Row) -> float:
    return float(row["g2_0_high"] - (row["g2_0_low"] or 0.0))


def _values(dots: Sequence[Row]) -> G2Values:
    def column(name: str, missing: float) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([missing if row.get(name) is None else row[name] for row in dots], float)

    value = np.maximum(column("g2_0", np.nan), 0.0)
    low = np.clip(column("g2_0_low", 0.0), 0.0, value)
    high = np.maximum(column("g2_0_high", np.nan), value)
    return G2Values(value, column("g2_0_low_68", np.nan), column("g2_0_high_68", np.nan), low, high)


def _limit(
    files: Sequence[Row], fields: Sequence[FieldFacts], options: PopulationOptions
) -> Limit | Refusal:
    """Return the limit, one for the whole run: stated, of the yields, or where PL ends."""
    if options.limit_g2_0 is not None:
        return given_limit(options.limit_g2_0, options.limit_g2_0_err, "population.limit_g2_0")
    declared = {
        tuple(each.dot_parameters.get(name, 0.0) for name in _YIELDS)
        for each in fields
        if each.dot_parameters.get("biexciton_qy") and each.dot_parameters.get("exciton_qy")
    }
    if len(declared) == 1:
        return yield_limit(*declared.pop())
    dots = _once_each(row for row in files if row["kind"] == "pl")
    return smallest_limit(_values(dots))


def _answer(group: _Group, limit: Limit | Refusal) -> tuple[Row, list[Row]]:
    """Return a group's row, and those of its dots."""
    dots = _once_each(group.files)
    row: Row = {
        "device": group.device,
        "field": _ALL,
        "sample": group.sample,
        "batch": group.batch,
        "kind": group.kind,
        "voltage_v": group.voltage_v,
        "n_dots": len(dots),
    }
    if not dots:
        notes = [f"none of the files ({len(group.files)}) gave a g2(0)"]
        notes = _left_out(group.files, dots) or notes
        return row | {"status": "refused", "message": "; ".join(notes)}, []
    values = _values(dots)
    row |= {
        "median_g2_0": float(np.median(values.value)),
        "smallest_g2_0": float(values.value.min()),
    }
    notes = _left_out(group.files, dots)
    spread = spread_of(values)
    if isinstance(spread, Refusal):
        notes.append(spread.reason)
    else:
        row |= {
            "mean_g2_0": spread.mean,
            "mean_g2_0_low": spread.mean_low,
            "mean_g2_0_high": spread.mean_high,
            "spread_g2_0": spread.spread,
            "spread_g2_0_low": spread.spread_low,
            "spread_g2_0_high": spread.spread_high,
        }
    share = _share(values, limit)
    if isinstance(limit, Limit):
        below = values.value < limit.value
        row |= {
            "limit": limit.value,
            "limit_low": limit.low,
            "limit_high": limit.high,
            "limit_source": limit.source,
            "n_below": int(below.sum()),
        }
    if isinstance(share, Refusal):
        notes.append(share.reason)
    elif _is_circular(group, limit):
        notes.append("the limit is where these dots end, which does not say how many pass it")
    else:
        row |= {
            "share_below": share.share,
            "share_below_low": share.low,
            "share_below_high": share.high,
            "n_below_expected": share.expected,
            "n_below_expected_low": share.expected_low,
            "n_below_expected_high": share.expected_high,
        }
    alone = sum(dot["dot_id"] is None for dot in dots)
    if alone:
        notes.append(f"{alone} of these are files without a dot, each counted as one")
    refused = isinstance(spread, Refusal)
    row |= {"status": "refused" if refused else "ok", "message": "; ".join(dict.fromkeys(notes))}
    circular = _is_circular(group, limit)
    return row, _dot_rows(group, dots, share, with_probability=not circular)


def _share(values: G2Values, limit: Limit | Refusal) -> ShareBelow | Refusal:
    if isinstance(limit, Refusal):
        return Refusal(f"no limit to compare with: {limit.reason}")
    return share_below(values, limit)


def _is_circular(group: _Group, limit: Limit | Refusal) -> bool:
    return group.kind == "pl" and isinstance(limit, Limit) and limit.source.endswith("PL dots")


def _dot_rows(
    group: _Group, dots: Sequence[Row], share: ShareBelow | Refusal, *, with_probability: bool
) -> list[Row]:
    shared = ("device", "field", "dot_id", "file", "sample", "kind", "voltage_v")
    kept = (*shared, "batch", "g2_0", "g2_0_low", "g2_0_high")
    rows = []
    for k, dot in enumerate(dots):
        row = {name: dot[name] for name in kept}
        row["n_files"] = sum(each["dot"] == dot["dot"] for each in group.files)
        if isinstance(share, ShareBelow):
            row |= {
                "shrunken_g2_0": float(share.shrunken[k]),
                "shrunken_g2_0_low": float(share.shrunken_low[k]),
                "shrunken_g2_0_high": float(share.shrunken_high[k]),
            }
            if with_probability:
                row["below_limit_p"] = float(share.probability[k])
        rows.append(row)
    return rows
