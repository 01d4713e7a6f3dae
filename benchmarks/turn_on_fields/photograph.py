"""The mean image of a stack at once: a camera's noise without its frames, drift or cosmic rays."""

import numpy as np

from qdimage.domain.camera import Camera, NoiseModel
from qdimage.domain.photon_image import PhotonImage
from qdimage.image.defects import hot_pixels
from qdimage.image.options import ImageOptions
from qdimage.numerics.random import generator
from qdimage.simulation.options import CameraOptions
from qdimage.simulation.recording import Recording
from qdimage.simulation.render import render_spots


def photograph(recording: Recording) -> PhotonImage:
    """Draw the sum of all frames: Poisson electrons, their EM gain, read noise."""
    field = recording.field
    n, exposure_s = recording.photons.shape[1], field.options.experiment.exposure_s
    camera, shape = field.options.camera, recording.background.shape
    rng = generator(field.seed, field.name, recording.channel.name, "sum of frames")
    light = recording.background + render_spots(
        recording.positions, recording.photons.mean(axis=1), shape=shape, psf=field.psf
    )
    mean_e = light * camera.quantum_efficiency + camera.clock_induced_charge_e
    electrons = rng.poisson(n * (mean_e + exposure_s * field.hot_electrons_s)).astype(float)
    seen = electrons > 0
    electrons[seen] = rng.standard_gamma(electrons[seen])
    read = camera.read_noise_e / camera.em_gain
    electrons += np.sqrt(n) * read * rng.standard_normal(shape)
    noise = _noise(camera)
    mean = electrons / n / camera.quantum_efficiency
    hot = hot_pixels(
        mean,
        noise=noise,
        n_frames=n,
        threshold=ImageOptions().hot_threshold,
        psf_sigma_px=None,
    )
    nowhere = np.zeros(shape, bool)
    return PhotonImage(
        mean=np.where(hot, 0.0, mean),
        n_samples=np.where(hot, 0, n).astype(np.int32),
        usable=~hot,
        hot=hot,
        saturated=nowhere,
        cosmic=nowhere,
        drift_px=np.zeros((n, 2)),
        offset_px=np.zeros(2),
        noise=noise,
        camera=Camera(),
        n_frames=n,
        exposure_s=exposure_s,
    )


def _noise(camera: CameraOptions) -> NoiseModel:
    unit = 1.0 / camera.quantum_efficiency
    return NoiseModel(
        "photons",
        unit,
        2.0,
        (camera.read_noise_e / camera.em_gain * unit) ** 2,
        camera.clock_induced_charge_e * unit,
    )
