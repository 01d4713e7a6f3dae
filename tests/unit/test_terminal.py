"""What the command line prints."""

import json
import math

import numpy as np
import pytest

from qdimage.cli.terminal import aligned, plain, show_json


def test_numbers_without_a_value_become_null(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"a": math.nan, "b": np.float64(np.inf), "c": np.int64(3), "d": (True, None, "x")})
    assert json.loads(capsys.readouterr().out) == {
        "a": None,
        "b": None,
        "c": 3,
        "d": [True, None, "x"],
    }


def test_every_kind_of_number_stays_what_it_is() -> None:
    assert plain(np.bool_(True)) is True
    assert type(plain(np.int32(2))) is int
    assert type(plain(np.float32(0.5))) is float


def test_columns_are_aligned() -> None:
    assert (
        aligned([("a", "bb", "c"), ("aaa", "b", "long text")]) == "a    bb  c\naaa  b   long text"
    )
    assert aligned([]) == ""
