"""How well dots are found and measured, by camera: `./qd bench localization_cameras`.

Frames of known truth go through the analysis; three tables come out. Stated beside each number is
what it should be: the false alarms of the options, the Cramer-Rao bound, a bias of nought.
"""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.camera import CAMERA_KEYS, Camera
from qdimage.domain.localizations import Localizations
from qdimage.domain.stack import Stack
from qdimage.image.options import ImageOptions
from qdimage.image.projection import photon_image
from qdimage.localize.dots import localize
from qdimage.localize.options import LocalizeOptions
from qdimage.simulation.camera import expose
from qdimage.simulation.options import CameraOptions, PsfOptions
from qdimage.simulation.psf import GaussianPsf, Psf, make_psf
from qdimage.simulation.render import render_spots

Array = NDArray[np.float64]

SHAPE = (128, 128)
PITCH_PX = 20
SIGMA_PX = 1.2
EXPOSURE_S = 0.1
STATED_ALARMS = 0.1
EMCCD = CameraOptions()
PLAIN = CameraOptions(em_gain=1, read_noise_e=1.6, electrons_per_adu=0.46, clock_induced_charge_e=0)


@dataclass(frozen=True)
class Condition:
    """A camera, photons per pixel and frame of background, and frames that are averaged."""

    chip: CameraOptions
    background: float
    n_frames: int
    keys_known: bool = True

    def __str__(self) -> str:
        name = "EM   " if self.chip.em_gain > 1 else "no EM"
        keys = "keys" if self.keys_known else "none"
        return f"{name} {keys} {self.background:8g} {self.n_frames:6d}"

    @property
    def camera(self) -> Camera:
        """The keys that the analysis is told."""
        if not self.keys_known:
            return Camera()
        return Camera(**{key: float(getattr(self.chip, key)) for key in CAMERA_KEYS})

    @property
    def photons_per_unit(self) -> float:
        """Of the numbers that the analysis gives."""
        if self.keys_known:
            return 1.0
        chip = self.chip
        return chip.electrons_per_adu / chip.em_gain / chip.quantum_efficiency

    def record(self, light: Array, rng: np.random.Generator) -> NDArray[np.uint16]:
        """Frames that show `light` on the background."""
        mean = light + self.background
        frames = [expose(mean, camera=self.chip, rng=rng) for _ in range(self.n_frames)]
        return np.stack(frames)

    def localize(self, frames: NDArray[np.uint16]) -> Localizations:
        """The dots of the frames."""
        image = photon_image(
            Stack.from_array(frames),
            camera=self.camera,
            exposure_s=EXPOSURE_S,
            options=ImageOptions(),
            psf_sigma_px=SIGMA_PX,
        )
        options = LocalizeOptions(false_alarms_per_frame=STATED_ALARMS)
        return localize(image, options=options, psf_sigma_px=SIGMA_PX)


CONDITIONS = [
    *(
        Condition(chip, background, n_frames)
        for chip in (EMCCD, PLAIN)
        for background, n_frames in (
            (0.05, 1),
            (0.05, 10),
            (0.5, 5),
            (5.0, 1),
            (5.0, 20),
            (50.0, 5),
        )
    ),
    Condition(EMCCD, 0.5, 20, keys_known=False),
    Condition(EMCCD, 5.0, 20, keys_known=False),
    Condition(PLAIN, 5.0, 20, keys_known=False),
]
HEADER = f"{'camera keys':11} {'ph/px':>7} {'frames':>6}"


def lattice(rng: np.random.Generator) -> Array:
    """Isolated positions, anywhere within their pixels."""
    along = np.arange(PITCH_PX / 2, SHAPE[0] - PITCH_PX / 2 + 1, PITCH_PX)
    grid = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    return np.asarray(grid + rng.uniform(-0.5, 0.5, grid.shape))


def nearest(dots: Localizations, positions: Array) -> NDArray[np.int64]:
    """Index of the dot within 1.5 px of each position, -1 where there is none."""
    if len(dots) == 0:
        return np.full(len(positions), -1)
    offset = positions[:, np.newaxis] - dots.positions
    distance = np.hypot(offset[..., 0], offset[..., 1])
    return np.where(distance.min(axis=1) < 1.5, distance.argmin(axis=1), -1)


