"""Lifetimes of one time-tag file or decay histogram."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qdimage.domain.decay import Decay, DecayFit, Estimate, Response, YieldRatio
from qdimage.domain.g2_zero import PulsedG2Zero
from qdimage.domain.photons import PhotonStream
from qdimage.domain.refusal import Refusal
from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.decay_csv import open_decay_csv
from qdimage.io.decay_phu import open_decay_phu
from qdimage.io.ptu_records import RECORD_TYPES
from qdimage.io.time_tags import is_histogram, open_photons
from qdimage.photons.decay import fit_decay
from qdimage.photons.decay_align import aligned
from qdimage.photons.decay_histogram import delays_of_syncs, detectors_in, folded_times
from qdimage.photons.decay_options import DecayOptions
from qdimage.photons.decay_pairs import first_of_pairs
from qdimage.photons.decay_response import measured_response
from qdimage.photons.decay_yields import ratio_of_amplitudes, ratio_of_pairs
from qdimage.photons.dip_options import DipOptions
from qdimage.pipeline.g2 import G2Settings, g2_of_file

# Longest delay that a T3 record can hold, in ticks.
_DELAY_TICKS = {"pico": 1 << 12, "hydra": 1 << 15}
_G2_PERIODS, _G2_BINS = 6.0, 400
# Longest delay of a detector behind the other.
_CABLE_NS = 100.0
_WHOLE = 0.9


@dataclass(frozen=True)
class LifetimeSettings:
    """How one file is read and its decay fitted.

    Attributes
    ----------
    detectors : tuple of int or None
        All where None.
    bin_ns : float or None
        Width of a bin; chosen by the period where None.
    period_ns : float or None
        Between pulses; from the file where None.
    components : int or None
        Exponentials; chosen by evidence where None.
    response_fwhm_ns : float or None
        Of a Gaussian response; fitted where None and no response was measured.
    response_file : pathlib.Path or None
        Measured response: time tags, or a histogram.
    window_s : (float, float) or None
        Only photons between these times.
    mean_excitations : float or None
        Excitons that a pulse makes on average; needed for the biexciton's yield from its decay.
    pairs : bool
        Whether the yields' ratio is looked for in the photon pairs of two detectors.
    """

    detectors: tuple[int, ...] | None = None
    bin_ns: float | None = None
    period_ns: float | None = None
    components: int | None = None
    response_fwhm_ns: float | None = None
    response_file: Path | None = None
    window_s: tuple[float, float] | None = None
    mean_excitations: float | None = None
    pairs: bool = True


@dataclass(frozen=True)
class LifetimeAnswer:
    """A decay, and its lifetimes or the reason why there are none.

    Attributes
    ----------
    file : pathlib.Path
    mode : str
        ``"T2"``, ``"T3"`` or ``"histogram"``.
    decay : Decay or None
        None where there is none, as of steady light.
    answer : DecayFit or Refusal
    yield_ratio : YieldRatio or None
        None where the data do not say; ``notes`` has the reason.
    biexciton_ns : Estimate or None
        Lifetime of the first photons of pairs; None where there are too few.
    notes : tuple of str
        What is to know about the answer.
    warnings : tuple of str
        What was wrong with the file and could be passed over.
    """

    file: Path
    mode: str
    decay: Decay | None
    answer: DecayFit | Refusal
    yield_ratio: YieldRatio | None = None
    biexciton_ns: Estimate | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def lifetime_of_file(
    path: Path, *, settings: LifetimeSettings, options: DecayOptions
) -> LifetimeAnswer:
    """Find the decay of a file, its lifetimes, and the ratio of the yields where data allow.

    Raises
    ------
    FormatError, ConfigurationError
        In one line, what is wrong with the file or the settings, and what to do.
    """
    _check(settings)
    mode, found, notes, warnings, late_ns = _decay_of(path, settings, options)
    if isinstance(found, Refusal):
        return LifetimeAnswer(path, mode, None, found, None, None, notes, warnings)
    response = _response(settings, options)
    answer = fit_decay(
        found,
        response=response,
        response_fwhm_ns=settings.response_fwhm_ns,
        components=settings.components,
        options=options,
    )
    if isinstance(answer, Refusal):
        return LifetimeAnswer(path, mode, found, answer, None, None, notes, warnings)
    ratio, why = _yield_ratio(path, mode, found, answer, settings)
    biexciton = _biexciton(path, mode, found, answer, settings, options, late_ns)
    return LifetimeAnswer(path, mode, found, answer, ratio, biexciton, notes + why, warnings)


class _Found(NamedTuple):
    """Decay of a file, what is to know, what was wrong, how late each detector was."""

    mode: str
    decay: Decay | Refusal
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    late_ns: tuple[float, ...] = ()


def _check(settings: LifetimeSettings) -> None:
    wanted = settings.components
    if wanted is not None and not 1 <= wanted <= 3:
        raise ConfigurationError(f"found components = {wanted}, expected 1, 2 or 3; correct it")
    numbers = {
        "bin_ns": settings.bin_ns,
        "period_ns": settings.period_ns,
        "mean_excitations": settings.mean_excitations,
    }
    for name, value in numbers.items():
        if value is not None and not 0 < value < math.inf:
            raise ConfigurationError(f"found {name} = {value}, expected more than 0; correct it")
    fwhm = settings.response_fwhm_ns
    if fwhm is not None and not 0 <= fwhm < math.inf:
        raise ConfigurationError(
            f"found response_fwhm_ns = {fwhm}, expected at least 0; correct it"
        )
    if fwhm is not None and settings.response_file is not None:
        raise ConfigurationError(
            "found a measured response and a response_fwhm_ns, expected one of them; leave one out"
        )


def _decay_of(path: Path, settings: LifetimeSettings, options: DecayOptions) -> _Found:
    """What a file holds."""
    if is_histogram(path):
        return _Found("histogram", _histogram(path, settings))
    stream = open_photons(path)
    if stream.mode == "T2" and settings.period_ns is None:
        return _Found("T2", Refusal(_STEADY))
    found = _counted(stream, settings, settings.period_ns)
    if isinstance(found, Refusal):
        return _Found(stream.mode, found, (), tuple(stream.warnings))
    decay, notes = found
    decay, late_ns = _on_top(stream, settings, options, decay)
    if any(late_ns):
        text = ", ".join(f"{each:.2f}" for each in late_ns)
        notes = [*notes, f"the detectors were late by {text} ns, which was taken out"]
    return _Found(stream.mode, decay, tuple(notes), tuple(stream.warnings), late_ns)


def _counted(
    stream: PhotonStream, settings: LifetimeSettings, period_ns: float | Fraction | None
) -> tuple[Decay, list[str]] | Refusal:
    """The decay of the chosen detectors as they are, and what was found of the pulses."""
    if stream.mode == "T2" and period_ns is not None:
        return folded_times(
            stream,
            period_ns=period_ns,
            detectors=settings.detectors,
            bin_ns=settings.bin_ns,
            window_s=settings.window_s,
        )
    return delays_of_syncs(
        stream,
        detectors=settings.detectors,
        bin_ns=settings.bin_ns,
        period_ns=None if period_ns is None else float(period_ns),
        window_s=settings.window_s,
        range_ticks=_range_ticks(stream),
    )


def _on_top(
    stream: PhotonStream, settings: LifetimeSettings, options: DecayOptions, together: Decay
) -> tuple[Decay, tuple[float, ...]]:
    """The decays of several detectors without the delays between them, and these delays."""
    detectors = settings.detectors or detectors_in(stream)
    if len(detectors) < 2 or together.period_ns is None:
        return together, ()
    # The period of all of them together, exactly as it was found.
    exact = Fraction(together.period_ns)
    width = float(together.edges_ns[1] - together.edges_ns[0])
    alone: list[Decay] = []
    for detector in detectors:
        chosen = replace(settings, detectors=(detector,), bin_ns=width)
        found = _counted(stream, chosen, exact)
        if isinstance(found, Refusal):
            return together, ()
        alone.append(found[0])
    decay, late = aligned(together, alone, options)
    if max(late) - min(late) < width:
        return together, ()
    return decay, tuple(late)


_STEADY = (
    "found T2 time tags and no period of pulses, expected a decay after pulses; steady light has "
    "none; of pulsed light give the period (period_ns)"
)


def _range_ticks(stream: PhotonStream) -> int | None:
    """Longest delay that the records of a stream can hold."""
    for kind in RECORD_TYPES.values():
        if kind.name == stream.header.get("record_type"):
            return _DELAY_TICKS[kind.layout]
    return None


def _histogram(path: Path, settings: LifetimeSettings) -> Decay:
    if not path.is_file():
        raise FormatError(f"{path}: there is no such file; correct the path")
    decay = open_decay_csv(path) if path.suffix.lower() == ".csv" else open_decay_phu(path)
    if settings.period_ns is not None:
        decay = replace(decay, period_ns=settings.period_ns)
    if settings.bin_ns is not None:
        decay = _merged(decay, settings.bin_ns)
    return _without_unrecorded(decay)


def _merged(decay: Decay, bin_ns: float) -> Decay:
    width = float(decay.edges_ns[-1] - decay.edges_ns[0]) / len(decay.counts)
    merged = max(round(bin_ns / width), 1)
    n = len(decay.counts) // merged
    if n == 0:
        raise ConfigurationError(
            f"found bins of {bin_ns:g} ns and a decay of {len(decay.counts) * width:g} ns, "
            "expected several bins; choose narrower ones"
        )
    return replace(
        decay,
        edges_ns=decay.edges_ns[: n * merged + 1 : merged],
        counts=decay.counts[: n * merged].reshape(n, merged).sum(axis=1),
    )


def _without_unrecorded(decay: Decay) -> Decay:
    """Leave out empty bins at both ends: a device's window may be longer than what it records."""
    filled = np.flatnonzero(decay.counts)
    if not filled.size:
        return decay
    first, last = int(filled[0]), int(filled[-1]) + 1
    level = decay.counts[first:last].mean()
    first = first if first * level > 100 and decay.counts[first : first + 10].sum() > 50 else 0
    tail = decay.counts[last - max((last - first) // 10, 1) : last].mean()
    if (len(decay.counts) - last) * tail <= 10:
        last = len(decay.counts)
    return replace(
        decay, edges_ns=decay.edges_ns[first : last + 1], counts=decay.counts[first:last]
    )


def _response(settings: LifetimeSettings, options: DecayOptions) -> Response | None:
    if settings.response_file is None:
        return None
    path = settings.response_file
    found = _decay_of(path, replace(settings, bin_ns=None, window_s=None), options).decay
    response = found if isinstance(found, Refusal) else measured_response(found)
    if isinstance(response, Refusal):
        raise FormatError(f"{path}: no response: {response.reason}")
    return response


def _yield_ratio(
    path: Path, mode: str, decay: Decay, fit: DecayFit, settings: LifetimeSettings
) -> tuple[YieldRatio | None, tuple[str, ...]]:
    """The ratio with the narrower interval, and what is to know about it."""
    ratios: list[YieldRatio] = []
    notes: list[str] = []
    if settings.mean_excitations is not None:
        by_decay = ratio_of_amplitudes(fit, settings.mean_excitations)
        if isinstance(by_decay, Refusal):
            notes.append(by_decay.reason)
        else:
            ratios.append(by_decay)
    if mode != "histogram" and settings.pairs and decay.period_ns is not None:
        if decay.edges_ns[-1] - decay.edges_ns[0] < _WHOLE * decay.period_ns:
            notes.append("delays of the whole period were not recorded, so that pairs are missing")
        else:
            pairs = _pairs(path, decay.period_ns, settings)
            if isinstance(pairs, Estimate):
                ratios.append(ratio_of_pairs(pairs, settings.mean_excitations))
    if not ratios:
        return None, tuple(notes)
    best = min(ratios, key=lambda each: each.ratio.high_95 - each.ratio.low_95)
    if best.source == "g2" and settings.mean_excitations is None:
        notes.append("the ratio of the yields is g2(0), right for weak excitation")
    return best, tuple(notes)


def _biexciton(
    path: Path,
    mode: str,
    decay: Decay,
    fit: DecayFit,
    settings: LifetimeSettings,
    options: DecayOptions,
    late_ns: tuple[float, ...],
) -> Estimate | None:
    """Lifetime of the first photons of pairs, where each pulse has a sync, and pairs are many."""
    detectors = settings.detectors or (0, 1)
    if mode != "T3" or not settings.pairs or settings.window_s is not None or len(detectors) != 2:
        return None
    stream = open_photons(path)
    if abs(_ns(stream) - (decay.period_ns or 0.0)) > 1e-6 * _ns(stream):
        return None
    first, second = detectors
    late = (late_ns[0], late_ns[1]) if len(late_ns) == 2 else (0.0, 0.0)
    firsts = first_of_pairs(stream, decay, detectors=(first, second), late_ns=late)
    found = fit_decay(
        firsts,
        response=_response(settings, options),
        response_fwhm_ns=None if settings.response_file else fit.response_fwhm_ns,
        options=options,
    )
    return None if isinstance(found, Refusal) else found.components[0].lifetime_ns


def _ns(stream: PhotonStream) -> float:
    return (stream.period_s or 0.0) * 1e9


def _pairs(path: Path, period_ns: float, settings: LifetimeSettings) -> Estimate | Refusal:
    """g2(0) under the pulses, of the two detectors."""
    detectors = settings.detectors or (0, 1)
    if len(detectors) != 2 or settings.window_s is not None:
        return Refusal("pairs need two detectors and the whole file")
    found = g2_of_file(
        path,
        settings=G2Settings(
            detectors=(detectors[0], detectors[1]),
            bin_ns=period_ns / _G2_BINS,
            longest_ns=_G2_PERIODS * period_ns + _CABLE_NS,
            period_ns=period_ns,
        ),
        options=DipOptions(),
    )
    peak = found.answer
    if isinstance(peak, PulsedG2Zero):
        return Estimate(peak.value, peak.low_68, peak.high_68, peak.low_95, peak.high_95)
    return Refusal("found no peaks of pairs")
