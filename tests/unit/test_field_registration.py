"""The channels of a field on its reference: binning, siblings, pins, and what is pointed out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dots import SHAPE, Pair, chosen, draw_pair, localizations, similarity, uniform

from qdimage.domain.experiment import ChannelTable
from qdimage.domain.localizations import Localizations
from qdimage.domain.refusal import Refusal
from qdimage.pipeline.registration import Found, Registered, register_channels
from qdimage.pipeline.tables import registration_row
from qdimage.registration.options import RegisterOptions

TRUE = similarity((11.0, -7.0), 1.2)


def pair_of(seed: int, lit_share: float = 0.6) -> Pair:
    return draw_pair(np.random.default_rng([90, seed]), TRUE, n_fixed=70, lit_share=lit_share)


def table(name: str, voltage_v: float | None, **keys: Any) -> ChannelTable:
    kind = "pl" if voltage_v is None else "el"
    return ChannelTable(name=name, kind=kind, stack=f"{name}.tif", voltage_v=voltage_v, **keys)


def registered(
    fixed: Localizations, *channels: tuple[ChannelTable, Localizations], shape=SHAPE
) -> dict[str, Registered | Refusal]:
    return register_channels(
        {each.name: (each, Found(dots, shape)) for each, dots in channels},
        (table("PL", None), Found(fixed, SHAPE)),
        options=RegisterOptions(),
    )


def binned(dots: Localizations) -> Localizations:
    return replace(
        dots,
        x_px=(dots.x_px - 0.5) / 2,
        y_px=(dots.y_px - 0.5) / 2,
        x_err_px=dots.x_err_px / 2,
        y_err_px=dots.y_err_px / 2,
    )


def test_a_binned_channel_is_mapped_from_its_own_pixels() -> None:
    pair = pair_of(1)
    moving, shape = binned(pair.moving), (SHAPE[0] // 2, SHAPE[1] // 2)
    answer = registered(pair.fixed, (table("EL", 2.4, binning=2), moving), shape=shape)["EL"]
    assert isinstance(answer, Registered)
    expected = TRUE.apply(pair.moving.positions)
    assert answer.registration.transform.apply(moving.positions) == pytest.approx(expected, abs=0.4)


def test_binning_that_nobody_declared_is_pointed_out() -> None:
    pair = pair_of(2)
    shape = (SHAPE[0] // 2, SHAPE[1] // 2)
    answer = registered(pair.fixed, (table("EL", 2.4), binned(pair.moving)), shape=shape)["EL"]
    assert isinstance(answer, Refusal)
    assert "binning = 2" in answer.reason


def test_three_dots_and_none_are_registered_through_the_nearest_voltage_that_passed() -> None:
    pair = pair_of(3, lit_share=0.9)
    three = chosen(pair.moving, [5, 20, 40])
    answers = registered(
        pair.fixed,
        (table("unlit", 1.8), localizations(np.empty((0, 2)))),
        (table("low", 2.0), three),
        (table("middle", 2.3), pair.moving),
        (table("high", 2.6), chosen(pair.moving, np.arange(0, len(pair.moving), 2))),
    )
    for name in ("unlit", "low"):
        answer = answers[name]
        assert isinstance(answer, Registered)
        assert answer.shared_from == "middle"
        assert answer.registration.inherited == (name == "unlit")
    row = registration_row(answers["unlit"], shape=SHAPE)
    assert row["status"] == "ok"
    assert "taken over from middle" in row["message"]
    assert row["model"] == registration_row(answers["middle"], shape=SHAPE)["model"]


def test_without_a_voltage_that_passed_every_channel_is_refused_for_its_own_reason() -> None:
    pair = pair_of(4)
    answers = registered(
        pair.fixed,
        (table("a", 2.0), localizations(np.empty((0, 2)))),
        (table("b", 2.4), localizations(uniform(np.random.default_rng(1), 30))),
    )
    assert "found 0 dots here" in answers["a"].reason
    assert "of 30 dots" in answers["b"].reason


def test_one_stack_given_twice_is_pointed_out() -> None:
    pair = pair_of(5)
    answers = registered(
        pair.fixed,
        (table("a", 2.2), pair.moving),
        (table("b", 2.4), pair.moving),
        (table("c", 2.6), pair.fixed),
    )
    assert "those of b" in registration_row(answers["a"], shape=SHAPE)["message"]
    assert "those of the reference" in registration_row(answers["c"], shape=SHAPE)["message"]


def test_two_voltages_of_the_same_dots_are_not_one_stack() -> None:
    pair, rng = pair_of(6), np.random.default_rng(7)
    shaken = pair.moving.positions + pair.moving.position_err_px * rng.standard_normal(
        pair.moving.positions.shape
    )
    again = localizations(shaken, pair.moving.x_err_px)
    answers = registered(pair.fixed, (table("a", 2.2), pair.moving), (table("b", 2.4), again))
    assert all(answer.note == "" for answer in answers.values())


@pytest.mark.parametrize("mirror", [False, True])
def test_two_pins_of_an_upright_or_a_mirrored_channel_are_tested_both_ways(mirror: bool) -> None:
    pair = pair_of(8)
    positions = pair.moving.positions
    if mirror:
        positions = positions * [-1.0, 1.0] + [SHAPE[1] - 1, 0.0]
    moving = localizations(positions, pair.moving.x_err_px)
    far = [int(np.argmin(positions.sum(axis=1))), int(np.argmax(positions.sum(axis=1)))]
    images = TRUE.apply(pair.moving.positions[far])
    pins = [[*here, *there] for here, there in zip(positions[far], images, strict=True)]
    answer = registered(pair.fixed, (table("EL", 2.4, pins=pins), moving))["EL"]
    assert isinstance(answer, Registered)
    assert answer.registration.model == "manual"
    expected = TRUE.apply(pair.moving.positions)
    assert answer.registration.transform.apply(positions) == pytest.approx(expected, abs=0.5)


def test_wrong_pins_are_refused_though_the_dots_agree_elsewhere() -> None:
    pair = pair_of(9)
    pins = [[20.0, 20.0, 60.0, 20.0], [200.0, 40.0, 240.0, 40.0], [90.0, 200.0, 130.0, 200.0]]
    answer = registered(pair.fixed, (table("EL", 2.4, pins=pins), pair.moving))["EL"]
    assert isinstance(answer, Refusal)
    assert "pins" in answer.reason