def position_bound(condition: Condition, photons: float) -> float:
    """Cramer-Rao bound of x, px, with y, flux and background unknown as well."""
    chip, size = condition.chip, 31
    centre = np.array([[size // 2 + 0.2, size // 2 - 0.3]])

    def model(x: float, y: float, flux: float, level: float) -> Array:
        position = centre + np.array([[x, y]])
        spot = render_spots(
            position, np.array([flux]), shape=(size, size), psf=GaussianPsf(SIGMA_PX)
        )
        return spot + level

    truth = np.array([0.0, 0.0, photons, condition.background])
    steps = np.diag([1e-3, 1e-3, 0.01 * photons, 0.01 * condition.background])
    slopes = [
        ((model(*(truth + step)) - model(*(truth - step))) / (2 * step.sum())).ravel()
        for step in steps
    ]
    excess = 2.0 if chip.em_gain > 1 else 1.0
    electrons = model(*truth) * chip.quantum_efficiency + chip.clock_induced_charge_e
    variance = excess * electrons + (chip.read_noise_e / chip.em_gain) ** 2
    weight = condition.n_frames * chip.quantum_efficiency**2 / variance.ravel()
    information = np.array([[np.sum(weight * a * b) for b in slopes] for a in slopes])
    return float(np.sqrt(np.linalg.inv(information)[0, 0]))


def print_false_alarms() -> None:
    """Empty frames."""
    print(f"False alarms in an image of {SHAPE[0]} x {SHAPE[1]} px; stated: {STATED_ALARMS}")
    print(f"{HEADER} {'alarms':>14} {'ms/image':>9}")
    for condition in CONDITIONS:
        rng, found = np.random.default_rng(1), 0
        repeats = 100 if condition.n_frames < 20 else 40
        started = time.perf_counter()
        for _ in range(repeats):
            found += len(condition.localize(condition.record(np.zeros(SHAPE), rng)))
        took = (time.perf_counter() - started) / repeats
        chance = max(found, 1) ** 0.5 / repeats
        print(f"{condition} {found / repeats:7.3f} +-{chance:5.3f} {1e3 * took:9.0f}", flush=True)


def print_recall() -> None:
    """Share of isolated dots that are found, by photons per frame."""
    levels = (10, 20, 30, 50, 100, 200, 300)
    print("\nRecall of isolated dots, by photons per frame")
    print(f"{HEADER} " + " ".join(f"{level:>6}" for level in levels))
    for condition in CONDITIONS:
        rng, shares = np.random.default_rng(2), []
        for photons in levels:
            index = []
            for _ in range(2):
                positions = lattice(rng)
                flux = np.full(len(positions), float(photons))
                light = render_spots(positions, flux, shape=SHAPE, psf=GaussianPsf(SIGMA_PX))
                index.append(nearest(condition.localize(condition.record(light, rng)), positions))
            shares.append(float(np.mean(np.concatenate(index) >= 0)))
        print(f"{condition} " + " ".join(f"{share:6.2f}" for share in shares), flush=True)


def print_accuracy() -> None:
    """Errors and fluxes of isolated dots of 300 photons per frame."""
    photons, n_images = 300.0, 6
    print(f"\nIsolated dots of {photons:g} photons per frame")
    print(f"{HEADER} {'rms px':>8} {'rms/bound':>9} {'pull':>6} {'flux bias %':>14}")
    shapes: list[tuple[str, Psf]] = [
        ("", GaussianPsf(SIGMA_PX)),
        (" (Airy pattern; bound of the Gaussian)", make_psf(PsfOptions(kind="airy"), 0.107)),
    ]
    runs = [(condition, *shapes[0]) for condition in CONDITIONS]
    runs.append((Condition(EMCCD, 0.5, 5), *shapes[1]))
    for condition, note, psf in runs:
        rng, errors, pulls, flux = np.random.default_rng(3), [], [], []
        for _ in range(n_images):
            positions = lattice(rng)
            light = render_spots(positions, np.full(len(positions), photons), shape=SHAPE, psf=psf)
            dots = condition.localize(condition.record(light, rng))
            index = nearest(dots, positions)
            off = dots.positions[index[index >= 0]] - positions[index >= 0]
            errors.append(off)
            pulls.append(off / dots.position_err_px[index[index >= 0]])
            flux.append(dots.signal[index[index >= 0]] * condition.photons_per_unit)
        rms = float(np.sqrt(np.mean(np.vstack(errors) ** 2)))
        values = np.concatenate(flux)
        bias = 100 * (values.mean() / photons - 1)
        chance = 100 * values.std() / photons / len(values) ** 0.5
        print(
            f"{condition} {rms:8.4f} {rms / position_bound(condition, photons):9.2f} "
            f"{np.std(np.vstack(pulls)):6.2f} {bias:7.2f} +-{chance:4.2f}{note}",
            flush=True,
        )


def main() -> None:
    """Print the tables."""
    print_false_alarms()
    print_recall()
    print_accuracy()


if __name__ == "__main__":
    main()
