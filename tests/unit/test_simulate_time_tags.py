"""Time tags of a simulated device: what the files hold is what the truth says."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from time_tag_files import photons_in

from qdimage.domain.experiment import Experiment
from qdimage.errors import ConfigurationError
from qdimage.io.atomic import sha256
from qdimage.io.experiment_file import read_experiments
from qdimage.io.time_tags import open_photons
from qdimage.photons.correlate import correlate_between
from qdimage.rates.coulomb import exponential
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.measured import measured_g2
from qdimage.rates.pl import pl_model
from qdimage.rates.solution import solve
from qdimage.simulation.experiment import simulate_experiment
from qdimage.simulation.options import SimulateOptions
from qdimage.simulation.recipe import read_recipe

SIZE = {"width_px": 128, "height_px": 128, "n_frames": 1, "voltages_v": (2.6,)}
PHOTONS = {
    "n_el_dots": 2,
    "n_pl_dots": 1,
    "n_pulsed_dots": 1,
    "voltages_v": (2.3, 2.6),
    "counts": 30_000,
}
IDEAL = {
    "dark_counts_s": (0.0, 0.0),
    "dead_time_ns": 0.0,
    "jitter_fwhm_ns": 0.0,
    "afterpulse_probability": 0.0,
}


def simulate(out: Path, seed: int = 5, **groups) -> Path:
    document = {
        **groups,
        "experiment": {**SIZE, **groups.get("experiment", {})},
        "el": {"turn_on_median_v": 2.2, **groups.get("el", {})},
        "photons": {**PHOTONS, **groups.get("photons", {})},
    }
    options = SimulateOptions.model_validate(document)
    simulate_experiment(out, options=options, seed=seed)
    return out


def photon_truth(device: Path, field: str = "field-01") -> list[dict]:
    return field_truth(device, field)["photons"]


def field_truth(device: Path, field: str = "field-01") -> dict:
    return json.loads((device / "truth.json").read_text(encoding="utf-8"))["fields"][field]


def model_of(truth: dict):
    dot = DotParameters(**{key: truth[key] for key in DotParameters.__dataclass_fields__})
    if truth["kind"] == "pl":
        return pl_model(dot, pump_per_us=truth["pump_per_us"] or 0.0)
    return el_model(
        dot,
        electron_per_us=truth["electron_rate_per_us"],
        hole_per_us=truth["hole_rate_per_us"],
        coulomb=exponential(SimulateOptions().photons.coulomb_x),
        carriers=SimulateOptions().photons.carriers,
    )


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("tagged") / "device")


@pytest.fixture(scope="module")
def field(device: Path) -> Experiment:
    return read_experiments([device])[0]


def test_files_declaration_truth_and_hashes_name_the_same(device: Path, field: Experiment) -> None:
    there = {path.relative_to(device).as_posix() for path in device.rglob("*.ptu")}
    assert len(there) == 6
    assert {f"field-01/{each.file}" for each in field.declared.photons} == there
    assert {f"field-01/{each['file']}" for each in photon_truth(device)} == there
    hashes = json.loads((device / "sha256.json").read_text(encoding="utf-8"))
    assert {name: sha256(device / name) for name in there} == {
        name: digest for name, digest in hashes.items() if name.endswith(".ptu")
    }


def test_a_file_holds_the_counts_and_the_duration_of_the_truth(device: Path) -> None:
    for truth in photon_truth(device):
        stream = open_photons(device / "field-01" / truth["file"])
        photons = photons_in(stream)
        assert stream.warnings == []
        assert np.bincount(photons.channel).tolist() == truth["counts"]
        assert stream.header["duration_s"] == pytest.approx(truth["duration_s"])
        assert stream.mode == ("T3" if truth["excitation"] == "pulsed" else "T2")
        last = photons.time[-1] * (stream.period_s or stream.tick_s)
        assert 0.5 * truth["duration_s"] < last < truth["duration_s"] + 1e-6


def test_counts_are_those_of_the_light_while_on(device: Path) -> None:
    # Light x efficiency x time on; dead time takes up to r t = 2 % here, afterpulses give 0.5 %.
    # Odds of failing by chance: below 6e-7.
    for truth in photon_truth(device):
        light = truth["emitted_per_us"] * 1e6 * 0.08 * truth["on_fraction"] + 200
        expected = light * truth["duration_s"]
        assert (
            -0.03 * expected
            < sum(truth["counts"]) - expected
            < 0.01 * expected + 5 * math.sqrt(2 * expected)
        )


def test_the_truth_is_that_of_the_solved_models(device: Path) -> None:
    for truth in photon_truth(device):
        if truth["excitation"] == "cw":
            solved = solve(model_of(truth))
            assert truth["g2_0"] == pytest.approx(solved.g2_0, rel=1e-6)
            assert truth["emitted_per_us"] == pytest.approx(solved.intensity_per_us, rel=1e-6)
        else:
            # Poisson pairs: <n (n - 1)> / <n>^2, at most two photons of a pulse.
            one, mean = 1 - math.exp(-0.2), truth["pairs_per_pulse"]
            two = one - mean * math.exp(-mean)
            photons = one + two * truth["biexciton_qy"]
            assert truth["g2_0"] == pytest.approx(
                2 * two * truth["biexciton_qy"] / photons**2, rel=1e-6
            )
            assert truth["emitted_per_us"] == pytest.approx(5 * photons, rel=1e-6)


def test_a_dot_is_the_same_in_all_its_files(device: Path) -> None:
    by_dot: dict[str, list[dict]] = {}
    for truth in photon_truth(device):
        by_dot.setdefault(truth["file"][:8], []).append(truth)
    assert len(by_dot) == 2
    for files in by_dot.values():
        for key in ("source_id", "biexciton_qy"):
            assert len({each[key] for each in files}) == 1
    qys = {each["biexciton_qy"] for each in photon_truth(device)}
    assert len(qys) == 2


def test_a_declared_place_is_the_dot_s_up_to_the_stage(device: Path, field: Experiment) -> None:
    # Errors of 0.05 um are 0.47 px; odds of a distance beyond 3 px: 1e-9.
    sources = field_truth(device)["sources"]
    distances = []
    for truth, declared in zip(photon_truth(device), field.declared.photons, strict=True):
        assert declared.file == truth["file"]
        assert (declared.kind, declared.voltage_v) == (truth["kind"], truth["voltage_v"])
        assert declared.excitation == truth["excitation"]
        source = sources[truth["source_id"] - 1]
        distances.append(
            math.dist((declared.x_px, declared.y_px), (source["x_px"], source["y_px"]))
        )
    assert max(distances) < 3
    assert min(distances) > 0


def test_a_chosen_dot_is_alone_in_the_frame_and_lit(device: Path) -> None:
    truth = field_truth(device)
    sources = truth["sources"]
    for each in truth["photons"]:
        source = sources[each["source_id"] - 1]
        assert source["kind"] == "dot"
        assert source["in_frame"]
        others = [
            math.dist((source["x_px"], source["y_px"]), (other["x_px"], other["y_px"]))
            for other in sources
            if other is not source
        ]
        assert min(others) * 0.107 >= 1.0
        if each["kind"] == "el":
            assert source["turn_on_voltage_v"] <= each["voltage_v"]


def test_the_rates_rise_with_the_voltage(device: Path) -> None:
    el = {each["file"]: each for each in photon_truth(device) if each["kind"] == "el"}
    low, high = el["dots/d01_el_2.3V.ptu"], el["dots/d01_el_2.6V.ptu"]
    for key in ("electron_rate_per_us", "hole_rate_per_us"):
        assert high[key] / low[key] == pytest.approx(math.exp(0.3 / 0.32), rel=1e-6)


def test_the_analysis_is_told_what_a_lab_knows(field: Experiment) -> None:
    known = field.declared.dot_parameters
    assert known.exciton_lifetime_ns == 40.0
    assert known.biexciton_qy == 0.07
    assert known.biexciton_qy_err == pytest.approx(0.0175)
    for declared in field.declared.photons:
        assert declared.dark_counts_s == (120.0, 80.0)
        assert declared.response_fwhm_ns == pytest.approx(0.35 * math.sqrt(2), abs=1e-4)
        if declared.kind == "pl" and declared.excitation == "cw":
            # Photon energy at 405 nm: 3.0613 eV.
            flux = declared.excitation_power_density_w_cm2 / (3.0613 * 1.602177e-19)
            pump = flux * declared.absorption_cross_section_cm2 / 1e6
            assert pump == pytest.approx(10.0, rel=1e-3)
    text = field.path.read_text(encoding="utf-8")
    for word in ("g2_0", "pump", "rate_per_us", "source", "on_fraction"):
        assert word not in text


@pytest.mark.parametrize("name", ["d01_el_2.6V", "d01_pl"])
def test_a_written_file_has_the_model_s_g2(tmp_path: Path, name: str) -> None:
    # Detectors without faults, no blinking. Chi-square of 57 bins beyond 4.2 standard deviations:
    # odds of 4e-5 for each file.
    out = simulate(
        tmp_path / "out",
        detectors={**IDEAL, "jitter_fwhm_ns": 0.35},
        optics={"collection_efficiency": 0.8},
        photons={"on_fraction": 1.0, "counts": 600_000, "n_el_dots": 1, "voltages_v": (2.6,)},
    )
    truth = next(each for each in photon_truth(out) if name in each["file"])
    assert truth["on_fraction"] == 1.0
    stream = open_photons(out / "field-01" / truth["file"])
    edges = np.concatenate([np.arange(0, 40, 2), np.arange(40, 224, 5)]) * 250
    curve = correlate_between(stream, edges_ticks=edges.astype(np.int64))
    lag_ns = np.linspace(curve.edges_ns[:-1], curve.edges_ns[1:], 5)
    g2 = measured_g2(solve(model_of(truth)), lag_ns.ravel(), response_fwhm_ns=0.35 * math.sqrt(2))
    expected = curve.accidentals * (np.array([1, 4, 2, 4, 1]) / 12 @ g2.reshape(lag_ns.shape))
    n_bins = curve.counts.size
    chi_square = np.sum((curve.counts - expected) ** 2 / expected)
    assert abs(chi_square - n_bins) < 4.2 * np.sqrt(2 * n_bins)


def test_blinking_lifts_short_delays_by_the_time_on(device: Path) -> None:
    # Intervals of milliseconds: the plateau at a few us lies at 1 / on-fraction. Odds of failing by
    # chance: 6e-7; dead times and afterpulses change less than 2 % of it.
    for truth in photon_truth(device):
        if truth["excitation"] == "pulsed":
            continue
        stream = open_photons(device / "field-01" / truth["file"])
        edges = np.array([500_000, 2_500_000])
        curve = correlate_between(stream, edges_ticks=edges)
        # The curve's duration is that from the first photon to the last.
        on_fraction = truth["on_fraction"] * truth["duration_s"] / curve.duration_s
        expected = curve.accidentals[0] / on_fraction
        assert abs(curve.counts[0] / expected - 1) < 0.02 + 5 / math.sqrt(expected)


def test_the_same_call_gives_the_same_bytes(device: Path, tmp_path: Path) -> None:
    recipe = read_recipe(device / "recipe.toml")
    simulate_experiment(tmp_path / "again", options=recipe.options, seed=recipe.seed)
    for path in device.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(device)).read_bytes()


def test_time_tags_change_no_stack_and_further_ones_no_other(device: Path, tmp_path: Path) -> None:
    none = {"n_el_dots": 0, "n_pl_dots": 0, "n_pulsed_dots": 0}
    without = simulate(tmp_path / "without", photons=none)
    assert list(without.rglob("*.ptu")) == []
    assert "photons" not in field_truth(without)
    text = (without / "field-01" / "experiment.toml").read_text(encoding="utf-8")
    assert "photons" not in text
    assert "dot_parameters" not in text
    more = simulate(
        tmp_path / "more",
        photons={"n_el_dots": 3, "n_pl_dots": 2, "n_fields": 2},
        experiment={"n_fields": 2},
    )
    for path in without.rglob("*.tif"):
        assert path.read_bytes() == (more / path.relative_to(without)).read_bytes()
    for path in device.rglob("*.ptu"):
        assert path.read_bytes() == (more / path.relative_to(device)).read_bytes()
    assert (more / "field-02" / "dots" / "d03_el_2.6V.ptu").is_file()


def test_progress_counts_the_time_tag_files_and_an_interrupt_among_them_leaves_nothing(
    tmp_path: Path,
) -> None:
    seen: list[tuple[str, int, int]] = []

    def interrupt(*what) -> None:
        seen.append(what)
        if len(seen) == 4:
            raise KeyboardInterrupt

    options = SimulateOptions.model_validate(
        {"experiment": SIZE, "el": {"turn_on_median_v": 2.2}, "photons": PHOTONS}
    )
    with pytest.raises(KeyboardInterrupt):
        simulate_experiment(tmp_path / "out", options=options, seed=5, progress=interrupt)
    assert not (tmp_path / "out").exists()
    assert seen[2:] == [
        ("field-01/dots/d01_el_2.3V.ptu", 3, 8),
        ("field-01/dots/d01_el_2.6V.ptu", 4, 8),
    ]


def test_a_dot_is_measured_only_where_it_is_lit(tmp_path: Path) -> None:
    out = simulate(tmp_path / "out", el={"unlit": True})
    assert {each["kind"] for each in photon_truth(out)} == {"pl"}


def test_no_dot_to_choose_gives_no_files(tmp_path: Path) -> None:
    out = simulate(tmp_path / "out", photons={"isolation_um": 1000.0})
    assert list(out.rglob("*.ptu")) == []
    assert not (out / "field-01" / "dots").exists()
    empty = {"density_per_um2": 0.0, "defect_density_per_um2": 0.0}
    assert list(simulate(tmp_path / "empty", scene=empty).rglob("*.ptu")) == []


def test_a_single_dot_is_alone(tmp_path: Path) -> None:
    scene = {"density_per_um2": 0.003, "defect_density_per_um2": 0.0, "pl_dark_fraction": 0.0}
    for seed in range(40):
        options = {"scene": scene, "photons": {"isolation_um": 0.0, "counts": 100}}
        out = simulate(tmp_path / str(seed), seed=seed, **options)
        truth = field_truth(out)
        if len(truth["sources"]) == 1 and "photons" in truth:
            assert {each["source_id"] for each in truth["photons"]} == {1}
            return
    pytest.fail("no seed gave a single dot in the frame")


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        ({"photons": {"injection_rise_v": 1e-4}}, "found an injection of 0 per us at 2.3 V"),
        ({"photons": {"injection_per_us": 1e9}}, "found an injection of"),
        ({"photons": {"injection_at_v": -1e4}}, "found an injection of inf per us"),
        ({"optics": {"collection_efficiency": 1e-9}}, "d01_el_2.6V.ptu: found 200 counts/s"),
        (
            {
                "photons": {"pairs_per_pulse": 1e-12},
                "detectors": {"dark_counts_s": (0.0, 0.0)},
            },
            "d01_pl_pulsed.ptu: found",
        ),
    ],
)
def test_light_that_cannot_be_drawn_is_refused_without_a_trace(
    tmp_path: Path, groups: dict, found: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        simulate(tmp_path / "out", **groups)
    assert found in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
