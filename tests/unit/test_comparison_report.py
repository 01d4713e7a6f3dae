"""The report's section that holds a run against a publication."""

import json
from pathlib import Path

import pytest
from finished_run import Field, make_run

from qdimage.domain.comparison_table import COMPARISON
from qdimage.io.table_file import write_table
from qdimage.pipeline.tables import as_frame
from qdimage.reporting.build import build_report

ROWS = [
    {
        "panel": "1c",
        "statement": "share lit <at> 2.4 V",
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
    record["comparison"] = {"source": "a paper of <2017>", "note": "", "panels": panels}
    (out / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return out


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = compared(tmp_path_factory.mktemp("compared") / "out", PANELS)
    return out, build_report(out).read_text(encoding="utf-8")


def test_the_section_counts_what_holds_and_names_what_does_not(page: tuple[Path, str]) -> None:
    _, text = page
    assert "a paper of &lt;2017&gt;" in text
    assert "holds the truth in 1 of 2 rows (50 %)" in text
    assert "Missed: 1f brightest dot." in text
    assert "Not measured: 4 injection rate." in text


def test_the_table_shows_stated_true_and_recovered_values(page: tuple[Path, str]) -> None:
    _, text = page
    for words in (
        "0.500 (about half)",
        "20.0 ± 2.0",
        "0.800 (0.600 to 0.900)",
        "share lit &lt;at&gt; 2.4 V",
        "not measured: this run writes no table rates",
    ):
        assert words in text


def test_panels_are_drawn_from_the_tables_and_those_without_rows_are_left_out(
    page: tuple[Path, str],
) -> None:
    out, _ = page
    drawn = {path.stem for path in (out / "figures").glob("run_panel_*.png")}
    assert drawn == {"run_panel_1c", "run_panel_1f", "run_panel_3a"}


def test_a_panel_of_a_later_version_leaves_the_table(tmp_path: Path) -> None:
    out = compared(tmp_path / "out", [{"panel": "1", "kind": "hologram"}])
    text = build_report(out).read_text(encoding="utf-8")
    assert "Missed: 1f brightest dot." in text
    assert not list((out / "figures").glob("run_panel_*"))
