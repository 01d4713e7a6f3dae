"""A spectrum as it was recorded: wavelengths, counts of each frame, exposure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EV_NM = 1239.84198  # h c / e, CODATA 2018


@dataclass(frozen=True)
class Spectrum:
    """Counts of each pixel against its wavelength.

    Attributes
    ----------
    path : pathlib.Path
        Where it was read.
    wavelength_nm : ndarray, shape (n,)
        Centres of the pixels, rising.
    frames : ndarray, shape (f, n)
        Counts of each frame, of all accumulations; negative where a dark was subtracted.
    exposure_s : float or None
        Of all frames together; None where the file does not say.
    meta : mapping of str to str
        What else the file says.
    warnings : tuple of str
        What is to know about the file.
    """

    path: Path
    wavelength_nm: Array
    frames: Array
    exposure_s: float | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def counts(self) -> Array:
        """Counts of all frames, shape (n,)."""
        return np.asarray(self.frames.sum(axis=0))

    @property
    def pixel_nm(self) -> Array:
        """Width of each pixel, shape (n,)."""
        return np.asarray(np.gradient(self.wavelength_nm))


def energy_ev(wavelength_nm: Array) -> Array:
    """Return photon energies, falling where wavelengths rise."""
    return np.asarray(EV_NM / wavelength_nm)


def per_energy(wavelength_nm: Array, per_nm: Array) -> Array:
    """Return a density per eV from one per nm: the Jacobian is wavelength squared over h c."""
    return np.asarray(per_nm * wavelength_nm**2 / EV_NM)
