"""A model of one's own: what a file may hold, and what is said of one that may not."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.model_file import read_model_file
from qdimage.rates.dot import DotParameters
from qdimage.rates.expression import parse_expression
from qdimage.rates.pl import pl_model
from qdimage.rates.solution import solve

THREE_STATES = """
name = "three states"
states = ["0", "X", "XX"]
ladder = ["0", "X", "XX"]
drive = ["pump_per_us"]

[parameters.pump_per_us]
default = 10.0
high = 1e4
meaning = "excitations"

[parameters.exciton_lifetime_ns]
default = 40.0
low = 0.1

[parameters.ratio]
default = 0.07
high = 1.0
unit = ""

[[transitions]]
source = "0"
target = "X"
rate = "pump_per_us"

[[transitions]]
source = "X"
target = "XX"
rate = "pump_per_us"

[[transitions]]
source = "X"
target = "0"
rate = "1000 / exciton_lifetime_ns"
photon_yield = 1
line = "X"

[[transitions]]
source = "XX"
target = "X"
rate = "1000 / 0.7"
photon_yield = "ratio"
line = "XX"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_declares_the_model_that_it_says(tmp_path: Path) -> None:
    declared = read_model_file(written(tmp_path, THREE_STATES))
    assert declared.name == "three states"
    assert declared.parameters["pump_per_us"].unit == "1/us"
    assert declared.parameters["exciton_lifetime_ns"].unit == "ns"
    found = declared.model({"pump_per_us": 33.0, "exciton_lifetime_ns": 20.0, "ratio": 0.2})
    dot = DotParameters(exciton_lifetime_ns=20.0, biexciton_qy=0.2)
    np.testing.assert_allclose(
        solve(found).g2(np.array([0.0, 5.0])),
        solve(pl_model(dot, pump_per_us=33.0)).g2(np.array([0.0, 5.0])),
        rtol=1e-12,
    )
    assert found.lines == ("X", "XX")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('name = "three states"', 'nmae = "x"', "name"),
        ("high = 1e4", "hihg = 1e4", "parameters.pump_per_us.hihg"),
        ("default = 10.0", "default = 1e5", "parameters.pump_per_us"),
        ("default = 10.0", "default = nan", "parameters.pump_per_us.default"),
        ('unit = ""', 'unit = "1/s"\nmeaning = 3', "parameters.ratio.meaning"),
        ("low = 0.1", 'unit = "us"', "parameters.exciton_lifetime_ns.unit"),
        ("[parameters.ratio]", '[parameters."my ratio"]', "parameters.my ratio"),
        ('target = "XX"', 'target = "XXX"', "transitions.1.target"),
        ('source = "0"', 'source = "O"', "transitions.0.source"),
        ('rate = "1000 / 0.7"', 'rate = "1000 / tau"', "transitions.3.rate"),
        ('rate = "1000 / 0.7"', 'rate = "1000 / "', "transitions.3.rate"),
        ('rate = "1000 / 0.7"', 'rate = "__import__(1)"', "transitions.3.rate"),
        ('rate = "1000 / 0.7"', "rate = true", "transitions.3.rate"),
        ('rate = "1000 / 0.7"', "rate = [1]", "transitions.3.rate"),
        ('photon_yield = "ratio"', 'yield = "ratio"', "transitions.3.yield"),
        ('photon_yield = "ratio"', 'photon_yield = "20 * ratio"', "transitions.3.photon_yield"),
        ('rate = "pump_per_us"', 'rate = "-pump_per_us"', "transitions.0.rate"),
        ('rate = "pump_per_us"', 'rate = "1 / (ratio - ratio)"', "transitions.0.rate"),
        ('states = ["0", "X", "XX"]', 'states = ["0", "X", "XX", "X"]', "states"),
        ('states = ["0", "X", "XX"]', "states = []", "states"),
        ('ladder = ["0", "X", "XX"]', 'ladder = ["0", "Y"]', "ladder"),
        ('drive = ["pump_per_us"]', 'drive = ["pump"]', "drive"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in THREE_STATES
    path = written(tmp_path, THREE_STATES.replace(old, new, 1))
    with pytest.raises((ConfigurationError, FormatError)) as caught:
        read_model_file(path).model()
    text = str(caught.value)
    assert named in text
    assert "\n" not in text


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"mine\.toml"):
        read_model_file(written(tmp_path, "name = "))
    with pytest.raises(FormatError, match="no such file"):
        read_model_file(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 + 3 * 4", 14.0),
        ("-(a - b) ** 2 / b", -0.5),
        ("exp(-b) + sqrt(a * 12) + log(exp(a))", math.exp(-2) + 6 + 3),
        ("max(a, b, 7) - min(a, b)", 5.0),
        ("1e3/a", 1000 / 3),
        (" a ", 3.0),
    ],
)
def test_formulas_are_arithmetic(text: str, expected: float) -> None:
    assert parse_expression(text, ("a", "b")).value({"a": 3.0, "b": 2.0}) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.real",
        "a[0]",
        "'text'",
        "True",
        "1j",
        "a if b else a",
        "lambda: a",
        "[a for a in (1, 2)]",
        "a := 3",
        "a < b",
        "open('x')",
        "exp(a, base=2)",
        "exp",
        "c",
        "a; b",
        "().__class__",
        "a // b",
        "a @ b",
        "(" * 300,
        "a + " * 200 + "a",
        "\0",
    ],
)
def test_what_is_no_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_expression(text, ("a", "b")).value({"a": 1.0, "b": 2.0})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["1/(a-a)", "9**9**9**9", "log(-a)", "(-a)**0.5", "exp(1e6)"])
def test_a_formula_without_a_value_says_so(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"has no value|is not finite"):
        parse_expression(text, ("a",)).value({"a": 1.0})


@given(st.text(max_size=40))
def test_any_text_is_a_formula_or_is_refused(text: str) -> None:
    refusal, found = "", 0.0
    try:
        found = parse_expression(text, ("a",)).value({"a": 1.5})
    except ConfigurationError as error:
        refusal = str(error)
    assert "\n" not in refusal
    assert math.isfinite(found)
