"""The most specific place that states a camera key wins, and is recorded."""

from pathlib import Path

import pytest

from qdimage.domain.experiment import Experiment
from qdimage.errors import ConfigurationError
from qdimage.io.camera_file import read_camera_file
from qdimage.io.experiment_file import read_experiment
from qdimage.pipeline.camera import channel_camera

DECLARATION = """
[camera]
file = "camera.toml"
bias_adu = 200.0
em_gain = 300.0

[[channels]]
name = "PL"
kind = "pl"
stack = "pl.tif"
em_gain = 30.0
"""


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    (tmp_path / "experiment.toml").write_text(DECLARATION, encoding="utf-8")
    camera = "[camera]\nbias_adu = 100.0\nquantum_efficiency = 0.9\n"
    (tmp_path / "camera.toml").write_text(camera, encoding="utf-8")
    return read_experiment(tmp_path / "experiment.toml")


def test_each_key_comes_from_the_most_specific_place(experiment: Experiment) -> None:
    metadata = {"quantum_efficiency": 0.5, "electrons_per_adu": 12.0, "exposure_s": 0.1}
    camera = channel_camera(experiment, experiment.declared.reference, metadata)
    assert camera.em_gain == 30.0
    assert camera.bias_adu == 200.0
    assert camera.quantum_efficiency == 0.9
    assert camera.electrons_per_adu == 12.0
    assert camera.read_noise_e is None
    assert camera.sources == {
        "bias_adu": "experiment.toml",
        "electrons_per_adu": "file metadata",
        "em_gain": "experiment.toml",
        "quantum_efficiency": "camera.toml",
    }


def test_a_camera_file_may_have_its_keys_at_the_top(tmp_path: Path) -> None:
    path = tmp_path / "camera.toml"
    path.write_text("em_gain = 250.0\n", encoding="utf-8")
    assert read_camera_file(path).em_gain == 250.0


def test_an_unknown_camera_key_names_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "camera.toml"
    path.write_text("em_gian = 250.0\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="did you mean 'em_gain'"):
        read_camera_file(path)
