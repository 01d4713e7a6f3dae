"""Simulated cameras are measured, or the answer is refused for the right reason."""

from typing import Any

import numpy as np
import pytest
from emccd import Emccd, blinking, columns, register_outputs, spots

import qdimage
from qdimage.domain.calibration import Measured, with_part
from qdimage.domain.refusal import Refusal
from qdimage.errors import ConfigurationError, FormatError

SHAPE = (96, 96)


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def measured(found: Any, name: str) -> Measured:
    answer = found.quantities[name]
    assert isinstance(answer, Measured), answer
    return answer


def refused(found: Any, name: str = "adu_per_photoelectron") -> str:
    answer = found.quantities[name]
    assert isinstance(answer, Refusal), answer
    return answer.reason


def field(rng: np.random.Generator, *, n: int = 40, mean_e: float = 300.0) -> np.ndarray:
    return 2.0 + spots(SHAPE, n, mean_e, rng).sum(axis=0)


@pytest.mark.parametrize("em_gain", [100.0, 300.0, 1000.0])
def test_dark_frames_give_bias_noise_charge_and_the_output_of_an_electron(em_gain: float) -> None:
    # Four numbers within 4.5 of their errors: by chance one of these three cameras fails in 1e-4.
    rng = rng_of(int(em_gain))
    camera = Emccd(em_gain, bias_adu=columns(SHAPE, 3.0, rng), charge_e=0.01)
    found = qdimage.calibrate(
        dark=camera.still(np.zeros(SHAPE), 100, rng), camera={"em_gain": em_gain}
    )
    truth = {
        "bias_adu": float(np.mean(camera.bias_adu)),
        "adu_per_photoelectron": camera.gain,
        "read_noise_adu": camera.read_noise_e / camera.electrons_per_adu,
        "clock_induced_charge_e": camera.charge_e,
    }
    for name, true in truth.items():
        answer = measured(found, name)
        assert abs(answer.value - true) < 4.5 * answer.err, name
        assert answer.low < answer.value < answer.high
    assert measured(found, "adu_per_photoelectron").err < 0.05 * camera.gain
    assert "flats" in refused(found, "excess_noise_factor_sq")


def test_the_bias_map_is_closer_to_the_truth_than_the_mean_of_the_frames() -> None:
    rng = rng_of(5)
    truth = columns(SHAPE, 3.0, rng)
    camera = Emccd(bias_adu=truth)
    frames = camera.still(np.zeros(SHAPE), 20, rng)
    found = qdimage.calibrate(dark=frames, camera={"em_gain": 300.0})
    error = found.bias.pattern_adu + found.bias.level_adu - truth
    plain = frames.mean(axis=0) - truth
    assert np.std(error) < 0.9 * np.std(plain)
    assert np.std(error) < 1.3 * found.bias.pattern_err_adu


def test_flats_and_dark_frames_together_give_excess_noise() -> None:
    rng = rng_of(7)
    camera = Emccd()
    flats = [camera.still(np.full(SHAPE, level), 20, rng) for level in (5.0, 20.0, 60.0)]
    dark = camera.still(np.zeros(SHAPE), 150, rng)
    found = qdimage.calibrate(flats, dark=dark, camera={"em_gain": 300.0})
    excess = measured(found, "excess_noise_factor_sq")
    assert abs(excess.value - 2.0) < 4.5 * excess.err < 0.3
    assert measured(found, "adu_per_photoelectron").value == pytest.approx(camera.gain, rel=0.02)
    assert measured(found, "electrons_per_adu").value == pytest.approx(12.3, rel=0.02)


def test_flats_without_gain_give_the_sensitivity_and_so_the_true_em_gain() -> None:
    rng = rng_of(8)
    on, off = Emccd(270.0), Emccd(1.0, read_noise_e=20.0)
    flats = [on.still(np.full(SHAPE, level), 20, rng) for level in (5.0, 20.0, 60.0)]
    plain = [off.still(np.full(SHAPE, level), 20, rng) for level in (500.0, 5000.0, 20000.0)]
    found = qdimage.calibrate(flats, flat_without_gain=plain, camera={"em_gain": 300.0})
    assert measured(found, "electrons_per_adu").value == pytest.approx(12.3, rel=0.02)
    assert measured(found, "em_gain").value == pytest.approx(270.0, rel=0.03)
    # What was set is believed for the excess noise, for want of anything else.
    assert measured(found, "excess_noise_factor_sq").value == pytest.approx(2 * 0.9, rel=0.03)


