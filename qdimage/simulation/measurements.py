"""Which dots of a simulated field get time tags or histograms, and the rate models behind them."""

import math
from collections.abc import Iterator, Sequence
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
TIME_TAGS, HISTOGRAM = ".ptu", ".csv"
PAIRS = ("0", "X", "XX")

_EDGE_PX = 10.0
_LEAST_PER_US, _MOST_PER_US = 1e-4, 1e5
_MOST_EVENTS = 5e10
_LONGEST_S = 3600.0


@dataclass(frozen=True)
class Measurement:
    """One file of time tags, or one histogram.

    Attributes
    ----------
    file : str
        Relative to the field's folder.
    source : int
        Index of the dot in the scene; without one, of the dot among those measured.
    kind : {"pl", "el"}
    voltage_v : float or None
    pulsed : bool
    place_px : (float, float) or None
        Where the stage was told to go, field frame; None without a scene.
    dot : DotParameters
    electron_rate_per_us, hole_rate_per_us, pump_per_us : float or None
        EL: injection into the neutral dot; PL under cw light: excitations.
    model : RateModel
        Under pulses, as it is between them.
    g2_0 : float
        Of the dot's own light, blinking aside.
    emitted_per_us : float
        Photons of the rate model while the dot is on.
    efficiency : float
        Counts for each of them.
    duration_s : float
    """

    file: str
    source: int
    kind: str
    voltage_v: float | None
    pulsed: bool
    place_px: tuple[float, float] | None
    dot: DotParameters
    electron_rate_per_us: float | None
    hole_rate_per_us: float | None
    pump_per_us: float | None
    model: RateModel
    g2_0: float
    emitted_per_us: float
    efficiency: float
    duration_s: float

    @property
    def is_histogram(self) -> bool:
        """Whether the file holds delays, not times."""
        return self.file.endswith(HISTOGRAM)


@dataclass(frozen=True)
class MeasuredDot:
    """What is a dot's own, the same in all of its files."""

    name: str
    source: int
    parameters: DotParameters
    place_px: tuple[float, float] | None
    injection: float
    imbalance: float
    absorption: float
    brightness: float


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
    dots = measured_dots(field, number)
    planned: list[Measurement] = []
    if number < field.options.photons.n_fields:
        planned += _time_tags(field, dots)
    if number < field.options.histograms.n_fields:
        planned += _histograms(field, dots, first_field=number == 0)
    return planned


def _time_tags(field: Field, dots: list[MeasuredDot]) -> list[Measurement]:
    options, light = field.options, field.options.photons
    return [
        *(
            _el(options, dot, voltage, TIME_TAGS)
            for dot in dots[: light.n_el_dots]
            for voltage in map(float, light.voltages_v)
            if _is_lit(field, dot, voltage)
        ),
        *(_pl(options, dot, TIME_TAGS) for dot in dots[: light.n_pl_dots]),
        *(_pulsed(options, dot) for dot in dots[: light.n_pulsed_dots]),
    ]


def measured_dots(field: Field, number: int) -> list[MeasuredDot]:
    """Return the dots that anything but the camera measures; ``number`` counts the fields from 0.

    Whatever measures a dot, it is the same dot and has the same name.
    """
    light, delays = field.options.photons, field.options.histograms
    most = max(
        light.n_el_dots,
        light.n_pl_dots,
        light.n_pulsed_dots,
        delays.n_el_dots,
        delays.n_series_dots,
        delays.n_pl_dots,
        field.options.spectra.n_dots,
    )
    if most == 0:
        return []
    sources = _ranked(field)[:most] if field.options.experiment.imaging else np.arange(most)
    return [
        _draw_dot(
            field, order, int(source), typical=light.typical_first and number == 0 and order == 1
        )
        for order, source in enumerate(sources, start=1)
    ]


