"""TOML and JSON that are written read back as the same values."""

import json
import tomllib
from typing import Any

import pytest

from qdimage.io.documents import format_json, format_toml


def test_toml_has_keys_then_tables_then_lists_of_tables() -> None:
    document = {
        "channels": [{"name": "PL"}, {"name": "EL", "voltage_v": 2.4}],
        "experiment": {"name": "a"},
        "contract": 1,
    }
    assert format_toml(document) == (
        "contract = 1\n"
        '\n[experiment]\nname = "a"\n'
        '\n[[channels]]\nname = "PL"\n'
        '\n[[channels]]\nname = "EL"\nvoltage_v = 2.4\n'
    )
    assert tomllib.loads(format_toml(document)) == document


def test_toml_leaves_out_what_is_none() -> None:
    assert tomllib.loads(format_toml({"a": None, "b": {"c": None, "d": 1}})) == {"b": {"d": 1}}


@pytest.mark.parametrize("key", ["two words", "a.b", "µ", "", 'quote"', "new\nline"])
def test_toml_quotes_keys_that_need_it(key: str) -> None:
    document = {key: 1, f"{key}x": {key: 2}}
    assert tomllib.loads(format_toml(document)) == document


@pytest.mark.parametrize("text", ["µ", "\x7f", "\x00\x1f", 'a"b\\c', "line\nend", "\U0001f600", ""])
def test_toml_keeps_every_text(text: str) -> None:
    assert tomllib.loads(format_toml({"text": text})) == {"text": text}


@pytest.mark.parametrize("value", [1e-300, 5e-324, 1e16, 1e22, -0.0, 0.1, 2**63, True, [], [[1]]])
def test_toml_keeps_every_value_and_its_type(value: Any) -> None:
    read = tomllib.loads(format_toml({"value": value}))["value"]
    assert repr(read) == repr(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        format_toml({"value": value})
    for document in (value, {"a": value}, [{"a": value}]):
        with pytest.raises(ValueError, match="not JSON compliant"):
            format_json(document)


def test_json_has_a_line_for_each_record_and_list() -> None:
    document = {"a": [{"x": 1, "y": [1, 2]}, {"x": 2}], "b": {"c": [1, 2, 3], "d": {}}}
    text = format_json(document)
    assert json.loads(text) == document
    assert text.splitlines() == [
        "{",
        '  "a": [',
        '    {"x": 1, "y": [1, 2]},',
        '    {"x": 2}',
        "  ],",
        '  "b": {',
        '    "c": [1, 2, 3],',
        '    "d": {}',
        "  }",
        "}",
    ]
