"""The lines that a run ends with."""

from pathlib import Path

import pytest
from finished_run import Field, Tags, add_time_tags, make_run

from qdimage.cli.run_summary import show_result
from qdimage.domain.photon_tables import PHOTONS
from qdimage.domain.tables import REGISTRATION, TURN_ON, TURN_ON_CURVES
from qdimage.io.table_file import read_table
from qdimage.pipeline.run import RunResult


def lines_of(out: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    tables = (TURN_ON, TURN_ON_CURVES, REGISTRATION, PHOTONS)
    found = {table.name: read_table(out, table) for table in tables}
    capsys.readouterr()
    show_result(RunResult(out, 1, found))
    return capsys.readouterr().out.splitlines()


def g2_lines(lines: list[str]) -> list[str]:
    first = lines.index("g2(0) of single dots")
    return [line for line in lines[first + 1 :] if line.startswith("  ")]


def test_few_files_are_named_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = make_run(tmp_path / "out", (Field(),))
    add_time_tags(out, [Tags(n_el=2, n_pl=1)])
    lines = lines_of(out, capsys)
    files = read_table(out, PHOTONS)["file"]
    assert len(g2_lines(lines)) == len(files)
    assert all(any(file in line for line in lines) for file in files)
    assert lines[-1] == f"report: {out / 'report.html'}"


def test_many_files_are_counted_by_light_and_voltage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = make_run(tmp_path / "out", (Field(n_dots=40),))
    add_time_tags(out, [Tags(n_el=14, n_pl=9)])
    photons = read_table(out, PHOTONS)
    lines = g2_lines(lines_of(out, capsys))
    assert lines[-1] == "  each file has its row in photons.csv"
    assert len(lines) - 1 == len(photons.groupby(["kind", "voltage_v"], dropna=False))
    at = photons[(photons["kind"] == "el") & (photons["voltage_v"] == 2.6)]
    known = at.loc[at["status"] == "ok", "g2_0"]
    line = next(each for each in lines if "el 2.6 V" in each)
    assert f"{len(at)} files" in line
    assert f"{known.min():.3f} ... {known.max():.3f}, median {known.median():.3f}" in line
    assert f"{(known < 0.5).sum()} below 0.5" in line