@pytest.mark.parametrize("em_gain", [1.0, 30.0, 300.0])
def test_a_field_of_dots_that_hold_still_gives_the_gain_within_two_percent(em_gain: float) -> None:
    rng = rng_of(int(em_gain) + 20)
    camera = Emccd(em_gain, read_noise_e=45.0 if em_gain > 1 else 8.0)
    scene = field(rng, mean_e=1000.0 if em_gain > 1 else 50000.0)
    found = qdimage.calibrate(camera.still(scene, 300, rng), camera={"em_gain": em_gain})
    gain = measured(found, "adu_per_photoelectron")
    assert gain.value == pytest.approx(camera.gain, rel=0.02)
    assert abs(gain.value - camera.gain) < 3.5 * gain.err
    assert "dark frames" in refused(found, "bias_adu")


def test_flickering_light_is_taken_out_and_said() -> None:
    rng = rng_of(11)
    camera, scene = Emccd(), field(rng, mean_e=1000.0)
    frames = camera.stack([scene * share for share in rng.normal(1.0, 0.2, 200)], rng)
    found = qdimage.calibrate(frames, camera={"em_gain": 300.0})
    gain = measured(found, "adu_per_photoelectron")
    assert abs(gain.value - camera.gain) < 3.5 * gain.err
    assert any("fluctuates" in warning for warning in found.warnings)


def test_a_uniform_flat_is_refused_for_want_of_a_span() -> None:
    rng = rng_of(12)
    found = qdimage.calibrate(
        Emccd().still(np.full(SHAPE, 20.0), 60, rng), camera={"em_gain": 300.0}
    )
    assert found.status == "refused"
    assert "span" in refused(found) or "does not grow" in refused(found)


def test_columns_of_the_bias_are_no_span_of_intensities() -> None:
    rng = rng_of(13)
    camera = Emccd(bias_adu=columns(SHAPE, 8.0, rng))
    found = qdimage.calibrate(
        camera.still(np.full(SHAPE, 20.0), 60, rng), camera={"em_gain": 300.0}
    )
    assert found.status == "refused"


@pytest.mark.parametrize("jumps", [0.05, 0.5])
def test_blinking_dots_are_refused_or_right(jumps: float) -> None:
    rng = rng_of(int(100 * jumps))
    dots = spots(SHAPE, 40, 1000.0, rng)
    states = blinking(40, 200, rng, jumps=jumps)
    frames = Emccd().stack([2.0 + np.tensordot(state, dots, 1) for state in states], rng)
    found = qdimage.calibrate(frames, camera={"em_gain": 300.0})
    answer = found.quantities["adu_per_photoelectron"]
    assert isinstance(answer, Refusal) or abs(answer.value / Emccd().gain - 1) < 0.1


def test_dots_that_hold_still_among_blinking_ones_suffice() -> None:
    rng = rng_of(14)
    dots = spots(SHAPE, 40, 1500.0, rng)
    states = blinking(40, 200, rng)
    states[:, :20] = 1.0
    frames = Emccd().stack([2.0 + np.tensordot(state, dots, 1) for state in states], rng)
    gain = measured(qdimage.calibrate(frames, camera={"em_gain": 300.0}), "adu_per_photoelectron")
    assert abs(gain.value - Emccd().gain) < 3.5 * gain.err < 0.12 * Emccd().gain


def test_saturated_pixels_are_left_out() -> None:
    rng = rng_of(15)
    camera, scene = Emccd(ceiling_adu=4095), field(rng, mean_e=2000.0)
    found = qdimage.calibrate(camera.still(scene, 200, rng), camera={"em_gain": 300.0})
    gain = measured(found, "adu_per_photoelectron")
    assert abs(gain.value - camera.gain) < 3.5 * gain.err
    assert found.ceiling_adu == 4095


