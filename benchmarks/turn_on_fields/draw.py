"""Fields whose brightness, voltages and geometry are drawn at random, of stated densities."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qdimage.simulation.field import Field, draw_field
from qdimage.simulation.options import (
    ElOptions,
    ExperimentOptions,
    GeometryOptions,
    PsfOptions,
    SceneOptions,
    SimulateOptions,
)

Array = NDArray[np.float64]

# Side of a square field, px, by density per um^2: some 15 to 50 dots in what both channels show.
SIDES_PX = {0.05: 176, 0.1: 128, 0.3: 96, 0.5: 96}
LOW_V, HIGH_V = (2.1, 2.2, 2.3, 2.4), (2.5, 2.6)
MODEL, OTHER = "model", "other"
"""Case: Gaussian spots and log-normal brightness; or an Airy pattern and other brightness laws."""

_DIM_ONSET_S = (200.0, 600.0)
_DIM_BACKGROUND_PX_S = 60.0
_LEAST_OF_ONSET = 1 / 3


@dataclass(frozen=True)
class Case:
    """What one field is drawn from.

    Attributes
    ----------
    density_per_um2 : float
    kind : str
        `MODEL` or `OTHER`.
    index : int
        Seed of everything in the field.
    dim : bool
    onset_photons_s : float
        Median EL at the turn-on voltage.
    law : str
        Of the brightness: "log-normal", "exponential" or "two kinds".
    voltages_v : (float, float)
    """

    density_per_um2: float
    kind: str
    index: int
    dim: bool
    onset_photons_s: float
    law: str
    voltages_v: tuple[float, float]

    @property
    def options(self) -> SimulateOptions:
        """Of the simulation."""
        side = SIDES_PX[self.density_per_um2]
        return SimulateOptions(
            experiment=ExperimentOptions(voltages_v=self.voltages_v, width_px=side, height_px=side),
            scene=SceneOptions(density_per_um2=self.density_per_um2),
            el=ElOptions(
                onset_photons_s=self.onset_photons_s,
                minimum_photons_s=_LEAST_OF_ONSET * self.onset_photons_s,
                background_photons_px_s=_DIM_BACKGROUND_PX_S if self.dim else 0.0,
            ),
            geometry=GeometryOptions(shift_max_px=10.0, radial_max_px=0.1, drift_px=0.0),
            psf=PsfOptions(kind="gaussian" if self.kind == MODEL else "airy"),
        )


def draw_case(density_per_um2: float, kind: str, index: int) -> Case:
    """Draw a case; the same for the same arguments."""
    rng = np.random.default_rng([round(1000 * density_per_um2), kind == OTHER, index])
    dim = bool(rng.random() < 0.5)
    onset = float(np.exp(rng.uniform(*np.log(_DIM_ONSET_S)))) if dim else 1500.0
    law = str(rng.choice(["exponential", "two kinds"])) if kind == OTHER else "log-normal"
    voltages = float(rng.choice(LOW_V)), float(rng.choice(HIGH_V))
    return Case(density_per_um2, kind, index, dim, onset, law, voltages)


def draw(case: Case) -> Field:
    """Draw the field of a case."""
    field = draw_field(f"field-{case.index}", options=case.options, seed=case.index)
    rng = np.random.default_rng([case.index, 7])
    onset = brightness(case, field.scene.onset_photons_s, rng)
    return replace(field, scene=replace(field.scene, onset_photons_s=onset))


def brightness(case: Case, log_normal: Array, rng: np.random.Generator) -> Array:
    """EL at turn-on by the case's law; the log-normal one is given."""
    if case.law == "exponential":
        return np.asarray(case.onset_photons_s * rng.exponential(1.0, len(log_normal)))
    if case.law == "two kinds":
        dim = rng.random(len(log_normal)) < 1 / 3
        return np.where(dim, log_normal / 8, log_normal)
    return log_normal
