"""The report's section that holds a run against a publication."""

import json
from pathlib import Path

import pytest
from finished_run import Field, make_run

from qdimage.domain.comparison_table import COMPARISON
from qdimage.io.table_file import write_table
from qdimage.pipeline.tables import as_frame
from qdimage.reporting.blocks import Block, Drawing, Grid, Words
from qdimage.reporting.comparison import comparison_blocks
from qdimage.reporting.content import read_content
from qdimage.reporting.sections import RUN_SECTIONS
from qdimage.reporting.style import house_style

ROWS = [
    {
        "panel": "1c",
        "statement": "share lit at 2.4 V",
        "stated": 0.5,
        "stated_as": "about half",
        "truth": 0.75,
        "recovered": 0.8,
        "low": 0.6,
        "high": 0.9,
        "within": True,
        "status": "ok",
    },
    {
        "panel": "1f",
        "statement": "brightest dot",
        "unit": "photons/s",
        "stated": 20.0,
        "stated_err": 2.0,
        "truth": 40.0,
        "recovered": 30.0,
        "low": 25.0,
        "high": 35.0,
        "within": False,
        "status": "ok",
    },
    {
        "panel": "4",
        "statement": "injection rate",
        "truth": 16.8,
        "status": "refused",
        "message": "not measured: this run writes no table rates",
    },
]
PANELS = [
    {"panel": "1c", "title": "EL", "kind": "image", "where": {"voltage_v": 2.4}},
    {
        "panel": "1f",
        "title": "light of the dots",
        "kind": "series",
        "table": "dot_channels",
        "where": {"dot_id": [1, 2]},
        "group": "dot_id",
        "x": "voltage_v",
        "y": ["photons_s", "photons_upper_s"],
        "mark": 20.0,
    },
    {
        "panel": "3a",
        "kind": "ranked",
        "table": "dot_channels",
        "group": "channel",
        "y": "photons_s",
        "most": 4,
    },
    {"panel": "4a", "kind": "curves", "table": "photons"},
    {"panel": "5", "kind": "series", "table": "of_a_later_version", "x": "a", "y": "b"},
]


def compared(out: Path, panels: list[dict]) -> Path:
    make_run(out, [Field()])
    rows = [
        {"device": "device-A", "field": "all", "number": k, **row}
        for k, row in enumerate(ROWS, start=1)
    ]
    write_table(as_frame(rows, COMPARISON), COMPARISON, out)
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    record["comparison"] = {"source": "a paper", "note": "", "panels": panels}
    (out / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return out


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> list[Block]:
    out = compared(tmp_path_factory.mktemp("compared") / "out", PANELS)
    return list(comparison_blocks(read_content(out)))


def words_of(blocks: list[Block]) -> str:
    return " ".join(each.text for each in blocks if isinstance(each, Words))


def test_the_report_has_the_section() -> None:
    assert comparison_blocks in [section.show for section in RUN_SECTIONS]


def test_the_section_counts_what_holds_and_names_what_does_not(blocks: list[Block]) -> None:
    text = words_of(blocks)
    assert "a paper" in text
    assert "holds the truth in 1 of 2 rows (50 %)" in text
    assert "Missed: 1f brightest dot." in text
    assert "Not measured: 4 injection rate." in text


def test_the_table_shows_stated_true_and_recovered_values(blocks: list[Block]) -> None:
    (grid,) = (each for each in blocks if isinstance(each, Grid))
    lit, brightest, rate = ([cell.text for cell in row] for row in grid.rows)
    assert lit == [
        "1c",
        "share lit at 2.4 V",
        "0.500 (about half)",
        "0.750",
        "0.800 (0.600 to 0.900)",
        "yes",
        "",
    ]
    assert brightest[1:6] == [
        "brightest dot, in photons/s",
        "20.0 ± 2.0",
        "40.0",
        "30.0 (25.0 to 35.0)",
        "no",
    ]
    assert rate[-1] == "not measured: this run writes no table rates"


def test_panels_are_drawn_from_the_tables_and_those_without_rows_are_left_out(
    blocks: list[Block],
) -> None:
    drawings = {each.kind: each for each in blocks if isinstance(each, Drawing)}
    with house_style():
        drawn = {kind for kind, each in drawings.items() if each.draw() is not None}
    assert drawn == {"panel_1c", "panel_1f", "panel_3a"}
    assert "stated 20.0 ± 2.0, truth 40.0, recovered 30.0" in drawings["panel_1f"].caption


def test_a_panel_of_a_later_version_leaves_the_table(tmp_path: Path) -> None:
    out = compared(tmp_path / "out", [{"panel": "1", "kind": "hologram"}])
    blocks = list(comparison_blocks(read_content(out)))
    assert "Missed: 1f brightest dot." in words_of(blocks)
    assert not any(isinstance(each, Drawing) for each in blocks)


def test_a_run_without_expectations_has_no_such_section(tmp_path: Path) -> None:
    assert not list(comparison_blocks(read_content(make_run(tmp_path / "out", [Field()]))))
