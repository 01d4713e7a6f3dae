"""The ground truth of several devices as rows of tables, and a number that rows give."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qdimage.domain.expectations import Selection
from qdimage.domain.refusal import Refusal
from qdimage.errors import ConfigurationError
from qdimage.numerics.selection import Interval, select
from qdimage.simulation.scene import DOT

Row = dict[str, Any]


def true_rows(out: Path, folders: Iterable[str]) -> dict[str, list[Row]]:
    """Read ``truth.json`` of every device.

    Returns
    -------
    dict of str to list of dict
        ``photons`` and ``spectra``: a row for each file. ``sources``: one for each emitter of a
        field. ``channels``: one for each EL channel, and ``dot_channels``: one for each
        PL-visible dot in the frame of PL, in each of them.
    """
    rows: dict[str, list[Row]] = {
        name: [] for name in ("photons", "spectra", "sources", "channels", "dot_channels")
    }
    for folder in folders:
        truth = json.loads((out / folder / "truth.json").read_text(encoding="utf-8"))
        for name, field in truth["fields"].items():
            place = {"device": truth["device"], "field": name}
            for table in ("photons", "spectra", "sources"):
                rows[table] += [place | each for each in field.get(table, [])]
            for channel, facts in field.get("channels", {}).items():
                if facts["kind"] == "el":
                    _add_channel(rows, place | {"channel": channel}, field, facts)
    return rows


def _add_channel(
    rows: dict[str, list[Row]], place: Row, field: Mapping[str, Any], facts: Mapping[str, Any]
) -> None:
    place = place | {"voltage_v": facts["voltage_v"]}
    dots = [
        place | {"source_id": here["id"], "photons_s": here["photons_s"], "lit": here["lit"]}
        for source, here in zip(field["sources"], facts["sources"], strict=True)
        if source["kind"] == DOT and source["in_frame"]
    ]
    rows["dot_channels"] += dots
    background = {"background_photons_px_s": facts["background_photons_px_s"]}
    rows["channels"].append(place | background | {"n_dots": len(dots)})


def true_value(rows: Mapping[str, list[Row]], selection: Selection, source: str) -> float:
    """Return the number that a selection of the truth gives.

    Raises
    ------
    ConfigurationError
        If it gives none.
    """
    found = select(rows.get(selection.table, []), selection, Interval())
    if isinstance(found, Refusal):
        raise ConfigurationError(f"{source}: truth: {found.reason}; correct its table or where")
    return float(f"{found.value:.8g}")
