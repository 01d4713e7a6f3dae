"""An EMCCD: photons in, ADU out, one frame at a time."""

import numpy as np
from numpy.typing import NDArray

from qdimage.simulation.options import CameraOptions

Floats = NDArray[np.float64]


def expose(
    photons: Floats,
    *,
    camera: CameraOptions,
    rng: np.random.Generator,
    dark_e: Floats | float = 0.0,
    deposited_e: Floats | float = 0.0,
) -> NDArray[np.uint16]:
    """Record one frame.

    Photoelectrons, clock-induced charge and dark current are Poisson numbers; the multiplication
    register turns n electrons into a gamma variate of shape n and scale ``em_gain``, which gives
    the excess noise factor F^2 = 2; read noise, conversion, bias and the converter's ceiling
    follow.

    Parameters
    ----------
    photons : ndarray, shape (y, x)
        Mean photons in each pixel.
    camera : CameraOptions
    rng : numpy.random.Generator
    dark_e : ndarray or float
        Mean dark electrons in each pixel.
    deposited_e : ndarray or float
        Electrons that cosmic rays left in each pixel.
    """
    mean_e = photons * camera.quantum_efficiency + camera.clock_induced_charge_e + dark_e
    electrons = rng.poisson(mean_e).astype(float) + np.rint(deposited_e)
    output_e = multiply(electrons, em_gain=camera.em_gain, rng=rng)
    output_e += camera.read_noise_e * rng.standard_normal(output_e.shape)
    adu = np.rint(output_e / camera.electrons_per_adu + camera.bias_adu)
    return np.clip(adu, 0, camera.saturation_adu).astype(np.uint16)


def multiply(electrons: Floats, *, em_gain: float, rng: np.random.Generator) -> Floats:
    """Electrons behind the multiplication register; unchanged at a gain of 1.

    The gamma law is the limit of a high gain: a real register's F^2 is smaller by about
    1/``em_gain``.
    """
    output = np.array(electrons, dtype=float)
    if em_gain > 1:
        filled = output > 0
        output[filled] = em_gain * rng.standard_gamma(output[filled])
    return output
