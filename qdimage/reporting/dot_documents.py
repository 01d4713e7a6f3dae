"""All that the page holds of each dot, one piece of JSON for each, within a size."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from qdimage.domain.tables import DOTS
from qdimage.reporting.content import Content, FieldContent, Row
from qdimage.reporting.dot_chart import Chart, chart_json, without_marks
from qdimage.reporting.dot_charts import DOT_CHARTS
from qdimage.reporting.dot_curves import with_ends
from qdimage.reporting.dot_cutouts import Cutouts, channel_heads, field_cutouts
from qdimage.reporting.dot_subjects import Subject
from qdimage.reporting.words import flux_unit, number

MOST_BYTES = 8_000_000
_MEANING = {column.name: column.meaning for column in DOTS.columns}
# Name on the page, columns of `dots`, unit ("" for that of fluxes or none).
_FACTS = (
    ("place", ("x_px", "y_px"), "px"),
    ("place", ("x_um", "y_um"), "\N{MICRO SIGN}m"),
    ("stage", ("stage_x_um", "stage_y_um"), "\N{MICRO SIGN}m"),
    ("PL flux", ("pl_photons_s",), ""),
    ("g2 floor", ("g2_floor",), ""),
    ("PL g2(0)", ("pl_g2_0",), ""),
    ("EL g2(0)", ("el_g2_0",), ""),
    ("PL lifetime", ("lifetime_ns",), "ns"),
    ("injection rate", ("injection_rate_per_us",), "1/\N{MICRO SIGN}s"),
)


def dot_documents(content: Content, found: Sequence[Subject]) -> tuple[list[Any], dict[str, Any]]:
    """Return what the page holds of each dot, and by field what its pictures have in common.

    Once `MOST_BYTES` are full, what is left out is named instead; dots that were measured by time
    tags or spectra come first.
    """
    places = {(field.device, field.name): field for field in content.fields}
    cutouts = {key: field_cutouts(content, field) for key, field in places.items()}
    heads = {
        str(places[key].number): channel_heads(own, places[key].pixel_um)
        for key, own in cutouts.items()
        if own is not None
    }
    documents: list[Any] = [None] * len(found)
    room = MOST_BYTES
    for at in sorted(range(len(found)), key=lambda k: not found[k].n_files):
        subject = found[at]
        key = subject.device, subject.field
        document = _document(subject, places.get(key))
        own = cutouts.get(key)
        if own is not None and subject.dot is not None and room > 0:
            document |= _pictures(subject, own)
        document["sections"] = _sections(content, subject, full=room > 0)
        room -= len(json.dumps(document, ensure_ascii=False))
        documents[at] = document
    return documents, heads


def _document(subject: Subject, field: FieldContent | None) -> dict[str, Any]:
    return {
        "title": subject.name,
        "place": f"{subject.device} \N{MIDDLE DOT} {subject.field}",
        "field": field.number if field else 0,
        "facts": _facts(subject.dot) if subject.dot is not None else [],
        "flags": [f for f in str((subject.dot or {}).get("flags") or "").split(";") if f],
        "note": str((subject.dot or {}).get("note") or ""),
    }


def _facts(dot: Row) -> list[tuple[str, str, str]]:
    facts = []
    for name, columns, unit in _FACTS:
        if any(dot[column] is None for column in columns):
            continue
        unit = unit or _unit(dot, columns[0])
        text = ", ".join(_fact(dot, column) for column in columns)
        meaning = "; ".join(_MEANING[column] for column in columns)
        facts.append((name, f"{text} {unit}".strip(), meaning))
    if dot["isolated"] is not None:
        facts.append(("isolated", "yes" if dot["isolated"] else "no", _MEANING["isolated"]))
    return facts


def _fact(dot: Row, column: str) -> str:
    return with_ends(dot, column) if column.endswith("g2_0") else number(dot[column], 4)


def _unit(dot: Row, column: str) -> str:
    if column != "pl_photons_s":
        return ""
    return flux_unit([dot["signal_unit"]] if dot["signal_unit"] else [])


def _pictures(subject: Subject, cutouts: Cutouts) -> dict[str, Any]:
    dot = subject.dot or {}
    by_channel = {row["channel"]: row for row in subject.of("dot_channels")}
    words = [
        _flux_words(by_channel.get(row["channel"]))
        if row["kind"] == "el"
        else number(dot["pl_photons_s"])
        for row in cutouts.channels
    ]
    return {
        "pictures": cutouts.of(dot["dot_id"]),
        "scale": [
            [float(f"{end:.4g}") for end in ends] for ends in cutouts.scale_of(dot["dot_id"])
        ],
        "words": words,
    }


def _flux_words(row: Row | None) -> str:
    if row is None or row["photons_s"] is None:
        return "not measured"
    if row["lit"]:
        return number(row["photons_s"])
    return f"< {number(row['photons_upper_s'])}"


def _sections(content: Content, subject: Subject, *, full: bool) -> list[Any]:
    kept: Callable[[Chart], Chart] = (lambda chart: chart) if full else without_marks
    sections = []
    for title, charts in DOT_CHARTS:
        made = [chart_json(kept(chart)) for chart in charts(content, subject)]
        if made:
            sections.append([title, made])
    return sections
