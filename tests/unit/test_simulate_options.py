"""The options of a simulation, and the recipe that keeps them."""

import pytest
from pydantic import ValidationError

from qdimage.errors import ConfigurationError, FormatError
from qdimage.simulation.options import SimulateOptions
from qdimage.simulation.recipe import Recipe, read_recipe, write_recipe

UNIT_OF_SUFFIX = {
    "photons_px_s": "photons/px/s",
    "photons_s": "photons/s",
    "electrons_s": "electrons/s",
    "charge_e": "electrons",
    "noise_e": "electrons",
    "per_um2": "1/um^2",
    "per_us": "1/us",
    "counts_s": "counts/s",
    "cm2": "cm^2",
    "mhz": "MHz",
    "ns": "ns",
    "ps": "ps",
    "px": "px",
    "um": "um",
    "nm": "nm",
    "deg": "deg",
    "v": "V",
    "s": "s",
}


def every_option():
    for group, field in SimulateOptions.model_fields.items():
        for name, option in field.annotation.model_fields.items():
            yield pytest.param(name, option, id=f"{group}.{name}")


def refusal(tmp_path, text):
    path = tmp_path / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises((ConfigurationError, FormatError)) as caught:
        read_recipe(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("name", "option"), list(every_option()))
def test_an_option_says_what_it_means_and_its_unit_agrees_with_its_name(name, option):
    assert option.description
    unit = option.json_schema_extra["unit"]
    if name in ("bias_adu", "saturation_adu"):
        assert unit == "ADU"
        return
    suffixes = [each for each in UNIT_OF_SUFFIX if name.endswith("_" + each)]
    if suffixes:
        assert unit == UNIT_OF_SUFFIX[max(suffixes, key=len)]


def test_the_defaults_are_valid():
    defaults = SimulateOptions()
    assert SimulateOptions.model_validate(defaults.model_dump()) == defaults


def test_options_cannot_be_changed():
    with pytest.raises(ValidationError):
        SimulateOptions().scene.density_per_um2 = 1.0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[scene]\ndensity_per_um = 0.1", "did you mean 'density_per_um2'"),
        ("[scenes]\ndensity_per_um2 = 0.1", "did you mean 'scene'"),
        ("[scene]\ndensity_per_um2 = -0.1", "scene.density_per_um2"),
        ("[scene]\npl_dark_fraction = 1.5", "scene.pl_dark_fraction"),
        ("[scene]\ndensity_per_um2 = nan", "scene.density_per_um2"),
        ("[el]\nturn_on_median_v = nan", "el.turn_on_median_v"),
        ("[pl]\nmedian_photons_s = inf", "pl.median_photons_s"),
        ("[pl]\nspread = 1000.0", "pl.spread"),
        ("[el]\nrise_v = 0.0", "el.rise_v"),
        ("[experiment]\nvoltages_v = [2.4, 2.4]", "list each voltage once"),
        ("[experiment]\nvoltages_v = [2.4, inf]", "experiment.voltages_v.1"),
        ("[experiment]\nvoltages_v = 'all'", "experiment.voltages_v"),
        ("[experiment]\nn_frames = 0", "experiment.n_frames"),
        ("[experiment]\nn_frames = 2.5", "experiment.n_frames"),
        ("[experiment]\ndevice = ''", "experiment.device"),
        ("[blinking]\non_fraction = 0.0", "blinking.on_fraction"),
        ("[blinking]\noff_time_s = 1e-9", "blinking.off_time_s"),
        ("[geometry]\nshift_max_px = 1.0", "shift_min_px = 3.0 above shift_max_px = 1.0"),
        ("[psf]\nkind = 'round'", "psf.kind"),
        ("[psf]\nimmersion_index = 1.33", "expected less than immersion_index = 1.33"),
        ("[camera]\nquantum_efficiency = 1.1", "camera.quantum_efficiency"),
        ("[camera]\nem_gain = 0.5", "camera.em_gain"),
        ("[camera]\nsaturation_adu = 70000", "camera.saturation_adu"),
        ("[camera]\nsaturation_adu = 100", "bias_adu = 200.0 above saturation_adu = 100"),
        ("[defects]\ncosmic_electrons_max = 10.0", "above cosmic_electrons_max = 10.0"),
        ("[photons]\nn_el_dots = -1", "photons.n_el_dots"),
        ("[photons]\nn_el_dots = 1.5", "photons.n_el_dots"),
        ("[photons]\ncounts = 0", "photons.counts"),
        ("[photons]\ncounts = 1000000000", "photons.counts"),
        ("[photons]\nvoltages_v = [2.4, 2.4]", "list each voltage once"),
        ("[photons]\nvoltages_v = [nan]", "photons.voltages_v.0"),
        ("[photons]\non_fraction = 0.0", "photons.on_fraction"),
        ("[photons]\noff_time_s = 0.0", "photons.off_time_s"),
        ("[photons]\ncarriers = 1", "photons.carriers"),
        ("[photons]\npump_per_us = 0.0", "photons.pump_per_us"),
        ("[photons]\nrepetition_mhz = 0.0", "photons.repetition_mhz"),
        ("[dot]\nexciton_lifetime_ns = 0.0", "dot.exciton_lifetime_ns"),
        ("[dot]\nbiexciton_qy = 1.5", "dot.biexciton_qy"),
        ("[detectors]\ndead_time_ns = -1.0", "detectors.dead_time_ns"),
        ("[detectors]\ndark_counts_s = [1.0]", "detectors.dark_counts_s"),
        ("[detectors]\ndark_counts_s = [-1.0, 0.0]", "detectors.dark_counts_s"),
        ("[detectors]\ndark_counts_s = [1e12, 0.0]", "detectors.dark_counts_s"),
        ("[detectors]\nduration_s = 1.0", "detectors"),
        ("seed = -1", "seed = -1"),
        ("seed = 1.5", "seed = 1.5"),
        ("seed = true", "seed = True"),
        ("seed = ", "no TOML"),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_line_that_names_the_place(tmp_path, text, found):
    assert found in refusal(tmp_path, text)


def test_a_missing_recipe_is_refused(tmp_path):
    with pytest.raises(FormatError, match="no such file"):
        read_recipe(tmp_path / "absent.toml")


def test_a_recipe_reads_back_as_it_was_written(tmp_path):
    options = SimulateOptions.model_validate(
        {
            "experiment": {"device": 'Gerät "A" \\ 1', "batch": "b", "voltages_v": [2.0]},
            "defects": {"hot_pixel_fraction": 1e-7},
            "psf": {"kind": "airy"},
            "el": {"unrelated": True},
        }
    )
    write_recipe(tmp_path / "recipe.toml", Recipe(options, 17))
    assert read_recipe(tmp_path / "recipe.toml") == Recipe(options, 17)


def test_a_written_recipe_lists_every_option(tmp_path):
    options = SimulateOptions.model_validate({"experiment": {"batch": "b"}})
    write_recipe(tmp_path / "recipe.toml", Recipe(options, 0))
    text = (tmp_path / "recipe.toml").read_text(encoding="utf-8")
    for group in SimulateOptions.model_fields:
        assert f"[{group}]" in text
        for name in type(getattr(options, group)).model_fields:
            assert f"\n{name} = " in text


def test_an_empty_recipe_is_the_defaults_and_leaves_the_seed_to_the_caller(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text("", encoding="utf-8")
    assert read_recipe(path) == Recipe(SimulateOptions(), None)
    write_recipe(path, Recipe(SimulateOptions()))
    assert read_recipe(path) == Recipe(SimulateOptions(), None)
