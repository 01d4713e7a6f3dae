"""Which dots of a simulated field get time tags, and the rate models behind them."""

import math
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.constants import c, h
from scipy.spatial import cKDTree

from qdimage.errors import ConfigurationError
from qdimage.numerics.random import generator
from qdimage.rates.coulomb import exponential
from qdimage.rates.decay import after_pulse, decay_from
from qdimage.rates.declaration import RateModel
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.pl import pl_model
from qdimage.rates.solution import solve
from qdimage.simulation.field import Field
from qdimage.simulation.options import SimulateOptions
from qdimage.simulation.scene import DOT, el_photons_s, pl_photons_s

FOLDER = "dots"
PAIRS = ("0", "X", "XX")

_EDGE_PX = 10.0
_LEAST_PER_US, _MOST_PER_US = 1e-4, 1e5
_MOST_EVENTS = 1e10
_LONGEST_S = 3600.0


@dataclass(frozen=True)
class Measurement:
    """One time-tag file.

    Attributes
    ----------
    file : str
        Relative to the field's folder.
    source : int
        Index of the dot in the scene.
    kind : {"pl", "el"}
    voltage_v : float or None
    pulsed : bool
    place_px : (float, float)
        Where the stage was told to go, field frame.
    dot : DotParameters
    electron_rate_per_us, hole_rate_per_us, pump_per_us : float or None
        EL: injection into the neutral dot; PL under cw light: excitations.
    model : RateModel
        Under pulses, as it is between them.
    g2_0 : float
        Of the dot's own light, blinking aside.
    emitted_per_us : float
        Photons while the dot is on.
    duration_s : float
    """

    file: str
    source: int
    kind: str
    voltage_v: float | None
    pulsed: bool
    place_px: tuple[float, float]
    dot: DotParameters
    electron_rate_per_us: float | None
    hole_rate_per_us: float | None
    pump_per_us: float | None
    model: RateModel
    g2_0: float
    emitted_per_us: float
    duration_s: float


@dataclass(frozen=True)
class _Dot:
    """What is a dot's own, the same in all of its files."""

    name: str
    source: int
    parameters: DotParameters
    place_px: tuple[float, float]
    injection: float
    imbalance: float
    absorption: float


def typical_dot(options: SimulateOptions) -> DotParameters:
    """Return the batch's averages."""
    own = options.dot.model_dump()
    return DotParameters(**{each.name: own[each.name] for each in fields(DotParameters)})


def power_density_w_cm2(options: SimulateOptions) -> float:
    """Return the cw light that pumps the median dot at its rate."""
    light = options.photons
    photon_j = h * c / (light.excitation_nm * 1e-9)
    return float(light.pump_per_us * 1e6 * photon_j / light.absorption_cross_section_cm2)


def plan_measurements(field: Field, number: int) -> list[Measurement]:
    """Return the time-tag files of a field; ``number`` counts the fields from 0.

    Raises
    ------
    ConfigurationError
        If a dot's light would be too weak, too bright or too long to draw.
    """
    light = field.options.photons
    most = max(light.n_el_dots, light.n_pl_dots, light.n_pulsed_dots)
    if most == 0 or number >= light.n_fields:
        return []
    dots = [
        _draw_dot(field, order, int(source))
        for order, source in enumerate(_ranked(field)[:most], start=1)
    ]
    turn_on = field.scene.turn_on_voltage_v
    return [
        *(
            _el(field.options, dot, voltage)
            for dot in dots[: light.n_el_dots]
            for voltage in map(float, light.voltages_v)
            if turn_on[dot.source] <= voltage
        ),
        *(_pl(field.options, dot) for dot in dots[: light.n_pl_dots]),
        *(_pulsed(field.options, dot) for dot in dots[: light.n_pulsed_dots]),
    ]


def _ranked(field: Field) -> NDArray[np.intp]:
    """Dots well inside the frame and alone, the brightest first."""
    scene, options = field.scene, field.options
    size, light = options.experiment, options.photons
    x_px, y_px = scene.x_px, scene.y_px
    chosen = scene.kind == DOT
    chosen &= (x_px > _EDGE_PX) & (x_px < size.width_px - 1 - _EDGE_PX)
    chosen &= (y_px > _EDGE_PX) & (y_px < size.height_px - 1 - _EDGE_PX)
    if len(scene) > 1:
        nearest_px = cKDTree(scene.positions).query(scene.positions, k=2)[0][:, 1]
        chosen &= nearest_px * size.pixel_size_um >= light.isolation_um
    el = np.zeros(len(scene))
    if light.voltages_v:
        with np.errstate(over="ignore"):
            el = el_photons_s(scene, max(light.voltages_v), options.el)
    order = np.lexsort((-pl_photons_s(scene, options), -el))
    return np.asarray(order[chosen[order]])


