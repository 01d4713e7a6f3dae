"""Dots that move within a stack: how many are flagged, and how many that stay: `./qd bench moving`.

Stacks of 30 frames of 256 x 256 px, dots anywhere at 0.1 per um^2, a third of which moves; as the
frames of `localization`. Photons are those of a dot in all frames.
"""

import argparse
from collections.abc import Callable

import numpy as np
from localization_frames.draw import (
    CHIP,
    DENSITY_PER_UM2,
    GAUSSIAN,
    KEYS,
    OTHER_SPOTS,
    PIXEL_UM,
    Array,
    Spots,
)
from localization_frames.score import matches

from qdimage.domain.flags import DotFlag
from qdimage.domain.stack import Stack
from qdimage.image.options import ImageOptions
from qdimage.image.projection import photon_image
from qdimage.localize.dots import localize
from qdimage.localize.options import LocalizeOptions
from qdimage.simulation.camera import expose
from qdimage.simulation.render import render_spots

SIDE_PX, N_FRAMES, BACKGROUND = 256, 30, 5.0
TIME = np.linspace(-0.5, 0.5, N_FRAMES)
COURSES: dict[str, Array] = {"jump": np.sign(TIME) / 2, "creep": TIME}
Light = Callable[[int, np.random.Generator], Array]


def steady(n: int, rng: np.random.Generator) -> Array:
    """Every dot as bright in every frame."""
    return np.ones((n, N_FRAMES))


def blinking(n: int, rng: np.random.Generator) -> Array:
    """On or off for five frames each time."""
    return np.repeat(rng.random((n, N_FRAMES // 5)) < 0.6, 5, axis=1).astype(float) / 0.6


def bleaching(n: int, rng: np.random.Generator) -> Array:
    """Down to a twentieth."""
    course = np.exp(-3.0 * (TIME + 0.5))
    return np.tile(course / course.mean(), (n, 1))


def flagged(
    spots: Spots,
    photons: float,
    moves_px: Array,
    rng: np.random.Generator,
    *,
    light: Light = steady,
    drift_px: float = 0.0,
) -> tuple[Array, Array]:
    """Flags of the dots that move along a course, and of those that stay, in one stack."""
    n = round(DENSITY_PER_UM2 * (SIDE_PX * PIXEL_UM) ** 2)
    places = rng.uniform(0, SIDE_PX - 1, (n, 2))
    angle = rng.uniform(0, 2 * np.pi, n)
    moves = np.arange(n) % 3 == 0
    way = np.column_stack([np.cos(angle), np.sin(angle)]) * moves[:, np.newaxis]
    flux = photons / N_FRAMES * light(n, rng)
    frames = [
        expose(
            render_spots(
                places + way * moves_px[t] + drift_px * TIME[t],
                flux[:, t],
                shape=(SIDE_PX, SIDE_PX),
                psf=spots.psf,
            )
            + BACKGROUND / N_FRAMES,
            camera=CHIP,
            rng=rng,
        )
        for t in range(N_FRAMES)
    ]
    sigma = spots.expected_sigma_px
    image = photon_image(
        Stack.from_array(np.array(frames)),
        camera=KEYS,
        exposure_s=1.0,
        options=ImageOptions(),
        psf_sigma_px=sigma,
    )
    dots = localize(image, options=LocalizeOptions(), psf_sigma_px=sigma)
    match = matches(places, dots.positions)
    is_flagged = (dots.flags[match] & DotFlag.MOVING) != 0
    found = match >= 0
    return is_flagged[found & moves], is_flagged[found & ~moves]


def print_moving(n_stacks: int) -> None:
    """Share of the moving dots that are flagged, and of those beside them that are not moving."""
    print(f"{'course':>6} {'px':>5} {'photons':>8} {'of moving':>10} {'of others':>10}")
    for name, course in COURSES.items():
        for length in (0.2, 0.3, 0.5, 1.0, 2.0):
            for photons in (1e3, 1e4, 1e5):
                rng = np.random.default_rng([7, int(10 * length), int(photons)])
                stacks = [flagged(GAUSSIAN, photons, length * course, rng) for _ in range(n_stacks)]
                moving, others = (np.concatenate(each).mean() for each in zip(*stacks, strict=True))
                print(f"{name:>6} {length:5.1f} {photons:8.0f} {moving:10.3f} {others:10.4f}")


def print_still(n_stacks: int) -> None:
    """Share of dots that are flagged where none moves."""
    print(
        f"\n{'spots':>22} {'light':>10} {'drift px':>8} {'photons':>8} {'flagged':>8} {'dots':>6}"
    )
    still = np.zeros(N_FRAMES)
    for spots in (GAUSSIAN, OTHER_SPOTS[0], *OTHER_SPOTS[2:4], OTHER_SPOTS[5]):
        for light in (steady, blinking, bleaching):
            for drift in (0.0, 1.5):
                for photons in (1e4, 1e5):
                    rng = np.random.default_rng([8, int(10 * drift), int(photons)])
                    stacks = [
                        flagged(spots, photons, still, rng, light=light, drift_px=drift)
                        for _ in range(n_stacks)
                    ]
                    every = np.concatenate([part for stack in stacks for part in stack])
                    print(
                        f"{spots.name:>22} {light.__name__:>10} {drift:8.1f} {photons:8.0f} "
                        f"{every.mean():8.4f} {every.size:6d}",
                        flush=True,
                    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stacks", type=int, default=3, help="stacks for each line")
    n_stacks = parser.parse_args().stacks
    print_moving(n_stacks)
    print_still(n_stacks)


if __name__ == "__main__":
    main()
