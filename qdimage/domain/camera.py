"""What turns ADU into photons, and how noisy that is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

CAMERA_KEYS = (
    "bias_adu",
    "electrons_per_adu",
    "em_gain",
    "quantum_efficiency",
    "read_noise_e",
    "clock_induced_charge_e",
    "saturation_adu",
)

SignalUnit = Literal["photons", "photoelectrons", "ADU"]


@dataclass(frozen=True)
class Camera:
    """The camera's keys, None where unknown, and where each of them came from.

    Attributes
    ----------
    bias_adu, electrons_per_adu, em_gain, quantum_efficiency, read_noise_e,
    clock_induced_charge_e, saturation_adu : float or None
        As in ``[camera]`` of ``experiment.toml``; ``read_noise_e`` is at the output, before
        division by the EM gain.
    sources : mapping of str to str
        Key to origin: "experiment.toml", "file metadata", "estimated from the data", "default".
    """

    bias_adu: float | None = None
    electrons_per_adu: float | None = None
    em_gain: float | None = None
    quantum_efficiency: float | None = None
    read_noise_e: float | None = None
    clock_induced_charge_e: float | None = None
    saturation_adu: float | None = None
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NoiseModel:
    """Noise of one pixel in one frame, in the signal's unit.

    The variance at a mean signal m is ``excess_factor_sq * unit_per_electron * m + read_variance``,
    with clock-induced charge already contained in m.

    Attributes
    ----------
    unit : {"photons", "photoelectrons", "ADU"}
        What the numbers count.
    unit_per_electron : float
        Signal units for each photoelectron: 1/QE, 1, or EM gain over electrons per ADU.
    excess_factor_sq : float
        F^2: 2 with EM gain, 1 without.
    read_variance : float
        Variance of the read noise in units squared.
    clock_induced : float
        Mean clock-induced charge for each pixel and frame, in units.
    """

    unit: SignalUnit
    unit_per_electron: float
    excess_factor_sq: float
    read_variance: float
    clock_induced: float = 0.0

    @property
    def variance_slope(self) -> float:
        """Increase of the variance for each unit of mean signal."""
        return self.excess_factor_sq * self.unit_per_electron
