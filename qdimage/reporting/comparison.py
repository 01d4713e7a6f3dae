"""What a publication states beside what the run recovered: a table, and its panels again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from qdimage.domain.comparison_table import COMPARISON
from qdimage.domain.expectations import Panel
from qdimage.io.table_file import has_table, read_table
from qdimage.reporting.blocks import Block, Cell, Drawing, Grid, Heading, Words
from qdimage.reporting.comparison_panels import draw_panel
from qdimage.reporting.content import Content, Row, rows_of
from qdimage.reporting.words import NOTHING, count, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEADINGS = (
    Heading("panel", "figure and panel of the publication"),
    Heading("statement"),
    Heading("stated", "as published", numeric=True),
    Heading("truth", "of the simulation", numeric=True),
    Heading("recovered", "with its 95 % interval", numeric=True),
    Heading("within", "the truth lies in the interval"),
    Heading("answered by"),
)


@dataclass(frozen=True)
class Comparison:
    """The statements of a run in their order, and what else is kept of their file."""

    rows: tuple[Row, ...]
    panels: tuple[Panel, ...]
    source: str
    note: str


def read_comparison(content: Content) -> Comparison | None:
    """Return what a run was held against; None for nothing."""
    record = content.record.get("comparison")
    if not isinstance(record, dict) or not has_table(content.out, COMPARISON):
        return None
    rows = rows_of(read_table(content.out, COMPARISON, older=True))
    try:
        panels = tuple(Panel.model_validate(each) for each in record.get("panels", ()))
    except ValidationError:
        # Of a later version; the table says all that counts.
        panels = ()
    rows.sort(key=lambda row: row["number"])
    return Comparison(
        tuple(rows), panels, str(record.get("source", "")), str(record.get("note", ""))
    )


def comparison_blocks(content: Content) -> Iterator[Block]:
    """Return the section: what holds and what does not, the table, and each panel."""
    found = read_comparison(content)
    if found is None:
        return
    if found.source:
        yield Words(found.source, quiet=True)
    yield Words(_summary(found.rows))
    if found.note:
        yield Words(found.note, quiet=True)
    yield Grid("Stated, true and recovered", _HEADINGS, tuple(map(_cells, found.rows)))
    for panel in found.panels:
        yield Drawing(
            f"panel_{_stem(panel.panel)}",
            f"{panel.panel}: {panel.title}" if panel.title else panel.panel,
            _caption(panel, found.rows),
            _drawn(content, panel),
        )


def _drawn(content: Content, panel: Panel) -> Callable[[], "Figure | None"]:
    return lambda: draw_panel(content, panel)


def _stem(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def _summary(rows: tuple[Row, ...]) -> str:
    judged = [row for row in rows if row["within"] is not None]
    missed = [row for row in judged if not row["within"]]
    silent = [row for row in rows if row["status"] != "ok"]
    sentences = []
    if judged:
        n = len(judged) - len(missed)
        sentences.append(
            f"The 95 % interval holds the truth in {n} of {count(len(judged), 'row')} "
            f"({100 * n / len(judged):.0f} %)."
        )
    if missed:
        sentences.append(f"Missed: {_named(missed)}.")
    if silent:
        sentences.append(f"Not measured: {_named(silent)}.")
    return " ".join(sentences) or f"{count(len(rows), 'statement')}, none with a known truth."


def _named(rows: list[Row]) -> str:
    return "; ".join(f"{row['panel']} {row['statement']}".strip() for row in rows)


def _cells(row: Row) -> tuple[Cell, ...]:
    unit = f" {row['unit']}" if row["unit"] else ""
    within = {None: "", True: "yes", False: "no"}[row["within"]]
    answer = row["answered_by"] if row["status"] == "ok" else row["message"]
    if row["note"]:
        answer = f"{answer}. {row['note']}"
    return (
        Cell(row["panel"] or ""),
        Cell(f"{row['statement']}{f', in{unit}' if unit else ''}"),
        Cell(_stated(row), row["stated"]),
        Cell(number(row["truth"]), row["truth"]),
        Cell(_recovered(row), row["recovered"]),
        Cell(within, None, "warn" if row["within"] is False else ""),
        Cell(answer),
    )


def _stated(row: Row) -> str:
    if row["stated"] is None:
        return row["stated_as"] or NOTHING
    text = number(row["stated"])
    if row["stated_err"] is not None:
        text += f" ± {number(row['stated_err'], 2)}"
    return f"{text} ({row['stated_as']})" if row["stated_as"] else text


def _recovered(row: Row) -> str:
    if row["recovered"] is None:
        return NOTHING
    if row["low"] is None or row["high"] is None:
        return number(row["recovered"])
    return f"{number(row['recovered'])} ({number(row['low'])} to {number(row['high'])})"


def _caption(panel: Panel, rows: tuple[Row, ...]) -> str:
    """Return a panel's caption with what is stated of it."""
    said = [
        f"{row['statement']}: stated {_stated(row)}, truth {number(row['truth'])}, recovered "
        f"{_recovered(row)}{' ' + row['unit'] if row['unit'] else ''}"
        for row in rows
        if row["panel"] == panel.panel
    ]
    return " ".join([panel.caption, "; ".join(said) + "." if said else ""]).strip()