def _draw_dot(field: Field, order: int, source: int) -> _Dot:
    scene, options = field.scene, field.options
    light, typical = options.photons, typical_dot(options)
    rng = generator(field.seed, field.name, "dot", str(source))
    yield_of_xx, injection, imbalance, absorption, *error = rng.standard_normal(6)
    own = asdict(typical)
    own["biexciton_qy"] *= math.exp(options.dot.biexciton_qy_spread * yield_of_xx)
    own["biexciton_qy"] = min(own["biexciton_qy"], 1.0)
    error_px = light.stage_error_um / options.experiment.pixel_size_um
    return _Dot(
        f"d{order:02d}",
        source,
        DotParameters(**own),
        (
            round(float(scene.x_px[source] + error_px * error[0]), 2),
            round(float(scene.y_px[source] + error_px * error[1]), 2),
        ),
        math.exp(light.injection_spread * injection),
        math.exp(light.imbalance_spread * imbalance / 2),
        math.exp(light.pump_spread * absorption),
    )


def _el(options: SimulateOptions, dot: _Dot, voltage_v: float) -> Measurement:
    light = options.photons
    above = (voltage_v - light.injection_at_v) / light.injection_rise_v
    with np.errstate(over="ignore"):
        mean = float(light.injection_per_us * np.exp(above)) * dot.injection
    electrons = _possible(mean * dot.imbalance, "injection", f"{voltage_v} V")
    holes = _possible(mean / dot.imbalance, "injection", f"{voltage_v} V")
    model = el_model(
        dot.parameters,
        electron_per_us=electrons,
        hole_per_us=holes,
        coulomb=exponential(light.coulomb_x),
        carriers=light.carriers,
    )
    return _steady(options, dot, f"el_{voltage_v}V", model, voltage_v, electrons, holes, None)


def _pl(options: SimulateOptions, dot: _Dot) -> Measurement:
    pump = _possible(options.photons.pump_per_us * dot.absorption, "excitation", "cw light")
    model = pl_model(dot.parameters, pump_per_us=pump)
    return _steady(options, dot, "pl", model, None, None, None, pump)


def _steady(
    options: SimulateOptions,
    dot: _Dot,
    what: str,
    model: RateModel,
    voltage_v: float | None,
    electrons: float | None,
    holes: float | None,
    pump: float | None,
) -> Measurement:
    emission = solve(model)
    jumps_per_us = float(-np.diag(emission.generator) @ emission.populations)
    file = f"{FOLDER}/{dot.name}_{what}.ptu"
    return Measurement(
        file,
        dot.source,
        "pl" if voltage_v is None else "el",
        voltage_v,
        False,
        dot.place_px,
        dot.parameters,
        electrons,
        holes,
        pump,
        model,
        emission.g2_0,
        emission.intensity_per_us,
        _duration_s(options, file, emission.intensity_per_us, jumps_per_us),
    )


def _pulsed(options: SimulateOptions, dot: _Dot) -> Measurement:
    light = options.photons
    model = pl_model(dot.parameters, pump_per_us=0.0)
    decay = decay_from(model, after_pulse(PAIRS, light.pairs_per_pulse))
    emitted_per_us = decay.photons_per_pulse * light.repetition_mhz
    file = f"{FOLDER}/{dot.name}_pl_pulsed.ptu"
    return Measurement(
        file,
        dot.source,
        "pl",
        None,
        True,
        dot.place_px,
        dot.parameters,
        None,
        None,
        None,
        model,
        decay.g2_0,
        emitted_per_us,
        _duration_s(options, file, emitted_per_us, light.repetition_mhz),
    )


def _possible(rate_per_us: float, what: str, where: str) -> float:
    if not _LEAST_PER_US <= rate_per_us <= _MOST_PER_US:
        raise ConfigurationError(
            f"photons: found an {what} of {rate_per_us:.3g} per us at {where}, expected "
            f"{_LEAST_PER_US:g} to {_MOST_PER_US:g}; change the rates, their rise or the voltages"
        )
    return rate_per_us


def _duration_s(
    options: SimulateOptions, file: str, emitted_per_us: float, events_per_us: float
) -> float:
    """In whole milliseconds, long enough for the counts that are asked for."""
    light = options.photons
    signal_s = emitted_per_us * 1e6 * options.optics.collection_efficiency * light.on_fraction
    counts_s = signal_s + sum(options.detectors.dark_counts_s)
    duration_s = math.ceil(1e3 * light.counts / counts_s) / 1e3
    if duration_s > _LONGEST_S or duration_s * 1e6 * events_per_us > _MOST_EVENTS:
        raise ConfigurationError(
            f"{file}: found {counts_s:.3g} counts/s, expected enough for {light.counts} counts in "
            "reasonable time; lower photons.counts, or raise the rates or "
            "optics.collection_efficiency"
        )
    return duration_s
