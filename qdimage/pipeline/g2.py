"""g2(0) of one time-tag file or histogram."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.g2_zero import G2Zero, PulsedG2Zero
from qdimage.domain.photon_flags import PhotonFlag, photon_flag_names
from qdimage.domain.refusal import Refusal
from qdimage.errors import ConfigurationError
from qdimage.io.time_tags import is_histogram, open_histogram, open_photons
from qdimage.photons.artefacts import CROSSTALK_CHANCE, clipped, crosstalk_chance, silent
from qdimage.photons.dip import NO_DIP_CHANCE, POOR_P, NotLevel, Plateau, g2_zero
from qdimage.photons.dip_options import DipOptions
from qdimage.photons.plateau import plateau_beyond
from qdimage.photons.pulsed import pulsed_g2_zero
from qdimage.photons.pulsed_period import period_of
from qdimage.photons.response import response_fwhm_ns
from qdimage.photons.trace_options import TraceOptions
from qdimage.photons.windows import TimeWindows
from qdimage.pipeline.g2_detectors import DetectorLook, look_at_detectors
from qdimage.pipeline.photons import correlate_file, equal_bins
from qdimage.pipeline.trace import bright_windows_s

_MISSING_SIGMA = 5.0
# Peaks that overlap hide in a dip a few of them wide; over longer delays they are lines.
_PERIODS_BIN_NS, _PERIODS_REACH_NS, _LEAST_PERIOD_BINS = 4.0, 5000.0, 8
_WIDE = 0.5
# Beyond which the curve's own plateau is not that of longer delays.
_PLATEAU_SIGMAS, _OUTER = 3.0, 0.6


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
    excitation : {"cw", "pulsed"} or None
        Under pulses the period is the sync's, or found in the curve, where it is not given.
        None: pulsed if there is such a period.
    background_file : pathlib.Path or None
        Time tags without the emitter, from which the dark counts are taken.
    response_file : pathlib.Path or None
        Histogram of coincidences of short pulses, from which the response is taken.
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
    excitation: Literal["cw", "pulsed"] | None = None
    background_file: Path | None = None
    response_file: Path | None = None


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
    flags : frozenset of PhotonFlag
    period_ns : float or None
        Between pulses, given or found.
    detectors : DetectorLook or None
        Of time tags alone.
    """

    file: Path
    curve: G2Curve
    answer: G2Zero | PulsedG2Zero | Refusal
    warnings: tuple[str, ...]
    dark_counts_s: tuple[float, float]
    flags: frozenset[PhotonFlag] = frozenset()
    period_ns: float | None = None
    detectors: DetectorLook | None = None

    @property
    def long_curve(self) -> G2Curve | None:
        """By the size of the delay, in growing bins to 1 ms; None of a histogram."""
        return self.detectors.long_curve if self.detectors else None


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
    settings = completed(path, curve, settings)
    found = g2_of_curve(path, curve, tuple(warnings), settings=settings, options=options)
    if is_histogram(path) or windows is not None:
        return found
    return _with_detectors(found, settings, options)


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
    if settings.detectors[0] == settings.detectors[1]:
        answer = Refusal(
            f"found detector {settings.detectors[0]} twice, whose pairs show its own dead time, "
            "expected two detectors; name two, or correlate it with itself by qdimage correlate"
        )
    elif min(curve.counts_1, curve.counts_2) > 0 and silent(curve.counts_1, curve.counts_2):
        answer = Refusal(
            f"found {curve.counts_1} and {curve.counts_2} photons in the two detectors, expected "
            "at least a hundredth of the other's; check which detectors the file has"
        )
    elif settings.period_ns is not None:
        answer = _under_pulses(curve, settings.period_ns, settings)
    else:
        answer = _under_steady_light(path, curve, None, settings, options)
    period_ns = period_of(curve) if settings.period_ns is None else settings.period_ns
    return G2Answer(
        path,
        curve,
        answer,
        warnings,
        settings.dark_counts_s,
        _flags(curve, answer, None if settings.period_ns else period_ns),
        period_ns,
    )


