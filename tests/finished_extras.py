"""Spectra, series over voltages and rate fits for the small output folders of `finished_run`."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qdimage.domain.light_tables import BAND_SERIES, PHOTON_FLUX
from qdimage.domain.photon_tables import PHOTONS, RATE_FITS
from qdimage.domain.spectrum import EV_NM
from qdimage.domain.spectrum_tables import SPECTRA
from qdimage.domain.tables import DOTS
from qdimage.io.curve_file import write_curve
from qdimage.io.table_file import read_table, write_table
from qdimage.pipeline.headlines import add_headlines
from qdimage.pipeline.spectrum_headlines import add_spectrum_headlines
from qdimage.pipeline.tables import as_frame
from qdimage.reporting.content import rows_of

PLACE = {"device": "device-A", "field": "field-01"}
VOLTAGES = (2.4, 2.6)


def add_spectra(out: Path, dots: int = 2) -> None:
    """Add an EL and a PL spectrum of the first dots."""
    rng = np.random.default_rng(8)
    rows = [
        _spectrum(out, rng, dot, kind, voltage)
        for dot in range(1, dots + 1)
        for kind, voltage in (("el", 2.6), ("pl", None))
    ]
    write_table(as_frame(rows, SPECTRA), SPECTRA, out)


def add_rate_fits(out: Path, dots: int = 2) -> None:
    """Add fits of the first dots at `VOLTAGES`, and a refusal of the last of them."""
    rows = [_rate_fit(dot, voltage) for dot in range(1, dots + 1) for voltage in VOLTAGES]
    rows.append(
        _shared(dots, "pl", None, f"dots/pl_{dots}.ptu")
        | {"status": "refused", "message": "found pulsed light, expected cw"}
    )
    write_table(as_frame(rows, RATE_FITS), RATE_FITS, out)


def add_series(out: Path, dots: int = 2) -> None:
    """Add counts and bands of the first dots at `VOLTAGES`."""
    counts, bands = [], []
    for dot in range(1, dots + 1):
        for voltage in VOLTAGES:
            rate = 2e4 * dot * (1 + 10 * (voltage - VOLTAGES[0]))
            shared = _shared(dot, "el", voltage, f"dots/el_{dot}_{voltage}V.ptu")
            counts.append(
                shared
                | {
                    "counts_s": rate,
                    "counts_err_s": 0.02 * rate,
                    "emitted_photons_s": rate / 0.08,
                    "emitted_photons_err_s": 0.02 * rate / 0.08,
                    "camera_emitted_photons_s": rate / 0.07,
                    "camera_emitted_photons_err_s": 0.1 * rate / 0.07,
                    "status": "ok",
                }
            )
            band = {
                f"{name}{end}_counts_s": share * rate * scale
                for name, share in (("dot_band", 0.01), ("background_band", 0.0001))
                for end, scale in (("", 1.0), ("_low", 0.9), ("_high", 1.1))
            }
            place = {key: value for key, value in shared.items() if key != "kind"}
            bands.append(place | band | {"scope": "dot", "status": "ok"})
    write_table(as_frame(counts, PHOTON_FLUX), PHOTON_FLUX, out)
    write_table(as_frame(bands, BAND_SERIES), BAND_SERIES, out)


def add_dot_headlines(out: Path) -> None:
    """Put into `dots` of that field what the tables of files say of each."""
    dots = rows_of(read_table(out, DOTS))
    own = [row for row in dots if {name: row[name] for name in PLACE} == PLACE]
    files = {
        table.name: [
            row for row in rows_of(read_table(out, table)) if row["field"] == PLACE["field"]
        ]
        for table in (PHOTONS, RATE_FITS, SPECTRA)
    }
    add_headlines(own, files[PHOTONS.name], (), files[RATE_FITS.name])
    add_spectrum_headlines(own, files[SPECTRA.name])
    write_table(as_frame(dots, DOTS), DOTS, out)


def _shared(dot: int, kind: str, voltage: float | None, file: str) -> dict[str, Any]:
    return PLACE | {"dot_id": dot, "kind": kind, "voltage_v": voltage, "file": file}


def _spectrum(
    out: Path, rng: np.random.Generator, dot: int, kind: str, voltage: float | None
) -> dict[str, Any]:
    peak, sigma = 628.0 + dot, 11.0
    wavelength = np.linspace(400, 750, 512)
    line = 800 * np.exp(-0.5 * ((wavelength - peak) / sigma) ** 2)
    curve = {
        "wavelength_nm": wavelength,
        "energy_ev": EV_NM / wavelength,
        "counts": rng.poisson(line + 3).astype(float),
        "model": np.where(np.abs(wavelength - peak) < 60, line + 3, np.nan),
    }
    name = f"curves/spectra/{kind}_{dot}.csv"
    write_curve(pd.DataFrame(curve), out / name)
    return _shared(dot, kind, voltage, f"dots/{kind}_{dot}.asc") | {
        "scope": "dot",
        "model": "gaussian",
        "peak_nm": peak,
        "peak_err_nm": 0.11,
        "fwhm_nm": 2.355 * sigma,
        "fwhm_err_nm": 0.3,
        "peak_ev": EV_NM / peak,
        "peak_err_ev": 0.0004,
        "status": "ok",
        "curve": name,
    }


def _rate_fit(dot: int, voltage: float) -> dict[str, Any]:
    rate = 20.0 * dot * (1 + 5 * (voltage - VOLTAGES[0]))
    return _shared(dot, "el", voltage, f"dots/el_{dot}_{voltage}V.ptu") | {
        "model": "el, exp, 4",
        "injection_rate_per_us": rate,
        "injection_rate_low_per_us": 0.8 * rate,
        "injection_rate_high_per_us": 1.25 * rate,
        "g2_0_model": 0.05,
        "g2_0_model_low": 0.04,
        "g2_0_model_high": 0.06,
        "p_value": 0.3,
        "status": "ok",
        "flags": "undetermined",
    }
