"""napari finds the plugin, and everything that its manifest names is there."""

import subprocess
import sys
import warnings
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
import yaml
from folders import CLONE
from stack_files import write_sif_stack

MANIFEST = CLONE / "plugins" / "napari_qdimage" / "napari.yaml"
CONTRIBUTIONS = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["contributions"]


def test_the_manifest_is_valid() -> None:
    command = [sys.executable, "-m", "npe2", "validate", str(MANIFEST)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "valid!" in done.stdout


def test_it_is_named_as_the_distribution() -> None:
    (found,) = (each for each in entry_points(group="napari.manifest") if each.name == "qdimage")
    assert found.value == "napari_qdimage:napari.yaml"


@pytest.mark.parametrize("command", CONTRIBUTIONS["commands"], ids=lambda each: each["id"])
def test_every_command_is_there(command: dict[str, str]) -> None:
    module, _, name = command["python_name"].partition(":")
    with warnings.catch_warnings():
        # Importing napari warns of what it uses itself.
        warnings.simplefilter("ignore")
        assert callable(getattr(import_module(module), name))


def test_every_contribution_names_a_command() -> None:
    known = {each["id"] for each in CONTRIBUTIONS["commands"]}
    groups = [*CONTRIBUTIONS["menus"].values()]
    groups += [CONTRIBUTIONS[key] for key in ("widgets", "readers", "writers", "sample_data")]
    assert {each["command"] for group in groups for each in group} <= known


def test_the_defaults_of_the_preferences_are_those_of_the_code() -> None:
    from napari_qdimage.layer_data import DOT_SIZE_PX

    view = CONTRIBUTIONS["configurations"]["view"]["properties"]
    assert view["dot_size_px"]["default"] == DOT_SIZE_PX


def test_a_sif_of_frames_is_a_layer_of_lazily_read_frames(tmp_path: Path) -> None:
    frames = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    path = write_sif_stack(tmp_path / "frames.sif", frames)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = import_module("napari_qdimage.reader").get_spectrum_reader(str(path))
    ((data, options, kind),) = reader(str(path))
    assert kind == "image"
    assert options["name"] == "frames"
    assert data.n_read == 1
    np.testing.assert_array_equal(data[2], frames[2])
    data.close()
