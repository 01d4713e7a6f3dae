"""Time-tag files of simulated dots: drawn, written, declared, and their truth."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qdimage.domain.photons import PhotonStream
from qdimage.numerics.random import generator
from qdimage.simulation.blinking import dark_intervals
from qdimage.simulation.field import Field
from qdimage.simulation.measurements import (
    PAIRS,
    Measurement,
    power_density_w_cm2,
    typical_dot,
)
from qdimage.simulation.options import BlinkingOptions, SimulateOptions
from qdimage.simulation.photon_options import PhotonStreamOptions
from qdimage.simulation.photon_stream import simulate_photons
from qdimage.simulation.ptu_writer import writing_ptu
from qdimage.simulation.pulsed_stream import simulate_pulses

# Delays of a PicoHarp's T3 records have 12 bits; its ticks double from mode to mode.
_MOST_DELAY_TICKS = 4096
_PULSE_DELAY_PERIODS = 0.05


@dataclass(frozen=True)
class TimeTags:
    """What a file holds: the stream, and the share of its time during which the dot was on."""

    stream: PhotonStream
    on_fraction: float


def draw_time_tags(field: Field, measurement: Measurement) -> TimeTags:
    """Draw the photons of one file; each call draws the same ones."""
    options = field.options
    light, duration_s = options.photons, measurement.duration_s
    rng = generator(field.seed, field.name, measurement.file)
    blinking = BlinkingOptions(on_fraction=light.on_fraction, off_time_s=light.off_time_s)
    dark_s = dark_intervals(duration_s, options=blinking, rng=rng)
    dark_ns = dark_s * 1e9
    detectors = PhotonStreamOptions(
        **{**options.detectors.model_dump(), "tick_ps": _tick_ps(options, measurement)},
        duration_s=duration_s,
        detection_efficiency=measurement.efficiency,
    )
    if measurement.pulsed:
        period_ns = 1e3 / light.repetition_mhz
        stream = simulate_pulses(
            measurement.model,
            detectors,
            rng,
            ladder=PAIRS,
            pairs_per_pulse=light.pairs_per_pulse,
            period_ns=period_ns,
            pulse_delay_ns=_PULSE_DELAY_PERIODS * period_ns,
            dark_ns=dark_ns,
        )
    else:
        stream = simulate_photons(measurement.model, detectors, rng, dark_ns=dark_ns)
    off_s = float(np.sum(dark_s[1::2] - dark_s[::2]))
    return TimeTags(stream, 1.0 - off_s / duration_s)


def _tick_ps(options: SimulateOptions, measurement: Measurement) -> float:
    tick_ps = options.detectors.tick_ps
    if measurement.pulsed:
        period_ps = 1e6 / options.photons.repetition_mhz
        while period_ps >= (_MOST_DELAY_TICKS - 1) * tick_ps:
            tick_ps *= 2
    return tick_ps


def write_time_tags(path: Path, stream: PhotonStream) -> list[int]:
    """Write a stream as a PicoHarp 300 would, and return the counts of the two detectors."""
    counts = np.zeros(2, np.int64)
    with writing_ptu(
        path,
        record_type=f"PicoHarp {stream.mode}",
        tick_s=stream.tick_s,
        period_s=stream.period_s,
        duration_s=float(stream.header["duration_s"]),
    ) as writer:
        for block in stream.reader():
            writer.append(block.time, block.channel, delay=block.delay)
            counts += np.bincount(block.channel, minlength=2)
    return [int(each) for each in counts]


def declare_dot(options: SimulateOptions) -> dict[str, Any]:
    """Return the table ``dot_parameters`` of ``experiment.toml``."""
    typical = typical_dot(options)
    spread = math.hypot(
        options.dot.biexciton_qy_spread * typical.biexciton_qy, options.dot.biexciton_qy_excess
    )
    return {"dot_parameters": asdict(typical) | {"biexciton_qy_err": round(spread, 6)}}


def declare_photons(options: SimulateOptions, measurement: Measurement) -> dict[str, Any]:
    """Return the keys of one file, time tags or histogram."""
    x_px, y_px = measurement.place_px or (None, None)
    row: dict[str, Any] = {
        "file": measurement.file,
        "kind": measurement.kind,
        "voltage_v": measurement.voltage_v,
        "x_px": x_px,
        "y_px": y_px,
        "excitation": "pulsed" if measurement.pulsed else "cw",
        "dark_counts_s": list(options.detectors.dark_counts_s),
    }
    fwhm_ns = round(math.sqrt(2) * options.detectors.jitter_fwhm_ns, 4)
    if fwhm_ns > 0:
        row["response_fwhm_ns"] = fwhm_ns
    if measurement.pump_per_us is not None:
        row["absorption_cross_section_cm2"] = options.photons.absorption_cross_section_cm2
        row["excitation_power_density_w_cm2"] = float(f"{power_density_w_cm2(options):.6g}")
        row["excitation_nm"] = options.photons.excitation_nm
    return row


def describe_time_tags(
    measurement: Measurement, on_fraction: float, counts: list[int], options: SimulateOptions
) -> dict[str, Any]:
    """Return the truth of one file, ready for JSON."""
    light = options.photons
    counts_s = measurement.emitted_per_us * 1e6 * measurement.efficiency * light.on_fraction
    return {
        "file": measurement.file,
        "source_id": measurement.source + 1 if options.experiment.imaging else None,
        "kind": measurement.kind,
        "voltage_v": measurement.voltage_v,
        "excitation": "pulsed" if measurement.pulsed else "cw",
        "model": f"el, {light.carriers} carriers" if measurement.kind == "el" else "pl",
        "electron_rate_per_us": _rounded(measurement.electron_rate_per_us),
        "hole_rate_per_us": _rounded(measurement.hole_rate_per_us),
        "pump_per_us": _rounded(measurement.pump_per_us),
        "pairs_per_pulse": light.pairs_per_pulse if measurement.pulsed else None,
        "period_ns": 1e3 / light.repetition_mhz if measurement.pulsed else None,
        "g2_0": _rounded(measurement.g2_0),
        "emitted_per_us": _rounded(measurement.emitted_per_us),
        "counts_s": _rounded(counts_s),
        "emitted_photons_s": _rounded(counts_s / options.optics.collection_efficiency),
        "on_fraction": _rounded(on_fraction),
        "duration_s": measurement.duration_s,
        "counts": counts,
        **{key: _rounded(value) for key, value in asdict(measurement.dot).items()},
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.8g}")
