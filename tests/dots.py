"""Made-up dots: localizations of two channels of one field, and images of spots."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from qdimage.domain.camera import Camera, NoiseModel
from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.transform import Transform

Array = NDArray[np.float64]

SHAPE = (256, 256)
SIGMA_PX = 1.2


def localizations(
    positions: ArrayLike, err_px: ArrayLike = 0.1, flags: ArrayLike = 0, sigma_px: float = SIGMA_PX
) -> Localizations:
    """Localizations at (n, 2) positions, in the order in which they are given."""
    positions = np.asarray(positions, float).reshape(-1, 2)
    n = len(positions)
    err = np.broadcast_to(np.asarray(err_px, float), n).copy()
    ones = np.ones(n)
    return Localizations(
        x_px=positions[:, 0].copy(),
        y_px=positions[:, 1].copy(),
        x_err_px=err,
        y_err_px=err.copy(),
        signal=100.0 * ones,
        signal_err=5.0 * ones,
        background=ones,
        sigma_px=sigma_px * ones,
        false_alarm_p=1e-6 * ones,
        flags=np.broadcast_to(np.asarray(flags, np.int64), n).copy(),
        psf_sigma_px=sigma_px,
    )


def chosen(dots: Localizations, index: ArrayLike) -> Localizations:
    """The dots of these indices, in this order."""
    index = np.asarray(index, np.int64)
    fields = {
        name: value[index] if isinstance(value, np.ndarray) else value
        for name, value in vars(dots).items()
    }
    return Localizations(**fields)


def uniform(rng: np.random.Generator, n: int, shape: tuple[int, int] = SHAPE) -> Array:
    """Random positions (x, y) in a frame."""
    return rng.random((n, 2)) * [shape[1] - 1, shape[0] - 1]


def clustered(rng: np.random.Generator, n: int, shape: tuple[int, int] = SHAPE) -> Array:
    """Random positions in clumps of some ten pixels."""
    middle = uniform(rng, max(1, n // 8), shape)
    positions = middle[rng.integers(len(middle), size=n)] + 10.0 * rng.standard_normal((n, 2))
    return np.asarray(np.clip(positions, 0, [shape[1] - 1, shape[0] - 1]))


def lattice(pitch_px: float, origin: ArrayLike, shape: tuple[int, int] = SHAPE) -> Array:
    """A square lattice that fills the frame."""
    x, y = np.meshgrid(np.arange(-1, 200) * pitch_px, np.arange(-1, 200) * pitch_px)
    positions = np.column_stack([x.ravel(), y.ravel()]) + np.asarray(origin, float)
    return inside(positions, shape)


def inside(positions: Array, shape: tuple[int, int] = SHAPE) -> Array:
    """Those positions that a frame shows."""
    last = np.array([shape[1], shape[0]]) - 0.5
    return positions[np.all((positions > -0.5) & (positions < last), axis=1)]


def similarity(
    shift: ArrayLike = (0.0, 0.0),
    rotation_deg: float = 0.0,
    scale: float = 1.0,
    radial_px: float = 0.0,
    shape: tuple[int, int] = SHAPE,
) -> Transform:
    """A transform about the frame's centre, known exactly."""
    centre = np.array([shape[1] - 1, shape[0] - 1]) / 2
    angle = np.deg2rad(rotation_deg)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    constant = centre + np.asarray(shift, float) - linear @ centre
    return Transform(
        np.column_stack([linear, constant]),
        radial_px,
        (float(centre[0]), float(centre[1])),
        float(np.hypot(shape[0], shape[1]) / 2),
        np.zeros((7, 7)),
    )


def draw_similarity(
    rng: np.random.Generator,
    *,
    max_shift_px: float = 30.0,
    max_rotation_deg: float = 3.0,
    scale: float = 0.01,
    radial_px: float = 0.3,
    shape: tuple[int, int] = SHAPE,
) -> Transform:
    """A random transform inside the range that registration searches."""
    direction = rng.uniform(0, 2 * np.pi)
    length = max_shift_px * np.sqrt(rng.random())
    return similarity(
        length * np.array([np.cos(direction), np.sin(direction)]),
        rng.uniform(-max_rotation_deg, max_rotation_deg),
        1 + rng.uniform(-scale, scale),
        rng.uniform(-radial_px, radial_px),
        shape,
    )


