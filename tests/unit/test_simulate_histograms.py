"""Histograms and spectra of a simulated device: what the files hold is what the truth says."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import chi2

from qdimage.io.experiment_file import read_experiments
from qdimage.io.spectrum_file import open_spectrum
from qdimage.io.time_tags import open_histogram
from qdimage.rates.coulomb import exponential
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.measured import measured_g2
from qdimage.rates.pl import pl_model
from qdimage.rates.solution import solve
from qdimage.simulation.experiment import simulate_experiment
from qdimage.simulation.measurements import log_line
from qdimage.simulation.options import SimulateOptions

ODDS = 1e-6  # of a statistic beyond its limit, had the seed not been fixed
BIN_NS, ON_FRACTION, DARK_S = 0.5, 0.8, (120.0, 80.0)
FACTS = {
    "experiment": {"imaging": False, "sample": "quartz"},
    "photons": {
        "injections": ((2.1, 8.4), (2.6, 41.65)),
        "el_counts": ((2.1, 2e4), (2.6, 6e4)),
        "pl_counts_s": 9e4,
        "on_fraction": ON_FRACTION,
        "pump_per_us": 1.0,
        "typical_first": True,
    },
    "histograms": {"n_el_dots": 2, "n_series_dots": 1, "series_voltages_v": (2.1,), "n_pl_dots": 1},
    "spectra": {
        "n_dots": 1,
        "area_voltages_v": (2.2, 2.6),
        "area_background_counts": 4e5,
        "area_background_from_v": 2.4,
    },
    "detectors": {"dark_counts_s": DARK_S},
}


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("histograms") / "device"
    simulate_experiment(out, options=SimulateOptions.model_validate(FACTS), seed=3)
    return out


@pytest.fixture(scope="module")
def truth(device: Path) -> dict:
    document = json.loads((device / "truth.json").read_text(encoding="utf-8"))
    return document["fields"]["field-01"]


def dot_of(row: dict) -> DotParameters:
    return DotParameters(**{name: row[name] for name in DotParameters.__dataclass_fields__})


def emission_of(row: dict):
    if row["kind"] == "pl":
        return solve(pl_model(dot_of(row), pump_per_us=row["pump_per_us"]))
    model = el_model(
        dot_of(row),
        electron_per_us=row["electron_rate_per_us"],
        hole_per_us=row["hole_rate_per_us"],
        coulomb=exponential(0.46284401059920),
    )
    return solve(model)


def test_a_field_without_stacks_is_declared(device: Path) -> None:
    (field,) = read_experiments([device])
    assert field.declared.channels == ()
    assert field.declared.experiment.sample == "quartz"
    assert [each.x_px for each in field.declared.photons] == [None] * 4
    names = [each.file for each in field.declared.photons]
    assert names == [
        "dots/d01_el_2.1V.csv",
        "dots/d01_el_2.6V.csv",
        "dots/d02_el_2.6V.csv",
        "dots/d01_pl.csv",
    ]


@pytest.mark.parametrize("number", range(4))
def test_coincidences_are_those_of_the_solved_model(device: Path, truth: dict, number: int) -> None:
    (field,) = read_experiments([device])
    declared, row = field.declared.photons[number], truth["photons"][number]
    curve = open_histogram(
        device / "field-01" / declared.file,
        duration_s=declared.duration_s,
        rate_counts_s=declared.rate_counts_s,
    )
    emission = emission_of(row)
    lag_ns = (curve.edges_ns[1:] + curve.edges_ns[:-1]) / 2
    g2 = measured_g2(emission, lag_ns, bin_ns=BIN_NS, response_fwhm_ns=declared.response_fwhm_ns)
    signal_s = row["counts_s"] / 2
    weight = row["duration_s"] * BIN_NS * 1e-9
    dark = signal_s * sum(DARK_S) + DARK_S[0] * DARK_S[1]
    expected = weight * (signal_s**2 / ON_FRACTION * g2 + dark)
    square = np.sum((curve.counts - expected) ** 2 / expected)
    assert ODDS < chi2(expected.size).cdf(square) < 1 - ODDS
    assert emission.g2_0 == pytest.approx(row["g2_0"], rel=1e-6)


def test_counts_are_those_that_were_asked_for(truth: dict) -> None:
    light = FACTS["photons"]
    for row in truth["photons"]:
        wanted = light["pl_counts_s"]
        if row["kind"] == "el":
            wanted = log_line(light["el_counts"], row["voltage_v"])
        assert row["counts_s"] == pytest.approx(wanted)
        assert row["emitted_photons_s"] == pytest.approx(wanted / 0.08)
        for count, dark in zip(row["counts"], DARK_S, strict=True):
            mean = (wanted / 2 + dark) * row["duration_s"]
            assert abs(count - mean) < 6 * np.sqrt(mean)


def test_the_first_dot_is_typical_and_the_second_is_not(truth: dict) -> None:
    first, second = (row for row in truth["photons"] if row["voltage_v"] == 2.6)
    assert first["electron_rate_per_us"] == first["hole_rate_per_us"] == 41.65
    assert first["biexciton_qy"] == 0.07
    assert second["electron_rate_per_us"] != second["hole_rate_per_us"]


def test_values_between_points_are_straight_on_a_log_scale() -> None:
    points = ((2.0, 1.0), (2.2, 10.0), (2.6, 40.0))
    assert log_line(points, 2.1) == pytest.approx(np.sqrt(10.0))
    assert [log_line(points, voltage) for voltage, _ in points] == pytest.approx([1, 10, 40])
    assert log_line(points, 3.0) == pytest.approx(160.0)
    assert log_line(points, 1.8) == pytest.approx(0.1)


@pytest.mark.parametrize("points", [((2.0, 1.0),), ((2.0, 1.0), (1.9, 2.0)), ((1.0, 0), (2, 1))])
def test_points_that_are_no_line_are_refused(points: tuple) -> None:
    with pytest.raises(ValidationError, match="pair"):
        SimulateOptions.model_validate({"photons": {"injections": points}})


def test_spectra_hold_the_light_of_the_truth(device: Path, truth: dict) -> None:
    (field,) = read_experiments([device])
    declared = {each.file: each for each in field.declared.spectra}
    assert len(declared) == len(truth["spectra"]) == 4
    for row in truth["spectra"]:
        each = declared[row["file"]]
        spectrum = open_spectrum(device / "field-01" / each.file)
        assert spectrum.exposure_s == each.exposure_s == 10.0
        assert (each.scope, each.kind, each.voltage_v) == (
            row["scope"],
            row["kind"],
            row["voltage_v"],
        )
        counts = spectrum.counts - 100.0
        x = spectrum.wavelength_nm
        for low, high, wanted in ((560, 700, row["line_counts"]), (380, 560, _poly_tpd(row))):
            here = (x >= low) & (x < high)
            # Six standard deviations of photons and read noise; a Gaussian tail lies beyond.
            room = 6 * np.sqrt(wanted + 9.0 * here.sum()) + 2e-3 * row["line_counts"]
            assert abs(counts[here].sum() - wanted) < room
    area = {row["voltage_v"]: row for row in truth["spectra"] if row["scope"] == "area"}
    assert area[2.2]["background_ratio"] == 0.0
    assert area[2.6]["background_counts"] == pytest.approx(4e5)


def _poly_tpd(row: dict) -> float:
    # 98.758 % of it lie between 400 and 500 nm.
    return row["background_counts"] / 0.98758
