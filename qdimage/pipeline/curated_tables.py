"""A run's tables as they are after a person's decisions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from qdimage.domain.curation import FieldKey
from qdimage.domain.table import Table
from qdimage.domain.tables import DOT_CHANNELS, DOTS, TURN_ON, TURN_ON_CURVES
from qdimage.io.table_file import typed
from qdimage.pipeline.channel_fluxes import ChannelKey, read_fluxes
from qdimage.pipeline.curated_dots import curated_dots
from qdimage.pipeline.curation import Judged, number_columns
from qdimage.pipeline.tables import as_frame
from qdimage.pipeline.turn_on_curve_rows import SeriesFacts
from qdimage.pipeline.turn_on_rows import POOLED, ElChannel, turn_on_tables

if TYPE_CHECKING:
    import pandas as pd

Tables = Mapping[str, "pd.DataFrame"]

_OF_CHANNEL = ("device", "field", "channel", "voltage_v", "signal_unit", "status", "message")


def curate(tables: Tables, judged: Judged) -> dict[str, "pd.DataFrame"]:
    """Return the tables with decisions applied and the fractions computed anew.

    A rejected dot leaves the fraction, as it does when the run is repeated. One that was added,
    moved or deleted since the run leaves it too, until the run is repeated, which measures the
    light at its new place.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Of a run.
    judged : mapping
        By (device, field), then by dot_id.
    """
    changed = dict(tables)
    changed[DOTS.name] = _dots(tables, judged)
    changed[DOT_CHANNELS.name] = _still_measured(tables, judged)
    changed |= _turn_on(changed, _el_channels(changed))
    return changed


def _dots(tables: Tables, judged: Judged) -> "pd.DataFrame":
    import pandas as pd

    dots = tables[DOTS.name]
    groups = {
        FieldKey(*map(str, each.iloc[0][["device", "field"]])): each.reset_index(drop=True)
        for _, each in dots.groupby(["device", "field"], sort=False)
    }
    parts = [curated_dots(own, judged.get(key, {})) for key, own in groups.items()]
    parts += [_first_dots(dots, key, judged) for key in judged if key not in groups]
    return typed(pd.concat(parts, ignore_index=True), DOTS) if parts else dots


def _first_dots(dots: "pd.DataFrame", key: FieldKey, judged: Judged) -> "pd.DataFrame":
    """Dots added by hand to a field in which none was found."""
    return curated_dots(dots.iloc[:0], judged[key]).assign(device=key.device, field=key.field)


def _still_measured(tables: Tables, judged: Judged) -> "pd.DataFrame":
    """Leave out the fluxes of dots that are elsewhere now, or no longer dots."""
    dot_channels = tables[DOT_CHANNELS.name]
    at = _places(tables[DOTS.name])
    elsewhere = {
        (*key, dot)
        for key, places in judged.items()
        for dot, place in places.items()
        if (*key, dot) in at and (place.judgement.deleted or place.is_elsewhere(*at[(*key, dot)]))
    }
    if not elsewhere:
        return dot_channels
    rows = zip(dot_channels["device"], dot_channels["field"], dot_channels["dot_id"], strict=True)
    keep = np.array([row not in elsewhere for row in rows], bool)
    return dot_channels[keep].reset_index(drop=True)


def _places(dots: "pd.DataFrame") -> dict[tuple[str, str, int], tuple[float, float]]:
    keys = zip(dots["device"], dots["field"], dots["dot_id"].tolist(), strict=True)
    at = number_columns(dots, "x_px", "y_px").tolist()
    return {key: (x, y) for key, (x, y) in zip(keys, at, strict=True)}


def _el_channels(tables: Tables) -> list[ElChannel]:
    """Return the channels of the run as their rows in `turn_on` describe them."""
    rows = [row for row in _records(tables[TURN_ON.name]) if row["field"] != POOLED]
    # Where dots were counted, if only to find none, fluxes were measured.
    measured = [row for row in rows if row["n_pl"] is not None]
    fluxes = read_fluxes(tables, [_key(row) for row in measured])
    channels = []
    for row in rows:
        own = fluxes.get(_key(row))
        kept = {name: row[name] for name in _OF_CHANNEL}
        if own is not None:
            kept |= {"status": "ok", "message": ""}
        channels.append(ElChannel(kept, own))
    return channels


def _records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _key(row: Mapping[str, Any]) -> ChannelKey:
    return ChannelKey(row["device"], row["field"], row["channel"])


def _turn_on(tables: Tables, channels: list[ElChannel]) -> dict[str, "pd.DataFrame"]:
    before = tables[TURN_ON.name]
    if len(before) == 0:
        return {}
    rows = turn_on_tables(
        channels,
        facts=_facts(tables[TURN_ON_CURVES.name]),
        f_min_s=float(before["f_min_photons_s"].iloc[0]),
        confidence=float(before["confidence"].iloc[0]),
    )
    return {table.name: _filled(each, table) for table, each in rows.items()}


def _filled(rows: list[dict[str, Any]], table: Table) -> "pd.DataFrame":
    texts = {column.name: "" for column in table.columns if column.kind == "text"}
    return as_frame(rows, table).fillna(texts)


def _facts(curves: "pd.DataFrame") -> dict[tuple[str, str], SeriesFacts]:
    """Return what the run knew of each field beside its fluxes."""
    return {
        (row["device"], row["field"]): SeriesFacts(
            row["batch"] or "", row["photon_energy_ev"], row["energy_source"] or ""
        )
        for row in _records(curves)
    }
