"""Spectra with their fitted lines, bands and residuals."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from qdimage.domain.refusal import Refusal
from qdimage.domain.spectrum import EV_NM
from qdimage.domain.spectrum_fit import Bands, Line
from qdimage.errors import ConfigurationError
from qdimage.io.atomic import replacing
from qdimage.pipeline.spectrum import SpectrumAnswer
from qdimage.pipeline.spectrum_output import spectrum_curve
from qdimage.reporting.style import BLUE, DPI, GREY, INK, KIND_COLOUR, PALE, house_style, label

MOST_SPECTRA = 12
_WIDTH_IN, _PLOT_IN, _REST_IN, _HEAD_IN, _FOOT_IN = 8.0, 2.6, 0.7, 0.95, 0.65
_LEFT_IN, _RIGHT_IN, _GAP_IN = 0.85, 0.25, 0.08
_SUFFIXES = (".png", ".svg", ".pdf")


def write_spectra(found: Sequence[SpectrumAnswer], path: Path, *, kind: str = "pl") -> None:
    """Draw spectra, one below the other, into a PNG, SVG or PDF.

    Raises
    ------
    ConfigurationError
        If the file's name ends otherwise, or there is nothing or too much to draw.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise ConfigurationError(
            f"{path}: found the suffix {path.suffix!r}, expected one of {', '.join(_SUFFIXES)}; "
            "name the figure so"
        )
    if not 0 < len(found) <= MOST_SPECTRA:
        raise ConfigurationError(
            f"found {len(found)} spectra to draw, expected 1 to {MOST_SPECTRA}; draw fewer"
        )
    with house_style():
        figure = draw_spectra(found, kind=kind)
        with replacing(path) as partial:
            figure.savefig(partial, format=path.suffix[1:].lower(), dpi=DPI)


def draw_spectra(found: Sequence[SpectrumAnswer], *, kind: str = "pl") -> Figure:
    """Return a figure with counts, line and residuals of each spectrum."""
    cell = _HEAD_IN + _PLOT_IN + _GAP_IN + _REST_IN + _FOOT_IN
    height = cell * len(found)
    figure = Figure(figsize=(_WIDTH_IN, height))
    inner = (_WIDTH_IN - _LEFT_IN - _RIGHT_IN) / _WIDTH_IN
    for index, each in enumerate(found):
        bottom = height - (index + 1) * cell + _FOOT_IN
        left = _LEFT_IN / _WIDTH_IN
        below = figure.add_axes((left, bottom / height, inner, _REST_IN / height))
        above = figure.add_axes(
            (left, (bottom + _REST_IN + _GAP_IN) / height, inner, _PLOT_IN / height), sharex=below
        )
        _draw(above, below, each, KIND_COLOUR[kind])
    return figure


def _draw(above: Axes, below: Axes, found: SpectrumAnswer, colour: str) -> None:
    curve = spectrum_curve(found)
    x, counts, model = (
        curve[name].to_numpy(float) for name in ("wavelength_nm", "counts", "model")
    )
    options = found.options
    for low, high, shade in (
        (options.dot_low_nm, options.dot_high_nm, PALE),
        (options.background_low_nm, options.background_high_nm, "#dfe9f5"),
    ):
        above.axvspan(low, high, color=shade, alpha=0.5, lw=0)
    above.step(x, counts, where="mid", color=colour, lw=0.8)
    above.tick_params(labelbottom=False)
    above.set_ylabel("counts per pixel")
    above.set_xlim(x[0], x[-1])
    top = above.secondary_xaxis("top", functions=(_exchanged, _exchanged))
    top.set_xlabel("photon energy (eV)", labelpad=4)
    below.set_xlabel("wavelength (nm)")
    below.set_ylabel("residual\n(sigma)")
    below.axhline(0, color=GREY, lw=0.8)
    if isinstance(found.answer, Refusal) or found.cleaned is None:
        above.set_title(f"{label(found.file.name)}: refused", loc="left", pad=34)
        return
    line = found.answer.line
    above.plot(x, model, color=INK, lw=1.6)
    above.axvline(line.peak_nm.value, color=BLUE, lw=0.8, ls=":")
    seen = np.isfinite(model)
    spread = np.sqrt(found.answer.noise.variance(model[seen]))
    below.plot(x[seen], (counts[seen] - model[seen]) / spread, color=colour, lw=0.6)
    below.set_ylim(-5, 5)
    above.set_title(_title(found.file.name, line), loc="left", pad=34)
    above.text(
        0.015,
        0.94,
        _words(line, found.answer.bands),
        transform=above.transAxes,
        va="top",
        fontsize=9,
    )


def _exchanged(value: ArrayLike) -> NDArray[np.float64]:
    """Wavelength in nm from energy in eV, or the other way round."""
    return np.asarray(EV_NM / np.maximum(np.asarray(value, np.float64), 1e-3))


def _title(name: str, line: Line) -> str:
    return (
        f"{label(name)}: {line.peak_nm.value:.2f} ± {line.peak_nm.err:.2f} nm, "
        f"FWHM {line.fwhm_nm.value:.2f} ± {line.fwhm_nm.err:.2f} nm"
    )


def _words(line: Line, bands: Bands | Refusal) -> str:
    lines = [
        f"{line.model}, p = {line.p_value:.2g}",
        f"{line.peak_ev.value:.4f} ± {line.peak_ev.err:.4f} eV",
        f"FWHM {1e3 * line.fwhm_ev.value:.1f} ± {1e3 * line.fwhm_ev.err:.1f} meV",
    ]
    if isinstance(bands, Bands):
        free = bands.low <= 0
        lines.append(
            f"background / dot < {bands.upper:.2g} (95 %)"
            if free
            else f"background / dot = {bands.ratio:.3g} ({bands.low:.2g} ... {bands.high:.2g})"
        )
    return "\n".join(lines)
