"""Fields as the stages see them: drawn, photographed, localized, and kept in a folder.

A pair is a dot that both channels detected, counted with the simulator's truth.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from qdimage.domain.camera import Camera
from qdimage.domain.localizations import Localizations
from qdimage.domain.stack import Stack
from qdimage.domain.transform import Transform
from qdimage.image.options import ImageOptions
from qdimage.image.projection import photon_image
from qdimage.localize.dots import localize
from qdimage.localize.options import LocalizeOptions
from qdimage.pipeline.frames import NominalMap
from qdimage.simulation.field import channels_of, draw_field
from qdimage.simulation.options import CameraOptions
from qdimage.simulation.recording import Recording, record
from registration_fields.draw import draw_options

Array = NDArray[np.float64]
Rng = np.random.Generator

# One camera: its hot pixels are in the same places in every field.
CAMERA_SEED = 1
_SAME_PX = 1.0
_SIGMA_OVER_WAVELENGTH = 0.25
_COLUMNS = (
    "x_px",
    "y_px",
    "x_err_px",
    "y_err_px",
    "signal",
    "signal_err",
    "background",
    "sigma_px",
    "false_alarm_p",
    "flags",
)


@dataclass(frozen=True)
class Seen:
    """What one channel shows: its dots, the emitter that each is (-1: none), the true map."""

    dots: Localizations
    emitter: NDArray[np.int64]
    transform: Transform


def camera_of(options: CameraOptions) -> Camera:
    """The camera as an experiment file would declare it."""
    return Camera(
        bias_adu=options.bias_adu,
        electrons_per_adu=options.electrons_per_adu,
        em_gain=options.em_gain,
        quantum_efficiency=options.quantum_efficiency,
        read_noise_e=options.read_noise_e,
        clock_induced_charge_e=options.clock_induced_charge_e,
        saturation_adu=options.saturation_adu,
    )


def seen(recording: Recording, psf_sigma_px: float, *, binning: int = 1) -> Seen:
    """Photograph and localize a channel, and find which emitter each dot is.

    Binned frames are localized in their own pixels, and the dots given in those of the camera.
    """
    options = recording.field.options
    frames = np.stack(list(recording.frames()))
    image = photon_image(
        Stack.from_array(_binned(frames, binning, options.camera), recording.channel.name),
        camera=camera_of(options.camera),
        exposure_s=options.experiment.exposure_s,
        options=ImageOptions(),
        psf_sigma_px=psf_sigma_px / binning,
    )
    dots = localize(image, options=LocalizeOptions(), psf_sigma_px=psf_sigma_px / binning)
    dots = NominalMap(binning, np.full(2, (binning - 1) / 2)).dots(dots)
    return Seen(dots, true_emitters(dots, recording), recording.transform)


def _binned(frames: NDArray[np.generic], binning: int, camera: CameraOptions) -> Array:
    """Charge of square groups of pixels, read out with one bias."""
    n, height, width = frames.shape
    groups = (n, height // binning, binning, width // binning, binning)
    light = frames.astype(np.float64) - camera.bias_adu
    return np.asarray(light.reshape(groups).sum(axis=(2, 4)) + camera.bias_adu)


def true_emitters(dots: Localizations, recording: Recording) -> NDArray[np.int64]:
    """The nearest shining emitter of each dot, one to one; -1 where none is near."""
    emitter = np.full(len(dots), -1, np.int64)
    shining = np.flatnonzero(recording.photons_s > 0)
    if len(shining) == 0 or len(dots) == 0:
        return emitter
    distance, nearest = cKDTree(recording.positions[shining]).query(dots.positions)
    taken: set[int] = set()
    for k in np.argsort(distance):
        if distance[k] < _SAME_PX and int(nearest[k]) not in taken:
            taken.add(int(nearest[k]))
            emitter[k] = shining[nearest[k]]
    return emitter


def simulated(name: str, rng: Rng, *, unlit: bool) -> list[Seen]:
    """PL and the EL channels of one field."""
    options = draw_options(rng, unlit=unlit)
    field = draw_field(name, options=options, seed=CAMERA_SEED)
    optics = options.psf
    width = _SIGMA_OVER_WAVELENGTH * optics.emission_nm / 1e3 / optics.numerical_aperture
    width /= options.experiment.pixel_size_um
    channels = []
    for channel in channels_of(options):
        channels.append(seen(record(field, channel), width))
        width = channels[0].dots.psf_sigma_px
    return channels


def stored(file: Path, rng: Rng, *, unlit: bool = False) -> list[Seen]:
    """The channels of a field, from the folder where they are kept if they are there."""
    if not file.exists():
        _keep(file, simulated(file.stem, rng, unlit=unlit))
    return read(file)


def stored_binned(file: Path, field: Path, rng: Rng) -> list[Seen]:
    """PL of a stored field and its last EL channel in 2 x 2 binning."""
    if not file.exists():
        pl, options = read(field)[0], draw_options(rng)
        drawn = draw_field(field.stem, options=options, seed=CAMERA_SEED)
        recording = record(drawn, channels_of(options)[-1])
        _keep(file, [pl, seen(recording, pl.dots.psf_sigma_px, binning=2)])
    return read(file)


def _keep(file: Path, channels: list[Seen]) -> None:
    arrays: dict[str, Array] = {}
    for k, each in enumerate(channels):
        table = np.column_stack([getattr(each.dots, column) for column in _COLUMNS])
        arrays[f"dots{k}"] = np.column_stack([table, each.emitter])
        true = each.transform
        bend = [true.radial_px, *true.centre_px, true.radius_px, each.dots.psf_sigma_px]
        arrays[f"true{k}"] = np.concatenate([true.matrix.ravel(), bend])
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, **arrays)


def read(file: Path) -> list[Seen]:
    """The channels that a file keeps."""
    channels = []
    with np.load(file) as arrays:
        for k in range(len(arrays.files) // 2):
            table, true = arrays[f"dots{k}"], arrays[f"true{k}"]
            named = dict(zip(_COLUMNS, table.T, strict=False))
            named["flags"] = named["flags"].astype(np.int64)
            transform = Transform(
                true[:6].reshape(2, 3), true[6], (true[7], true[8]), true[9], np.zeros((7, 7))
            )
            dots = Localizations(**named, psf_sigma_px=float(true[10]))
            channels.append(Seen(dots, table[:, -1].astype(np.int64), transform))
    return channels
