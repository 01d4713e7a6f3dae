"""g2(0) of one time-tag file or histogram."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.g2_zero import G2Zero, PulsedG2Zero
from qdimage.domain.refusal import Refusal
from qdimage.errors import ConfigurationError
from qdimage.io.time_tags import is_histogram, open_histogram, open_photons
from qdimage.photons.dip import g2_zero
from qdimage.photons.dip_options import DipOptions
from qdimage.photons.pulsed import pulsed_g2_zero
from qdimage.photons.trace_options import TraceOptions
from qdimage.photons.windows import TimeWindows
from qdimage.pipeline.photons import correlate_file, equal_bins
from qdimage.pipeline.trace import bright_windows_s

_POOR_FIT = "poor_fit"
_POOR_P = 1e-3
_MISSING_SIGMA = 5.0


@dataclass(frozen=True)
class G2Settings:
    """How one file is correlated and its dip fitted.

    Attributes
    ----------
    detectors : (int, int)
    bin_ns, longest_ns : float
        Bins and reach of the correlation.
    response_fwhm_ns : float
        Of the two detectors together.
    delay_ns : float or None
        Of the second detector; found in the curve where None.
    period_ns : float or None
        Between pulses; None for steady light.
    dark_counts_s : (float, float)
        Of the two detectors, for the background-corrected value.
    duration_s, rate_counts_s
        Of a histogram, where its file does not state them.
    window_s : (float, float) or None
        Only photons from the first of these times on, and before the second.
    bright_only : bool
        Only photons while the emitter was on; see `qdimage.pipeline.trace`.
    """

    detectors: tuple[int, int] = (0, 1)
    bin_ns: float = 0.512
    longest_ns: float = 500.0
    response_fwhm_ns: float = 0.0
    delay_ns: float | None = None
    period_ns: float | None = None
    dark_counts_s: tuple[float, float] = (0.0, 0.0)
    duration_s: float | None = None
    rate_counts_s: tuple[float, float] | None = None
    window_s: tuple[float, float] | None = None
    bright_only: bool = False


@dataclass(frozen=True)
class G2Answer:
    """A correlation curve, and g2(0) or the reason why there is none.

    Attributes
    ----------
    file : pathlib.Path
    curve : G2Curve
    answer : G2Zero, PulsedG2Zero or Refusal
    warnings : tuple of str
        What was wrong with the file and could be passed over.
    dark_counts_s : (float, float)
    """

    file: Path
    curve: G2Curve
    answer: G2Zero | PulsedG2Zero | Refusal
    warnings: tuple[str, ...]
    dark_counts_s: tuple[float, float]


def g2_of_file(
    path: Path,
    *,
    settings: G2Settings,
    options: DipOptions,
    trace_options: TraceOptions | None = None,
) -> G2Answer:
    """Correlate a file, or read its histogram, and find the dip or the missing peak.

    Parameters
    ----------
    path : pathlib.Path
    settings : G2Settings
    options : DipOptions
    trace_options : TraceOptions, optional
        What is bright.

    Raises
    ------
    FormatError, ConfigurationError
        In one line, what is wrong with the file or the settings, and what to do.
    """
    warnings: list[str] = []
    windows: TimeWindows | Refusal | None = settings.window_s
    if is_histogram(path):
        if settings.bright_only or settings.window_s is not None:
            raise ConfigurationError(
                f"{path}: found a histogram, which holds no times of photons, expected time tags "
                "for a time window or the bright level alone; correlate the time tags"
            )
        curve = open_histogram(
            path, duration_s=settings.duration_s, rate_counts_s=settings.rate_counts_s
        )
    else:
        if settings.bright_only:
            windows = _bright(path, settings, trace_options or TraceOptions())
        curve, warnings = correlate_file(
            path,
            detectors=settings.detectors,
            bin_ns=settings.bin_ns,
            longest_ns=settings.longest_ns,
            window_s=settings.window_s if isinstance(windows, Refusal) else windows,
        )
        if isinstance(windows, Refusal):
            return G2Answer(path, curve, windows, tuple(warnings), settings.dark_counts_s)
    return g2_of_curve(path, curve, tuple(warnings), settings=settings, options=options)


def _bright(path: Path, settings: G2Settings, options: TraceOptions) -> TimeWindows | Refusal:
    """Return when the emitter was on, within the time window if there is one."""
    stream = open_photons(path)
    width, n_bins = equal_bins(stream, bin_ns=settings.bin_ns, longest_ns=settings.longest_ns)
    found = bright_windows_s(
        stream, detectors=settings.detectors, options=options, gap=width * n_bins + 1
    )
    if isinstance(found, Refusal) or settings.window_s is None:
        return found
    inside = np.clip(found, *settings.window_s)
    inside = inside[inside[:, 1] > inside[:, 0]]
    if inside.size == 0:
        return Refusal("found no time on within the time window, expected some; choose another")
    return inside


def g2_of_curve(
    path: Path,
    curve: G2Curve,
    warnings: tuple[str, ...],
    *,
    settings: G2Settings,
    options: DipOptions,
) -> G2Answer:
    """Find the dip or the missing peak in the curve of a file."""
    answer: G2Zero | PulsedG2Zero | Refusal
    if settings.period_ns is not None:
        answer = _under_pulses(curve, settings.period_ns, settings)
    else:
        answer = g2_zero(
            curve,
            options=options,
            response_fwhm_ns=settings.response_fwhm_ns,
            delay_ns=settings.delay_ns,
            signal_shares=_signal_shares(path, curve, settings.dark_counts_s),
        )
    return G2Answer(path, curve, answer, warnings, settings.dark_counts_s)


def _under_pulses(curve: G2Curve, period_ns: float, settings: G2Settings) -> PulsedG2Zero | Refusal:
    """Fit the peaks around the one that is missing, however long the second detector's cable."""
    near_ns = settings.delay_ns
    if near_ns is None:
        near_ns = _missing_peak_ns(curve, period_ns)
    moved = replace(curve, edges_ns=curve.edges_ns - near_ns)
    answer = pulsed_g2_zero(moved, period_ns=period_ns, response_fwhm_ns=settings.response_fwhm_ns)
    if isinstance(answer, Refusal):
        return answer
    return replace(answer, delay_ns=answer.delay_ns + near_ns)


