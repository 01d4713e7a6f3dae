"""Photon streams beside the g2 of the models that they were drawn from.

For each set of parameters jumps are drawn until there are ten million photons, all pairs are
counted in bins of 256 ps up to 512 ns on both sides, and the counts are compared with the solved
model: chi-square per bin, and the light's rate. Drawing shares nothing with solving but the
declared transitions. With 4,000 bins chance alone moves a chi-square per bin by 0.022; that of a
blinking dot is some hundredths larger, since its share of time on is not the true one in a
measurement of seconds, and all bins share that.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from qdimage.io.model_file import read_model_file
from qdimage.photons.correlate import correlate
from qdimage.rates.coulomb import coulomb_law
from qdimage.rates.declaration import RateModel
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.measured import measured_g2
from qdimage.rates.pl import pl_model
from qdimage.rates.pl_charged import declare_pl_charged
from qdimage.rates.solution import solve
from qdimage.simulation.photon_options import PhotonStreamOptions
from qdimage.simulation.photon_stream import simulate_photons

TICK_PS, BIN_TICKS, N_BINS = 4.0, 64, 2000
X41 = 0.46284401059920
DOT = DotParameters()
IDEAL = {
    "dark_counts_s": (0.0, 0.0),
    "dead_time_ns": 0.0,
    "jitter_fwhm_ns": 0.0,
    "afterpulse_probability": 0.0,
}
SHELVING = """
name = "shelving"
states = ["g", "e", "trap"]
[parameters.pump_per_us]
default = 15.0
[parameters.lifetime_ns]
default = 12.0
[parameters.trapping]
default = 0.02
[[transitions]]
source = "g"
target = "e"
rate = "pump_per_us"
[[transitions]]
source = "e"
target = "g"
rate = "1000 / lifetime_ns * (1 - trapping)"
photon_yield = 0.9
line = "E"
[[transitions]]
source = "e"
target = "trap"
rate = "1000 / lifetime_ns * trapping"
[[transitions]]
source = "trap"
target = "g"
rate = 2
"""


@dataclass(frozen=True)
class Found:
    """What a stream says of its model."""

    n_photons: int
    chi_square_per_bin: float
    rate_ratio: float
    seconds: float


def el(electron: float, hole: float, law: str = "exp", **how: object) -> RateModel:
    """The dot under current, as published."""
    given = {"x": X41, "attraction": 2.0, "repulsion": 0.4}
    return el_model(
        DOT,
        electron_per_us=electron,
        hole_per_us=hole,
        coulomb=coulomb_law(law, **given),
        **{"carriers": 4, **how},
    )


def own_model() -> RateModel:
    """A model from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shelving.toml"
        path.write_text(SHELVING, encoding="utf-8")
        return read_model_file(path).model()


def models() -> dict[str, RateModel]:
    """Every set of parameters."""
    return {
        "EL 16.8, 16.8": el(16.8, 16.8),
        "EL 25, 25, 6 carriers": el(25.0, 25.0, carriers=6),
        "EL 83.3, 83.3": el(83.3, 83.3),
        "EL 25, 75": el(25.0, 75.0),
        "EL 83.3, 8.33": el(83.3, 8.33),
        "EL 16.8, 168, cap": el(16.8, 168.0, overflow="cap"),
        "EL 40, 15, sign": el(40.0, 15.0, "sign", carriers=5),
        "EL 60, 90, no trions": el(60.0, 90.0, "suppression", count_trions=False),
        "PL 1": pl_model(DOT, pump_per_us=1.0),
        "PL 50": pl_model(DOT, pump_per_us=50.0),
        "PL blinking": declare_pl_charged().model({"pump_per_us": 10.0, "darkening_per_us": 0.05}),
        "own model: shelving": own_model(),
    }


def compared(model: RateModel, n_photons: int, seed: int, **detectors: object) -> Found:
    """Draw photons and compare them with the solved model."""
    begin = perf_counter()
    light = solve(model)
    settings = {**IDEAL, "detection_efficiency": 1.0, "warm_up_us": 2000.0, **detectors}
    efficiency = float(str(settings["detection_efficiency"]))
    duration_s = n_photons / (light.intensity_per_us * 1e6 * efficiency)
    options = PhotonStreamOptions(**settings, duration_s=duration_s, tick_ps=TICK_PS)
    stream = simulate_photons(model, options, np.random.default_rng(seed))
    curve = correlate(stream, bin_ticks=BIN_TICKS, n_bins=N_BINS)
    n = curve.counts_1 + curve.counts_2
    dark = sum(options.dark_counts_s) * duration_s
    tick_ns = TICK_PS * 1e-3
    # Times rounded down to ticks differ by half a tick less than their bins say.
    g2 = measured_g2(
        light,
        curve.lag_ns - tick_ns / 2,
        bin_ns=BIN_TICKS * tick_ns,
        response_fwhm_ns=options.jitter_fwhm_ns * np.sqrt(2),
        background_share=dark / n,
    )
    expected = curve.accidentals * g2
    chi_square = float(np.mean((curve.counts - expected) ** 2 / expected))
    return Found(n, chi_square, (n - dark) / n_photons, perf_counter() - begin)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photons", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(f"{'':<24} {'photons':>10} {'chi-square/bin':>14} {'rate ratio':>10} {'s':>6}")
    for k, (name, model) in enumerate(models().items()):
        show(name, compared(model, asked.photons, asked.seed + k))
    noisy = {"detection_efficiency": 0.2, "jitter_fwhm_ns": 0.35}
    found = compared(el(25.0, 40.0), asked.photons, asked.seed, **noisy, dark_counts_s=(2e4, 2e4))
    show("EL 25, 40, detectors", found)


def show(name: str, found: Found) -> None:
    """Print one line."""
    print(
        f"{name:<24} {found.n_photons:10d} {found.chi_square_per_bin:14.3f} "
        f"{found.rate_ratio:10.5f} {found.seconds:6.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
