"""Several devices from one recipe, with what is stated of them and the truth."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from qdimage.cli.main import run_command_line
from qdimage.errors import ConfigurationError
from qdimage.io.expectations_file import read_expectations
from qdimage.io.experiment_file import read_experiments
from qdimage.simulation.recipe import read_recipe
from qdimage.simulation.study import is_study, read_study

RECIPE = """
seed = 4
source = "a paper"

[experiment]
imaging = false
pmma_nm = 12.0

[spectra]
area_voltages_v = [2.4, 2.6]

[[devices]]
folder = "thin"
experiment = { device = "thin", pmma_nm = 10.0 }
spectra = { area_counts = 2e4, area_background_counts = 1e4 }

[[devices]]
folder = "thick"
experiment = { device = "thick" }
spectra = { area_counts = 1e4 }

[[statements]]
statement = "Poly-TPD beside thin PMMA"
stated = 0.5
table = "spectra"
where = { device = "thin", voltage_v = 2.6 }
column = "background_ratio"
[statements.truth]
table = "spectra"
where = { device = "thin", voltage_v = 2.6 }
column = "background_ratio"

[[statements]]
statement = "spectra without background"
table = "spectra"
column = "background_ratio"
aggregate = "count"
below = 0.01
truth = { table = "spectra", column = "background_ratio", aggregate = "count", below = 0.01 }

[[panels]]
panel = "2"
kind = "spectra"
table = "spectra"
"""


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def simulate(capsys: pytest.CaptureFixture[str]) -> Call:
    def call(*arguments: object) -> tuple[int, str, str]:
        code = run_command_line(["simulate", *map(str, arguments)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def write(tmp_path: Path, text: str = RECIPE) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_study_has_its_devices_their_own_options_and_the_truth(
    tmp_path: Path, simulate: Call
) -> None:
    recipe = write(tmp_path)
    out = tmp_path / "out"
    code, printed, _ = simulate(out, "--config", recipe, "--json")
    assert code == 0
    assert json.loads(printed)["truth"] == str(out / "expectations.toml")
    thick, thin = read_experiments([out])
    assert (thin.device, thin.declared.device.pmma_nm) == ("thin", 10.0)
    assert (thick.device, thick.declared.device.pmma_nm) == ("thick", 12.0)
    found = read_expectations(out / "expectations.toml")
    assert found.source == "a paper"
    # 97.6 % of a line of 26 nm lie in the dot band, and the band of Poly-TPD is given whole.
    assert found.statements[0].true_value == pytest.approx(0.5 / 0.9935, rel=5e-3)
    assert found.statements[1].true_value == 2.0
    assert found.panels[0].kind == "spectra"
    assert (out / "recipe.toml").read_text(encoding="utf-8") == RECIPE
    # Each device can be made again alone, by its own recipe.
    assert read_recipe(out / "thick" / "recipe.toml").seed == 5


def test_what_differs_from_the_recipe_is_written_above_it(tmp_path: Path, simulate: Call) -> None:
    out = tmp_path / "out"
    args = ("--seed", "9", "--set", "spectra.area_counts=5000")
    assert simulate(out, "--config", write(tmp_path), *args)[0] == 0
    text = (out / "recipe.toml").read_text(encoding="utf-8")
    assert text == "# Made with --set spectra.area_counts=5000 --seed 9.\n" + RECIPE
    assert read_recipe(out / "thin" / "recipe.toml").options.spectra.area_counts == 5000
    assert is_study(out / "recipe.toml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('folder = "thick"', 'folder = "thin"', "no other device has"),
        ('folder = "thick"', 'folder = "../thick"', "expected a name"),
        ("pmma_nm = 10.0 }", "pmma = 10.0 }", "device thin: unknown key"),
        ("stated = 0.5", "state = 0.5", "did you mean 'stated'"),
        ('statement = "spectra', 'true_value = 1.0\nstatement = "spectra', "one of them"),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_line(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = write(tmp_path, RECIPE.replace(old, new))
    with pytest.raises(ConfigurationError, match=said) as caught:
        read_study(path)
    assert "\n" not in str(caught.value)


def test_a_truth_that_is_not_there_leaves_nothing_behind(tmp_path: Path, simulate: Call) -> None:
    truth = '[statements.truth]\ntable = "spectra"\nwhere = { device = '
    text = RECIPE.replace(f'{truth}"thin"', f'{truth}"lost"')
    assert text != RECIPE
    out = tmp_path / "out"
    code, _, said = simulate(out, "--config", write(tmp_path, text))
    assert code == 2
    assert "statement 1: truth: spectra has no rows" in said
    assert not out.exists()
