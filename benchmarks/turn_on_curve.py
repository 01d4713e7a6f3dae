"""Bias and coverage of what series of voltages say, on fluxes drawn dot by dot.

Each dot has a turn-on voltage, a brightness, and an on-fraction of its own in each stack; EL-only
sources light some places; blank places show the null. No images are made. What is held against the
truth: the share that never falls, at each voltage; median, width and plateau of the curve; of a
device, the mean fraction of its fields and their standard deviation.
"""

import argparse
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from qdimage.domain.refusal import Refusal
from qdimage.domain.turn_on_curve import Estimate
from qdimage.domain.voltage_series import DotSeries
from qdimage.match.dot_odds import bright_odds
from qdimage.match.mixture import fit_mixture
from qdimage.match.pooling import effective_counts, pool_fractions
from qdimage.pipeline.voltage_series import SeriesAnswer, analyse_series, joined

Array = NDArray[np.float64]

VOLTAGES_V = np.array([2.1, 2.2, 2.3, 2.4, 2.5, 2.6])
F_MIN_S, CONFIDENCE, N_BLANKS = 5.0, 0.95, 400
_RISE = 2 * float(np.log(9))


@dataclass(frozen=True)
class Scene:
    """How dots are drawn; fluxes in units of their error."""

    name: str
    n_dots: int = 200
    n_fields: int = 1
    median_v: float = 2.38
    width_v: float = 0.25
    plateau: float = 0.85
    normal: bool = False
    brightness: float = 60.0
    spread: float = 0.7
    on_fractions: tuple[float, float] = (0.5, 1.0)
    lapse: float = 0.0
    other_sources: float = 0.0
    field_sd_logit: float = 0.0


SCENES = (
    Scene("plain"),
    Scene("40 dots", n_dots=40),
    Scene("blinking", on_fractions=(0.05, 1.0), lapse=0.05),
    Scene("dim", brightness=15.0),
    Scene("dim, blinking", brightness=20.0, on_fractions=(0.05, 1.0), lapse=0.05),
    Scene("EL-only sources", other_sources=0.04),
    Scene("normal rise", normal=True),
    Scene("narrow", width_v=0.06),
    Scene("3 fields alike", n_dots=70, n_fields=3),
    Scene("3 fields differ", n_dots=70, n_fields=3, field_sd_logit=0.4),
    Scene("8 fields differ", n_dots=50, n_fields=8, field_sd_logit=0.4),
)


@dataclass(frozen=True)
class Truth:
    """What a scene gives for infinitely many dots and fields."""

    fraction: Array
    field_sd: Array
    median_v: float
    width_v: float
    plateau: float


def drawn_light(scene: Scene, n: int, shift: float, rng: np.random.Generator) -> Array:
    """True mean fluxes (n, voltages) of dots."""
    quantile = rng.random(n)
    rise = np.log(quantile / (1 - quantile)) / _RISE
    if scene.normal:
        rise = rng.standard_normal(n) / 2.563
    turn_on = scene.median_v + scene.width_v * (rise - shift / _RISE)
    ever = rng.random(n) < scene.plateau
    brightness = scene.brightness * np.exp(scene.spread * rng.standard_normal(n))
    shape = n, len(VOLTAGES_V)
    on = rng.uniform(*scene.on_fractions, shape) * (rng.random(shape) >= scene.lapse)
    lit = ever[:, None] & (turn_on[:, None] <= VOLTAGES_V)
    return np.asarray(np.where(lit, brightness[:, None] * on, 0.0))


def other_light(scene: Scene, n: int, rng: np.random.Generator) -> Array:
    """Light of EL-only sources (n, voltages), lit at all voltages."""
    there = rng.random(n) < scene.other_sources
    brightness = scene.brightness * np.exp(scene.spread * rng.standard_normal(n))
    return np.asarray(np.where(there, brightness, 0.0)[:, None] * np.ones(len(VOLTAGES_V)))


def drawn_field(scene: Scene, rng: np.random.Generator) -> DotSeries:
    """One field as the analysis sees it."""
    shift = scene.field_sd_logit * rng.standard_normal()
    n = scene.n_dots
    light = drawn_light(scene, n, shift, rng) + other_light(scene, n, rng)
    flux = light + rng.standard_normal(light.shape)
    blanks = other_light(scene, N_BLANKS, rng)
    blanks = blanks + rng.standard_normal(blanks.shape)
    err, nothing = np.ones(n), np.zeros(N_BLANKS, bool)
    odds, chance = np.empty(flux.shape), np.empty(flux.shape)
    for j in range(len(VOLTAGES_V)):
        mixture = fit_mixture(
            flux[:, j], err, blanks[:, j], np.ones(N_BLANKS), nothing, f_min_s=F_MIN_S
        )
        chance[:, j] = np.mean(blanks[:, j] > F_MIN_S)
        odds[:, j] = bright_odds(mixture, float(chance[0, j]))
    return DotSeries(VOLTAGES_V, flux, np.ones(flux.shape), odds, chance)