def _under_steady_light(
    path: Path,
    curve: G2Curve,
    plateau: Plateau | None,
    settings: G2Settings,
    options: DipOptions,
) -> G2Zero | Refusal:
    return g2_zero(
        curve,
        options=options,
        response_fwhm_ns=settings.response_fwhm_ns,
        delay_ns=settings.delay_ns,
        plateau=plateau,
        signal_shares=_signal_shares(path, curve, settings.dark_counts_s),
    )


def completed(path: Path, curve: G2Curve, settings: G2Settings) -> G2Settings:
    """Add what other files and the sync say: response, dark counts and the period."""
    if settings.period_ns is not None and not 0 < settings.period_ns < math.inf:
        raise ConfigurationError(
            f"{path}: found a period of {settings.period_ns:g} ns, expected more than 0; correct it"
        )
    if settings.response_file is not None:
        peak = open_histogram(settings.response_file, duration_s=1.0, rate_counts_s=(1.0, 1.0))
        fwhm_ns = response_fwhm_ns(peak)
        if isinstance(fwhm_ns, Refusal):
            raise ConfigurationError(f"{settings.response_file}: {fwhm_ns.reason}")
        settings = replace(settings, response_fwhm_ns=fwhm_ns)
    if settings.background_file is not None:
        dark, _ = correlate_file(
            settings.background_file, detectors=settings.detectors, bin_ns=1e3, longest_ns=1e4
        )
        settings = replace(settings, dark_counts_s=_rates(dark))
    if settings.period_ns is None and settings.excitation != "cw":
        period_ns = _period_ns(path, curve, settings)
        if period_ns is None and settings.excitation == "pulsed":
            raise ConfigurationError(
                f"{path}: found no period of the pulses, expected one in the file or in the "
                "coincidences; give the period, or declare the light steady"
            )
        settings = replace(settings, period_ns=period_ns)
    return settings


def _period_ns(path: Path, curve: G2Curve, settings: G2Settings) -> float | None:
    """Return the sync's period, or the one of the coincidences, at longer delays if need be."""
    if is_histogram(path):
        return period_of(curve)
    period_s = open_photons(path).period_s
    if period_s is not None:
        return period_s * 1e9
    found = period_of(curve)
    # Longer delays may show that a period is half of one, but not one of a few of their bins.
    fine = found is not None and found < _LEAST_PERIOD_BINS * _PERIODS_BIN_NS
    if fine or curve.edges_ns[-1] >= _PERIODS_REACH_NS:
        return found
    longer, _ = correlate_file(
        path,
        detectors=settings.detectors,
        bin_ns=_PERIODS_BIN_NS,
        longest_ns=_PERIODS_REACH_NS,
        window_s=settings.window_s,
    )
    return period_of(longer) or found


def _with_detectors(found: G2Answer, settings: G2Settings, options: DipOptions) -> G2Answer:
    """Look at the detectors, and find the plateau at longer delays where the curve has none."""
    answer, curve = found.answer, found.curve
    delay_ns = 0.0 if isinstance(answer, Refusal) else answer.delay_ns
    look = look_at_detectors(found.file, curve, settings.detectors, delay_ns)
    if look is None:
        return found
    flags = found.flags | look.flags
    if not isinstance(answer, PulsedG2Zero) and settings.period_ns is None:
        reach_ns = float(min(-curve.edges_ns[0], curve.edges_ns[-1]))
        plateau = plateau_beyond(look.long_curve, reach_ns)
        if isinstance(plateau, Plateau) and _is_needed(plateau, curve, answer):
            again = _under_steady_light(found.file, curve, plateau, settings, options)
            if not isinstance(again, Refusal):
                answer = again
                flags = look.flags | _flags(
                    curve, answer, found.period_ns if settings.period_ns is None else None
                )
            flags |= {PhotonFlag.SLOW_PLATEAU}
    return replace(found, answer=answer, flags=frozenset(flags), detectors=look)


