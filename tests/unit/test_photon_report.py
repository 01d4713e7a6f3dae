"""The report's section on time tags."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from finished_run import Field, Tags, add_time_tags, make_run
from matplotlib.figure import Figure

from qdimage.domain.photon_tables import (
    PHOTON_TABLES,
    PHOTONS,
    POPULATION,
    POPULATION_DOTS,
    TRACES,
)
from qdimage.io.table_file import read_table, write_table
from qdimage.reporting.build import build_report
from qdimage.reporting.content import Content, read_content, rows_of
from qdimage.reporting.drawn import no_figures
from qdimage.reporting.g2_figures import MOST_PANELS, draw_g2
from qdimage.reporting.html import render
from qdimage.reporting.light_figures import draw_decays, draw_traces
from qdimage.reporting.pages import make_pages
from qdimage.reporting.photon_answers import photon_part, run_population
from qdimage.reporting.photon_curves import curve_view, read_curve
from qdimage.reporting.population_figures import draw_g2_voltage, draw_smallest
from qdimage.reporting.sections import DEVICE_SECTIONS
from qdimage.reporting.style import house_style
from qdimage.reporting.troubles import find_warnings

FIELDS = (Field(), Field(name="quartz-1", device="substrate", el=()))
TAGS = (
    Tags(n_el=7),
    Tags("quartz-1", "substrate", n_el=0, n_pl=9, sample="quartz", n_refused=0, n_failed=0),
)


def save_coarsely(figure: Figure, folder: Path, stem: str) -> None:
    figure.savefig(folder / f"{stem}.png", dpi=25)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = make_run(tmp_path_factory.mktemp("tags") / "out", FIELDS)
    add_time_tags(out, TAGS)
    return out


def text_of(content: Content) -> str:
    """The page without its figures."""
    page = render(content, make_pages(content, no_figures))
    page = re.sub(r"<script.*?</script>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def copied(run: Path, out: Path) -> Path:
    """Tables and record of a run, without its curves."""
    out.mkdir()
    for path in [*run.glob("*.csv"), run / "run.json"]:
        (out / path.name).write_bytes(path.read_bytes())
    return out


def test_a_run_without_time_tags_has_no_such_section(tmp_path: Path) -> None:
    content = read_content(make_run(tmp_path / "out", [Field()]))
    assert photon_part(content) is None
    assert "time-tag" not in text_of(content)
    add_time_tags(content.out, ())
    assert all((content.out / f"{table.name}.csv").is_file() for table in (PHOTONS, POPULATION))
    assert photon_part(read_content(content.out)) is None


def test_headline_names_the_narrowest_interval_not_the_smallest_value(run: Path) -> None:
    content = read_content(run)
    photons = content.tables[PHOTONS.name].copy()
    at = photons["file"] == "dots/el_5_2.6V.ptu"
    value = float(photons["g2_0"][at].iloc[0])
    photons.loc[at, "g2_0_low"] = value - 0.004
    photons.loc[at, "g2_0_high"] = value + 0.004
    changed = Content(
        content.out, content.record, content.fields, {**content.tables, PHOTONS.name: photons}
    )
    part = photon_part(changed)
    assert part is not None
    assert "of dot 5 at 2.6 V in EL" in part.headlines[0].sentence
    assert f"{value:.2g}" in part.headlines[0].sentence


def test_headline_counts_those_truly_below_beside_those_measured_below(run: Path) -> None:
    content = read_content(run)
    (row,) = [row for row in run_population(content, "el") if row["device"] == "device-A"]
    text = text_of(content)
    assert f"Of 7 EL dots, {row['n_below']} have a measured g2(0) below the limit" in text
    low, high = 100 * row["share_below_low"], 100 * row["share_below_high"]
    assert f"{100 * row['share_below']:.0f} % ({low:.0f} to {high:.0f} %) of the population" in text
    assert "smallest g2(0) of 14 PL dots" in text


def test_every_file_has_a_row_and_every_refusal_its_reason(run: Path) -> None:
    content = read_content(run)
    text = text_of(content)
    for row in rows_of(content.tables[PHOTONS.name]):
        assert row["file"] in text
    steps = {(t.channel, t.status, t.step) for t in find_warnings(content).troubles}
    assert ("refused_0.ptu", "refused", "g2(0)") in steps
    assert ("failed_0.ptu", "failed", "g2(0)") in steps
    assert text.count("found 12 coincidences, expected at least 50; measure longer") == 2
    assert "1 file refused" in text
    assert "1 file failed" in text


def test_no_trace_is_missed_in_a_histogram(run: Path, tmp_path: Path) -> None:
    out = copied(run, tmp_path / "out")
    photons, traces = read_table(out, PHOTONS), read_table(out, TRACES)
    file = traces.loc[traces["status"] == "ok", "file"].iloc[0]
    traces.loc[traces["file"] == file, ["status", "message"]] = "refused", "it has no arrival times"
    write_table(traces, TRACES, out)
    named = "it has no arrival times"
    assert named in {each.message for each in find_warnings(read_content(out)).troubles}
    photons.loc[photons["file"] == file, "record"] = "histogram"
    write_table(photons, PHOTONS, out)
    assert named not in {each.message for each in find_warnings(read_content(out)).troubles}


def test_figures_are_drawn_and_put_into_the_page(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The figures of the camera side have tests of their own.
    monkeypatch.setattr("qdimage.reporting.pages.FIELD_SECTIONS", ())
    monkeypatch.setattr("qdimage.reporting.drawn.save", save_coarsely)
    kept = tuple(each for each in DEVICE_SECTIONS if each.key in ("g2", "light"))
    monkeypatch.setattr("qdimage.reporting.pages.DEVICE_SECTIONS", kept)
    report = build_report(run)
    stems = {path.stem for path in (run / "figures").glob("*.png")}
    wanted = {f"device_01_device-A_{kind}" for kind in ("g2", "g2_voltage", "traces", "decays")}
    assert wanted | {"run_smallest_g2", "device_02_substrate_g2"} <= stems
    html = report.read_text(encoding="utf-8")
    for stem in wanted | {"run_smallest_g2"}:
        assert f"{stem}.png" in html


def test_curves_are_joined_without_loss_and_relative_to_the_plateau(run: Path) -> None:
    content = read_content(run)
    (row,) = [
        row
        for row in rows_of(content.tables[PHOTONS.name])
        if row["file"] == "dots/el_3_2.4V.ptu" and row["device"] == "device-A"
    ]
    frame = read_curve(run, row)
    assert frame is not None
    view = curve_view(frame, row)
    assert view is not None
    far = np.abs(view.lag_ns) > 60
    assert np.mean(view.g2[far]) == pytest.approx(1.0, abs=0.03)
    centre = int(np.abs(view.model_lag_ns).argmin())
    assert view.model[centre] < row["g2_0"] + 0.06
    # The middle is the dip's, whatever the delay of the second detector.
    assert abs(view.model_lag_ns[view.model.argmin()]) <= 0.5
    assert np.std(view.residual) == pytest.approx(1.0, abs=0.25)
    width = np.diff(view.lag_ns)[0] / np.diff(frame["lag_ns"])[0]
    assert width == pytest.approx(round(width))
    assert round(width) % 2 == 1


def test_both_kinds_are_shown_where_there_are_more_curves_than_panels(tmp_path: Path) -> None:
    out = make_run(tmp_path / "out", [Field()])
    add_time_tags(out, [Tags(n_el=20, n_pl=12, n_refused=0, n_failed=0)], population=False)
    with house_style():
        figure = draw_g2(read_content(out), "device-A")
    assert figure is not None
    titles = [text.get_text() for text in figure.texts]
    panels = [title for title in titles if re.match(r"(EL|PL), dot", title)]
    assert len(panels) == MOST_PANELS
    assert {title[:2] for title in panels} == {"EL", "PL"}
    assert len({title.rpartition(", ")[0] for title in panels if title[:2] == "EL"}) > 6


def test_missing_and_spoilt_curves_leave_the_rest(run: Path, tmp_path: Path) -> None:
    content = read_content(copied(run, tmp_path / "out"))
    assert draw_g2(content, "device-A") is None
    assert draw_traces(content, "device-A") is None
    assert draw_decays(content, "device-A") is None
    bad = content.out / "curves" / "g2"
    bad.mkdir(parents=True)
    row = rows_of(content.tables[PHOTONS.name])[0]
    for text in ("", "lag_ns,counts\n", "a,b\n1,2\n", "lag_ns,counts,g2,model\nx,y,z,w\n"):
        (content.out / row["curve"]).write_text(text, encoding="utf-8")
        frame = read_curve(content.out, row)
        assert frame is None or curve_view(frame, row) is None
    outside = content.out.parent / "secret.csv"
    outside.write_text("lag_ns,counts,g2,model\n0,1,1,1\n", encoding="utf-8")
    assert read_curve(content.out, {"curve": "../secret.csv"}) is None


@pytest.mark.parametrize("name", [table.name for table in PHOTON_TABLES if table != PHOTONS])
def test_any_photon_table_may_be_absent(run: Path, tmp_path: Path, name: str) -> None:
    out = copied(run, tmp_path / "out")
    (out / f"{name}.csv").unlink(missing_ok=True)
    text = text_of(read_content(out))
    assert "The g2(0) known best" in text
    assert "nan" not in text.lower().split()


def test_numbers_that_are_missing_are_not_invented(run: Path, tmp_path: Path) -> None:
    out = copied(run, tmp_path / "out")
    for table in (PHOTONS, POPULATION, POPULATION_DOTS):
        frame = read_table(out, table)
        for column in table.columns:
            if column.kind == "number" and column.name != "voltage_v":
                frame[column.name] = None
        write_table(frame, table, out)
    content = read_content(out)
    text = text_of(content)
    assert "None of 21 time-tag files gave a g2(0)" in text
    assert "have a measured g2(0) below" not in text
    assert draw_g2_voltage(content, "device-A") is None
    with house_style():
        draw_smallest(content)


def test_time_tags_without_images_are_not_blamed_for_having_none(tmp_path: Path) -> None:
    out = make_run(tmp_path / "out", [Field(el=(), n_dots=0)])
    channels = pd.read_csv(out / "channels.csv").iloc[:0]
    channels.to_csv(out / "channels.csv", index=False)
    add_time_tags(out, [Tags(n_el=3, n_pl=3, voltages=(2.4,), located=False)])
    text = text_of(read_content(out))
    assert "no EL channel was analysed" not in text
    assert "of dots/el_" in text
    assert "are files without a dot" in text


def test_one_voltage_or_one_kind_gives_no_comparison(tmp_path: Path) -> None:
    out = make_run(tmp_path / "out", [Field()])
    add_time_tags(out, [Tags(voltages=(2.4,), n_el=3, n_pl=0)])
    content = read_content(out)
    assert draw_g2_voltage(content, "device-A") is None
    assert draw_smallest(content) is None
    text = text_of(content)
    assert "no limit to compare with" in text