def truth_of(scene: Scene, n: int = 400_000) -> Truth:
    """Draw many dots, and many fields."""
    rng = np.random.default_rng(1)
    bright = np.mean(drawn_light(replace(scene, plateau=1.0), 50_000, 40.0, rng) > F_MIN_S)
    seen = scene.plateau * float(bright)
    shifts = scene.field_sd_logit * rng.standard_normal(4000)
    rise = expit(_RISE * (VOLTAGES_V - scene.median_v) / scene.width_v + shifts[:, None])
    fraction, sd = seen * rise.mean(axis=0), seen * rise.std(axis=0)
    if scene.normal or not scene.field_sd_logit:
        fraction = np.mean(drawn_light(scene, n, 0.0, rng) > F_MIN_S, axis=0)
    return Truth(fraction, sd, scene.median_v, scene.width_v, seen)


class Score:
    """Errors and coverage of one number."""

    def __init__(self) -> None:
        self.error: list[float] = []
        self.inside: list[bool] = []
        self.width: list[float] = []

    def add(self, found: Estimate, true: float) -> None:
        """Hold one answer against the truth."""
        self.error.append(found.value - true)
        low, high = np.nan_to_num(found.low, nan=-np.inf), np.nan_to_num(found.high, nan=np.inf)
        self.inside.append(bool(low - 1e-9 <= true <= high + 1e-9))
        self.width.append(high - low)

    def __str__(self) -> str:
        if not self.error:
            return "none"
        return (
            f"bias {np.mean(self.error):+.4f}  covers {np.mean(self.inside):.3f}  "
            f"median width {np.median(self.width):.3f}"
        )


def analysed(parts: list[DotSeries]) -> tuple[SeriesAnswer, list[tuple[Estimate, Estimate]]]:
    """The series of all fields, and the pool at each voltage: mean and spread."""
    if len(parts) == 1:
        return analyse_series(parts[0], f_min_s=F_MIN_S, confidence=CONFIDENCE), []
    single = [analyse_series(p, f_min_s=F_MIN_S, confidence=CONFIDENCE).monotone for p in parts]
    pools, excess = [], []
    for j in range(len(VOLTAGES_V)):
        counts = [
            effective_counts(len(p), s.fraction[j], s.low[j], s.high[j], CONFIDENCE)
            for p, s in zip(parts, single, strict=True)
        ]
        lit, n = np.array(counts).T
        pool = pool_fractions(lit, n, confidence=CONFIDENCE)
        excess.append(pool.excess)
        spread = Estimate(pool.between_sd, pool.between_sd_low, pool.between_sd_high)
        pools.append((Estimate(pool.fraction, pool.low, pool.high), spread))
    answer = analyse_series(
        joined(parts), f_min_s=F_MIN_S, confidence=CONFIDENCE, excess=np.array(excess)
    )
    return answer, pools


def main() -> None:
    """Print one block for each scene."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--scene", default="")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for index, scene in enumerate(SCENES):
        if args.scene in scene.name:
            print_scene(scene, args.repeats, np.random.default_rng([args.seed, index]))


def print_scene(scene: Scene, repeats: int, rng: np.random.Generator) -> None:
    """Analyse one scene many times."""
    truth = truth_of(scene)
    names = ("median_v", "width_v", "plateau")
    curve = {name: Score() for name in names}
    shares = [Score() for _ in VOLTAGES_V]
    means, spreads = [Score() for _ in VOLTAGES_V], [Score() for _ in VOLTAGES_V]
    refused, seconds, odd, by_noise, small_p = 0, 0.0, 0, 0.0, 0
    for _ in range(repeats):
        parts = [drawn_field(scene, rng) for _ in range(scene.n_fields)]
        began = perf_counter()
        answer, pools = analysed(parts)
        seconds += perf_counter() - began
        monotone = answer.monotone
        for j, score in enumerate(shares):
            found = Estimate(monotone.fraction[j], monotone.low[j], monotone.high[j])
            score.add(found, truth.fraction[j])
        for j, (mean, spread) in enumerate(pools):
            means[j].add(mean, truth.fraction[j])
            if np.isfinite(spread.value):
                spreads[j].add(spread, truth.field_sd[j])
        odd, by_noise = odd + answer.not_monotone.n, by_noise + answer.not_monotone.by_noise
        if isinstance(answer.curve, Refusal):
            refused += 1
            continue
        small_p += bool(answer.curve.p_value < 0.05)
        for name in names:
            curve[name].add(getattr(answer.curve, name), getattr(truth, name))
    print(
        f"\n{scene.name}: {repeats} times {scene.n_fields} x {scene.n_dots} dots; "
        f"{refused} curves refused, {small_p / max(repeats - refused, 1):.3f} with p < 0.05; "
        f"{seconds / repeats:.3f} s; not monotone {odd / repeats:.2f}, by noise "
        f"{by_noise / repeats:.2f}"
    )
    for name in names:
        print(f"  {name:10s} {curve[name]}")
    for j, voltage in enumerate(VOLTAGES_V):
        print(f"  {voltage:.1f} V  fraction {truth.fraction[j]:.3f}  {shares[j]}")
    for j, voltage in enumerate(VOLTAGES_V if scene.n_fields > 1 else ()):
        print(f"  {voltage:.1f} V  mean of fields  {means[j]}")
        print(f"         spread {truth.field_sd[j]:.3f}  {spreads[j]}")


if __name__ == "__main__":
    main()
