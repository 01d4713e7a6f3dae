"""Made-up camera frames of known truth, with numpy alone and nothing of the analysis."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf

from qdimage.domain.camera import CAMERA_KEYS, Camera
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.stack import Stack
from qdimage.image.options import ImageOptions
from qdimage.image.projection import photon_image

Array = NDArray[np.float64]

EXPOSURE_S = 0.1
SIGMA_PX = 1.2


@dataclass(frozen=True)
class Chip:
    """A camera whose keys are known; `em_gain` 1 switches the multiplication register off."""

    bias_adu: float = 200.0
    electrons_per_adu: float = 12.3
    em_gain: float = 300.0
    quantum_efficiency: float = 0.92
    read_noise_e: float = 45.0
    clock_induced_charge_e: float = 0.005
    saturation_adu: float = 65535.0

    @property
    def keys(self) -> Camera:
        """All that there is to know."""
        return Camera(**{key: getattr(self, key) for key in CAMERA_KEYS})

    @property
    def excess(self) -> float:
        """F^2."""
        return 2.0 if self.em_gain > 1 else 1.0

    def variance(self, photons: ArrayLike) -> Array:
        """Variance in photons^2 of one pixel in one frame, from the camera's keys."""
        electrons = np.asarray(photons, float) * self.quantum_efficiency
        electrons = electrons + self.clock_induced_charge_e
        read = (self.read_noise_e / self.em_gain) ** 2
        return (self.excess * electrons + read) / self.quantum_efficiency**2

    def expose(
        self, photons: ArrayLike, rng: np.random.Generator, deposited_e: ArrayLike = 0.0
    ) -> NDArray[np.uint16]:
        """Record mean photons (and electrons of defects) as frames in ADU."""
        mean_e = np.asarray(photons, float) * self.quantum_efficiency + self.clock_induced_charge_e
        output = rng.poisson(mean_e + np.asarray(deposited_e)).astype(float)
        if self.em_gain > 1:
            output = self.em_gain * rng.gamma(np.maximum(output, 1e-9)) * (output > 0)
        output += self.read_noise_e * rng.standard_normal(output.shape)
        adu = np.rint(output / self.electrons_per_adu + self.bias_adu)
        return np.asarray(np.clip(adu, 0, self.saturation_adu).astype(np.uint16))


EMCCD = Chip()
SCMOS = Chip(
    bias_adu=100.0,
    electrons_per_adu=0.46,
    em_gain=1.0,
    quantum_efficiency=0.82,
    read_noise_e=1.6,
    clock_induced_charge_e=0.0,
)


@dataclass(frozen=True)
class Scene:
    """Spots on a uniform background: (n, 2) positions (x, y), photons per frame."""

    positions: Array = field(default_factory=lambda: np.empty((0, 2)))
    photons: Array = field(default_factory=lambda: np.empty(0))
    background: float = 1.0
    sigma_px: float = SIGMA_PX
    shape: tuple[int, int] = (128, 128)

    def mean(self, shift: ArrayLike = (0.0, 0.0)) -> Array:
        """Mean photons of one frame, everything moved by `shift` (x, y)."""
        positions = self.positions + np.asarray(shift, float)
        rows = pixel_shares(positions[:, 1], self.shape[0], self.sigma_px)
        columns = pixel_shares(positions[:, 0], self.shape[1], self.sigma_px)
        return self.background + np.einsum("n,ny,nx->yx", self.photons, rows, columns)

    def record(
        self, n_frames: int, rng: np.random.Generator, *, chip: Chip = EMCCD, **defects: Any
    ) -> NDArray[np.uint16]:
        """Frames (t, y, x) in ADU."""
        means = np.broadcast_to(self.mean(), (n_frames, *self.shape))
        return chip.expose(means, rng, **defects)


def pixel_shares(centre: Array, length: int, sigma_px: float) -> Array:
    """Share of a Gaussian that falls on each pixel of one axis, shape (n, length)."""
    edges = np.arange(length + 1) - 0.5
    cumulative = 0.5 * erf((edges - centre[:, np.newaxis]) / (np.sqrt(2) * sigma_px))
    return np.asarray(np.diff(cumulative, axis=1))


def lattice_scene(
    rng: np.random.Generator,
    photons: ArrayLike,
    *,
    pitch_px: float = 18.0,
    background: float = 1.0,
    sigma_px: float = SIGMA_PX,
    shape: tuple[int, int] = (128, 128),
) -> Scene:
    """Isolated spots, one in each cell of a lattice, anywhere within the pixel."""
    along = [np.arange(pitch_px / 2, side - pitch_px / 2 + 0.5, pitch_px) for side in shape]
    y, x = np.meshgrid(*along, indexing="ij")
    positions = np.column_stack([x.ravel(), y.ravel()])
    positions = positions + rng.uniform(-0.5, 0.5, positions.shape)
    flux = np.broadcast_to(np.asarray(photons, float), len(positions)).copy()
    return Scene(positions, flux, background, sigma_px, shape)


def image_of(
    frames: NDArray[Any],
    camera: Camera = EMCCD.keys,
    *,
    psf_sigma_px: float | None = None,
    **options: Any,
) -> PhotonImage:
    """The photon image of frames; `options` are those of `ImageOptions`."""
    return photon_image(
        Stack.from_array(frames),
        camera=camera,
        exposure_s=EXPOSURE_S,
        options=ImageOptions(**options),
        psf_sigma_px=psf_sigma_px,
    )


def cramer_rao(
    chip: Chip,
    *,
    centre: tuple[float, float],
    photons: float,
    background: float,
    sigma_px: float,
    n_frames: int,
    size: int = 41,
) -> Array:
    """Smallest standard deviations of (x, y, photons, background) of one spot.

    From the Fisher information of independent pixels whose variance is the camera's, by numerical
    derivatives; `centre` is relative to the middle pixel.
    """
    middle = size // 2

    def model(parameters: Array) -> Array:
        x, y, flux, level = parameters
        row = pixel_shares(np.array([y + middle]), size, sigma_px)[0]
        column = pixel_shares(np.array([x + middle]), size, sigma_px)[0]
        return np.asarray(level + flux * np.outer(row, column))

    truth = np.array([*centre, photons, background])
    steps = np.array([1e-4, 1e-4, 1e-3 * photons, 1e-3 * background])
    slopes = []
    for index, step in enumerate(steps):
        move = np.zeros(4)
        move[index] = step
        slopes.append((model(truth + move) - model(truth - move)).ravel() / (2 * step))
    weight = n_frames / chip.variance(model(truth)).ravel()
    information = np.array([[np.sum(weight * a * b) for b in slopes] for a in slopes])
    return np.asarray(np.sqrt(np.diag(np.linalg.inv(information))))


def matched(found: ArrayLike, true: ArrayLike, within_px: float) -> NDArray[np.int64]:
    """For each true position (n, 2) the nearest found one's index, or -1 if none is near."""
    found, true = np.reshape(found, (-1, 2)), np.reshape(true, (-1, 2))
    if len(found) == 0 or len(true) == 0:
        return np.full(len(true), -1)
    distance = np.hypot(*(true[:, np.newaxis] - found).transpose(2, 0, 1))
    nearest = distance.argmin(axis=1)
    return np.asarray(np.where(distance.min(axis=1) <= within_px, nearest, -1))
