"""A number from rows of a table, and its interval."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from qdimage.domain.expectations import Selection
from qdimage.domain.refusal import Refusal
from qdimage.numerics.selection import Interval, Selected, chosen, select

ROWS = [
    {"file": "a.csv", "kind": "el", "voltage_v": 2.6, "g2_0": 0.05, "low": 0.04, "high": 0.06},
    {"file": "b.csv", "kind": "el", "voltage_v": 2.6, "g2_0": 0.065, "low": 0.05, "high": 0.08},
    {"file": "c.csv", "kind": "el", "voltage_v": 2.2, "g2_0": 0.09, "low": 0.075, "high": 0.11},
    {"file": "d.csv", "kind": "pl", "voltage_v": None, "g2_0": None, "message": "too dark"},
]
ENDS = Interval("low", "high")


def answer(interval: Interval = ENDS, **keys) -> Selected | Refusal:
    return select(ROWS, Selection.model_validate({"table": "photons", **keys}), interval)


def number(**keys) -> Selected:
    found = answer(**keys)
    assert isinstance(found, Selected)
    return found


def test_rows_are_chosen_by_numbers_texts_patterns_lists_and_emptiness() -> None:
    def files(**where):
        return [row["file"] for row in chosen(ROWS, where)]

    assert files(kind="el", voltage_v=2.6) == ["a.csv", "b.csv"]
    assert files(voltage_v=2.6 + 1e-13) == ["a.csv", "b.csv"]
    assert files(file="[bc].*") == ["b.csv", "c.csv"]
    assert files(file=("a.csv", "d.csv")) == ["a.csv", "d.csv"]
    assert files(voltage_v="") == ["d.csv"]
    assert files(kind="ir") == []


def test_the_only_row_gives_its_value_and_its_interval() -> None:
    found = number(where={"file": "a.csv"}, column="g2_0")
    assert (found.value, found.low, found.high) == pytest.approx((0.05, 0.04, 0.06))
    assert found.row is ROWS[0]


def test_no_row_several_rows_and_an_empty_cell_say_so() -> None:
    assert "no rows" in answer(where={"kind": "ir"}, column="g2_0").reason
    assert "3 rows" in answer(where={"kind": "el"}, column="g2_0").reason
    assert answer(where={"file": "d.csv"}, column="g2_0").reason == "too dark"
    assert "none of 1 rows" in answer(where={"kind": "pl"}, column="g2_0", aggregate="min").reason


def test_rows_beyond_a_limit_are_counted_with_those_that_may_be() -> None:
    found = number(where={"kind": "el"}, column="g2_0", aggregate="count", below=0.07)
    # The first lies below for sure, the second may lie above, the third lies above for sure.
    assert (found.value, found.low, found.high) == (2, 1, 2)
    share = number(where={"kind": "el"}, column="g2_0", aggregate="fraction", above=0.07)
    assert (share.value, share.low, share.high) == pytest.approx((1 / 3, 1 / 3, 2 / 3))


def test_rows_are_counted_without_a_column() -> None:
    found = number(where={"kind": "el"}, aggregate="count")
    assert (found.value, found.low, found.high) == (3, None, None)


def test_extremes_have_the_interval_of_their_row() -> None:
    least = number(column="g2_0", aggregate="min")
    most = number(column="g2_0", aggregate="max", factor=2.0)
    assert (least.value, least.high, least.row) == (0.05, 0.06, ROWS[0])
    assert (most.value, most.low) == pytest.approx((0.18, 0.15))


def test_an_error_becomes_an_interval_and_a_relative_one_widens_it() -> None:
    rows = [{"x": 10.0, "x_err": 0.3}]
    only = Selection(table="t", column="x")
    found = select(rows, only, Interval(err="x_err", err_relative=0.04))
    half = 1.959964 * math.hypot(0.3, 0.4)
    assert (found.low, found.high) == pytest.approx((10 - half, 10 + half))
    alone = select(rows, only, Interval(err_relative=0.04))
    assert alone.high == pytest.approx(10 + 1.959964 * 0.4)
    assert select(rows, only, Interval()) == Selected(10.0, None, None, rows[0])


@given(st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=30))
def test_intervals_of_mean_and_median_hold_them(values: list[float]) -> None:
    rows = [{"x": value} for value in values]
    for aggregate in ("mean", "median"):
        found = select(rows, Selection(table="t", column="x", aggregate=aggregate), Interval())
        assert min(values) - 1e-9 <= found.value <= max(values) + 1e-9
        assert found.low - 1e-9 <= found.value <= found.high + 1e-9


@given(st.floats(0.1, 10.0), st.booleans())
def test_a_factor_moves_value_and_interval_alike(factor: float, negative: bool) -> None:
    factor = -factor if negative else factor
    plain = number(where={"file": "a.csv"}, column="g2_0")
    found = number(where={"file": "a.csv"}, column="g2_0", factor=factor)
    assert found.value == pytest.approx(factor * plain.value)
    assert sorted([found.low, found.high]) == [found.low, found.high]
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize(
    "keys",
    [
        {"column": "g2_0", "below": 0.1},
        {"column": "g2_0", "aggregate": "fraction"},
        {"aggregate": "mean"},
        {"column": "g2_0", "factor": 0},
        {"column": "g2_0", "aggregate": "mode"},
    ],
)
def test_selections_that_mean_nothing_are_refused(keys: dict) -> None:
    with pytest.raises(ValidationError):
        Selection.model_validate({"table": "photons", **keys})
