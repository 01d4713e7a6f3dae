"""Sweeps, leak, hysteresis and currents of simulated devices; where light sets in."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from qdimage.domain.iv import IvCurve
from qdimage.domain.refusal import Refusal
from qdimage.electrical.current_at import Current, current_at
from qdimage.electrical.hysteresis import Hysteresis, compare_sweeps
from qdimage.electrical.leak import Leak, find_leak
from qdimage.electrical.onset import Onset, onset
from qdimage.electrical.sweeps import Sweep, loop_partners, sweeps_of
from qdimage.simulation.iv import Conduction, draw_readings, sweep_up_and_down

DEVICE = Conduction(leak_ohm=2e7, noise_a=2e-11, relative_noise=2e-3)


def _curve(volts: np.ndarray, amps: np.ndarray, compliance: np.ndarray | None = None) -> IvCurve:
    limited = np.zeros(len(volts), bool) if compliance is None else compliance
    return IvCurve(Path("iv.csv"), np.asarray(volts, float), np.asarray(amps, float), None, limited)


def _measured(device: Conduction, seed: int, highest_v: float = 2.6) -> IvCurve:
    volts = sweep_up_and_down(highest_v)
    readings = draw_readings(device, volts, np.random.default_rng(seed))
    return _curve(readings.voltage_v, readings.current_a)


def test_a_loop_is_parted_at_its_turn() -> None:
    up, down = sweeps_of(_measured(DEVICE, 1))
    assert (up.direction, down.direction) == ("up", "down")
    assert (up.n_readings, down.n_readings) == (53, 52)
    assert loop_partners([up, down]) == [None, 0]
    assert np.all(np.diff(down.voltage_v) > 0)


@settings(max_examples=50, deadline=None)
@given(
    turns=st.lists(st.integers(8, 30), min_size=1, max_size=5),
    noise=st.floats(0.0, 0.15),
    seed=st.integers(0, 1000),
)
def test_sweeps_do_not_depend_on_the_scatter_of_voltages(
    turns: list[int], noise: float, seed: int
) -> None:
    """Steps are 1; a measured voltage scatters by less, and every reading is in one sweep."""
    steps = np.concatenate([(-1.0) ** k * np.ones(n) for k, n in enumerate(turns)])
    volts = np.concatenate([[0.0], np.cumsum(steps)])
    scatter = noise * np.random.default_rng(seed).uniform(-1, 1, len(volts))
    found = sweeps_of(_curve(volts + scatter, np.ones(len(volts))))
    directions = [each.direction for each in found]
    assert directions == [("up", "down")[k % 2] for k in range(len(turns))]
    assert sum(each.n_readings for each in found) == len(volts)


def test_a_held_voltage_and_what_cannot_be_used() -> None:
    amps = np.array([1e-9, np.nan, 1e-9, 2e-9])
    limited = np.array([False, False, True, False])
    scatter = np.array([1e-4, -2e-4, 1e-4, 0.0])
    (found,) = sweeps_of(_curve(2.0 + scatter, amps, limited))
    assert found.direction == "hold"
    assert (found.n_overflow, found.n_compliance, len(found.voltage_v)) == (1, 1, 2)


def test_no_reading_is_lost_between_sweeps() -> None:
    """A sweep that turns after two readings is part of its neighbour."""
    volts = np.array([0.2, 0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.4])
    found = sweeps_of(_curve(volts, np.ones(len(volts))))
    assert sum(each.n_readings for each in found) == len(volts)
    assert all(each.n_readings >= 3 for each in found)


def test_the_leak_is_covered() -> None:
    """400 sweeps; an interval that covers 95 % has between 366 and 393 with odds of 0.9999."""
    siemens, covered = 1 / DEVICE.leak_ohm, 0
    for seed in range(400):
        found = find_leak(sweeps_of(_measured(DEVICE, seed))[0], window_v=1.0)
        assert isinstance(found, Leak)
        covered += found.low <= siemens <= found.high
    low, high = binom.interval(0.9999, 400, 0.95)
    assert low <= covered <= high


def test_injection_is_no_leak() -> None:
    """The window shrinks below the onset, and the slope stays that of the leak."""
    device = replace(DEVICE, onset_v=0.9, onset_width_v=0.02)
    found = find_leak(sweeps_of(_measured(device, 3))[0], window_v=2.0)
    assert isinstance(found, Leak)
    assert found.window_v < 1.05
    assert found.siemens == pytest.approx(1 / DEVICE.leak_ohm, rel=0.05)


def test_a_current_that_bends_everywhere_has_no_ohmic_part() -> None:
    volts = np.linspace(0, 1, 60)
    (sweep,) = sweeps_of(_curve(volts, 1e-9 * np.expm1(volts / 0.05)))
    found = find_leak(sweep, window_v=1.0)
    assert isinstance(found, Refusal)
    assert "bends" in found.reason


def test_hysteresis_is_recovered() -> None:
    device = replace(DEVICE, leak_ohm=1e12, falling_share=0.8)
    up, down = sweeps_of(_measured(device, 5))
    found = compare_sweeps(down, up, noise_a=2e-11)
    assert isinstance(found, Hysteresis)
    assert found.ratio == pytest.approx(0.8, rel=0.01)
    # The area inside a closed path is the integral along it.
    path = sweep_up_and_down(2.6)
    amps = np.concatenate([device.current_a(path[:53]), device.current_a(path[53:], falling=True)])
    assert found.loop_w == pytest.approx(np.trapezoid(amps, path), rel=0.02)
    assert isinstance(compare_sweeps(down, up, noise_a=1.0), Refusal)


def test_the_current_at_a_voltage_is_between_the_sweeps() -> None:
    device = replace(DEVICE, falling_share=0.8)
    sweeps = sweeps_of(_measured(device, 6))
    found = current_at(sweeps, 2.43)
    assert isinstance(found, Current)
    up, down = (float(device.current_a(np.array(2.43), falling=each)) for each in (False, True))
    assert found.high_a == pytest.approx(up, rel=0.02)
    assert found.low_a == pytest.approx(down, rel=0.02)
    assert found.mean_a == pytest.approx(np.sqrt(up * down), rel=0.01)


def test_no_current_is_made_up() -> None:
    sweeps = sweeps_of(_measured(DEVICE, 7))
    beyond = current_at(sweeps, 3.0)
    assert isinstance(beyond, Refusal)
    assert "expected one at 3 V" in beyond.reason
    volts = np.linspace(0, 1, 11)
    negative = current_at(sweeps_of(_curve(volts, np.full(11, -1e-12))), 0.5)
    assert isinstance(negative, Refusal)
    nothing = current_at(
        [Sweep("up", np.empty(0), np.empty(0), 3, 3, 0)],
        1.0,
    )
    assert isinstance(nothing, Refusal)


def test_light_sets_in_between_two_voltages() -> None:
    volts = np.array([1.8, 2.0, 2.2, 2.4])
    found = onset(volts, np.array([0.4, 0.2, 1e-6, 1e-9]), false_alarm_probability=0.01)
    assert isinstance(found, Onset)
    assert (found.low_v, found.high_v, found.not_seen_above_v) == (2.0, 2.2, ())
    at_once = onset(volts, np.full(4, 1e-9), false_alarm_probability=0.01)
    assert isinstance(at_once, Onset)
    assert at_once.low_v is None
    lapsed = onset(volts, np.array([0.4, 1e-9, 0.3, 1e-9]), false_alarm_probability=0.01)
    assert isinstance(lapsed, Onset)
    assert lapsed.not_seen_above_v == (2.2,)


def test_no_turn_on_without_light() -> None:
    dark = onset(np.array([1.8, 2.0]), np.array([0.4, 0.2]), false_alarm_probability=0.01)
    assert isinstance(dark, Refusal)
    assert "no light is seen up to 2 V" in dark.reason
    alone = onset(np.array([2.0, 2.0]), np.array([1e-9, 1e-9]), false_alarm_probability=0.01)
    assert isinstance(alone, Refusal)


def test_darkness_has_a_turn_on_as_seldom_as_stated() -> None:
    """2000 dark series of 6 spectra at 4 voltages, 5 % each: 70 to 124 with odds of 0.9999."""
    rng = np.random.default_rng(11)
    volts = np.array([2.0, 2.0, 2.2, 2.4, 2.4, 2.6])
    found = sum(
        isinstance(
            onset(volts, norm.sf(rng.standard_normal(6)), false_alarm_probability=0.05), Onset
        )
        for _ in range(2000)
    )
    # The chance that one of 4 independent voltages passes 5 % / 4 is 4.9 %.
    low, high = binom.interval(0.9999, 2000, 1 - (1 - 0.05 / 4) ** 4)
    assert low <= found <= high
