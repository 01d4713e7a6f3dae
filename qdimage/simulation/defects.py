"""Light that is none: hot pixels and cosmic rays."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.simulation.options import DefectOptions

Floats = NDArray[np.float64]


def draw_hot_pixels(
    shape: tuple[int, int], options: DefectOptions, rng: np.random.Generator
) -> Floats:
    """Draw the sensor's hot pixels: dark electrons per second, shape (y, x), 0 elsewhere."""
    hot = rng.random(shape) < options.hot_pixel_fraction
    current = options.hot_pixel_electrons_s * np.exp(
        options.hot_pixel_spread * rng.standard_normal(shape)
    )
    return np.where(hot, current, 0.0)


@dataclass(frozen=True)
class CosmicHit:
    """One track in one frame: its pixels (n, 2) as (x, y), and the electrons left in each."""

    frame: int
    pixels: NDArray[np.int64]
    electrons: Floats

    def describe(self) -> dict[str, Any]:
        """For the ground truth."""
        return {
            "frame": self.frame,
            "x_px": self.pixels[:, 0].tolist(),
            "y_px": self.pixels[:, 1].tolist(),
            "electrons": np.round(self.electrons).astype(int).tolist(),
        }


def draw_cosmic_hits(
    n_frames: int, shape: tuple[int, int], options: DefectOptions, rng: np.random.Generator
) -> list[CosmicHit]:
    """Draw the cosmic rays of a stack, in order of the frames."""
    counts = rng.poisson(options.cosmic_rays_per_frame, n_frames)
    frames = np.repeat(np.arange(n_frames), counts)
    return [_draw_hit(int(frame), shape, options, rng) for frame in frames]


def _draw_hit(
    frame: int, shape: tuple[int, int], options: DefectOptions, rng: np.random.Generator
) -> CosmicHit:
    low, high = math.log(options.cosmic_electrons_min), math.log(options.cosmic_electrons_max)
    total_e = math.exp(rng.uniform(low, high))
    length = rng.exponential(options.cosmic_track_px)
    angle = rng.uniform(0, 2 * math.pi)
    start = rng.uniform(-0.5, np.array([shape[1], shape[0]]) - 0.5)
    steps = np.linspace(0, length, 2 + 4 * math.ceil(length))[:, np.newaxis]
    points = np.rint(start + steps * np.array([math.cos(angle), math.sin(angle)])).astype(np.int64)
    inside = np.all((points >= 0) & (points < [shape[1], shape[0]]), axis=1)
    pixels, shares = np.unique(points[inside], axis=0, return_counts=True)
    return CosmicHit(frame, pixels, total_e * shares / len(points))


def deposit(hits: list[CosmicHit], frame: int, shape: tuple[int, int]) -> Floats:
    """Electrons that the hits of one frame left, shape (y, x)."""
    image = np.zeros(shape)
    for hit in hits:
        if hit.frame == frame:
            np.add.at(image, (hit.pixels[:, 1], hit.pixels[:, 0]), hit.electrons)
    return image
