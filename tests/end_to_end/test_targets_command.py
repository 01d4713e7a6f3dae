"""``qdimage targets``: from a finished run to the stage and back, through the command line."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from small_device import SIDE_PX, copy_field, make_field

from qdimage.cli.main import run_command_line
from qdimage.io.experiment_file import read_experiment
from qdimage.io.poi_list import read_poi_list
from qdimage.pipeline.run import plan_run, run_plan

pytestmark = pytest.mark.slow

VOLTAGE = ("--voltage", "2.6")
PIXEL_UM = 0.107


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run_command_line(["targets", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def answer(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    code, out, err = call(capsys, *arguments, "--json")
    assert code == 0, err
    return dict(json.loads(out))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two fields and their run, in one folder."""
    folder = tmp_path_factory.mktemp("finished")
    first = make_field(folder / "device" / "field-a")
    copy_field(first, folder / "device" / "field-b")
    planned = plan_run(
        [folder / "device"],
        overrides={"match": {"blank_places": 60}},
        assignments=(),
        allow_outside=False,
    )
    run_plan(planned, folder / "out")
    return folder


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    """A copy of both, whose record names the copied fields."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    record = tmp_path / "out" / "run.json"
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace(str(finished), str(tmp_path)), encoding="utf-8")
    return tmp_path / "out"


def declared(out: Path, field: str = "field-a") -> Path:
    return out.parent / "device" / field / "experiment.toml"


def write_spectrum(path: Path) -> None:
    wavelength = np.arange(560.0, 700.0, 0.5)
    counts = 50 + 900 * np.exp(-0.5 * ((wavelength - 630) / 12) ** 2)
    lines = [f"{nm},{round(n)}" for nm, n in zip(wavelength, counts, strict=True)]
    path.write_text("\n".join(["wavelength_nm,counts", *lines]) + "\n", encoding="utf-8")


def without_map(out: Path) -> None:
    for field in ("field-a", "field-b"):
        path = declared(out, field)
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not line.startswith("stage_from_px")]
        path.write_text("\n".join(kept), encoding="utf-8")


def test_targets_are_chosen_placed_and_put_in_order(
    capsys: pytest.CaptureFixture[str], out: Path
) -> None:
    found = answer(capsys, out, *VOLTAGE, "--field", "field-a", "--number", "6")
    table = pd.read_csv(out / "targets.csv").sort_values("order")
    assert found["status"] == "ok"
    assert [row["target"] for row in found["rows"]] == table["target"].tolist()
    dots = pd.read_csv(out / "dots.csv").set_index(["field", "dot_id"])
    for _, row in table.iterrows():
        dot = dots.loc[(row["field"], row["dot_id"])]
        assert dot["isolated"]
        assert row["lit"]
        # The declared map, as in dots.csv.
        assert row["stage_x_um"] == pytest.approx(dot["stage_x_um"])
        assert row["stage_y_um"] == pytest.approx(dot["stage_y_um"])
        assert row["stage_x_err_um"] == pytest.approx(PIXEL_UM * dot["x_err_px"])
        assert 0 <= row["g2_floor"] < row["g2_0_expected"] < 1
    steps = np.hypot(*np.diff(table[["stage_x_um", "stage_y_um"]].to_numpy(), axis=0).T)
    assert table["step_um"].to_numpy()[1:] == pytest.approx(steps)
    assert found["path_um"] == pytest.approx(steps.sum())
    pois = read_poi_list(out / "targets_poi_list.dat")
    assert [poi.name for poi in pois] == table["target"].tolist()
    assert [poi.x_um for poi in pois] == pytest.approx(table["stage_x_um"].tolist())


def test_the_floor_of_pl_is_that_of_the_run(capsys: pytest.CaptureFixture[str], out: Path) -> None:
    rows = answer(capsys, out, "--field", "field-a")["rows"]
    dots = pd.read_csv(out / "dots.csv")
    floor = dots[dots["field"] == "field-a"].set_index("dot_id")["g2_floor"]
    assert rows
    for row in rows:
        assert row["g2_floor"] == pytest.approx(floor[row["dot_id"]], abs=1e-6)


def test_counts_follow_from_the_cameras_flux(capsys: pytest.CaptureFixture[str], out: Path) -> None:
    rows = answer(capsys, out, *VOLTAGE, "--number", "5")["rows"]
    for row in rows:
        own = 1 - row["neighbour_share"] - row["background_share"]
        # The demo device's collection efficiencies: 0.1 of the camera's arm, 0.6 of the other.
        assert row["counts_s"] * own == pytest.approx(row["photons_s"] / 0.1 * 0.6, rel=1e-6)
        assert row["minutes"] > 0
    # Half the error takes four times as long; given counts take the place of the flux.
    half = answer(capsys, out, *VOLTAGE, "--number", "5", "--g2-err", "0.005")["rows"]
    assert half[0]["minutes"] == pytest.approx(4 * rows[0]["minutes"])
    given = answer(capsys, out, *VOLTAGE, "--number", "5", "--counts-s", "9e4")["rows"]
    assert {row["counts_s"] for row in given} == {9e4}


def test_another_distance_of_isolation_counts(
    capsys: pytest.CaptureFixture[str], out: Path
) -> None:
    rows = answer(capsys, out, *VOLTAGE, "--set", "isolation_um=2.0")["rows"]
    assert rows
    assert all(row["nearest_um"] > 2.0 for row in rows)
    assert all(row["isolated"] for row in rows)


def test_names_of_several_fields_are_unique(capsys: pytest.CaptureFixture[str], out: Path) -> None:
    rows = answer(capsys, out, *VOLTAGE)["rows"]
    names = [row["target"] for row in rows]
    assert len(set(names)) == len(names)
    assert {name.partition("_")[0] for name in names} == {"field-a", "field-b"}
    assert [row["order"] for row in rows] == list(range(1, len(rows) + 1))


def test_named_dots_are_taken_whatever_the_rules_say(
    capsys: pytest.CaptureFixture[str], out: Path
) -> None:
    dots = pd.read_csv(out / "dots.csv")
    crowded = dots[(dots["field"] == "field-a") & ~dots["isolated"]]["dot_id"].tolist()[:2]
    listed = ",".join(map(str, crowded))
    rows = answer(capsys, out, *VOLTAGE, "--field", "field-a", "--dots", listed)["rows"]
    assert sorted(row["dot_id"] for row in rows) == sorted(crowded)
    assert all("not isolated" in row["message"] for row in rows)


@pytest.mark.parametrize("beside", [True, False])
def test_a_dot_rejected_since_the_run_is_no_target(
    capsys: pytest.CaptureFixture[str], out: Path, beside: bool
) -> None:
    chosen = (*VOLTAGE, "--field", "field-a", "--number", "3")
    row = answer(capsys, out, *chosen)["rows"][0]
    place = {name: row[name] for name in ("x_px", "y_px")}
    decisions = (declared(out).parent if beside else out.parent) / "curation.json"
    entries = [place | {"action": "rejected", "device": row["device"], "field": "field-a"}]
    decisions.write_text(json.dumps({"curation": 1, "entries": entries}), encoding="utf-8")
    given = () if beside else ("--curation", decisions)
    code, printed, err = call(capsys, out, *chosen, *given, "--json")
    assert code == 0
    assert "has not seen" in err
    assert row["dot_id"] not in [each["dot_id"] for each in json.loads(printed)["rows"]]


def test_clicked_pairs_give_the_map_and_its_error(
    capsys: pytest.CaptureFixture[str], out: Path
) -> None:
    without_map(out)
    rng = np.random.default_rng(4)
    places = rng.uniform(5, SIDE_PX - 5, (8, 2))
    linear = PIXEL_UM * np.array([[0.0, -1.0], [1.0, 0.0]])
    clicked = places @ linear.T + (3000.0, 50.0) + rng.normal(0, 0.05, places.shape)
    pairs = out.parent / "pairs.csv"
    columns = ["x_px", "y_px", "stage_x_um", "stage_y_um"]
    pd.DataFrame(np.hstack([places, clicked]), columns=columns).to_csv(pairs, index=False)
    rows = answer(capsys, out, *VOLTAGE, "--field", "field-a", "--pairs", pairs)["rows"]
    at = np.array([[row["stage_x_um"], row["stage_y_um"]] for row in rows])
    truth = np.array([[row["x_px"], row["y_px"]] for row in rows]) @ linear.T + (3000.0, 50.0)
    err = np.array([[row["stage_x_err_um"], row["stage_y_err_um"]] for row in rows])
    assert 0.01 < np.median(err) < 0.08
    # The map's few errors are shared by all targets: none of them may be far from any.
    assert np.all(np.abs(at - truth) < 5 * err)
    assert all("8 pairs of pairs.csv, affine" in row["stage_source"] for row in rows)
    # Kept, it is the declared map of the field.
    answer(capsys, out, *VOLTAGE, "--field", "field-a", "--pairs", pairs, "--save-map")
    again = answer(capsys, out, *VOLTAGE, "--field", "field-a")["rows"]
    assert [row["stage_x_um"] for row in again] == pytest.approx(at[:, 0].tolist())
    assert {row["stage_source"] for row in again} == {"stage_from_px"}


def test_measured_files_are_declared_by_name_and_by_place(
    capsys: pytest.CaptureFixture[str], out: Path
) -> None:
    rows = answer(capsys, out, *VOLTAGE, "--field", "field-a", "--number", "3")["rows"]
    before = declared(out).read_text(encoding="utf-8")
    folder = declared(out).parent / "later"
    folder.mkdir()
    first, second, third = rows
    (folder / f"{first['target']}_el_2.4V.ptu").write_bytes(b"not looked into here")
    write_spectrum(folder / f"{second['target']}.csv")
    (folder / "somewhere.ptu").write_bytes(b"")
    code, printed, err = call(capsys, out, "--attach", folder)
    assert code == 0
    assert "2 files declared" in printed
    assert "somewhere.ptu: it names no target" in err
    places = folder / "places.csv"
    at = f"{third['stage_x_um'] + 0.1},{third['stage_y_um'] - 0.2}"
    places.write_text(f"file,stage_x_um,stage_y_um\nsomewhere.ptu,{at}\n", encoding="utf-8")
    assert len(answer(capsys, out, "--attach", places)["rows"]) == 1
    assert answer(capsys, out, "--attach", places)["rows"] == []

    text = declared(out).read_text(encoding="utf-8")
    assert text.startswith(before.rstrip("\n"))
    experiment = read_experiment(declared(out)).declared
    by_name, by_place = experiment.photons
    assert (by_name.kind, by_name.voltage_v) == ("el", 2.4)
    assert (by_name.x_px, by_name.y_px) == pytest.approx((first["x_px"], first["y_px"]), abs=1e-3)
    assert by_place.file == "later/somewhere.ptu"
    assert by_place.x_px == pytest.approx(third["x_px"], abs=1e-3)
    (spectrum,) = experiment.spectra
    # The name says neither kind nor voltage: those for which the target was chosen.
    assert (spectrum.kind, spectrum.voltage_v) == ("el", 2.6)


def test_places_measured_again_show_shift_and_the_one_that_is_off(
    capsys: pytest.CaptureFixture[str], out: Path
) -> None:
    rows = answer(capsys, out, *VOLTAGE, "--field", "field-a", "--number", "8")["rows"]
    rng = np.random.default_rng(6)
    frame = pd.DataFrame(rows)[["target", "stage_x_um", "stage_y_um"]]
    frame["stage_x_um"] += 0.6 + rng.normal(0, 0.03, len(frame))
    frame["stage_y_um"] += -0.4 + rng.normal(0, 0.03, len(frame))
    frame.loc[2, "stage_x_um"] += 1.5
    path = out.parent / "measured.csv"
    frame.to_csv(path, index=False)
    found = answer(capsys, out, "--measured", path)
    assert found["n_off"] == 1
    assert (found["offset_x_um"], found["offset_y_um"]) == pytest.approx((0.6, -0.4), abs=0.06)
    off = [row["target"] for row in found["rows"] if row["off"]]
    assert off == [frame["target"].iloc[2]]
    # The table of the check serves as pairs.
    again = answer(capsys, out, *VOLTAGE, "--field", "field-a", "--pairs", out / "target_check.csv")
    assert again["status"] == "ok"
    assert f"{len(frame) - 1} pairs" in again["rows"][0]["stage_source"]


def test_a_new_image_corrects_the_targets(capsys: pytest.CaptureFixture[str], out: Path) -> None:
    before = answer(capsys, out, *VOLTAGE, "--field", "field-a", "--number", "5")["rows"]
    stack = tifffile.imread(declared(out).parent / "pl.tif")
    moved = out.parent / "now.tif"
    tifffile.imwrite(moved, np.roll(stack, (4, -3), axis=(1, 2)))
    found = answer(capsys, out, "--image", moved, "--exposure-s", "0.1")
    assert found["status"] == "ok"
    for old, new in zip(before, found["rows"], strict=True):
        assert new["target"] == old["target"]
        assert new["stage_x_um"] == pytest.approx(old["stage_x_um"] - 3 * PIXEL_UM, abs=0.01)
        assert new["stage_y_um"] == pytest.approx(old["stage_y_um"] + 4 * PIXEL_UM, abs=0.01)
        assert new["stage_x_err_um"] >= old["stage_x_err_um"]
    # The correction starts from the field's pixels, and does not add up.
    assert answer(capsys, out, "--image", moved)["rows"] == found["rows"]


def test_an_image_of_something_else_is_refused(
    capsys: pytest.CaptureFixture[str], out: Path
) -> None:
    answer(capsys, out, *VOLTAGE, "--field", "field-a", "--number", "5")
    before = (out / "targets.csv").read_bytes()
    stack = tifffile.imread(declared(out).parent / "pl.tif")
    other = out.parent / "other.tif"
    rng = np.random.default_rng(7)
    shuffled = rng.permutation(stack.reshape(len(stack), -1), axis=1)
    tifffile.imwrite(other, shuffled.reshape(stack.shape))
    found = answer(capsys, out, "--image", other)
    assert found["status"] == "refused"
    assert found["message"]
    assert (out / "targets.csv").read_bytes() == before


def test_no_dot_passes(capsys: pytest.CaptureFixture[str], out: Path) -> None:
    assert call(capsys, out, *VOLTAGE, "--quiet")[0] == 0
    assert (out / "targets_poi_list.dat").exists()
    found = answer(capsys, out, *VOLTAGE, "--min-photons-s", "1e9")
    assert found["status"] == "refused"
    assert "too dim" in found["message"]
    # Nobody may take the list of an earlier choice for this one's.
    assert not (out / "targets_poi_list.dat").exists()
    assert pd.read_csv(out / "targets.csv").empty


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((*VOLTAGE, "--field", "field-a", "--dots", "4,9999"), "no dot 9999"),
        ((*VOLTAGE, "--dots", "4"), "name one with --field"),
        (("--voltage", "9.9"), "only at 2.4, 2.6 V"),
        ((*VOLTAGE, "--field", "elsewhere"), "no field elsewhere"),
        ((*VOLTAGE, "--dots", "four"), "expected dot_ids"),
        (("--set", "colour=blue"), "unknown option 'colour'"),
        (("--attach", "nowhere.csv"), "found no targets"),
        (("--attach", "a", "--image", "b"), "one at a time"),
    ],
)
def test_what_is_not_there_is_named_in_one_line(
    capsys: pytest.CaptureFixture[str], finished: Path, arguments: tuple[str, ...], says: str
) -> None:
    code, printed, err = call(capsys, finished / "out", *arguments)
    assert (code, printed) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_without_a_map_there_is_no_target(capsys: pytest.CaptureFixture[str], out: Path) -> None:
    without_map(out)
    code, _, err = call(capsys, out, *VOLTAGE)
    assert code == 2
    assert "stage_from_px" in err
    assert "--pairs" in err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x_px,y_px,stage_x_um,stage_y_um\n1,1,0,0\n9,9,1,1\n20,20,2,2\n50,50,5,5\n", "line"),
        ("x_px,y_px,stage_x_um,stage_y_um\n1,1,0,0\n9,0,1,1\n", "at least 3"),
        ("x_px,y_px,stage_x_um\n1,1,0\n", "expected x_px,y_px,stage_x_um,stage_y_um"),
        ("x_px,y_px,stage_x_um,stage_y_um\n1,1,0,oops\n", "line 2 is 'oops'"),
        ("", "empty file"),
    ],
)
def test_pairs_that_give_no_map_are_named(
    capsys: pytest.CaptureFixture[str], finished: Path, tmp_path: Path, text: str, says: str
) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text(text, encoding="utf-8")
    given = ("--field", "field-a", "--pairs", pairs)
    code, _, err = call(capsys, finished / "out", *VOLTAGE, *given)
    assert code == 2
    assert "pairs.csv" in err
    assert says in err