def _histograms(
    field: Field, dots: list[MeasuredDot], *, first_field: bool
) -> Iterator[Measurement]:
    options, delays = field.options, field.options.histograms
    for order, dot in enumerate(dots):
        voltages = set(map(float, delays.voltages_v)) if order < delays.n_el_dots else set()
        if first_field and order < delays.n_series_dots:
            voltages |= set(map(float, delays.series_voltages_v))
        for voltage in sorted(voltages):
            if _is_lit(field, dot, voltage):
                yield _el(options, dot, voltage, HISTOGRAM)
    for dot in dots[: delays.n_pl_dots]:
        yield _pl(options, dot, HISTOGRAM)


def _is_lit(field: Field, dot: MeasuredDot, voltage_v: float) -> bool:
    if not field.options.experiment.imaging:
        return True
    return bool(field.scene.turn_on_voltage_v[dot.source] <= voltage_v)


def _ranked(field: Field) -> NDArray[np.intp]:
    """Dots well inside the frame and alone; lit at all voltages of a series, then the brightest."""
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
    late = np.zeros(len(scene), bool)
    if options.histograms.n_series_dots and options.histograms.series_voltages_v:
        late = scene.turn_on_voltage_v > min(options.histograms.series_voltages_v)
    order = np.lexsort((-pl_photons_s(scene, options), -el, late))
    return np.asarray(order[chosen[order]])


def _draw_dot(field: Field, order: int, source: int, *, typical: bool) -> MeasuredDot:
    options, light = field.options, field.options.photons
    rng = generator(field.seed, field.name, "dot", str(source))
    yield_of_xx, injection, imbalance, absorption, *error = rng.standard_normal(6)
    brightness = rng.standard_normal()
    own = asdict(typical_dot(options))
    if typical:
        injection = imbalance = absorption = brightness = 0.0
    else:
        own["biexciton_qy"] *= math.exp(options.dot.biexciton_qy_spread * yield_of_xx)
        own["biexciton_qy"] += options.dot.biexciton_qy_excess * rng.standard_exponential()
        own["biexciton_qy"] = min(own["biexciton_qy"], 1.0)
    return MeasuredDot(
        f"d{order:02d}",
        source,
        DotParameters(**own),
        _place_px(field, source, error) if options.experiment.imaging else None,
        math.exp(light.injection_spread * injection),
        math.exp(light.imbalance_spread * imbalance / 2),
        math.exp(light.pump_spread * absorption),
        math.exp(light.counts_spread * brightness),
    )


def _place_px(field: Field, source: int, error: Sequence[float]) -> tuple[float, float]:
    scene, options = field.scene, field.options
    error_px = options.photons.stage_error_um / options.experiment.pixel_size_um
    return (
        round(float(scene.x_px[source] + error_px * error[0]), 2),
        round(float(scene.y_px[source] + error_px * error[1]), 2),
    )


def _injection_per_us(options: SimulateOptions, voltage_v: float) -> float:
    light = options.photons
    if light.injections:
        return log_line(light.injections, voltage_v)
    above = (voltage_v - light.injection_at_v) / light.injection_rise_v
    with np.errstate(over="ignore"):
        return float(light.injection_per_us * np.exp(above))


def log_line(points: Sequence[tuple[float, float]], at: float) -> float:
    """Return the value at a place, straight on a log scale between and beyond points."""
    x, y = np.array(points).T
    piece = int(np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2))
    slope = np.log(y[piece + 1] / y[piece]) / (x[piece + 1] - x[piece])
    with np.errstate(over="ignore"):
        return float(y[piece] * np.exp(slope * (at - x[piece])))


