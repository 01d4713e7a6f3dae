"""Wrong files, folders and options: one clear line, the right exit code, nothing left behind."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from folders import DEMO, copy_field

from qdimage.cli.main import run_command_line

SMALL = np.random.default_rng(1).poisson(20.0, (4, 32, 32)).astype(np.uint16) + 200


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run_command_line([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def one_line(text: str) -> str:
    assert text.startswith("qdimage: ")
    assert text.endswith("\n")
    assert text.count("\n") == 1
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["frobnicate"], "frobnicate"),
        (["run"], "PATH"),
        (["run", "somewhere"], "--output"),
        (["run", "nowhere", "-o", "out"], "nowhere"),
        (["run", str(DEMO), "-o", "out", "--workers", "0"], "--workers"),
        (["run", str(DEMO), "-o", "out", "--format", "xls"], "--format"),
        (["run", str(DEMO), "-o", "out", "--set", "localize.psf"], "STAGE.OPTION=VALUE"),
        (["run", str(DEMO), "-o", "out", "--set", "localize.max_round=2"], "localize.max_rounds"),
        (["run", str(DEMO), "-o", "out", "--set", "localize.max_rounds=0"], "max_rounds"),
        (["run", str(DEMO), "-o", "out", "--config", "nowhere.toml"], "nowhere.toml"),
        (["check", "nowhere"], "nowhere"),
        (["init", "nowhere"], "nowhere"),
        (["report", "nowhere"], "nowhere"),
        (["locate", "nowhere.tif", "--exposure-s", "0.1"], "nowhere.tif"),
        (["simulate", "out", "--set", "scene.density=1"], "scene.density_per_um2"),
        (["simulate", "out", "--config", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    named: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert named in one_line(err)
    assert list(tmp_path.iterdir()) == []


def write_rgb(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((16, 16, 3), np.uint8), photometric="rgb")


def write_complex(path: Path) -> None:
    tifffile.imwrite(path, np.ones((3, 16, 16), np.complex64), photometric="minisblack")


def write_nan(path: Path) -> None:
    tifffile.imwrite(path, np.full((3, 16, 16), np.nan, np.float32), photometric="minisblack")


def write_mixed(path: Path) -> None:
    with tifffile.TiffWriter(path) as file:
        file.write(SMALL[0], contiguous=False)
        file.write(SMALL[0, :16], contiguous=False)


def write_saturated(path: Path) -> None:
    tifffile.imwrite(path, np.full((3, 16, 16), 65535, np.uint16), photometric="minisblack")


def write_empty(path: Path) -> None:
    path.write_bytes(b"")


def write_text(path: Path) -> None:
    path.write_text("this is no picture", encoding="utf-8")


def write_cut(path: Path) -> None:
    tifffile.imwrite(path, SMALL, photometric="minisblack")
    path.write_bytes(path.read_bytes()[:-1500])


def write_fewer(path: Path) -> None:
    tifffile.imwrite(path, SMALL, imagej=True, metadata={"axes": "TYX"})
    content = path.read_bytes().replace(b"images=4", b"images=9").replace(b"frames=4", b"frames=9")
    path.write_bytes(content)


BAD_STACKS = {
    "rgb": (write_rgb, "colour"),
    "complex": (write_complex, "complex"),
    "nan": (write_nan, "finite"),
    "mixed": (write_mixed, "one shape"),
    "saturated": (write_saturated, "saturated"),
    "empty": (write_empty, "empty"),
    "text": (write_text, "TIFF"),
    "cut": (write_cut, "copy or export"),
    "fewer": (write_fewer, "expected the 9"),
}


@pytest.mark.parametrize("kind", sorted(BAD_STACKS))
def test_a_bad_stack_is_named_by_locate(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str
) -> None:
    write, said = BAD_STACKS[kind]
    path = tmp_path / "bad.tif"
    write(path)
    rows = tmp_path / "rows.csv"
    code, out, err = call(capsys, "locate", path, "--exposure-s", "0.1", "-o", rows)
    assert code == 2
    assert out == ""
    assert "bad.tif" in one_line(err)
    assert said in err
    assert not rows.exists()


@pytest.mark.parametrize("kind", sorted(BAD_STACKS))
def test_a_bad_stack_is_named_by_check(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str
) -> None:
    write, said = BAD_STACKS[kind]
    folder = tmp_path / "field"
    folder.mkdir()
    write(folder / "bad.tif")
    declaration = '[[channels]]\nname = "PL"\nkind = "pl"\nstack = "bad.tif"\nexposure_s = 0.1\n'
    (folder / "experiment.toml").write_text(declaration, encoding="utf-8")
    code, out, err = call(capsys, "check", folder)
    assert code == 3
    assert "1 cannot be analysed" in out
    assert said in one_line(err)


def test_check_of_good_fields_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "check", DEMO / "field-01")
    assert (code, err) == (0, "")
    assert out == ("read 1 fields, 5 stacks, 10 files of photons: nothing stops an analysis\n")


def test_a_folder_with_other_things_in_it_is_not_written_into(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mine = tmp_path / "figures" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("keep me", encoding="utf-8")
    code, _, err = call(capsys, "run", DEMO / "field-01", "-o", tmp_path)
    assert code == 2
    assert "not empty" in one_line(err)
    assert mine.read_text(encoding="utf-8") == "keep me"
    assert [path.name for path in tmp_path.iterdir()] == ["figures"]


def test_two_fields_of_one_name_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    copy_field(1, tmp_path / "a")
    copy_field(1, tmp_path / "b")
    code, _, err = call(capsys, "run", tmp_path, "-o", tmp_path / "out")
    assert code == 2
    assert "field-01" in one_line(err)
    assert not (tmp_path / "out").exists()


def test_a_stack_without_exposure_says_what_to_add(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", SMALL, photometric="minisblack")
    code, _, err = call(capsys, "locate", tmp_path / "a.tif")
    assert code == 2
    assert "--exposure-s" in one_line(err)


def test_dry_run_lists_the_fields_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = call(capsys, "run", DEMO, "-o", tmp_path / "out", "--dry-run", "--json")
    assert (code, err) == (0, "")
    plan = json.loads(out)
    assert [each["field"] for each in plan["fields"]] == ["field-01", "field-02", "field-03"]
    assert plan["fields"][0]["channels"][0] == "PL"
    assert not (tmp_path / "out").exists()


def test_options_are_listed_with_unit_and_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "options", "--json")
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)["rows"]}
    assert rows["localize.false_alarms_per_frame"]["default"] == 0.1
    assert rows["register.max_shift_px"]["unit"] == "px"
    assert all(row["meaning"] for row in rows.values())


def test_a_refused_registration_is_an_answer_not_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pl, el = DEMO / "field-01" / "pl.tif", DEMO / "field-02" / "el_2.6V.tif"
    code, out, err = call(capsys, "register", pl, el, "--exposure-s", "0.1", "--json")
    assert (code, err) == (0, "")
    row = json.loads(out)
    assert row["status"] == "refused"
    assert row["m00"] is None
    assert "chance" in row["message"]


def test_register_prints_one_flat_object(capsys: pytest.CaptureFixture[str]) -> None:
    pl, el = DEMO / "field-01" / "pl.tif", DEMO / "field-01" / "el_2.6V.tif"
    code, out, _ = call(capsys, "register", pl, el, "--exposure-s", "0.1", "--json")
    assert code == 0
    row = json.loads(out)
    truth = json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))
    matrix = truth["fields"]["field-01"]["channels"]["EL 2.6V"]["transform"]["matrix"]
    # The true map bends by up to 0.3 px at the corners.
    for row_index, names in enumerate((("m00", "m01"), ("m10", "m11"))):
        for column, name in enumerate(names):
            assert row[name] == pytest.approx(matrix[row_index][column], abs=4e-3)
    assert row["n_inliers"] > 50


def test_locate_prints_rows_and_writes_the_same(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stack, csv = DEMO / "field-01" / "el_2.6V.tif", tmp_path / "rows.csv"
    shared = ["--exposure-s", "0.1", "--pixel-size-um", "0.107", "--json", "-o", csv]
    code, out, _ = call(capsys, "locate", stack, *shared)
    assert code == 0
    rows = json.loads(out)["rows"]
    assert len(rows) > 60
    assert rows[0]["x_um"] == pytest.approx(0.107 * rows[0]["x_px"])
    assert rows[0]["signal_unit"] == "ADU"
    assert len(csv.read_text(encoding="utf-8").splitlines()) == len(rows) + 1


def test_an_interrupted_run_leaves_the_earlier_one_as_it_was(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    field, out = copy_field(2, tmp_path / "device"), tmp_path / "out"
    assert call(capsys, "run", field, "-o", out, "--quiet")[0] == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("qdimage.pipeline.run.build_tables", interrupted)
    code, _, err = call(capsys, "run", field, "-o", out, "--quiet")
    assert code == 130
    assert "interrupted" in one_line(err)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    shutil.rmtree(out)
    assert call(capsys, "run", field, "-o", out, "--quiet")[0] == 130
    assert not out.exists()


def test_check_names_a_declaration_without_channels(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "experiment.toml").write_text("contract = 1\n", encoding="utf-8")
    code, _, err = call(capsys, "check", tmp_path)
    assert code == 3
    assert "[[channels]]" in one_line(err)


@pytest.mark.parametrize("exposure", ["0", "-0.1"])
def test_an_exposure_that_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], exposure: str
) -> None:
    stack = DEMO / "field-01" / "el_2.6V.tif"
    code, _, err = call(capsys, "locate", stack, "--exposure-s", exposure)
    assert code == 2
    assert "exposure" in one_line(err)


def test_a_bias_above_the_frames_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = copy_field(2, tmp_path)
    declaration = folder / "experiment.toml"
    text = declaration.read_text(encoding="utf-8").replace("bias_adu = 200.0", "bias_adu = 20000.0")
    declaration.write_text(text, encoding="utf-8")
    assert call(capsys, "run", folder, "-o", tmp_path / "out", "--quiet")[0] == 0
    warnings = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))["warnings"]
    assert any("bias_adu" in warning for warning in warnings)
