"""An EMCCD drawn electron by electron, and scenes for it; nothing of the program is used."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rng = np.random.Generator


@dataclass(frozen=True)
class Emccd:
    """A camera; `em_gain` 1 is off. `register` holds outputs of single electrons to draw from."""

    em_gain: float = 300.0
    electrons_per_adu: float = 12.3
    read_noise_e: float = 45.0
    charge_e: float = 0.005
    bias_adu: Any = 200.0
    ceiling_adu: int = 65535
    register: Floats | None = field(default=None, repr=False)

    @property
    def gain(self) -> float:
        """ADU for each photoelectron."""
        return self.em_gain / self.electrons_per_adu

    def frame(self, electrons: Any, rng: Rng) -> NDArray[np.uint16]:
        """Record one frame of mean photoelectrons (y, x)."""
        number = rng.poisson(electrons + (self.charge_e if self.em_gain > 1 else 0.0))
        output = self._multiplied(number, rng) + self.read_noise_e * rng.standard_normal(
            number.shape
        )
        adu = np.rint(output / self.electrons_per_adu + self.bias_adu)
        return np.clip(adu, 0, self.ceiling_adu).astype(np.uint16)

    def stack(self, frames: Any, rng: Rng) -> NDArray[np.uint16]:
        """Record a frame for each mean image."""
        return np.stack([self.frame(each, rng) for each in frames])

    def still(self, electrons: Any, n_frames: int, rng: Rng) -> NDArray[np.uint16]:
        """Record one mean image so many times."""
        return self.stack([electrons] * n_frames, rng)

    def _multiplied(self, number: NDArray[np.int64], rng: Rng) -> Floats:
        if self.em_gain == 1:
            return number.astype(float)
        output = np.zeros(number.shape)
        lit = number > 0
        if self.register is None:
            output[lit] = self.em_gain * rng.standard_gamma(number[lit])
            return output
        counts = number[lit]
        drawn = rng.choice(self.register, int(counts.sum()))
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        output[lit] = np.add.reduceat(drawn, starts) if counts.size else 0.0
        return output


def register_outputs(em_gain: float, n: int, rng: Rng, *, stages: int = 536) -> Floats:
    """Send single electrons through a register stage by stage: each may free one more."""
    probability = em_gain ** (1.0 / stages) - 1.0
    electrons = np.ones(n, np.int64)
    for _ in range(stages):
        electrons += rng.binomial(electrons, probability)
    return electrons.astype(float)


def spots(
    shape: tuple[int, int], n: int, mean_e: float, rng: Rng, *, sigma_px: float = 1.3
) -> Floats:
    """Images of n dots of different brightness, (n, y, x)."""
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    images = np.empty((n, *shape))
    for image in images:
        x, y = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        spot = np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * sigma_px**2))
        image[:] = mean_e * rng.lognormal(0, 0.5) * spot / (2 * np.pi * sigma_px**2)
    return images


def blinking(n_dots: int, n_frames: int, rng: Rng, *, jumps: float = 0.5) -> Floats:
    """On and off of each dot in each frame, (t, n); `jumps` is the chance to change in a frame."""
    state = rng.integers(0, 2, n_dots)
    states = []
    for _ in range(n_frames):
        state = np.where(rng.random(n_dots) < jumps, 1 - state, state)
        states.append(state)
    return np.array(states, float)


def columns(shape: tuple[int, int], sd_adu: float, rng: Rng) -> Floats:
    """A bias of 200 ADU that differs from column to column and from pixel to pixel."""
    return 200.0 + sd_adu * rng.standard_normal((1, shape[1])) + rng.standard_normal(shape)
