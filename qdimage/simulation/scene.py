"""Emitters on the sample, and how bright each is under excitation and under voltage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.simulation.options import ElOptions, PlOptions, SceneOptions, SimulateOptions

Floats = NDArray[np.float64]

DOT, PL_DARK, DEFECT, UNRELATED = "dot", "pl_dark", "defect", "unrelated"

SOURCE_KINDS = {
    DOT: "a quantum dot that PL shows",
    PL_DARK: "a quantum dot that emits EL and no PL",
    DEFECT: "an EL-only source that is no quantum dot",
    UNRELATED: "an EL source of another area, in the EL stacks only",
}


@dataclass(frozen=True)
class Scene:
    """Emitters in order of (y, x); every array has one element for each.

    Attributes
    ----------
    kind : ndarray of str
        A key of `SOURCE_KINDS`.
    x_px, y_px : ndarray
        Position in the field frame; also beyond its border.
    pl_photons_s : ndarray
        PL at the camera while on, where the excitation is brightest.
    turn_on_voltage_v : ndarray
        Voltage from which the emitter is lit; inf for never.
    onset_photons_s : ndarray
        EL at the camera while on, at the turn-on voltage.
    """

    kind: NDArray[np.str_]
    x_px: Floats
    y_px: Floats
    pl_photons_s: Floats
    turn_on_voltage_v: Floats
    onset_photons_s: Floats

    def __len__(self) -> int:
        return len(self.x_px)

    @property
    def positions(self) -> Floats:
        """(n, 2) array of (x, y)."""
        return np.column_stack([self.x_px, self.y_px])


def draw_scene(options: SimulateOptions, margin_px: float, rng: np.random.Generator) -> Scene:
    """Place emitters at random over a field and ``margin_px`` beyond its border.

    With ``el.unrelated`` the dots never emit EL, and a second set of emitters that never emits PL
    takes their place in it; with ``el.unlit`` nothing emits EL.
    """
    scene = options.scene
    n_dots = rng.poisson(scene.density_per_um2 * _area_um2(options, margin_px))
    dark = rng.random(n_dots) < scene.pl_dark_fraction
    kinds = [np.where(dark, PL_DARK, DOT), _defects(scene, _area_um2(options, margin_px), rng)]
    if options.el.unrelated:
        kinds.append(np.full(n_dots, UNRELATED))
    kind = np.concatenate(kinds)
    x_px = rng.uniform(-margin_px, options.experiment.width_px - 1 + margin_px, len(kind))
    y_px = rng.uniform(-margin_px, options.experiment.height_px - 1 + margin_px, len(kind))
    order = np.lexsort((x_px, y_px))
    kind = kind[order]
    return Scene(
        kind,
        x_px[order],
        y_px[order],
        _pl_brightness(kind, options.pl, rng),
        _turn_on_voltage(kind, options.el, rng),
        _onset_brightness(kind, options.el, rng),
    )


def _area_um2(options: SimulateOptions, margin_px: float) -> float:
    size = options.experiment
    width = size.width_px - 1 + 2 * margin_px
    height = size.height_px - 1 + 2 * margin_px
    return width * height * size.pixel_size_um**2


def _defects(scene: SceneOptions, area_um2: float, rng: np.random.Generator) -> NDArray[np.str_]:
    return np.full(rng.poisson(scene.defect_density_per_um2 * area_um2), DEFECT)


def _pl_brightness(kind: NDArray[np.str_], pl: PlOptions, rng: np.random.Generator) -> Floats:
    bright = pl.median_photons_s * np.exp(pl.spread * rng.standard_normal(len(kind)))
    return np.where(kind == DOT, bright, 0.0)


def _turn_on_voltage(kind: NDArray[np.str_], el: ElOptions, rng: np.random.Generator) -> Floats:
    median = np.where(kind == DEFECT, el.defect_turn_on_median_v, el.turn_on_median_v)
    voltage = median + el.turn_on_spread_v * rng.standard_normal(len(kind))
    never = el.unlit | (el.unrelated & (kind != UNRELATED))
    return np.where(never, np.inf, voltage)


def _onset_brightness(kind: NDArray[np.str_], el: ElOptions, rng: np.random.Generator) -> Floats:
    bright = el.onset_photons_s * np.exp(el.spread * rng.standard_normal(len(kind)))
    return np.maximum(bright, el.minimum_photons_s)


def excitation(x_px: Floats, y_px: Floats, options: SimulateOptions) -> Floats:
    """Relative excitation at places of the field frame, 1 at the profile's peak."""
    size, pl = options.experiment, options.pl
    dx_um = (x_px - (size.width_px - 1) / 2) * size.pixel_size_um - pl.illumination_offset_um
    dy_um = (y_px - (size.height_px - 1) / 2) * size.pixel_size_um
    return np.exp(-(dx_um**2 + dy_um**2) / (2 * pl.illumination_sigma_um**2))


def pl_photons_s(scene: Scene, options: SimulateOptions) -> Floats:
    """PL of each emitter at the camera while it is on."""
    return scene.pl_photons_s * excitation(scene.x_px, scene.y_px, options)


def el_photons_s(scene: Scene, voltage_v: float, options: ElOptions) -> Floats:
    """EL of each emitter at the camera while it is on: 0 below its turn-on voltage."""
    lit = scene.turn_on_voltage_v <= voltage_v
    above_v = np.where(lit, voltage_v - scene.turn_on_voltage_v, 0.0)
    return np.where(lit, scene.onset_photons_s * np.exp(above_v / options.rise_v), 0.0)


def pl_background(options: SimulateOptions) -> Floats:
    """Photons per pixel and second of the layer under excitation, shape (y, x)."""
    size = options.experiment
    y_px, x_px = np.mgrid[: size.height_px, : size.width_px].astype(float)
    return options.pl.background_photons_px_s * excitation(x_px, y_px, options)


def el_background(voltage_v: float, options: SimulateOptions) -> Floats:
    """Photons per pixel and second of the layer under voltage, shape (y, x)."""
    size, el = options.experiment, options.el
    shape = (size.height_px, size.width_px)
    if el.unlit or el.background_photons_px_s == 0:
        return np.zeros(shape)
    rise = np.exp((voltage_v - el.turn_on_median_v) / el.background_rise_v)
    return np.full(shape, el.background_photons_px_s * rise)
