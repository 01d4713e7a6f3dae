"""A stack's own noise against the camera's keys: contradictions are said, nothing else is."""

from dataclasses import replace

import numpy as np
import pytest
from emccd import Emccd, blinking, spots

from qdimage.domain.camera import Camera
from qdimage.domain.stack import Stack
from qdimage.image.noise_check import noise_contradiction
from qdimage.image.statistics import stack_statistics

SHAPE = (96, 96)
DECLARED = Camera(
    bias_adu=200.0,
    electrons_per_adu=12.3,
    em_gain=300.0,
    quantum_efficiency=0.9,
    read_noise_e=45.0,
    clock_induced_charge_e=0.005,
)


def said(frames: np.ndarray, camera: Camera) -> str:
    return noise_contradiction(
        stack_statistics(Stack.from_array(frames), ceiling_adu=65535), camera
    )


def frames_of(background_e: float, *, n: int = 40, blinks: bool = False) -> np.ndarray:
    rng = np.random.default_rng(3)
    dots = spots(SHAPE, 15, 300.0, rng)
    states = blinking(15, n, rng) if blinks else np.ones((n, 15))
    return Emccd().stack([background_e + np.tensordot(each, dots, 1) for each in states], rng)


@pytest.mark.parametrize("background_e", [0.0, 0.3, 10.0])
@pytest.mark.parametrize("blinks", [False, True])
def test_true_keys_are_not_contradicted(background_e: float, blinks: bool) -> None:
    assert said(frames_of(background_e, blinks=blinks), DECLARED) == ""


@pytest.mark.parametrize("background_e", [0.3, 10.0])
def test_a_tenth_of_the_gain_is_contradicted(background_e: float) -> None:
    message = said(frames_of(background_e), replace(DECLARED, em_gain=30.0))
    assert "em_gain = 30" in message
    assert "qdimage calibrate" in message


@pytest.mark.parametrize("keys", [{"em_gain": 600.0}, {"em_gain": 150.0}, {"bias_adu": 100.0}])
def test_other_keys_that_are_wrong_by_much_are_contradicted(keys: dict[str, float]) -> None:
    assert said(frames_of(10.0), replace(DECLARED, **keys)) != ""


def test_keys_that_are_not_known_are_not_judged() -> None:
    frames = frames_of(10.0)
    assert said(frames, replace(DECLARED, em_gain=None)) == ""
    assert said(frames[:3], replace(DECLARED, em_gain=30.0)) == ""
    without_noise = replace(DECLARED, read_noise_e=None)
    assert said(frames, without_noise) == ""
    assert said(frames, replace(without_noise, em_gain=600.0)) != ""