def _is_needed(plateau: Plateau, curve: G2Curve, answer: G2Zero | PulsedG2Zero | Refusal) -> bool:
    """Return whether the curve lacks a plateau, or has another one."""
    if isinstance(answer, Refusal):
        return isinstance(answer, NotLevel)
    lags = np.abs(curve.lag_ns)
    outer = int(curve.counts[lags > _OUTER * lags.max()].sum())
    spread = math.hypot(plateau.err, plateau.value / math.sqrt(max(outer, 1)))
    own = answer.plateau if isinstance(answer, G2Zero) else plateau.value
    return abs(own - plateau.value) > _PLATEAU_SIGMAS * spread


def _flags(
    curve: G2Curve, answer: G2Zero | PulsedG2Zero | Refusal, period_ns: float | None
) -> frozenset[PhotonFlag]:
    """What a curve and its fit show; the period is one that was found under steady light."""
    steady = period_ns is None
    shown = {
        PhotonFlag.SILENT_CHANNEL: silent(curve.counts_1, curve.counts_2),
        PhotonFlag.CLIPPED: clipped(curve.counts),
        PhotonFlag.PULSED_LIGHT: not steady,
        PhotonFlag.SLOW_PLATEAU: isinstance(answer, NotLevel),
    }
    if isinstance(answer, (G2Zero, PulsedG2Zero)):
        shown[PhotonFlag.FEW_COUNTS] = answer.high_95 - answer.low_95 > _WIDE
        shown[PhotonFlag.POOR_FIT] = answer.p_value < POOR_P
    if isinstance(answer, G2Zero):
        shown[PhotonFlag.NO_DIP] = answer.dip_chance > NO_DIP_CHANCE
        shown[PhotonFlag.CROSSTALK] = (
            steady and crosstalk_chance(curve, answer.model) < CROSSTALK_CHANCE
        )
    return frozenset(flag for flag, seen in shown.items() if seen)


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
    if len(inside) == 0:
        return 0.0
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
    row: dict[str, Any] = {
        "file": found.file.name,
        "record": "histogram" if is_histogram(found.file) else "time tags",
        "mode": curve.method,
        "duration_s": curve.duration_s,
        "counts_1": curve.counts_1,
        "counts_2": curve.counts_2,
        "counts_s": sum(_rates(curve)),
        "bin_width_ns": float(curve.edges_ns[-1] - curve.edges_ns[0]) / len(curve.counts),
        "coincidences": int(curve.counts.sum()),
        "background_fraction": _background(curve, found.dark_counts_s),
        "flags": photon_flag_names(found.flags),
        "period_ns": found.period_ns,
    }
    if found.detectors is not None:
        row |= _detector_columns(found.detectors)
    notes = list(found.warnings)
    if PhotonFlag.PULSED_LIGHT in found.flags:
        notes.append(
            f"coincidences repeat every {found.period_ns:.4g} ns, and the light is declared "
            "steady; leave that out"
        )
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
        "g2_0_background_corrected_low": answer.background_corrected_low,
        "g2_0_background_corrected_high": answer.background_corrected_high,
        "dip_components": answer.components,
        "fastest_ns": answer.fastest_ns,
        "rise_time_ns": answer.rise_time_ns,
        "blinking_factor": answer.blinking_factor,
    }


def _detector_columns(look: DetectorLook) -> dict[str, Any]:
    """The larger of what the two detectors show."""
    return {
        "dead_time_ns": float(np.fmax(look.faults[0].dead_time_ns, look.faults[1].dead_time_ns)),
        "afterpulse_probability": max(each.afterpulse_probability for each in look.faults),
    }


def _background(curve: G2Curve, dark_counts_s: tuple[float, float]) -> float:
    total = sum(_rates(curve))
    return sum(dark_counts_s) / total if total > 0 else float("nan")
