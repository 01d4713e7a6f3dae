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
    answers = [call(capsys, "--kind", "el", *rates, *each)[1] for each in (law, by_sign)]
    assert answers[0] == answers[1]


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