def test_a_register_of_stages_is_measured_within_its_error() -> None:
    rng = rng_of(16)
    outputs = register_outputs(300.0, 30_000, rng)
    camera = Emccd(register=300.0 * outputs / outputs.mean())
    flats = [camera.still(np.full(SHAPE, level), 20, rng) for level in (2.0, 10.0, 30.0)]
    dark = camera.still(np.zeros(SHAPE), 100, rng)
    found = qdimage.calibrate(flats, dark=dark, camera={"em_gain": 300.0})
    gain = measured(found, "adu_per_photoelectron")
    assert abs(gain.value - camera.gain) < 3.5 * gain.err
    assert gain.value == pytest.approx(camera.gain, rel=0.025)


def test_without_a_word_on_em_gain_the_slope_alone_is_given() -> None:
    rng = rng_of(17)
    camera, scene = Emccd(), field(rng, mean_e=1000.0)
    found = qdimage.calibrate(camera.still(scene, 200, rng))
    assert "--em-gain" in refused(found)
    slope = measured(found, "variance_slope_adu")
    assert abs(slope.value - 2 * camera.gain) < 3.5 * slope.err


def test_light_is_not_called_clock_induced_charge() -> None:
    rng = rng_of(18)
    camera = Emccd()
    frames = camera.still(np.full(SHAPE, 0.1), 60, rng)
    found = qdimage.calibrate(frames, camera={"em_gain": 300.0})
    assert "--dark" in refused(found, "clock_induced_charge_e")
    gain = measured(found, "adu_per_photoelectron")
    assert abs(gain.value - camera.gain) < 4.5 * gain.err


def test_three_frames_are_too_few() -> None:
    rng = rng_of(19)
    found = qdimage.calibrate(Emccd().still(field(rng), 3, rng), camera={"em_gain": 300.0})
    assert found.status == "refused"


def test_names_of_errors_have_the_unit_last() -> None:
    assert with_part("bias_adu", "err") == "bias_err_adu"
    assert with_part("electrons_per_adu", "low") == "electrons_per_adu_low"
    assert with_part("adu_per_photoelectron", "high") == "adu_per_photoelectron_high"


def test_cosmic_rays_change_neither_gain_nor_bias_map() -> None:
    rng = rng_of(21)
    camera = Emccd()
    stacks = [camera.still(np.zeros(SHAPE), 60, rng), camera.still(field(rng), 60, rng)]
    for frames in stacks:
        places = rng.choice(SHAPE[0] * SHAPE[1], 20, replace=False)
        hit = rng.integers(0, 60, 20)
        frames.reshape(60, -1)[hit, places] = rng.integers(5_000, 60_000, 20)
    found = qdimage.calibrate(stacks[1], dark=stacks[0], camera={"em_gain": 300.0})
    gain = measured(found, "adu_per_photoelectron")
    assert abs(gain.value - camera.gain) < 3.5 * gain.err < 0.15 * camera.gain
    assert np.abs(found.bias.pattern_adu).max() < 5.0
    assert measured(found, "bias_adu").value == pytest.approx(200.0, abs=0.1)


def test_one_dark_and_one_flat_are_a_span() -> None:
    rng = rng_of(22)
    camera = Emccd()
    dark, flat = (camera.still(np.full(SHAPE, level), 40, rng) for level in (0.0, 30.0))
    found = qdimage.calibrate(flat, dark=dark, camera={"em_gain": 300.0})
    assert measured(found, "adu_per_photoelectron").value == pytest.approx(camera.gain, rel=0.025)


def test_stacks_of_different_settings_are_an_error() -> None:
    rng = rng_of(23)
    frames = Emccd().still(np.zeros(SHAPE), 4, rng)
    with pytest.raises(ConfigurationError, match="one region of interest at a time"):
        qdimage.calibrate([frames, frames[:, :50]])
    with pytest.raises(ConfigurationError, match="found no stack"):
        qdimage.calibrate()
    with pytest.raises(FormatError, match="at least two"):
        qdimage.calibrate(frames[:1])