def _el(options: SimulateOptions, dot: MeasuredDot, voltage_v: float, suffix: str) -> Measurement:
    light = options.photons
    mean = _injection_per_us(options, voltage_v) * dot.injection
    electrons = _possible(mean * dot.imbalance, "injection", f"{voltage_v} V")
    holes = _possible(mean / dot.imbalance, "injection", f"{voltage_v} V")
    model = el_model(
        dot.parameters,
        electron_per_us=electrons,
        hole_per_us=holes,
        coulomb=exponential(light.coulomb_x),
        carriers=light.carriers,
    )
    counts_s = log_line(light.el_counts, voltage_v) if light.el_counts else 0.0
    file = f"{FOLDER}/{dot.name}_el_{voltage_v}V{suffix}"
    return _steady(options, dot, file, model, counts_s, voltage_v, electrons, holes, None)


def _pl(options: SimulateOptions, dot: MeasuredDot, suffix: str) -> Measurement:
    pump = _possible(options.photons.pump_per_us * dot.absorption, "excitation", "cw light")
    model = pl_model(dot.parameters, pump_per_us=pump)
    file = f"{FOLDER}/{dot.name}_pl{suffix}"
    return _steady(options, dot, file, model, options.photons.pl_counts_s, None, None, None, pump)


def _steady(
    options: SimulateOptions,
    dot: MeasuredDot,
    file: str,
    model: RateModel,
    counts_s: float,
    voltage_v: float | None,
    electrons: float | None,
    holes: float | None,
    pump: float | None,
) -> Measurement:
    emission = solve(model)
    jumps_per_us = float(-np.diag(emission.generator) @ emission.populations)
    efficiency = options.optics.collection_efficiency
    if counts_s > 0:
        emitted_s = emission.intensity_per_us * 1e6 * options.photons.on_fraction
        efficiency = _possible_share(counts_s * dot.brightness / emitted_s, file)
    if file.endswith(HISTOGRAM):
        duration_s = options.histograms.duration_s
    else:
        duration_s = _duration_s(options, file, emission.intensity_per_us, jumps_per_us, efficiency)
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
        efficiency,
        duration_s,
    )


def _pulsed(options: SimulateOptions, dot: MeasuredDot) -> Measurement:
    light, efficiency = options.photons, options.optics.collection_efficiency
    model = pl_model(dot.parameters, pump_per_us=0.0)
    decay = decay_from(model, after_pulse(PAIRS, light.pairs_per_pulse))
    emitted_per_us = decay.photons_per_pulse * light.repetition_mhz
    file = f"{FOLDER}/{dot.name}_pl_pulsed{TIME_TAGS}"
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
        efficiency,
        _duration_s(options, file, emitted_per_us, light.repetition_mhz, efficiency),
    )


def _possible(rate_per_us: float, what: str, where: str) -> float:
    if not _LEAST_PER_US <= rate_per_us <= _MOST_PER_US:
        raise ConfigurationError(
            f"photons: found an {what} of {rate_per_us:.3g} per us at {where}, expected "
            f"{_LEAST_PER_US:g} to {_MOST_PER_US:g}; change the rates, their rise or the voltages"
        )
    return rate_per_us


def _possible_share(efficiency: float, file: str) -> float:
    if efficiency > 1:
        raise ConfigurationError(
            f"{file}: found {efficiency:.3g} counts for each photon of the rate model, expected at "
            "most 1; lower photons.el_counts or photons.pl_counts_s, or raise the rates"
        )
    return efficiency


def _duration_s(
    options: SimulateOptions,
    file: str,
    emitted_per_us: float,
    events_per_us: float,
    efficiency: float,
) -> float:
    """In whole milliseconds, long enough for the counts that are asked for."""
    light = options.photons
    signal_s = emitted_per_us * 1e6 * efficiency * light.on_fraction
    counts_s = signal_s + sum(options.detectors.dark_counts_s)
    duration_s = math.ceil(1e3 * light.counts / counts_s) / 1e3
    if duration_s > _LONGEST_S or duration_s * 1e6 * events_per_us > _MOST_EVENTS:
        raise ConfigurationError(
            f"{file}: found {counts_s:.3g} counts/s, expected enough for {light.counts} counts in "
            "reasonable time; lower photons.counts, or raise the rates or "
            "optics.collection_efficiency"
        )
    return duration_s
