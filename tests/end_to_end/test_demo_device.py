"""The main job on the demo device, through the command line, against the simulation's truth."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from folders import CLONE, DEMO, qdimage
from scipy.spatial import cKDTree

from qdimage.domain.tables import IMAGE_TABLES

pytestmark = pytest.mark.slow

# A dot that was found lies this close to its true place; the errors are a tenth of it.
FOUND_PX = 1.0

# What scripts may rely on; the tables may have more columns and other ones between these.
CONTRACT_COLUMNS = {
    "localizations": "channel loc_id x_px y_px x_err_px y_err_px photons_s photons_err_s "
    "background_photons_px_s sigma_px false_alarm_p flags",
    "registration": "channel status model m00 m01 m02 m10 m11 m12 shared_from n_inliers rms_px "
    "chance_p overlap_fraction message",
    "dots": "dot_id x_px y_px x_err_px y_err_px x_um y_um stage_x_um stage_y_um pl_photons_s "
    "isolated g2_floor turn_on_voltage_v turn_on_voltage_low_v turn_on_voltage_high_v flags "
    "accepted note pl_g2_0 pl_g2_0_low pl_g2_0_high pl_g2_0_file el_g2_0 el_g2_0_low el_g2_0_high "
    "el_g2_0_file el_g2_0_voltage_v pl_peak_nm el_peak_nm pl_fwhm_nm el_fwhm_nm "
    "injection_rate_per_us lifetime_ns",
    "dot_channels": "dot_id channel voltage_v status photons_s photons_err_s photons_upper_s lit "
    "lit_probability false_alarm_p loc_id distance_px flags",
    "turn_on": "channel voltage_v status n_pl n_lit n_el_only n_edge n_outside n_unresolved "
    "chance_matches f_min_photons_s fraction fraction_low fraction_high confidence "
    "fraction_extrapolated message",
}


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    return json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))["fields"]


@pytest.fixture(scope="module")
def printed_and_out(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    out = tmp_path_factory.mktemp("demo") / "results"
    done = qdimage("run", "sample_stacks/demo_device", "-o", out, cwd=CLONE)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout, out


@pytest.fixture(scope="module")
def out(printed_and_out: tuple[str, Path]) -> Path:
    return printed_and_out[1]


@pytest.fixture(scope="module")
def tables(out: Path) -> dict[str, pd.DataFrame]:
    return {table.name: pd.read_csv(out / f"{table.name}.csv") for table in IMAGE_TABLES}


def sources(channel: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(channel["sources"]).set_index("id")


def rows_of(table: pd.DataFrame, field: str, channel: str) -> pd.DataFrame:
    return table[(table["field"] == field) & (table["channel"] == channel)]


def true_map(channel: dict[str, Any], points: np.ndarray) -> np.ndarray:
    transform = channel["transform"]
    u = (points - transform["centre_px"]) / transform["radius_px"]
    bent = points + transform["radial_px"] * np.sum(u**2, axis=1, keepdims=True) * u
    matrix = np.array(transform["matrix"])
    return bent @ matrix[:, :2].T + matrix[:, 2]


@pytest.mark.parametrize("table", sorted(CONTRACT_COLUMNS))
def test_tables_have_the_columns_that_scripts_rely_on(out: Path, table: str) -> None:
    with (out / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    assert columns[:2] == ["device", "field"]
    assert set(CONTRACT_COLUMNS[table].split()) <= set(columns)


def test_dots_above_300_photons_per_frame_are_found(
    tables: dict[str, pd.DataFrame], truth: dict[str, Any]
) -> None:
    n_found = n_bright = 0
    for field, about in truth.items():
        for name, channel in about["channels"].items():
            true = sources(channel)
            true = true[true["in_frame"] & (true["photons_s"] * about["exposure_s"] > 300)]
            found = rows_of(tables["localizations"], field, name)[["x_px", "y_px"]]
            if len(true):
                distance, _ = cKDTree(found).query(true[["x_px", "y_px"]])
                n_found += int(np.sum(distance < FOUND_PX))
                n_bright += len(true)
    assert n_bright > 300
    assert n_found / n_bright > 0.9


def test_nearly_nothing_is_found_that_is_not_there(
    tables: dict[str, pd.DataFrame], truth: dict[str, Any]
) -> None:
    # 15 images at 0.1 noise peaks each: more than 8 have odds of 1e-4.
    n_false = 0
    for field, about in truth.items():
        for name, channel in about["channels"].items():
            true = sources(channel)
            true = true[true["photons_s"] > 0]
            found = rows_of(tables["localizations"], field, name)[["x_px", "y_px"]]
            distance, _ = cKDTree(true[["x_px", "y_px"]]).query(found)
            n_false += int(np.sum(distance > 3.0))
    assert n_false <= 8


def test_registration_is_right_where_ten_dots_are_lit(
    tables: dict[str, pd.DataFrame], truth: dict[str, Any]
) -> None:
    grid = np.stack(np.meshgrid(np.linspace(0, 255, 18), np.linspace(0, 255, 18)), axis=-1)
    points = grid.reshape(-1, 2)
    n_channels = 0
    for _, row in tables["registration"].iterrows():
        about = truth[row["field"]]
        channel = about["channels"][row["channel"]]
        true = sources(channel)
        if np.sum(true["lit"] & true["in_frame"]) < 10:
            continue
        n_channels += 1
        assert row["status"] == "ok"
        matrix = row[["m00", "m01", "m02", "m10", "m11", "m12"]].to_numpy(float).reshape(2, 3)
        mapped = points @ matrix[:, :2].T + matrix[:, 2]
        error = np.hypot(*(mapped - true_map(channel, points)).T)
        assert np.median(error) < 0.2
    assert n_channels >= 6


def test_the_interval_holds_the_true_fraction(
    tables: dict[str, pd.DataFrame], truth: dict[str, Any]
) -> None:
    # 95 % intervals: fewer than 10 of 12 right have odds of 2 %, on a fixed data set once for all.
    turn_on = tables["turn_on"]
    fractions = turn_on[turn_on["field"] != "all"]
    assert len(fractions) == 12
    n_right = 0
    for _, row in fractions.iterrows():
        about = truth[row["field"]]
        el, pl = sources(about["channels"][row["channel"]]), pd.DataFrame(about["sources"])
        visible = pl[(pl["kind"] == "dot") & pl["in_frame"]]["id"]
        both = el.loc[visible][el.loc[visible, "in_frame"]]
        share = np.mean(both["photons_s"] > row["f_min_photons_s"])
        n_right += row["fraction_low"] <= share <= row["fraction_high"]
    assert n_right >= 11


def test_fluxes_agree_with_the_truth(
    tables: dict[str, pd.DataFrame], truth: dict[str, Any]
) -> None:
    ratios = []
    for field, about in truth.items():
        dots = tables["dots"][tables["dots"]["field"] == field]
        isolated = dots[dots["isolated"]]
        true = pd.DataFrame(about["sources"])
        distance, index = cKDTree(true[["x_px", "y_px"]]).query(isolated[["x_px", "y_px"]])
        near = distance < FOUND_PX
        expected = true["pl_photons_s"].to_numpy()[index[near]]
        ratios += list(isolated["pl_photons_s"].to_numpy()[near] / expected)
    assert len(ratios) > 60
    assert np.median(ratios) == pytest.approx(1.0, abs=0.02)


def test_lit_and_dark_dots_are_told_apart(
    tables: dict[str, pd.DataFrame], truth: dict[str, Any]
) -> None:
    n_missed = n_lit = n_false = n_dark = 0
    for field, about in truth.items():
        dots = tables["dots"][tables["dots"]["field"] == field].set_index("dot_id")
        pl = pd.DataFrame(about["sources"]).set_index("id")
        pl = pl[(pl["kind"] == "dot") & pl["in_frame"]]
        distance, index = cKDTree(pl[["x_px", "y_px"]]).query(dots[["x_px", "y_px"]])
        alone = cKDTree(pl[["x_px", "y_px"]]).query(pl[["x_px", "y_px"]], k=2)[0][:, 1] > 6
        good = (distance < FOUND_PX) & alone[index]
        ids = dict(zip(dots.index[good], pl.index[index[good]], strict=True))
        for name, channel in about["channels"].items():
            rows = rows_of(tables["dot_channels"], field, name).set_index("dot_id")
            true = sources(channel)
            for dot, source in ids.items():
                if name == "PL" or pd.isna(rows.loc[dot, "lit"]):
                    continue
                lit = bool(rows.loc[dot, "lit"])
                if true.loc[source, "lit"]:
                    n_lit, n_missed = n_lit + 1, n_missed + (not lit)
                else:
                    n_dark, n_false = n_dark + 1, n_false + lit
    assert n_missed <= 0.02 * n_lit
    # 1 % of dark dots are called lit, and EL-only defects lie on a few: 4 % has odds below 1e-4.
    assert n_false <= 0.04 * n_dark


def test_what_is_printed_is_what_the_table_says(
    printed_and_out: tuple[str, Path], tables: dict[str, pd.DataFrame]
) -> None:
    printed, out = printed_and_out
    turn_on = tables["turn_on"]
    for _, row in turn_on[turn_on["field"] == "all"].iterrows():
        assert f"{row['n_lit']:.0f} of {row['n_pl']:.0f}" in printed
        assert f"{row['fraction']:.3f}" in printed
    assert f"report: {out / 'report.html'}" in printed


def test_the_run_leaves_report_pictures_and_record(out: Path) -> None:
    assert (out / "report.html").stat().st_size > 50_000
    pictures = {path.suffix for path in (out / "figures").iterdir()}
    assert {".png", ".svg"} <= pictures
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["contract"] == 1
    assert record["warnings"] == []
    hashes = json.loads((DEMO / "sha256.json").read_text(encoding="utf-8"))
    for field in record["fields"]:
        for stack, digest in field["stacks"].items():
            assert hashes[f"{field['field']}/{stack}"] == digest


def test_dots_are_numbered_in_order_of_y_then_x(tables: dict[str, pd.DataFrame]) -> None:
    for _, dots in tables["dots"].groupby("field"):
        assert list(dots["dot_id"]) == list(range(1, len(dots) + 1))
        assert list(dots.index) == list(dots.sort_values(["y_px", "x_px"]).index)


def test_the_pool_is_the_sum_of_its_fields(tables: dict[str, pd.DataFrame]) -> None:
    turn_on = tables["turn_on"]
    for voltage, rows in turn_on.groupby("voltage_v"):
        pooled, fields = rows[rows["field"] == "all"], rows[rows["field"] != "all"]
        for column in ("n_pl", "n_lit", "n_el_only", "n_edge", "n_outside", "n_unresolved"):
            assert pooled[column].item() == fields[column].sum(), voltage


def test_every_dot_is_counted_once_and_as_what_it_is(tables: dict[str, pd.DataFrame]) -> None:
    places = ["n_pl", "n_edge", "n_outside", "n_unresolved", "n_faint", "n_rejected"]
    turn_on = tables["turn_on"]
    for row in turn_on[(turn_on["field"] != "all") & (turn_on["status"] == "ok")].itertuples():
        of_field = tables["dots"][tables["dots"]["field"] == row.field]
        assert sum(getattr(row, name) for name in places) == len(of_field)
        assert row.n_lit + row.n_pl_dark == row.n_pl
        own = tables["dot_channels"]
        own = own[(own["field"] == row.field) & (own["channel"] == row.channel)]
        assert own["counted"].sum() == row.n_pl
        assert (own["counted"] & (own["photons_s"] > row.f_min_photons_s)).sum() == row.n_lit
        found = tables["matches"]
        found = found[(found["field"] == row.field) & (found["channel"] == row.channel)]
        assert found["el_only"].sum() == row.n_el_only


def test_false_alarms_and_contamination_are_those_of_the_blank_places(
    tables: dict[str, pd.DataFrame],
) -> None:
    turn_on, blanks = tables["turn_on"], tables["blanks"]
    for row in turn_on[(turn_on["field"] != "all") & (turn_on["status"] == "ok")].itertuples():
        own = blanks[(blanks["field"] == row.field) & (blanks["channel"] == row.channel)]
        occupied, lit = own["occupied"].astype(bool), own["lit"].astype(bool)
        assert row.lit_false_alarm_share == pytest.approx(lit[~occupied].mean())
        assert row.lit_contamination_share == pytest.approx((lit & occupied).mean())
        # About 1,000 places at 1 %, from which the null itself was learned.
        assert row.lit_false_alarm_share == pytest.approx(0.01, abs=0.002)


def test_results_do_not_depend_on_the_number_of_workers(out: Path, tmp_path: Path) -> None:
    done = qdimage("run", DEMO, "-o", tmp_path / "again", "--workers", "1", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for table in IMAGE_TABLES:
        name = f"{table.name}.csv"
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes(), name
    for picture in sorted((out / "figures").iterdir()):
        again = tmp_path / "again" / "figures" / picture.name
        assert again.read_bytes() == picture.read_bytes(), picture.name