@dataclass(frozen=True)
class Pair:
    """One field in two channels, and what is true of it."""

    moving: Localizations
    fixed: Localizations
    transform: Transform
    n_common: int


def draw_pair(
    rng: np.random.Generator,
    transform: Transform,
    *,
    n_fixed: int = 60,
    lit_share: float = 0.5,
    n_el_only: int = 5,
    err_px: tuple[float, float] = (0.05, 0.2),
    shape: tuple[int, int] = SHAPE,
) -> Pair:
    """A reference with about `n_fixed` dots, and a channel that shows a share of them.

    The sample goes on beyond both frames; each localization has its own error.
    """
    margin = 45.0
    span = np.array([shape[1], shape[0]]) + 2 * margin
    density = n_fixed / (shape[0] * shape[1])
    dots = rng.random((rng.poisson(density * span.prod()), 2)) * span - margin
    lit = rng.random(len(dots)) < lit_share
    extra = uniform(rng, n_el_only, shape)
    in_channel = np.vstack([transform.inverse(dots[lit]), extra])
    moving = _localized(rng, inside(in_channel, shape), err_px)
    fixed = _localized(rng, inside(dots, shape), err_px)
    common = inside(inside_both(dots[lit], transform, shape), shape)
    return Pair(moving, fixed, transform, len(common))


def inside_both(positions: Array, transform: Transform, shape: tuple[int, int] = SHAPE) -> Array:
    """Field positions that the channel's frame shows."""
    last = np.array([shape[1], shape[0]]) - 0.5
    mapped = transform.inverse(positions)
    return positions[np.all((mapped > -0.5) & (mapped < last), axis=1)]


def _localized(
    rng: np.random.Generator, positions: Array, err_px: tuple[float, float]
) -> Localizations:
    err = rng.uniform(*err_px, len(positions))
    shaken = positions + err[:, np.newaxis] * rng.standard_normal((len(positions), 2))
    return localizations(shaken, err)


def field_errors(
    found: Transform, true: Transform, shape: tuple[int, int] = SHAPE
) -> NDArray[np.float64]:
    """Distance between two transforms over a grid of the overlap, px."""
    x, y = np.meshgrid(np.linspace(0, shape[1] - 1, 12), np.linspace(0, shape[0] - 1, 12))
    grid = np.column_stack([x.ravel(), y.ravel()])
    mapped = true.apply(grid)
    seen = np.all((mapped > -0.5) & (mapped < np.array([shape[1], shape[0]]) - 0.5), axis=1)
    off = found.apply(grid[seen]) - mapped[seen]
    return np.asarray(np.hypot(off[:, 0], off[:, 1]))


def spot_image(
    positions: ArrayLike,
    flux: ArrayLike,
    *,
    rng: np.random.Generator | None,
    background: float = 2.0,
    n_frames: int = 50,
    exposure_s: float = 0.1,
    sigma_px: float = SIGMA_PX,
    shape: tuple[int, int] = SHAPE,
) -> PhotonImage:
    """The mean of frames of pixel-integrated Gaussian spots; without noise if `rng` is None."""
    positions = np.asarray(positions, float).reshape(-1, 2)
    flux = np.broadcast_to(np.asarray(flux, float), len(positions))
    noise = NoiseModel("photons", 1.1, 2.0, 0.03)
    x_profile = _profile(positions[:, 0], shape[1], sigma_px)
    y_profile = _profile(positions[:, 1], shape[0], sigma_px)
    mean = background + np.einsum("n,ny,nx->yx", flux, y_profile, x_profile)
    if rng is not None:
        width = np.sqrt((noise.variance_slope * mean + noise.read_variance) / n_frames)
        mean = mean + width * rng.standard_normal(shape)
    nowhere = np.zeros(shape, bool)
    return PhotonImage(
        mean=mean,
        n_samples=np.full(shape, n_frames, np.int32),
        usable=~nowhere,
        hot=nowhere,
        saturated=nowhere,
        cosmic=nowhere,
        drift_px=np.zeros((n_frames, 2)),
        offset_px=np.zeros(2),
        noise=noise,
        camera=Camera(),
        n_frames=n_frames,
        exposure_s=exposure_s,
    )


def _profile(centre: Array, length: int, sigma_px: float) -> Array:
    edges = (np.arange(length + 1) - 0.5 - centre[:, np.newaxis]) / sigma_px
    return np.asarray(np.diff(ndtr(edges), axis=1))
