"""Bias, pulls and coverage of what `qdimage calibrate` measures, and what it refuses.

Cameras are drawn electron by electron (tests/emccd.py, which uses nothing of the program); the
multiplication is an exact gamma variate, or a register of 536 stages where the name says so. A
number is counted as wrong where it is further than 4 standard deviations from the truth and by
more than 3 %.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

import qdimage
from qdimage.domain.calibration import Measured

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from emccd import Emccd, blinking, columns, register_outputs, spots

Floats = NDArray[np.float64]
Rng = np.random.Generator
SHAPE = (128, 128)
FAR_SIGMA, FAR_SHARE = 4.0, 0.03


@dataclass(frozen=True)
class Case:
    """A camera, what it is pointed at, and whether a gain is expected of it."""

    name: str
    draw: Callable[[Rng], tuple[Emccd, dict[str, Any]]]
    em_gain: float = 300.0


@dataclass
class Tally:
    """Pulls and distances of one number over the trials of a case."""

    pulls: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    covered: int = 0
    refused: int = 0
    wrong: int = 0
    errors: list[float] = field(default_factory=list)

    def add(self, answer: Any, truth: float) -> None:
        """Take in one answer."""
        if not isinstance(answer, Measured):
            self.refused += 1
            return
        distance = answer.value - truth
        self.pulls.append(distance / answer.err if answer.err else 0.0)
        self.shares.append(distance / truth)
        self.errors.append(answer.err / truth)
        self.covered += answer.low <= truth <= answer.high
        far = abs(distance) > max(FAR_SIGMA * answer.err, FAR_SHARE * abs(truth))
        self.wrong += bool(far)

    def line(self) -> str:
        """Bias, spread, error, pulls and coverage as columns."""
        n = len(self.pulls)
        if not n:
            return f"{'':>48}{self.refused:>6} refused"
        return (
            f"{100 * np.mean(self.shares):>9.2f}{100 * np.std(self.shares):>9.2f}"
            f"{100 * np.median(self.errors):>9.2f}{np.std(self.pulls):>8.2f}"
            f"{self.covered / n:>9.2f}{self.wrong:>5}{self.refused:>5}"
        )


def dark_only(em_gain: float, *, charge: float = 0.005, read_noise: float = 45.0) -> Case:
    """A hundred dark frames with a bias that differs from column to column."""

    def draw(rng: Rng) -> tuple[Emccd, dict[str, Any]]:
        camera = Emccd(em_gain, 12.3, read_noise, charge, bias_adu=columns(SHAPE, 3.0, rng))
        return camera, {"dark": camera.still(np.zeros(SHAPE), 100, rng)}

    return Case(f"dark, gain {em_gain:g}, charge {charge:g}, {read_noise:g} e", draw, em_gain)


def flats(em_gain: float, levels: tuple[float, ...], *, with_dark: bool, stages: int = 0) -> Case:
    """Twenty frames at each level, and dark frames."""

    def draw(rng: Rng) -> tuple[Emccd, dict[str, Any]]:
        register = None
        if stages:
            register = register_outputs(em_gain, 50_000, rng, stages=stages)
            register *= em_gain / register.mean()
        read_noise = 45.0 if em_gain > 1 else 8.0
        camera = Emccd(
            em_gain, read_noise_e=read_noise, bias_adu=columns(SHAPE, 3.0, rng), register=register
        )
        stacks = [camera.still(np.full(SHAPE, level), 20, rng) for level in levels]
        dark = {"dark": camera.still(np.zeros(SHAPE), 100, rng)} if with_dark else {}
        return camera, {"flat": stacks, **dark}

    name = f"{len(levels)} flat{'s' * (len(levels) > 1)}, gain {em_gain:g}"
    name += ", dark" * with_dark + f", {stages} stages" * bool(stages)
    return Case(name, draw, em_gain)


def dots(
    name: str,
    em_gain: float = 300.0,
    *,
    mean_e: float = 1000.0,
    n_frames: int = 200,
    n_blinking: int = 0,
    jumps: float = 0.5,
    flicker: float = 0.0,
    drift_px: float = 0.0,
    column_adu: float = 0.0,
    n_dots: int = 60,
    background_e: float = 2.0,
) -> Case:
    """A field of dots without dark frames."""

    def draw(rng: Rng) -> tuple[Emccd, dict[str, Any]]:
        bias = columns(SHAPE, column_adu, rng) if column_adu else 200.0
        camera = Emccd(em_gain, read_noise_e=45.0 if em_gain > 1 else 8.0, bias_adu=bias)
        images = spots(SHAPE, n_dots, mean_e, rng)
        states = np.ones((n_frames, n_dots))
        states[:, :n_blinking] = blinking(n_blinking, n_frames, rng, jumps=jumps)
        light = rng.normal(1.0, flicker, n_frames)
        frames = (
            moved(share * (background_e + np.tensordot(state, images, 1)), t * drift_px)
            for t, (state, share) in enumerate(zip(states, light, strict=True))
        )
        return camera, {"stacks": camera.stack(frames, rng)}

    return Case(name, draw, em_gain)


def moved(image: Floats, by_px: float) -> Floats:
    """The image moved along x, by linear interpolation."""
    if not by_px:
        return image
    whole = int(np.floor(by_px))
    part = by_px - whole
    return (1 - part) * np.roll(image, whole, 1) + part * np.roll(image, whole + 1, 1)


def uniform(name: str, level: float, *, column_adu: float = 0.0, ceiling: int = 65535) -> Case:
    """One flat."""

    def draw(rng: Rng) -> tuple[Emccd, dict[str, Any]]:
        bias = columns(SHAPE, column_adu, rng) if column_adu else 200.0
        camera = Emccd(bias_adu=bias, ceiling_adu=ceiling)
        return camera, {"stacks": camera.still(np.full(SHAPE, level), 100, rng)}

    return Case(name, draw)


CASES = (
    dark_only(30.0),
    dark_only(100.0),
    dark_only(300.0),
    dark_only(300.0, charge=0.05),
    dark_only(300.0, read_noise=20.0),
    dark_only(1000.0, charge=0.002),
    flats(1.0, (500.0, 5000.0, 20000.0), with_dark=True),
    flats(30.0, (10.0, 100.0, 400.0), with_dark=True),
    flats(300.0, (5.0, 20.0, 60.0), with_dark=True),
    flats(300.0, (2.0, 5.0, 15.0), with_dark=True, stages=536),
    flats(300.0, (20.0,), with_dark=True),
    flats(300.0, (5.0, 20.0, 60.0), with_dark=False),
    flats(1000.0, (2.0, 10.0, 30.0), with_dark=True),
    dots("still dots, gain 1", 1.0, mean_e=50000.0),
    dots("still dots, gain 30", 30.0),
    dots("still dots", 300.0),
    dots("still dots, columns of 3 ADU", column_adu=3.0),
    dots("still dots, dense", n_dots=400),
    dots("still dots, dim", mean_e=100.0),
    dots("still dots, 20 frames", n_frames=20),
    dots("still dots, 6 frames", n_frames=6),
    dots("still dots, light flickers by 20 %", flicker=0.2),
    dots("half of the dots blink", n_blinking=30),
    dots("half of the dots blink slowly", n_blinking=30, jumps=0.03),
    dots("all dots blink in every frame", n_blinking=60),
    dots("all dots blink", n_blinking=60, jumps=0.2),
    dots("all dots blink slowly", n_blinking=60, jumps=0.03),
    dots("all dots blink, dim", n_blinking=60, jumps=0.2, mean_e=100.0),
    dots("all dots blink, 10 frames", n_blinking=60, n_frames=10),
    dots("dots drift, 0.005 px a frame", drift_px=0.005),
    dots("dots drift, 0.05 px a frame", drift_px=0.05),
    uniform("uniform", 20.0),
    uniform("uniform, 0.1 electrons", 0.1),
    uniform("uniform, columns of 8 ADU", 20.0, column_adu=8.0),
    uniform("uniform, half saturated", 60.0, ceiling=1600),
)
NUMBERS = (
    "adu_per_photoelectron",
    "bias_adu",
    "read_noise_adu",
    "clock_induced_charge_e",
    "excess_noise_factor_sq",
)


def truth_of(camera: Emccd, name: str) -> float:
    """What a number should be."""
    return {
        "adu_per_photoelectron": camera.gain,
        "bias_adu": float(np.mean(camera.bias_adu)),
        "read_noise_adu": camera.read_noise_e / camera.electrons_per_adu,
        "clock_induced_charge_e": camera.charge_e,
        "excess_noise_factor_sq": 2.0,
    }[name]


def study(case: Case, n_trials: int, seed: int) -> tuple[dict[str, Tally], float]:
    """Draw and measure a case so many times."""
    tallies = {name: Tally() for name in NUMBERS}
    seconds = 0.0
    for trial in range(n_trials):
        rng = np.random.default_rng([seed, trial, crc32(case.name.encode())])
        camera, sources = case.draw(rng)
        start = perf_counter()
        found = qdimage.calibrate(**sources, camera={"em_gain": case.em_gain})
        seconds += perf_counter() - start
        for name, tally in tallies.items():
            tally.add(found.quantities[name], truth_of(camera, name))
    return tallies, seconds / n_trials


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    options = parser.parse_args()
    print(f"{options.trials} trials of each case; bias, spread and error in % of the truth")
    head = f"{'bias':>9}{'spread':>9}{'error':>9}{'pulls':>8}{'covered':>9}{'wrong':>5}{'ref.':>5}"
    for case in CASES:
        if options.only not in case.name:
            continue
        tallies, seconds = study(case, options.trials, options.seed)
        print(f"\n{case.name} ({seconds:.2f} s)\n{'':<26}{head}")
        for name, tally in tallies.items():
            if tally.pulls or name == NUMBERS[0]:
                print(f"  {name:<24}{tally.line()}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
