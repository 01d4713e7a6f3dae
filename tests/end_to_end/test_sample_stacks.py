"""The sample stacks in the repository: whole, declared, true, and repeatable."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.stats import binom, norm, poisson

from qdimage.io import open_stack
from qdimage.io.atomic import sha256
from qdimage.io.experiment_file import read_experiments
from qdimage.simulation.field import channels_of, draw_field
from qdimage.simulation.geometry import margin
from qdimage.simulation.recipe import read_recipe
from qdimage.simulation.recording import record

SAMPLES = Path(__file__).parents[2] / "sample_stacks"
DEMO = SAMPLES / "demo_device"
MOST_BYTES = 30_000_000
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


def test_every_stack_has_the_hash_that_is_written_down():
    hashes = json.loads((DEMO / "sha256.json").read_text(encoding="utf-8"))
    stacks = sorted(DEMO.rglob("*.tif"))
    assert {path.relative_to(DEMO).as_posix(): sha256(path) for path in stacks} == hashes


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


def test_the_analysis_is_told_no_truth(fields):
    for field in fields:
        names = {path.suffix for path in field.path.parent.iterdir()}
        assert names == {".toml", ".tif"}


def test_the_description_agrees_with_the_recipe(recipe):
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    options = recipe.options
    assert f"{options.scene.density_per_um2} dots per square micrometre" in text
    voltages = [str(voltage) for voltage in options.experiment.voltages_v]
    assert f"{', '.join(voltages[:-1])} and {voltages[-1]} V" in text
    assert f"{options.experiment.n_frames} frames of {options.experiment.exposure_s} s" in text
