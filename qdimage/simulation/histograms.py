"""Histograms of delays as minutes of measurement leave them, without drawing all their photons.

A measurement of minutes takes 1e10 jumps of the dot. A histogram of low count rates holds what far
fewer photons tell as well: the delays from independent photons to later ones, each of which is
detected by chance.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.io.atomic import write_text
from qdimage.numerics.gaussian import FWHM_PER_SIGMA
from qdimage.numerics.random import generator
from qdimage.simulation.field import Field
from qdimage.simulation.jumps import Jumps, tabulate
from qdimage.simulation.measurements import Measurement
from qdimage.simulation.options import SimulateOptions
from qdimage.simulation.photon_kernels import draw_photons
from qdimage.simulation.time_tags import declare_photons

Array = NDArray[np.float64]

# Chance that a photon after a start is detected: where it is small, bins are independent.
_KEPT = 0.1
_PIECE = 1 << 18
_WARM_UP_NS = 1e5
_REACH_SIGMA = 5.0


@dataclass(frozen=True)
class Delays:
    """Coincidences in bins of equal width around zero, and the counts of both detectors."""

    lag_ns: Array
    coincidences: NDArray[np.int64]
    counts: tuple[int, int]


def draw_delays(field: Field, measurement: Measurement) -> Delays:
    """Draw one histogram; each call draws the same one.

    Dead times and afterpulses, which at such rates change the coincidences by less than their
    noise, are left out.
    """
    options = field.options
    light, detectors = options.photons, options.detectors
    rng = generator(field.seed, field.name, measurement.file)
    on_s = measurement.emitted_per_us * 1e6 * measurement.efficiency
    shares = (detectors.first_share, 1 - detectors.first_share)
    rates_s = [on_s * light.on_fraction * share for share in shares]
    dark_s = detectors.dark_counts_s
    lag_ns = _centres(options)
    coincidences = np.zeros(lag_ns.size, np.int64)
    for sign in (-1.0, 1.0):
        pairs_per_ns = rates_s[0] * rates_s[1] * measurement.duration_s * 1e-9
        lags = sign * _later_photons(
            measurement, pairs_per_ns / light.on_fraction, _reach_ns(options), rng
        )
        coincidences += _counted(lags, lag_ns, options, rng)
    with_dark = rates_s[0] * dark_s[1] + rates_s[1] * dark_s[0] + dark_s[0] * dark_s[1]
    flat = with_dark * measurement.duration_s * options.histograms.bin_ns * 1e-9
    coincidences += rng.poisson(flat, lag_ns.size)
    first, second = (
        int(rng.poisson((rate + dark) * measurement.duration_s))
        for rate, dark in zip(rates_s, dark_s, strict=True)
    )
    return Delays(lag_ns, coincidences, (first, second))


def _centres(options: SimulateOptions) -> Array:
    width, longest = options.histograms.bin_ns, options.histograms.longest_ns
    most = max(round(longest / width), 1)
    return width * np.arange(-most, most + 1.0)


def _pair_sigma_ns(options: SimulateOptions) -> float:
    return math.sqrt(2) * options.detectors.jitter_fwhm_ns / FWHM_PER_SIGMA


def _reach_ns(options: SimulateOptions) -> float:
    further = _REACH_SIGMA * _pair_sigma_ns(options) + abs(options.detectors.cable_delay_ns)
    return options.histograms.longest_ns + options.histograms.bin_ns + further


def _counted(
    lags_ns: Array, centres_ns: Array, options: SimulateOptions, rng: np.random.Generator
) -> NDArray[np.int64]:
    seen = lags_ns + options.detectors.cable_delay_ns
    seen += _pair_sigma_ns(options) * rng.standard_normal(seen.size)
    width = options.histograms.bin_ns
    edges = centres_ns[0] + width * (np.arange(centres_ns.size + 1) - 0.5)
    return np.histogram(seen, edges)[0].astype(np.int64)


def _later_photons(
    measurement: Measurement, pairs_per_ns: float, reach_ns: float, rng: np.random.Generator
) -> Array:
    """Delays up to `reach_ns`, as many as `pairs_per_ns` for each ns of long delays on average."""
    emitted_per_ns = measurement.emitted_per_us * 1e-3
    n_starts = int(rng.poisson(pairs_per_ns / (emitted_per_ns * _KEPT)))
    # So far apart that few photons follow two starts.
    apart = math.ceil(emitted_per_ns * reach_ns) + 1
    jumps = tabulate(measurement.model, 1.0)
    found: list[Array] = []
    state, now, carried = 0, -_WARM_UP_NS, np.empty(0)
    while n_starts > 0:
        state, now, more = _photons(jumps, state, now, rng)
        times = np.concatenate([carried, more])
        usable = int(np.searchsorted(times, times[-1] - reach_ns))
        first = np.arange(0, usable, apart)[:n_starts]
        found.append(_delays_from(times, first, reach_ns, rng))
        n_starts -= first.size
        carried = times[first[-1] + apart :] if first.size else times
    return np.concatenate(found) if found else np.empty(0)


def _photons(
    jumps: Jumps, state: int, now: float, rng: np.random.Generator
) -> tuple[int, float, Array]:
    """Let the dot emit a piece of photons, none of which counts before time 0."""
    if now < 0:
        state, now, _ = draw_photons(
            rng, state, now, 0.0, *jumps, 1.0, np.empty(_PIECE), np.empty(_PIECE, np.uint8)
        )
    time = np.empty(_PIECE)
    state, now, n = draw_photons(
        rng, state, max(now, 0.0), math.inf, *jumps, 1.0, time, np.empty(_PIECE, np.uint8)
    )
    return state, now, time[:n]


def _delays_from(
    times: Array, first: NDArray[np.int64], reach_ns: float, rng: np.random.Generator
) -> Array:
    """Delays from the chosen photons to detected later ones."""
    last = np.searchsorted(times, times[first] + reach_ns)
    n = last - first - 1
    start = np.repeat(first, n)
    later = start + 1 + np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    kept = rng.random(start.size) < _KEPT
    return np.asarray(times[later[kept]] - times[start[kept]])


def write_delays(path: Path, delays: Delays) -> None:
    """Write a histogram as CSV."""
    rows = zip(delays.lag_ns, delays.coincidences, strict=True)
    write_text(path, "lag_ns,counts\n" + "".join(f"{lag:.6g},{count}\n" for lag, count in rows))


def declare_delays(
    options: SimulateOptions, measurement: Measurement, delays: Delays
) -> dict[str, Any]:
    """Return the keys of one histogram, with the duration and rates that its file lacks."""
    row = declare_photons(options, measurement)
    duration_s = measurement.duration_s
    rates = [float(f"{count / duration_s:.8g}") for count in delays.counts]
    return row | {"duration_s": duration_s, "rate_counts_s": rates}
