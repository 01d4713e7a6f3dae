"""Spectra of a simulated field: planned, drawn, written, declared, and their truth."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qdimage.domain.spectrum import EV_NM, Spectrum
from qdimage.io.atomic import write_text
from qdimage.numerics.random import generator
from qdimage.simulation.field import Field
from qdimage.simulation.measurements import FOLDER, MeasuredDot
from qdimage.simulation.options import SimulateOptions
from qdimage.simulation.spectra import SpectrumTruth, simulate_spectrum

AREA_FOLDER = "area"


@dataclass(frozen=True)
class PlannedSpectrum:
    """One spectrum: where it is taken, and what emits.

    Attributes
    ----------
    file : str
        Relative to the field's folder.
    kind : {"pl", "el"}
    voltage_v : float or None
    dot : MeasuredDot or None
        None for an area.
    truth : SpectrumTruth
    """

    file: str
    kind: str
    voltage_v: float | None
    dot: MeasuredDot | None
    truth: SpectrumTruth


def plan_spectra(field: Field, dots: list[MeasuredDot], number: int) -> list[PlannedSpectrum]:
    """Return the spectra of a field; areas in the first alone, ``number`` counts from 0."""
    options = field.options.spectra
    planned: list[PlannedSpectrum] = []
    for dot in dots[: options.n_dots]:
        rng = generator(field.seed, field.name, "line", str(dot.source))
        peak_nm = options.peak_nm + options.peak_spread_nm * rng.standard_normal()
        planned += [
            _of_dot(field.options, dot, kind, peak_nm)
            for kind in ("pl", "el")
            if kind == "pl" or _is_lit(field, dot)
        ]
    if number == 0:
        planned += [_of_area(field.options, float(voltage)) for voltage in options.area_voltages_v]
    return planned


def _is_lit(field: Field, dot: MeasuredDot) -> bool:
    if not field.options.experiment.imaging:
        return True
    turn_on_v = field.scene.turn_on_voltage_v[dot.source]
    return bool(turn_on_v <= field.options.spectra.el_voltage_v)


def _of_dot(
    options: SimulateOptions, dot: MeasuredDot, kind: str, peak_nm: float
) -> PlannedSpectrum:
    own = options.spectra
    background = own.pl_background if kind == "pl" else own.el_background
    voltage_v = None if kind == "pl" else own.el_voltage_v
    end = "pl" if voltage_v is None else f"el_{voltage_v}V"
    truth = _detector(options, own.dot_counts, peak_nm, own.fwhm_nm, background)
    return PlannedSpectrum(f"{FOLDER}/{dot.name}_{end}_spectrum.csv", kind, voltage_v, dot, truth)


def _of_area(options: SimulateOptions, voltage_v: float) -> PlannedSpectrum:
    own = options.spectra
    above_v = voltage_v - own.area_at_v
    dots = own.area_counts * math.exp(above_v / own.area_rise_v)
    background = own.area_background_counts * math.exp(above_v / own.area_background_rise_v)
    if voltage_v < own.area_background_from_v:
        background = 0.0
    truth = _detector(options, dots, own.peak_nm, own.area_fwhm_nm, background / dots)
    return PlannedSpectrum(f"{AREA_FOLDER}/el_{voltage_v}V.csv", "el", voltage_v, None, truth)


def _detector(
    options: SimulateOptions, counts: float, peak_nm: float, fwhm_nm: float, background: float
) -> SpectrumTruth:
    own = options.spectra
    return SpectrumTruth(
        counts=counts,
        peak_nm=peak_nm,
        fwhm_nm=fwhm_nm,
        model=own.line,
        background=background,
        first_nm=own.first_nm,
        step_nm=own.step_nm,
        pixels=own.pixels,
        bias_counts=own.bias_counts,
        read_noise_e=own.read_noise_e,
    )


def draw_planned(field: Field, planned: PlannedSpectrum) -> Spectrum:
    """Draw one spectrum; each call draws the same one."""
    return simulate_spectrum(planned.truth, generator(field.seed, field.name, planned.file))


def write_spectrum(path: Path, spectrum: Spectrum, exposure_s: float) -> None:
    """Write a spectrum of one frame as CSV, its exposure above."""
    rows = zip(spectrum.wavelength_nm, spectrum.counts, strict=True)
    lines = [f"exposure_s: {exposure_s:g}\n", "wavelength_nm,counts\n"]
    lines += [f"{x:.6g},{count:.6g}\n" for x, count in rows]
    write_text(path, "".join(lines))


def declare_spectra(options: SimulateOptions, planned: list[PlannedSpectrum]) -> dict[str, Any]:
    """Return the table ``spectra`` of ``experiment.toml``."""
    return {"spectra": [_declare(options, each) for each in planned]} if planned else {}


def _declare(options: SimulateOptions, planned: PlannedSpectrum) -> dict[str, Any]:
    place = planned.dot.place_px if planned.dot is not None else None
    x_px, y_px = place or (None, None)
    return {
        "file": planned.file,
        "scope": "area" if planned.dot is None else "dot",
        "area_mm2": options.spectra.area_mm2 if planned.dot is None else None,
        "kind": planned.kind,
        "voltage_v": planned.voltage_v,
        "exposure_s": options.spectra.exposure_s,
        "x_px": x_px,
        "y_px": y_px,
    }


def describe_spectrum(planned: PlannedSpectrum, options: SimulateOptions) -> Mapping[str, Any]:
    """Return the truth of one spectrum, ready for JSON."""
    dot, truth = planned.dot, planned.truth
    background, band = truth.background * truth.counts, truth.counts * _share_of_dot_band(truth)
    source = dot.source + 1 if dot is not None and options.experiment.imaging else None
    return {
        "file": planned.file,
        "source_id": source,
        "scope": "area" if dot is None else "dot",
        "kind": planned.kind,
        "voltage_v": planned.voltage_v,
        "pmma_nm": options.experiment.pmma_nm,
        "line_counts": float(f"{truth.counts:.8g}"),
        "peak_nm": round(truth.peak_nm, 5),
        "fwhm_nm": truth.fwhm_nm,
        "peak_ev": round(_peak_ev(truth), 6),
        "dot_band_counts_s": float(f"{band / options.spectra.exposure_s:.8g}"),
        "background_band_counts_s": float(f"{background / options.spectra.exposure_s:.8g}"),
        "background_ratio": float(f"{truth.background / _share_of_dot_band(truth):.8g}"),
        "background_counts": float(f"{background:.8g}"),
    }


_DOT_BAND_NM = (600.0, 660.0)


def _share_of_dot_band(truth: SpectrumTruth) -> float:
    """Share of a Gaussian line inside the dot band; other lines are taken as inside."""
    if truth.model != "gaussian":
        return 1.0
    sigma = truth.fwhm_nm / math.sqrt(8 * math.log(2))
    low, high = ((end - truth.peak_nm) / sigma for end in _DOT_BAND_NM)
    return 0.5 * (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2)))


def _peak_ev(truth: SpectrumTruth) -> float:
    """Peak per eV: that of a Gaussian in nm shifts by the Jacobian, lambda squared."""
    if truth.model != "gaussian":
        return EV_NM / truth.peak_nm
    variance = truth.fwhm_nm**2 / (8 * math.log(2))
    # Where the derivative of -(x - peak)^2 / (2 variance) + 2 ln x vanishes.
    at_nm = (truth.peak_nm + math.sqrt(truth.peak_nm**2 + 8 * variance)) / 2
    return float(EV_NM / np.asarray(at_nm))
