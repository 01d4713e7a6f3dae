"""Intensity trace and blinking of one time-tag file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.photons import PhotonStream
from qdimage.domain.refusal import Refusal
from qdimage.domain.trace import Blinking, DwellFit, Dwells, LevelLifetimes, Levels, Trace
from qdimage.io.time_tags import open_photons
from qdimage.photons.dwell import blinking, too_fast
from qdimage.photons.trace import KeptArrivals, read_trace
from qdimage.photons.trace_levels import find_levels
from qdimage.photons.trace_lifetime import level_lifetimes
from qdimage.photons.trace_options import TraceOptions
from qdimage.pipeline.cells import listed

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

_LEAST_PHOTONS = 3
_WIDE_S = 1.0
# Above this distance of the distributions, hardly a sample of the law itself lies.
_POOR_DISTANCE = 1.2
_MUCH_UNSEEN = 0.1


@dataclass(frozen=True)
class TraceSettings:
    """How one file is binned.

    Attributes
    ----------
    detectors : (int, int)
    bin_s : float
        Of the trace alone; steps are found in the arrivals.
    """

    detectors: tuple[int, int] = (0, 1)
    bin_s: float = 0.01


@dataclass(frozen=True)
class TraceAnswer:
    """A trace, its levels, and its blinking, each or the reason why there is none.

    Attributes
    ----------
    file : pathlib.Path
    trace : Trace
    duration_s : float
        From the first photon to the last.
    levels : Levels or Refusal
    blinking : Blinking or Refusal
    lifetimes : LevelLifetimes or Refusal
    warnings : tuple of str
        What was wrong with the file and could be passed over.
    """

    file: Path
    trace: Trace
    duration_s: float
    levels: Levels | Refusal
    blinking: Blinking | Refusal
    lifetimes: LevelLifetimes | Refusal
    warnings: tuple[str, ...]


def trace_of_file(path: Path, *, settings: TraceSettings, options: TraceOptions) -> TraceAnswer:
    """Bin a file, find the steps of its intensity, its levels, and its times on and off.

    Raises
    ------
    FormatError, ConfigurationError
        In one line, what is wrong with the file or the settings, and what to do.
    """
    stream = open_photons(path)
    detectors = tuple(dict.fromkeys(settings.detectors))
    trace, kept = read_trace(stream, detectors=detectors, bin_s=settings.bin_s)
    levels = _levels(stream, kept, detectors, options)
    found: Blinking | Refusal
    lifetimes: LevelLifetimes | Refusal
    if isinstance(levels, Refusal):
        found = lifetimes = levels
    else:
        found = blinking(levels, options=options)
        lifetimes = level_lifetimes(stream, levels, detectors=detectors)
    duration_s = (kept.last - int(kept.time[0])) * stream.tick_s if kept.time.size else 0.0
    return TraceAnswer(path, trace, duration_s, levels, found, lifetimes, tuple(stream.warnings))


def bright_windows_s(
    stream: PhotonStream, *, detectors: tuple[int, int], options: TraceOptions, gap: int = 1
) -> NDArray[np.float64] | Refusal:
    """Return when the emitter was on, as the correlations take it.

    Parameters
    ----------
    stream : PhotonStream
    detectors : (int, int)
    options : TraceOptions
    gap : int
        That of the correlation, so that both set a clock that runs back forward alike.
    """
    chosen = tuple(dict.fromkeys(detectors))
    _, kept = read_trace(stream, detectors=chosen, bin_s=_WIDE_S, gap=gap)
    levels = _levels(stream, kept, chosen, options)
    if isinstance(levels, Refusal):
        return levels
    found = blinking(levels, options=options)
    return found if isinstance(found, Refusal) else levels.windows_s(found.on_levels)


def _levels(
    stream: PhotonStream, kept: KeptArrivals, detectors: tuple[int, ...], options: TraceOptions
) -> Levels | Refusal:
    if kept.time.size < _LEAST_PHOTONS or kept.last == kept.time[0]:
        named = " and ".join(str(each) for each in detectors)
        return Refusal(
            f"found {kept.n_photons} photons on the detectors {named}, expected at least "
            f"{_LEAST_PHOTONS} at different times; name the detectors that were used"
        )
    return find_levels(
        kept,
        tick_s=stream.tick_s,
        false_alarms=options.false_alarms,
        fewest_photons=options.fewest_photons,
        most_levels=options.most_levels,
    )


def trace_row(found: TraceAnswer) -> Row:
    """Return what is known of a file, as in the table `traces`."""
    counts = int(found.trace.counts.sum())
    row: Row = {
        "file": found.file.name,
        "duration_s": found.duration_s,
        "counts": counts,
        "mean_counts_s": counts / found.duration_s if found.duration_s > 0 else None,
        "bin_s": found.trace.bin_s,
    }
    notes = list(found.warnings)
    if isinstance(found.levels, Refusal):
        return row | {"status": "refused", "message": "; ".join([*notes, found.levels.reason])}
    levels = found.levels
    row |= {
        "status": "ok",
        "n_change_points": levels.photons.size - 1,
        "n_levels": levels.counts_s.size,
        "dispersion": levels.dispersion,
        "level_counts_s": listed(levels.counts_s),
        "level_shares": listed(levels.shares),
    }
    if isinstance(found.lifetimes, LevelLifetimes):
        row["level_lifetime_ns"] = listed(found.lifetimes.lifetime_ns)
        row["level_lifetime_err_ns"] = listed(found.lifetimes.lifetime_err_ns)
    if isinstance(found.blinking, Refusal):
        notes.append(found.blinking.reason)
    else:
        row |= _blinking_row(found.blinking)
        for name, dwells in (("on", found.blinking.on), ("off", found.blinking.off)):
            if isinstance(dwells.fit, Refusal):
                notes.append(f"{name}: {dwells.fit.reason}")
    return row | {"flags": ";".join(_flags(levels, found.blinking)), "message": "; ".join(notes)}


def _blinking_row(found: Blinking) -> Row:
    row: Row = {
        "on_threshold_counts_s": found.threshold_counts_s,
        "on_counts_s": found.on_counts_s,
        "off_counts_s": found.off_counts_s,
        "on_fraction": found.on_fraction,
        "on_fraction_err": found.on_fraction_err,
    }
    for name, dwells, time_s in (
        ("on", found.on, found.on_time_s),
        ("off", found.off, found.off_time_s),
    ):
        row |= {
            f"n_{name}_dwells": dwells.complete_s.size,
            f"mean_{name}_s": dwells.mean_s,
            f"shortest_{name}_s": dwells.shortest_s,
        }
        if isinstance(dwells.fit, DwellFit):
            row |= {
                f"{name}_law": dwells.fit.law,
                f"{name}_exponent": dwells.fit.exponent,
                f"{name}_exponent_err": dwells.fit.exponent_err,
                f"{name}_cutoff_s": dwells.fit.cutoff_s,
                f"{name}_cutoff_err_s": dwells.fit.cutoff_err_s,
                f"{name}_fit_above_s": dwells.fit.above_s,
                f"{name}_time_s": time_s,
            }
    return row


def _flags(levels: Levels, found: Blinking | Refusal) -> list[str]:
    flags = []
    if levels.counts_s.size == 1:
        flags.append("steady")
    if levels.every > 1:
        flags.append("thinned")
    if too_fast(levels):
        flags.append("fast_fluctuations")
    if isinstance(found, Blinking):
        both = (found.on, found.off)
        if any(_unseen_share(each) > _MUCH_UNSEEN for each in both):
            flags.append("dwells_unseen")
        if any(_poor(each.fit) for each in both):
            flags.append("poor_dwell_fit")
    return flags


def _unseen_share(dwells: Dwells) -> float:
    """Return the share of exponential dwells that are too short to be seen; 0 for other laws."""
    if isinstance(dwells.fit, Refusal) or dwells.fit.law != "exponential":
        return 0.0
    return float(-np.expm1(-dwells.shortest_s / dwells.fit.cutoff_s))


def _poor(fit: DwellFit | Refusal) -> bool:
    return isinstance(fit, DwellFit) and fit.distance > _POOR_DISTANCE


def trace_curve(found: TraceAnswer) -> "pd.DataFrame":
    """Return a trace as it is kept: time_s, counts, counts_1, counts_2, level_counts_s."""
    import pandas as pd

    trace = found.trace
    if isinstance(found.levels, Refusal):
        intensity = np.full(trace.time_s.size, np.nan)
    else:
        intensity = found.levels.intensity_at(trace.time_s)
    silent = np.zeros(trace.time_s.size, np.int64)
    return pd.DataFrame(
        {
            "time_s": trace.time_s,
            "counts": trace.total,
            "counts_1": trace.counts[0],
            "counts_2": trace.counts[1] if trace.counts.shape[0] > 1 else silent,
            "level_counts_s": intensity,
        }
    )
