"""One area of the device: its channels, and what they share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.transform import Transform
from qdimage.numerics.random import generator
from qdimage.simulation.defects import draw_hot_pixels
from qdimage.simulation.geometry import draw_transform, margin, refuse_folding
from qdimage.simulation.options import SimulateOptions
from qdimage.simulation.psf import Psf, make_psf
from qdimage.simulation.scene import Scene, draw_scene

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Channel:
    """A channel of the experiment; ``voltage_v`` is None in PL."""

    name: str
    stack: str
    voltage_v: float | None

    @property
    def kind(self) -> str:
        """ "pl" or "el"."""
        return "pl" if self.voltage_v is None else "el"


def channels_of(options: SimulateOptions) -> list[Channel]:
    """PL, then EL in the order in which the voltages are listed."""
    voltages = [float(voltage) for voltage in options.experiment.voltages_v]
    el = [Channel(f"EL {voltage}V", f"el_{voltage}V.tif", voltage) for voltage in voltages]
    return [Channel("PL", "pl.tif", None), *el]


@dataclass(frozen=True)
class Field:
    """What the channels of one field share.

    Attributes
    ----------
    name : str
    scene : Scene
    el_to_field : Transform
        EL pixels to field pixels, before each channel's own displacement.
    hot_electrons_s : ndarray, shape (y, x)
        Dark current of the sensor's hot pixels.
    psf : Psf
    options : SimulateOptions
    seed : int
    """

    name: str
    scene: Scene
    el_to_field: Transform
    hot_electrons_s: Floats
    psf: Psf
    options: SimulateOptions
    seed: int


def draw_field(name: str, *, options: SimulateOptions, seed: int) -> Field:
    """Draw one field: its scene and its geometry; the sensor is the same for all of a seed.

    Raises
    ------
    ConfigurationError
        If the EL frames would be distorted beyond what can be inverted.
    """
    size, geometry = options.experiment, options.geometry
    psf = make_psf(options.psf, size.pixel_size_um)
    reach_px = margin(size, geometry, psf.radius_px)
    refuse_folding(size, geometry, reach_px)
    sensor = generator(seed, "sensor")
    return Field(
        name,
        draw_scene(options, reach_px, generator(seed, name, "scene")),
        draw_transform(size, geometry, generator(seed, name, "geometry")),
        draw_hot_pixels((size.height_px, size.width_px), options.defects, sensor),
        psf,
        options,
        seed,
    )
