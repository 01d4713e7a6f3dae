"""The sample stacks in the repository: whole, declared, true, and repeatable."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.stats import binom, norm, poisson
from time_tag_files import photons_in

from qdimage.config import AnalysisOptions
from qdimage.io import open_stack
from qdimage.io.atomic import sha256
from qdimage.io.experiment_file import read_experiments
from qdimage.io.time_tags import open_photons
from qdimage.pipeline.photon_steps import LIFETIME, Declared
from qdimage.simulation.field import channels_of, draw_field
from qdimage.simulation.geometry import margin
from qdimage.simulation.measurements import plan_measurements
from qdimage.simulation.recipe import read_recipe
from qdimage.simulation.recording import record
from qdimage.simulation.time_tags import draw_time_tags, write_time_tags

SAMPLES = Path(__file__).parents[2] / "sample_stacks"
DEMO = SAMPLES / "demo_device"
MOST_BYTES = 40_000_000
MOST_TIME_TAG_BYTES = 9_000_000
ODDS = 1e-6  # of a p-value below it, had the seed not been fixed

# Numbers that NumPy drew when the stacks were made; a release may change its methods.
DRAWS = "2afbd0b411028746"


def draws():
    rng = np.random.default_rng([1, 2])
    numbers = [
        rng.poisson([0.01, 3.0, 500.0], (1000, 3)).ravel(),
        1e9 * rng.standard_gamma([0.5, 1.0, 40.0], (1000, 3)).ravel(),
        1e9 * rng.standard_normal(1000),
        1e9 * rng.exponential(1.0, 1000),
        1e9 * rng.uniform(0, 1, 1000),
    ]
    whole = np.rint(np.concatenate(numbers)).astype("<i8")
    return hashlib.sha256(whole.tobytes()).hexdigest()[:16]


@pytest.fixture(scope="module")
def truth():
    return json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def recipe():
    return read_recipe(DEMO / "recipe.toml")


@pytest.fixture(scope="module")
def fields():
    return read_experiments([DEMO])


def test_the_samples_are_small():
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < MOST_BYTES


def test_every_stack_and_time_tag_file_has_the_hash_that_is_written_down():
    hashes = json.loads((DEMO / "sha256.json").read_text(encoding="utf-8"))
    files = sorted([*DEMO.rglob("*.tif"), *DEMO.rglob("*.ptu")])
    assert {path.relative_to(DEMO).as_posix(): sha256(path) for path in files} == hashes


def test_the_declarations_are_valid_and_name_every_stack(fields, recipe):
    experiment = recipe.options.experiment
    assert [field.name for field in fields] == ["field-01", "field-02", "field-03"]
    assert {field.device for field in fields} == {experiment.device}
    declared = set()
    for field in fields:
        channels = field.declared.channels
        assert [each.voltage_v for each in channels] == [None, *experiment.voltages_v]
        assert field.declared.experiment.pixel_size_um == experiment.pixel_size_um
        camera = field.declared.camera
        for key, value in recipe.options.camera.model_dump().items():
            assert getattr(camera, key) == value
        declared |= {field.path.parent / each.stack for each in channels}
    assert declared == {path.absolute() for path in DEMO.rglob("*.tif")}


def test_stacks_have_at_least_20_frames_of_256_by_256_in_16_bits(fields):
    for path in DEMO.rglob("*.tif"):
        with open_stack(path) as stack:
            assert stack.shape[0] >= 20
            assert stack.shape[1:] == (256, 256)
            assert stack.dtype == np.uint16
            frame = stack.reader(0, 1)[0]
            assert frame.std() > 0


def test_the_truth_is_that_of_the_recipe(truth, recipe):
    options = recipe.options
    assert truth["seed"] == recipe.seed
    assert truth["device"] == options.experiment.device
    assert len(truth["fields"]) == options.experiment.n_fields
    for name, field in truth["fields"].items():
        assert field["n_frames"] == options.experiment.n_frames
        assert (field["width_px"], field["height_px"]) == (256, 256)
        assert list(field["channels"]) == [each.name for each in channels_of(options)]
        for channel in field["channels"].values():
            assert (DEMO / name / channel["stack"]).is_file()
            drift = np.array(channel["drift_px"])
            assert drift.shape == (options.experiment.n_frames, 2)
            assert np.hypot(*drift[-1]) == pytest.approx(options.geometry.drift_px, abs=1e-4)
            assert len(channel["sources"]) == len(field["sources"])


def test_the_truth_has_as_many_dots_as_the_recipe_asks_for(truth, recipe):
    options = recipe.options
    psf = draw_field("field-01", options=options, seed=recipe.seed).psf
    side_px = 255 + 2 * margin(options.experiment, options.geometry, psf.radius_px)
    area_um2 = 3 * (side_px * options.experiment.pixel_size_um) ** 2
    found = sum(
        source["kind"] in ("dot", "pl_dark")
        for field in truth["fields"].values()
        for source in field["sources"]
    )
    expected = poisson(options.scene.density_per_um2 * area_um2)
    assert ODDS < expected.cdf(found) < 1 - ODDS


def test_as_many_dots_are_lit_at_each_voltage_as_the_turn_on_law_says(truth, recipe):
    el = recipe.options.el
    for channel in channels_of(recipe.options)[1:]:
        lit = [
            here["lit"]
            for field in truth["fields"].values()
            for source, here in zip(
                field["sources"], field["channels"][channel.name]["sources"], strict=True
            )
            if source["kind"] == "dot"
        ]
        fraction = norm.cdf((channel.voltage_v - el.turn_on_median_v) / el.turn_on_spread_v)
        assert ODDS < binom(len(lit), fraction).cdf(sum(lit)) < 1 - ODDS


def test_about_half_of_the_visible_dots_are_lit_at_the_papers_voltage(truth):
    lit = [
        here["lit"]
        for field in truth["fields"].values()
        for source, here in zip(
            field["sources"], field["channels"]["EL 2.4V"]["sources"], strict=True
        )
        if source["kind"] == "dot" and source["in_frame"]
    ]
    assert len(lit) > 200
    assert 0.4 < np.mean(lit) < 0.6


@pytest.mark.parametrize(("field", "channel"), [("field-01", "PL"), ("field-03", "EL 2.4V")])
def test_the_recipe_repeats_a_stack_pixel_for_pixel(recipe, field, channel):
    if draws() != DRAWS:
        pytest.skip(f"NumPy {np.__version__} draws other random numbers than the stacks' maker")
    chosen = next(each for each in channels_of(recipe.options) if each.name == channel)
    again = record(draw_field(field, options=recipe.options, seed=recipe.seed), chosen)
    kept = tifffile.imread(DEMO / field / chosen.stack)
    assert np.array_equal(np.stack(list(again.frames())), kept)


def test_the_declared_time_tags_are_there_and_small(fields, truth):
    declared = {
        field.name: {each.file: each for each in field.declared.photons} for field in fields
    }
    assert {name: len(files) for name, files in declared.items()} == {
        "field-01": 10,
        "field-02": 0,
        "field-03": 0,
    }
    kinds = {(each.kind, each.voltage_v, each.excitation) for each in declared["field-01"].values()}
    assert kinds == {
        ("el", 2.2, "cw"),
        ("el", 2.6, "cw"),
        ("pl", None, "cw"),
        ("pl", None, "pulsed"),
    }
    assert {each["file"] for each in truth["fields"]["field-01"]["photons"]} == set(
        declared["field-01"]
    )
    sizes = [path.stat().st_size for path in DEMO.rglob("*.ptu")]
    assert len(sizes) == 10
    assert sum(sizes) < MOST_TIME_TAG_BYTES


def test_time_tags_hold_the_counts_of_the_truth(truth):
    for each in truth["fields"]["field-01"]["photons"]:
        stream = open_photons(DEMO / "field-01" / each["file"])
        assert np.bincount(photons_in(stream).channel).tolist() == each["counts"]
        assert stream.warnings == []


def test_el_of_the_dots_is_purer_than_pl_on_the_whole(truth):
    files = truth["fields"]["field-01"]["photons"]
    g2_0 = {kind: [each["g2_0"] for each in files if each["kind"] == kind] for kind in ("el", "pl")}
    assert max(g2_0["el"]) < min(g2_0["pl"])
    assert min(g2_0["pl"]) > 0.07


def test_a_decay_is_seen_through_one_detector_of_the_declared_pair(fields, recipe):
    (pulsed,) = (each for each in fields[0].declared.photons if each.excitation == "pulsed")
    row = LIFETIME.analyse(Declared(fields[0], pulsed, AnalysisOptions())).row
    jitter_ns = recipe.options.detectors.jitter_fwhm_ns
    assert row["response_fwhm_ns"] == pytest.approx(jitter_ns, rel=1e-3)
    # That of the pair gives 0.05 ns beside the lifetime of the exciton.
    assert "lifetime_below_response" not in row["flags"]


@pytest.mark.parametrize("name", ["d03_el_2.2V", "d01_pl_pulsed"])
def test_the_recipe_repeats_a_time_tag_file_byte_for_byte(recipe, tmp_path, name):
    if draws() != DRAWS:
        pytest.skip(f"NumPy {np.__version__} draws other random numbers than the files' maker")
    field = draw_field("field-01", options=recipe.options, seed=recipe.seed)
    planned = plan_measurements(field, 0)
    chosen = next(each for each in planned if each.file == f"dots/{name}.ptu")
    write_time_tags(tmp_path / "again.ptu", draw_time_tags(field, chosen).stream)
    assert (tmp_path / "again.ptu").read_bytes() == (DEMO / "field-01" / chosen.file).read_bytes()


def test_the_analysis_is_told_no_truth(fields):
    for field in fields:
        names = {path.suffix for path in field.path.parent.rglob("*") if path.is_file()}
        assert names <= {".toml", ".tif", ".ptu"}


def test_the_description_agrees_with_the_recipe(recipe):
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    options = recipe.options
    assert f"{options.scene.density_per_um2} dots per square micrometre" in text
    voltages = [str(voltage) for voltage in options.experiment.voltages_v]
    assert f"{', '.join(voltages[:-1])} and {voltages[-1]} V" in text
    assert f"{options.experiment.n_frames} frames of {options.experiment.exposure_s} s" in text