def _missing_peak_ns(curve: G2Curve, period_ns: float) -> float:
    """Return the middle of the period with the fewest coincidences, 0 where none stands out."""
    cumulative = np.concatenate([[0], np.cumsum(curve.counts)])
    starts = curve.edges_ns[curve.edges_ns <= curve.edges_ns[-1] - period_ns]
    ends = np.interp(starts + period_ns, curve.edges_ns, cumulative)
    inside = ends - np.interp(starts, curve.edges_ns, cumulative)
    typical = float(np.median(inside))
    least = float(inside.min())
    if least > typical - _MISSING_SIGMA * np.sqrt(typical):
        return 0.0
    lowest = starts[inside <= least + np.sqrt(typical)]
    return float(np.median(lowest)) + period_ns / 2


def _signal_shares(
    path: Path, curve: G2Curve, dark_counts_s: tuple[float, float]
) -> tuple[float, float]:
    if dark_counts_s == (0.0, 0.0):
        return 1.0, 1.0
    rates = _rates(curve)
    for dark, rate in zip(dark_counts_s, rates, strict=True):
        if not 0 <= dark < rate:
            raise ConfigurationError(
                f"{path}: found dark counts of {dark:g} /s beside {rate:.4g} /s in all, expected "
                "less than that; correct the dark counts"
            )
    first, second = ((rate - dark) / rate for dark, rate in zip(dark_counts_s, rates, strict=True))
    return first, second


def _rates(curve: G2Curve) -> tuple[float, float]:
    if curve.duration_s <= 0:
        return 0.0, 0.0
    return curve.counts_1 / curve.duration_s, curve.counts_2 / curve.duration_s


def photon_row(found: G2Answer) -> dict[str, Any]:
    """Return what is known of a file, as in the table `photons`."""
    curve, answer = found.curve, found.answer
    widths = np.diff(curve.edges_ns)
    row: dict[str, Any] = {
        "file": found.file.name,
        "mode": curve.method,
        "duration_s": curve.duration_s,
        "counts_1": curve.counts_1,
        "counts_2": curve.counts_2,
        "counts_s": sum(_rates(curve)),
        "bin_width_ns": float(widths[0]),
        "coincidences": int(curve.counts.sum()),
        "background_fraction": _background(curve, found.dark_counts_s),
    }
    notes = list(found.warnings)
    if isinstance(answer, Refusal):
        notes.append(answer.reason)
        return row | {"status": "refused", "message": "; ".join(notes)}
    row |= {
        "status": "ok",
        "g2_0": answer.value,
        "g2_0_low": answer.low_95,
        "g2_0_high": answer.high_95,
        "g2_0_low_68": answer.low_68,
        "g2_0_high_68": answer.high_68,
        "delay_ns": answer.delay_ns,
        "p_value": answer.p_value,
        "flags": _POOR_FIT if answer.p_value < _POOR_P else "",
        "message": "; ".join(notes),
    }
    if isinstance(answer, PulsedG2Zero):
        return row | {"excitation": "pulsed", "rise_time_ns": answer.lifetime_ns}
    return row | {
        "excitation": "cw",
        "g2_0_rate_normalized": answer.rate_normalized,
        "g2_0_uncorrected": answer.uncorrected,
        "g2_0_uncorrected_err": answer.uncorrected_err,
        "g2_0_background_corrected": answer.background_corrected,
        "dip_components": answer.components,
        "fastest_ns": answer.fastest_ns,
        "rise_time_ns": answer.rise_time_ns,
        "blinking_factor": answer.blinking_factor,
    }


def _background(curve: G2Curve, dark_counts_s: tuple[float, float]) -> float:
    total = sum(_rates(curve))
    return sum(dark_counts_s) / total if total > 0 else float("nan")
