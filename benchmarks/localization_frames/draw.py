"""Frames of an EMCCD with dots of one brightness: the truth, the pixels, the bound."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.camera import CAMERA_KEYS, Camera
from qdimage.simulation.camera import expose
from qdimage.simulation.options import CameraOptions, PsfOptions
from qdimage.simulation.psf import GaussianPsf, Psf, make_psf
from qdimage.simulation.render import render_spots

Array = NDArray[np.float64]

SIDE_PX = 512
PIXEL_UM = 0.16
DENSITY_PER_UM2 = 0.1
CHIP = CameraOptions(em_gain=200, electrons_per_adu=12, read_noise_e=60)
KEYS = Camera(**{key: float(getattr(CHIP, key)) for key in CAMERA_KEYS})
_BOUND_SIDE_PX = 41


@dataclass(frozen=True)
class Spots:
    """The image of a point, its name, and the width that the optics would give, px."""

    name: str
    psf: Psf
    expected_sigma_px: float


def _of_the_pupil(name: str, pixel_um: float, **options: object) -> Spots:
    psf = PsfOptions.model_validate({"width_factor": 1.0, **options})
    return Spots(name, make_psf(psf, pixel_um), 0.25 * 630 / 1.46 / 1e3 / pixel_um)


GAUSSIAN = Spots("sigma 1.3", GaussianPsf(1.3), 1.3)
OTHER_SPOTS = (
    Spots("sigma 0.6", GaussianPsf(0.6), 0.6),
    Spots("sigma 0.85", GaussianPsf(0.85), 0.85),
    _of_the_pupil("Airy 0.107 um/px", 0.107, kind="airy"),
    _of_the_pupil("Airy 0.16 um/px", 0.16, kind="airy"),
    _of_the_pupil("Airy 0.07 um/px", 0.07, kind="airy"),
    _of_the_pupil("200 nm defocus 0.107", 0.107, kind="defocused", defocus_nm=200.0),
    _of_the_pupil("200 nm defocus 0.07", 0.07, kind="defocused", defocus_nm=200.0),
)


@dataclass(frozen=True)
class Frame:
    """One frame in ADU and its dots: (n, 2) positions (x, y) px, all of `photons`."""

    adu: NDArray[np.uint16]
    positions: Array
    photons: float
    background: float
    spots: Spots


def field(
    spots: Spots, photons: float, background: float, rng: np.random.Generator, n: int | None = None
) -> Frame:
    """Dots anywhere in a frame, border included; as many as the density gives."""
    n = round(DENSITY_PER_UM2 * (SIDE_PX * PIXEL_UM) ** 2) if n is None else n
    return photographed(spots, rng.uniform(-0.5, SIDE_PX - 0.5, (n, 2)), photons, background, rng)


def lattice(
    spots: Spots,
    photons: float,
    background: float,
    rng: np.random.Generator,
    pair_px: float | None = None,
    side_px: int = SIDE_PX,
) -> Frame:
    """Dots, or pairs of dots in any direction, too far from each other to overlap."""
    pitch = max(24.0, 16 * spots.expected_sigma_px)
    along = np.arange(pitch, side_px - pitch + 1, pitch)
    places = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    places = places + rng.uniform(-0.5, 0.5, places.shape)
    if pair_px is not None:
        angle = rng.uniform(0, 2 * np.pi, len(places))
        half = pair_px / 2 * np.column_stack([np.cos(angle), np.sin(angle)])
        places = np.vstack([places - half, places + half])
    return photographed(spots, places, photons, background, rng, side_px)


def photographed(
    spots: Spots,
    positions: Array,
    photons: float,
    background: float,
    rng: np.random.Generator,
    side_px: int = SIDE_PX,
) -> Frame:
    """Expose one frame."""
    flux = np.full(len(positions), float(photons))
    light = render_spots(positions, flux, shape=(side_px, side_px), psf=spots.psf)
    adu = expose(light + background, camera=CHIP, rng=rng)
    return Frame(adu, positions, photons, background, spots)


def position_bound(spots: Spots, photons: float, background: float, n: int = 16) -> float:
    """Cramer-Rao bound of x, px: y, flux and background unknown, root mean square over a pixel."""
    rng = np.random.default_rng(5)
    middle = _BOUND_SIDE_PX // 2
    variances = []
    for dx, dy in rng.uniform(-0.5, 0.5, (n, 2)):

        def model(x: float, y: float, flux: float, level: float) -> Array:
            spot = render_spots(
                np.array([[x + middle, y + middle]]),
                np.array([flux]),
                shape=(_BOUND_SIDE_PX, _BOUND_SIDE_PX),
                psf=spots.psf,
            )
            return spot + level

        truth = np.array([dx, dy, photons, background])
        steps = np.diag([1e-3, 1e-3, 0.01 * photons, 0.01 * background])
        slopes = np.array(
            [
                ((model(*(truth + step)) - model(*(truth - step))) / (2 * step.sum())).ravel()
                for step in steps
            ]
        )
        electrons = model(*truth) * CHIP.quantum_efficiency + CHIP.clock_induced_charge_e
        variance = 2.0 * electrons + (CHIP.read_noise_e / CHIP.em_gain) ** 2
        information = (slopes * (CHIP.quantum_efficiency**2 / variance.ravel())) @ slopes.T
        variances.append(np.linalg.inv(information)[:2, :2].trace() / 2)
    return float(np.sqrt(np.mean(variances)))
