"""Decays, and pulsed time tags, of declared truth: pulses, excitons, photons, detectors."""

from pathlib import Path

import numpy as np

from qdimage.domain.decay import Decay
from qdimage.simulation.ptu_writer import write_ptu

PLACE_NS = 7.33


def delays(
    rng: np.random.Generator,
    n: int,
    *,
    lifetimes_ns: tuple[float, ...],
    shares: tuple[float, ...],
    fwhm_ns: float = 0.5,
    place_ns: float = PLACE_NS,
) -> np.ndarray:
    """Delays of photons after their own pulse."""
    which = rng.choice(len(lifetimes_ns), n, p=shares)
    blur = rng.normal(0, fwhm_ns / 2.354820045, n)
    return place_ns + blur + rng.exponential(np.array(lifetimes_ns)[which])


def simulated_decay(
    rng: np.random.Generator,
    n: float,
    *,
    period_ns: float = 400.0,
    background: float = 0.02,
    bin_ns: float = 0.1,
    window_ns: float | None = None,
    **shape: object,
) -> Decay:
    """A Poisson number of photons in the place of the period where they fall."""
    signal = delays(rng, rng.poisson(n * (1 - background)), **shape)
    flat = rng.uniform(0, period_ns, rng.poisson(n * background))
    edges = np.arange(round((window_ns or period_ns) / bin_ns) + 1) * bin_ns
    counts = np.histogram(np.concatenate([signal % period_ns, flat]), edges)[0]
    return Decay(edges, counts, period_ns, n / 0.005)


def pulsed_photons(
    rng: np.random.Generator,
    pulses: int,
    *,
    period_ns: float,
    mean_excitations: float = 0.1,
    yields: tuple[float, float] = (1.0, 0.07),
    lifetimes_ns: tuple[float, float] = (40.0, 0.7),
    efficiency: float = 0.05,
    dark_counts_s: float = 200.0,
    fwhm_ns: float = 0.5,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pulse, delay and detector of each photon of a dot whose biexciton decays into its exciton."""
    excitons = rng.poisson(mean_excitations, pulses)
    hit = np.flatnonzero(excitons > 0)
    fast = np.where(excitons[hit] > 1, rng.exponential(lifetimes_ns[1], hit.size), 0.0)
    slow = fast + rng.exponential(lifetimes_ns[0], hit.size)
    seen_fast = (excitons[hit] > 1) & (rng.random(hit.size) < yields[1] * efficiency)
    seen_slow = rng.random(hit.size) < yields[0] * efficiency
    n_dark = rng.poisson(dark_counts_s * pulses * period_ns * 1e-9)
    pulse = np.concatenate([hit[seen_fast], hit[seen_slow], rng.integers(0, pulses, n_dark)])
    delay = np.concatenate(
        [fast[seen_fast], slow[seen_slow], rng.uniform(0, period_ns, n_dark) - PLACE_NS]
    )
    delay += PLACE_NS + rng.normal(0, fwhm_ns / 2.354820045, delay.size)
    return pulse, delay, rng.integers(0, 2, pulse.size)


def write_t3(
    path: Path,
    pulse: np.ndarray,
    delay_ns: np.ndarray,
    detector: np.ndarray,
    *,
    period_ns: float,
    record_type: str = "HydraHarp v2 T3",
    tick_ns: float = 0.016,
    divider: int = 1,
) -> Path:
    """Write T3 time tags; with a divider only every so many pulses are syncs."""
    time = pulse * period_ns + delay_ns
    long = period_ns * divider
    sync = np.maximum(np.floor(time / long), 0).astype(np.int64)
    late = np.floor((time - sync * long) / tick_ns).astype(np.int64)
    limit = 4096 if record_type.startswith("PicoHarp") else 1 << 15
    order = np.lexsort((late, sync))
    order = order[(late[order] >= 0) & (late[order] < limit)]
    return write_ptu(
        path,
        sync[order],
        detector[order],
        delay=late[order],
        record_type=record_type,
        tick_s=tick_ns * 1e-9,
        period_s=long * 1e-9,
    )


def write_t2(
    path: Path,
    pulse: np.ndarray,
    delay_ns: np.ndarray,
    detector: np.ndarray,
    *,
    period_ns: float,
    tick_ns: float = 0.004,
) -> Path:
    """Write T2 time tags without any sync."""
    ticks = np.floor((pulse * period_ns + delay_ns) / tick_ns).astype(np.int64)
    order = np.argsort(ticks)
    order = order[ticks[order] >= 0]
    return write_ptu(
        path, ticks[order], detector[order], record_type="PicoHarp T2", tick_s=tick_ns * 1e-9
    )
