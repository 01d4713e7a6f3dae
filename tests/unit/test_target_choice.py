"""Rules for targets, and targets that keep a distance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdimage.steering.choice import reasons_against, spread_out
from qdimage.steering.options import TargetOptions

FACTS = {
    "accepted": np.array([True, False, True, True, True]),
    "isolated": np.array([True, True, False, True, True]),
    "lit": np.array([True, True, True, False, True]),
    "flux": np.array([100.0, 200.0, 300.0, 5.0, np.nan]),
    "g2_floor": np.array([0.01, 0.0, 0.3, 0.2, np.nan]),
    "flags": ["", "", "crowded", "edge;wide", ""],
}


def against(**options: object) -> list[list[str]]:
    return reasons_against(TargetOptions(**options), **FACTS)


def test_each_rule_names_itself() -> None:
    assert against() == [
        [],
        ["rejected by a person"],
        ["not isolated"],
        ["not lit", "flag edge"],
        [],
    ]


def test_brightness_and_floor_leave_out_what_is_not_known() -> None:
    found = against(min_photons_s=50, max_photons_s=250, max_g2_floor=0.1)
    assert found[0] == []
    assert found[2] == ["not isolated", "too bright", "g2_floor too high"]
    assert found[4] == ["too dim", "too bright", "g2_floor too high"]


def test_rules_can_be_left_out() -> None:
    found = against(isolated=False, lit=False)
    assert found[2] == []
    assert found[3] == ["flag edge"]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.floats(0.1, 5.0), st.integers(0, 99))
def test_spread_out_dots_keep_their_distance_and_leave_no_room(
    n: int, spacing: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    places, preference = rng.uniform(0, 10, (n, 2)), rng.uniform(0, 1, n)
    kept = spread_out(places, preference, spacing_um=spacing, number=None)
    distance = np.hypot(*(places[:, np.newaxis] - places).T)
    apart = distance[np.ix_(kept, kept)] + np.diag(np.full(len(kept), np.inf))
    assert np.all(apart >= spacing)
    assert int(np.argmin(preference)) in kept
    left = np.setdiff1d(np.arange(n), kept)
    assert np.all(distance[np.ix_(left, kept)].min(axis=1) < spacing)


def test_the_number_is_a_limit_and_unknown_comes_last() -> None:
    places = np.arange(8.0).reshape(4, 2)
    preference = np.array([np.nan, 3.0, 1.0, 2.0])
    assert spread_out(places, preference, spacing_um=0.0, number=2).tolist() == [2, 3]
    assert spread_out(places, preference, spacing_um=0.0, number=9).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("bad", [{"number": 0}, {"g2_err": 0.0}, {"spacing_um": -1.0}])
def test_options_have_bounds(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        TargetOptions(**bad)
