"""``qdimage model``: predictions without data."""

import json
from pathlib import Path

import pytest

import qdimage
from qdimage.cli.main import run_command_line
from qdimage.errors import ConfigurationError

X41 = "0.46284401059920"
PAPER = ["--kind", "el", "--coulomb-x", X41, "--carriers", "4"]


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run_command_line(["model", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_papers_rates_give_json_with_the_promised_keys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rates = ["--electron-rate", "25", "--hole-rate", "25", "--lags", "0,10,300", "--json"]
    code, out, err = call(capsys, *PAPER, *rates)
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["lag_ns"] == [0.0, 10.0, 300.0]
    assert found["g2_0"] == found["g2"][0] == pytest.approx(0.0396, abs=1e-4)
    assert len(found["states"]) == len(found["populations"]) == 15
    assert found["states"][0] == [0, 0]
    assert sum(found["populations"]) == pytest.approx(1.0)
    assert found["intensity_per_us"] > 5


def test_the_weak_limit_is_the_papers_constant(capsys: pytest.CaptureFixture[str]) -> None:
    rates = ["--electron-rate", "1e-6", "--hole-rate", "1e-6", "--count-trions", "no"]
    code, out, _ = call(capsys, *PAPER, *rates, "--weak-limit")
    assert code == 0
    assert float(out) == pytest.approx(0.41, abs=1e-9)


def test_limits_of_weak_drive_need_no_rates(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, *PAPER, "--count-trions", "no", "--weak-limit")
    assert code == 0
    assert float(out) == pytest.approx(0.41, abs=1e-9)
    code, out, _ = call(capsys, "--kind", "pl", "--weak-limit")
    assert code == 0
    assert float(out) == pytest.approx(0.07, rel=1e-8)


def test_a_dot_of_ones_own_and_a_table_of_factors(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    dot, table = tmp_path / "dot.toml", tmp_path / "law.csv"
    dot.write_text("[dot_parameters]\nbiexciton_qy = 0.0\n", encoding="utf-8")
    table.write_text("s,factor\n1,2.0\n2,2.0\n-1,0.5\n-2,0.5\n", encoding="utf-8")
    code, out, _ = call(capsys, "--kind", "pl", "--pump", "1e-4", "--dot", str(dot), "--json")
    assert code == 0
    assert json.loads(out)["g2_0"] == pytest.approx(0.0, abs=1e-12)
    rates = ["--electron-rate", "5", "--hole-rate", "5", "--carriers", "2", "--json"]
    law = ["--coulomb", "table", "--coulomb-table", str(table)]
    by_sign = ["--coulomb", "sign", "--coulomb-attraction", "2", "--coulomb-repulsion", "0.5"]
    answers = [
        json.loads(call(capsys, "--kind", "el", *rates, *each)[1]) for each in (law, by_sign)
    ]
    for key in ("g2", "intensity_per_us", "populations"):
        assert answers[0][key] == answers[1][key]
    # The table has no factors for more carriers, so that the truncation's error is not known.
    assert answers[0]["truncation_error"] is None
    assert any("s = " in each for each in answers[0]["warnings"])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--kind", "pl"], "--pump"),
        (["--kind", "el", "--electron-rate", "1"], "--hole-rate"),
        (["--kind", "el", "--electron-rate", "1", "--hole-rate", "1"], "--coulomb-x"),
        (["--kind", "pl", "--pump", "1", "--lags", "a,b"], "--lags"),
        (["--kind", "pl", "--pump", "0"], "photons"),
        (["--kind", "pl", "--pump", "1", "--dot", "nowhere.toml"], "nowhere.toml"),
        (["--kind", "xx"], "--kind"),
        ([*PAPER, "--electron-rate", "0", "--hole-rate", "1"], "never left"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (2, "")
    assert named in err
    assert err.count("\n") == 1


def test_the_call_from_python_refuses_unknown_parameters() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'exciton_qy'"):
        qdimage.model("pl", pump_per_us=1.0, dot={"exciton_yq": 0.5})


MINE = """
name = "two levels"
states = ["g", "e"]
drive = ["pump_per_us"]
ladder = ["g", "e"]
[parameters.pump_per_us]
default = 5.0
[[transitions]]
source = "g"
target = "e"
rate = "pump_per_us"
[[transitions]]
source = "e"
target = "g"
rate = 25
photon_yield = 0.5
line = "E"
"""


def test_a_model_of_ones_own_is_solved(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(MINE, encoding="utf-8")
    code, out, err = call(capsys, "--model", str(file), "--parameter", "pump_per_us=75", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["model"] == "two levels"
    assert found["states"] == ["g", "e"]
    assert found["g2_0"] == 0.0
    assert found["intensity_per_us"] == pytest.approx(0.5 * 75 * 25 / 100)
    assert found["parameters"] == {"pump_per_us": 75.0}
    scan = ["--scan", "1:100:3", "--scan-parameter", "pump_per_us", "--json"]
    rows = json.loads(call(capsys, "--model", str(file), *scan)[1])["rows"]
    assert [row["intensity_per_us"] for row in rows] == pytest.approx(
        [0.5 * pump * 25 / (pump + 25) for pump in (1, 10, 100)]
    )


def test_a_scan_gives_rows_a_table_and_a_figure(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    csv, picture = tmp_path / "rows.csv", tmp_path / "scan.svg"
    scan = ["--scan", "0.1:1000:7", "--beside-pl", "-o", str(csv), "--figure", str(picture)]
    code, out, err = call(capsys, *PAPER, *scan, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [row["pump_per_us"] for row in found["rows"][:7]] == pytest.approx(
        [0.1 * 10 ** (4 * k / 6) for k in range(7)]
    )
    assert found["weak_limit_g2_0"]["pl"] == pytest.approx(0.07)
    lines = csv.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("model,parameter,value,pump_per_us")
    assert len(lines) == 15
    assert float(lines[1].split(",")[6]) == found["rows"][0]["g2_0"]
    assert picture.read_text(encoding="utf-8").startswith("<?xml")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["rows.csv", "scan.svg"]


def test_a_figure_of_g2_and_one_of_the_ratio_are_pictures(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from PIL import Image

    ratio = ["--pump", "25", "--scan-ratio", "0.1:10:5"]
    curve = ["--pump", "25", "--lags", "-10,0,1e5"]
    for name, options in (("ratio.png", ratio), ("g2.png", curve)):
        assert call(capsys, *PAPER, *options, "--figure", str(tmp_path / name))[0] == 0
        with Image.open(tmp_path / name) as image:
            assert image.width > 800
            assert len(image.convert("RGB").getcolors(1 << 20) or []) > 20


def test_the_effects_of_the_parameters_are_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, *PAPER, "--pump", "25", "--sensitivity")
    assert code == 0
    assert "they are used as given" in err
    rows = out[out.index("effect of each parameter") :].splitlines()[2:]
    assert rows[0].split()[0] == "biexciton_qy"
    assert len(rows) == 11
    found = json.loads(call(capsys, *PAPER, "--pump", "25", "--sensitivity", "--json")[1])
    by_name = {each["parameter"]: each for each in found["sensitivity"]}
    # The larger g2(0) comes with more biexcitons' light, and with longer trions.
    assert by_name["biexciton_qy"]["g2_0_exponent"] > 0.5
    assert by_name["negative_trion_lifetime_ns"]["g2_0_exponent"] > 0.2
    wanted = {name: each["for_lower_g2_0"] for name, each in by_name.items()}
    assert wanted["biexciton_qy"] == wanted["negative_trion_lifetime_ns"] == "less"
    assert wanted["negative_trion_qy"] == "more"
    # A brighter exciton would help, and cannot be had.
    assert wanted["exciton_qy"] == "at its bound"


def test_background_lines_and_pulses_have_their_options(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pl = ["--kind", "pl", "--pump", "5", "--lags", "0,20", "--json"]
    plain = json.loads(call(capsys, *pl)[1])
    dim = json.loads(call(capsys, *pl, "--background-share", "0.5")[1])
    assert [1 - each for each in dim["g2"]] == pytest.approx(
        [0.25 * (1 - each) for each in plain["g2"]]
    )
    found = json.loads(call(capsys, *pl, "--lines", "XX", "--against", "X")[1])
    assert list(found["line_intensity_per_us"]) == ["XX"]


def test_a_pulse_gives_a_decay(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    csv, picture = tmp_path / "decay.csv", tmp_path / "decay.png"
    written = ["-o", str(csv), "--figure", str(picture)]
    pulse = ["--kind", "pl", "--pulse", "0.3", "--lags", "0,20,-5"]
    code, out, _ = call(capsys, *pulse, *written, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["time_ns"] == [0.0, 20.0, -5.0]
    assert found["photons_per_us"][2] == 0.0
    assert 0.25 < found["photons_per_pulse"] < 0.3
    rows = csv.read_text(encoding="utf-8").splitlines()
    assert rows[0] == "time_ns,photons_per_us,X_photons_per_us,XX_photons_per_us"
    assert float(rows[1].split(",")[1]) == found["photons_per_us"][0]
    assert picture.stat().st_size > 5000
    code, out, _ = call(capsys, "--kind", "pl", "--start", "X=1", "--lags", "0,20")
    assert code == 0
    assert "photons for each pulse, emitted: 1" in out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "--kind"),
        (["--kind", "pl", "--model", "x.toml"], "--model"),
        (["--model", "nowhere.toml"], "nowhere.toml"),
        ([*PAPER, "--pump", "1", "--electron-rate", "1"], "--pump"),
        ([*PAPER, "--pump", "1", "--hole-to-electron", "0"], "--hole-to-electron"),
        (["--kind", "pl", "--pump", "1", "--parameter", "exciton_qy"], "--parameter"),
        (["--kind", "pl", "--pump", "1", "--parameter", "qy=1"], "exciton_qy"),
        (["--kind", "pl", "--pump", "1", "--lines", "Y"], "'Y'"),
        (["--kind", "pl", "--pump", "1", "--figure", "x.pdf"], ".svg"),
        (["--kind", "pl", "--scan", "1:10"], "LOW:HIGH:N"),
        (["--kind", "pl", "--pump", "1", "--scan-parameter", "exciton_qy"], "--scan"),
        (["--kind", "pl", "--pump", "1", "--lags", "nan"], "--lags"),
        (["--kind", "pl", "--pump", "1", "--bin-ns", "inf"], "bin"),
        (["--kind", "pl", "--pump", "1", "--response-fwhm-ns", "inf"], "response"),
        (["--kind", "pl", "--pulse", "1", "--start", "X=1"], "--start"),
        (["--kind", "pl", "--start", "Y=1"], "--start"),
        (["--kind", "pl", "--pump", "1e9"], "pump_per_us"),
        ([*PAPER, "--pump", "1", "--coulomb-x", "99"], "coulomb_x"),
    ],
)
def test_what_contradicts_itself_is_named(
    capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (2, "")
    assert named in err
    assert err.count("\n") == 1
