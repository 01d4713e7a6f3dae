"""``experiment.toml`` from file names and metadata."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.experiment_file import read_experiment
from qdimage.pipeline.declare import declare_experiment

FRAMES = np.random.default_rng(5).poisson(9.0, (3, 16, 16)).astype(np.uint16)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    def make(*names: str) -> Path:
        field = tmp_path / "device-B" / "field-7"
        field.mkdir(parents=True)
        for name in names:
            tifffile.imwrite(field / name, FRAMES, photometric="minisblack")
        return field

    return make


def test_kinds_voltages_and_exposures_are_read_from_file_names(folder: Callable[..., Path]) -> None:
    field = folder("PL_100ms.tif", "EL_2.4V_0.2s.tif", "dot 2,6 V 50ms.tif", "el_2100mV_100ms.tif")
    declaration = declare_experiment(field)
    experiment = read_experiment(declaration.path)
    assert (experiment.device, experiment.name) == ("device-B", "field-7")
    assert experiment.declared.reference.stack == "PL_100ms.tif"
    voltages = [channel.voltage_v for channel in experiment.declared.el_channels]
    assert voltages == [2.1, 2.4, 2.6]
    exposures = [channel.exposure_s for channel in experiment.declared.el_channels]
    assert exposures == [0.1, 0.2, 0.05]
    assert any("2.4" in line and "file name" in line for line in declaration.guessed)
    assert declaration.missing == ["experiment: pixel_size_um"]
    assert "guessed from the file name" in declaration.path.read_text(encoding="utf-8")


def test_what_is_missing_is_listed_and_left_to_fill_in(folder: Callable[..., Path]) -> None:
    field = folder("pl.tif", "el_low.tif", "snapshot.tif")
    declaration = declare_experiment(field)
    text = declaration.path.read_text(encoding="utf-8")
    assert "el_low.tif: voltage_v" in declaration.missing
    assert any(line.startswith("snapshot.tif: kind") for line in declaration.missing)
    assert "# voltage_v =" in text
    with pytest.raises(ConfigurationError, match="voltage_v"):
        read_experiment(declaration.path)


def test_answers_complete_the_declaration(folder: Callable[..., Path]) -> None:
    field = folder("first.tif", "second.tif")
    answers = {"first.tif: does": "pl", "second.tif: does": "EL", "voltage": "2,5", "um?": "0.107"}

    def ask(question: str) -> str:
        return next((answer for key, answer in answers.items() if key in question), "0.1")

    experiment = read_experiment(declare_experiment(field, ask=ask).path)
    assert experiment.declared.experiment.pixel_size_um == 0.107
    assert experiment.declared.reference.exposure_s == 0.1
    assert experiment.declared.el_channels[0].voltage_v == 2.5


def test_metadata_are_used(tmp_path: Path) -> None:
    ome = {"axes": "TYX", "PhysicalSizeX": 0.16, "PhysicalSizeXUnit": "µm"}
    ome["Plane"] = {"ExposureTime": [0.03] * 3, "ExposureTimeUnit": ["s"] * 3}
    tifffile.imwrite(tmp_path / "pl.ome.tif", FRAMES, metadata=ome, photometric="minisblack")
    experiment = read_experiment(declare_experiment(tmp_path).path)
    assert experiment.declared.experiment.pixel_size_um == 0.16
    assert experiment.declared.reference.exposure_s == 0.03


def test_several_pl_stacks_leave_one_reference(folder: Callable[..., Path]) -> None:
    experiment = read_experiment(declare_experiment(folder("pl_a_1s.tif", "pl_b_1s.tif")).path)
    assert experiment.declared.reference.stack == "pl_a_1s.tif"


def test_a_declared_folder_is_left_alone(folder: Callable[..., Path]) -> None:
    field = folder("pl.tif")
    (field / "experiment.toml").write_text("contract = 1\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="there already"):
        declare_experiment(field)
    assert (field / "experiment.toml").read_text(encoding="utf-8") == "contract = 1\n"


def test_time_tags_are_declared_with_their_place_left_to_fill_in(
    folder: Callable[..., Path],
) -> None:
    field = folder("pl_1s.tif")
    (field / "dots").mkdir()
    for name in ("d07_el_2.6V.ptu", "d07_pl.phu", "what.ptu"):
        (field / "dots" / name).write_bytes(b"")
    declaration = declare_experiment(field)
    el, pl = read_experiment(declaration.path).declared.photons
    assert (el.file, el.kind, el.voltage_v) == ("dots/d07_el_2.6V.ptu", "el", 2.6)
    assert (pl.file, pl.kind, pl.voltage_v) == ("dots/d07_pl.phu", "pl", None)
    assert "dots/d07_pl.phu: x_px and y_px, where it was taken" in declaration.missing
    assert any(line.startswith("dots/what.ptu: kind") for line in declaration.missing)


def test_time_tags_need_no_stack(tmp_path: Path) -> None:
    (tmp_path / "el 2,4 V.ptu").write_bytes(b"")
    declaration = declare_experiment(tmp_path)
    assert declaration.missing == []
    declared = read_experiment(declaration.path).declared
    assert not declared.channels
    assert declared.photons[0].voltage_v == 2.4


def test_a_folder_without_stacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no stack"):
        declare_experiment(tmp_path)


def test_an_answer_that_is_no_number_writes_nothing(folder: Callable[..., Path]) -> None:
    field = folder("el.tif")
    with pytest.raises(ConfigurationError, match="expected a number"):
        declare_experiment(field, ask=lambda _: "much")
    assert not (field / "experiment.toml").exists()
