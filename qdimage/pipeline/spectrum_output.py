"""What was found of a spectrum, as a row and as a curve."""

from typing import TYPE_CHECKING, Any

import numpy as np

from qdimage.domain.refusal import Refusal
from qdimage.domain.spectrum import energy_ev
from qdimage.domain.spectrum_fit import BandLight, Bands, Line, SpectraCompared
from qdimage.pipeline.spectrum import SpectrumAnswer

if TYPE_CHECKING:
    import pandas as pd

_POOR_FIT, _OPEN = 1e-3, 2.0
# A band has light by a p-value below this.
SEEN_P = 1e-3


def spectrum_row(found: SpectrumAnswer) -> dict[str, Any]:
    """Return what is known of a file, as in the table `spectra`."""
    row: dict[str, Any] = {
        "file": found.file.name,
        "exposure_s": found.spectrum.exposure_s,
        "dark_file": "" if found.settings.dark is None else found.settings.dark.name,
    }
    notes = list(found.spectrum.warnings)
    if found.cleaned is not None:
        fit = found.answer
        noise = found.cleaned.noise if isinstance(fit, Refusal) else fit.noise
        row |= {
            "noise": noise.source,
            "counts_per_electron": noise.counts_per_electron,
            "n_cosmic": found.cleaned.n_cosmic,
        }
        notes += [found.cleaned.warning] if found.cleaned.warning else []
    if isinstance(found.light, BandLight):
        row |= _light(found.light)
    if isinstance(found.answer, Refusal):
        return row | _without_line(found, found.answer, notes)
    line, bands = found.answer.line, found.answer.bands
    row |= _line(line)
    if isinstance(bands, Bands):
        row |= _bands(bands)
    else:
        notes.append(f"no ratio: {bands.reason}")
    turn_on = found.settings.turn_on_v
    if turn_on is not None:
        row |= {"turn_on_voltage_v": turn_on, "sub_bandgap_v": line.peak_ev.value - turn_on}
    if found.against is not None:
        row["compared_with"] = found.against.name
    if isinstance(found.comparison, SpectraCompared):
        row |= _comparison(found.comparison)
    elif isinstance(found.comparison, Refusal):
        notes.append(found.comparison.reason)
    return row | {"status": "ok", "flags": _flags(found, line), "message": "; ".join(notes)}


def _without_line(found: SpectrumAnswer, refusal: Refusal, notes: list[str]) -> dict[str, Any]:
    """Of an area light in the bands is an answer, of a dot the line alone is one."""
    message = "; ".join([*notes, refusal.reason])
    light = found.light
    if (
        found.settings.scope == "area"
        and isinstance(light, BandLight)
        and min(light.dot.p_value, light.background.p_value) < SEEN_P
    ):
        return {"status": "ok", "flags": "no_line", "message": f"no line: {message}"}
    return {"status": "refused", "message": message}


def _light(light: BandLight) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, band in (("dot", light.dot), ("background", light.background)):
        row |= {
            f"{name}_band_counts": band.counts.value,
            f"{name}_band_counts_err": band.counts.err,
            f"{name}_band_counts_upper": band.upper,
            f"{name}_band_p_value": band.p_value,
        }
    return row


def _line(line: Line) -> dict[str, Any]:
    rivals = sorted(value for name, value in line.bic.items() if name != line.model)
    shape = None if line.shape is None else line.shape.value
    return {
        "counts": line.counts.value,
        "counts_err": line.counts.err,
        "model": line.model,
        "bic_margin": rivals[0] if rivals else None,
        "peak_nm": line.peak_nm.value,
        "peak_err_nm": line.peak_nm.err,
        "fwhm_nm": line.fwhm_nm.value,
        "fwhm_err_nm": line.fwhm_nm.err,
        "peak_ev": line.peak_ev.value,
        "peak_err_ev": line.peak_ev.err,
        "fwhm_ev": line.fwhm_ev.value,
        "fwhm_err_ev": line.fwhm_ev.err,
        "asymmetry": shape if line.model == "asymmetric" else None,
        "lorentzian_share": shape if line.model == "voigt" else None,
        "p_value": line.p_value,
    }


def _bands(bands: Bands) -> dict[str, Any]:
    return {
        "background_ratio": bands.ratio,
        "background_ratio_low": bands.low,
        "background_ratio_high": bands.high,
        "background_ratio_upper": bands.upper,
        "background_p_value": bands.p_value,
        "background_free": bands.low <= 0,
    }


def _comparison(found: SpectraCompared) -> dict[str, Any]:
    return {
        "shift_nm": found.shift_nm.value,
        "shift_err_nm": found.shift_nm.err,
        "shift_ev": found.shift_ev.value,
        "shift_err_ev": found.shift_ev.err,
        "width_ratio": found.width_ratio.value,
        "width_ratio_err": found.width_ratio.err,
        "contour_p_value": found.p_value,
        "contour_similarity": found.similarity,
    }


def _flags(found: SpectrumAnswer, line: Line) -> str:
    options = found.options
    rivals = [value for name, value in line.bic.items() if name != line.model]
    from_end = min(
        line.peak_nm.value - options.dot_low_nm, options.dot_high_nm - line.peak_nm.value
    )
    raised = {
        "poor_fit": line.p_value < _POOR_FIT,
        "model_open": bool(rivals) and min(rivals) < _OPEN,
        "peak_at_edge": from_end < line.fwhm_nm.value / 2,
        "cosmic_rays": found.cleaned is not None and found.cleaned.n_cosmic > 0,
    }
    return ";".join(name for name, is_raised in raised.items() if is_raised)


def spectrum_curve(found: SpectrumAnswer) -> "pd.DataFrame":
    """Return a spectrum as it is kept: wavelength_nm, energy_ev, counts, model.

    Counts are those of a pixel, without cosmic rays and dark; the model is empty where nothing was
    fitted.
    """
    import pandas as pd

    x = found.spectrum.wavelength_nm
    counts = found.spectrum.counts if found.cleaned is None else found.cleaned.counts
    model = np.full(x.shape, np.nan)
    if not isinstance(found.answer, Refusal):
        model[found.answer.line.first : found.answer.line.last] = found.answer.line.fitted
    return pd.DataFrame(
        {"wavelength_nm": x, "energy_ev": energy_ev(x), "counts": counts, "model": model}
    )
