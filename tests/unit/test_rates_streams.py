"""Drawn jumps have the g2 of the solved model, for models of every kind."""

from pathlib import Path

import numpy as np
import pytest

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

DOT = DotParameters()
N_PHOTONS = 300_000
IDEAL = {
    "dark_counts_s": (0.0, 0.0),
    "dead_time_ns": 0.0,
    "jitter_fwhm_ns": 0.0,
    "afterpulse_probability": 0.0,
    "warm_up_us": 2000.0,
}
CASCADE = """
name = "cascade"
states = ["g", "one", "two"]
[parameters.pump_per_us]
default = 20.0
[[transitions]]
source = "g"
target = "two"
rate = "pump_per_us"
[[transitions]]
source = "two"
target = "one"
rate = "5 * pump_per_us"
photon_yield = 1
[[transitions]]
source = "one"
target = "g"
rate = 40
photon_yield = 0.5
"""


def el(electron: float, hole: float, law: str = "exp", **how: object) -> RateModel:
    return el_model(
        DOT,
        electron_per_us=electron,
        hole_per_us=hole,
        coulomb=coulomb_law(law, x=0.463, attraction=2.0, repulsion=0.4),
        **{"carriers": 4, **how},
    )


MODELS = {
    "EL weak": el(16.8, 16.8),
    "EL strong": el(83.3, 83.3, carriers=6),
    "EL few holes": el(83.3, 8.33),
    "EL many holes, cap": el(16.8, 100.0, overflow="cap"),
    "EL sign": el(40.0, 15.0, "sign", carriers=5),
    "EL without trions": el(60.0, 90.0, "suppression", count_trions=False),
    "PL": pl_model(DOT, pump_per_us=20.0),
    "PL blinking": declare_pl_charged().model({"darkening_per_us": 0.05}),
}


def chi_square(model: RateModel, seed: int) -> tuple[float, int]:
    """Of all bins, and their number."""
    light = solve(model)
    duration_s = N_PHOTONS / light.intensity_per_us / 1e6
    options = PhotonStreamOptions(**IDEAL, detection_efficiency=1.0, duration_s=duration_s)
    stream = simulate_photons(model, options, np.random.default_rng(seed))
    curve = correlate(stream, bin_ticks=250, n_bins=200)
    # Times rounded down to 4 ps differ by half of that less than their bins say.
    expected = curve.accidentals * measured_g2(light, curve.lag_ns - 0.002, bin_ns=1.0)
    assert expected.min() > 5
    return float(np.sum((curve.counts - expected) ** 2 / expected)), len(expected)


@pytest.mark.parametrize("name", MODELS)
def test_drawn_photons_correlate_as_the_model_says(name: str) -> None:
    # Beyond 4.5 standard deviations of chi-square by chance: 1e-5 for each model.
    found, n = chi_square(MODELS[name], list(MODELS).index(name))
    assert abs(found - n) < 4.5 * np.sqrt(2 * n)


def test_drawn_photons_of_a_model_from_a_file_do_so_too(tmp_path: Path) -> None:
    # As above.
    path = tmp_path / "cascade.toml"
    path.write_text(CASCADE, encoding="utf-8")
    found, n = chi_square(read_model_file(path).model(), 11)
    assert abs(found - n) < 4.5 * np.sqrt(2 * n)


def test_a_wrong_model_would_be_seen() -> None:
    # The photons of one set beside the curve of another, a quarter stronger.
    light, other = solve(el(16.8, 16.8)), solve(el(21.0, 21.0))
    lags = np.arange(-199.5, 200.0)
    pairs = (N_PHOTONS / 2) ** 2 / (N_PHOTONS / light.intensity_per_us * 1e3)
    one, two = (pairs * measured_g2(each, lags, bin_ns=1.0) for each in (light, other))
    assert np.sum((one - two) ** 2 / two) > 4.5 * np.sqrt(2 * len(lags))
