"""From dark frames and flats to a camera file, and from that to an analysis."""

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from emccd import Emccd, columns, spots

from qdimage.cli.main import run_command_line
from qdimage.domain.photon_image import PhotonImage
from qdimage.errors import CalibrationError, ConfigurationError, FormatError
from qdimage.image.options import ImageOptions
from qdimage.io.camera_file import read_camera_file
from qdimage.io.experiment_file import read_experiment
from qdimage.pipeline.channel import read_channel

SHAPE = (64, 64)
EXPERIMENT = """
[camera]
file = "camera.toml"
quantum_efficiency = 0.9

[[channels]]
name = "PL"
kind = "pl"
stack = "pl.tif"
exposure_s = 0.1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab") / "device" / "field-01"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(4)
    camera = Emccd(bias_adu=columns(SHAPE, 8.0, rng), charge_e=0.02)
    tifffile.imwrite(folder / "dark.tif", camera.still(np.zeros(SHAPE), 100, rng))
    for level in (10, 40):
        frames = camera.still(np.full(SHAPE, float(level)), 20, rng)
        tifffile.imwrite(folder / f"flat_{level}.tif", frames)
    dots = 1.0 + spots(SHAPE, 6, 800.0, rng).sum(axis=0)
    tifffile.imwrite(folder / "pl.tif", camera.still(dots, 20, rng))
    (folder / "experiment.toml").write_text(EXPERIMENT, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def camera_file(folder: Path) -> Path:
    path = folder / "camera.toml"
    stacks = [str(folder / name) for name in ("dark.tif", "flat_10.tif", "flat_40.tif")]
    figure = str(folder / "camera.png")
    code = run_command_line(
        ["calibrate", *stacks, "--em-gain", "300", "-o", str(path), "--figure", figure, "-q"]
    )
    assert code == 0
    return path


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert run_command_line([*arguments, "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_the_camera_file_holds_keys_errors_and_what_they_are_from(camera_file: Path) -> None:
    document = tomllib.loads(camera_file.read_text(encoding="utf-8"))
    keys = read_camera_file(camera_file)
    ratio = keys.em_gain / keys.electrons_per_adu
    assert ratio == pytest.approx(300 / 12.3, rel=0.03)
    assert keys.read_noise_e == pytest.approx(45.0, rel=0.03)
    assert document["errors"]["read_noise_err_e"] > 0
    assert document["calibration"]["bias_adu_from"] == "dark frames"
    assert [each["role"] for each in document["stacks"]] == ["dark", "light", "light"]
    assert all(len(each["sha256"]) == 64 for each in document["stacks"])
    assert (camera_file.parent / "camera.png").stat().st_size > 10_000


def channel_image(folder: Path) -> PhotonImage:
    experiment = read_experiment(folder / "experiment.toml")
    reference = experiment.declared.reference
    return read_channel(experiment, reference, options=ImageOptions()).image


def copied(folder: Path, to: Path, **changes: str) -> Path:
    """The experiment in another folder, with texts of its declaration replaced."""
    to.mkdir()
    for name in ("pl.tif", "camera.toml", "camera_bias.tif"):
        shutil.copy(folder / name, to / name)
    text = EXPERIMENT
    for old, new in changes.items():
        text = text.replace(old, new)
    (to / "experiment.toml").write_text(text, encoding="utf-8")
    return to


def test_an_analysis_subtracts_the_bias_of_each_pixel(camera_file: Path, tmp_path: Path) -> None:
    folder = camera_file.parent
    image = channel_image(folder)
    assert image.camera.sources["bias_map"] == "camera_bias.tif"
    assert image.noise.unit == "photons"
    plain = copied(folder, tmp_path / "plain")
    text = (plain / "camera.toml").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not line.startswith("bias_map")]
    (plain / "camera.toml").write_text("\n".join(kept), encoding="utf-8")
    patterned = channel_image(plain)
    # Columns differ by 8 ADU, a third of an electron: twice what the light's noise leaves.
    spread = [np.std(np.median(each.mean, axis=0)) for each in (image, patterned)]
    assert spread[0] < 0.5 * spread[1]


def test_a_region_of_interest_takes_its_part_of_the_map(camera_file: Path, tmp_path: Path) -> None:
    folder = copied(camera_file.parent, tmp_path / "part")
    frames = tifffile.imread(folder / "pl.tif")
    tifffile.imwrite(folder / "pl.tif", frames[:, 10:50, 20:60])
    declared = folder / "experiment.toml"
    declared.write_text(EXPERIMENT + "roi_offset_px = [20, 10]\n", encoding="utf-8")
    whole, part = channel_image(camera_file.parent), channel_image(folder)
    both = part.usable & whole.usable[10:50, 20:60]
    np.testing.assert_allclose(part.mean[both], whole.mean[10:50, 20:60][both], atol=1e-3)


@pytest.mark.parametrize(
    ("line", "found"),
    [("roi_offset_px = [20, 10]", "does not cover"), ("binning = 2", "binning 1, the stack at 2")],
)
def test_a_map_that_does_not_fit_is_an_error(
    camera_file: Path, tmp_path: Path, line: str, found: str
) -> None:
    folder = copied(camera_file.parent, tmp_path / "other")
    (folder / "experiment.toml").write_text(EXPERIMENT + line + "\n", encoding="utf-8")
    with pytest.raises(CalibrationError, match=found):
        channel_image(folder)
    assert run_command_line(["check", str(folder), "-q"]) == 3


@pytest.mark.parametrize("name", ["../map.tif", "C:\\\\map.tif", "a/map.tif"])
def test_a_map_lies_beside_its_camera_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "camera.toml"
    path.write_text(f'bias_map = "{name}"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="beside"):
        read_camera_file(path)


def test_a_damaged_map_is_named(camera_file: Path, tmp_path: Path) -> None:
    folder = copied(camera_file.parent, tmp_path / "damaged")
    (folder / "camera_bias.tif").write_bytes(b"II*\0nothing of a map")
    with pytest.raises(FormatError, match=r"camera_bias\.tif"):
        channel_image(folder)
    (folder / "camera_bias.tif").unlink()
    with pytest.raises(FormatError, match="no such bias map"):
        channel_image(folder)


def test_a_wrong_gain_is_said_by_check(
    camera_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(
        camera_file.parent, tmp_path / "wrong", **{"[camera]": "[camera]\nem_gain = 30.0"}
    )
    found = printed(["check", str(folder)], capsys)
    assert any("noise contradicts em_gain = 30" in each["message"] for each in found["findings"])
    right = printed(["check", str(camera_file.parent)], capsys)
    assert not any("contradicts" in each["message"] for each in right["findings"])


def test_json_has_every_number_and_a_reason_for_those_that_are_missing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = printed(["calibrate", str(folder / "dark.tif"), "--em-gain", "300"], capsys)
    assert answer["status"] == "ok"
    assert answer["bias_low_adu"] < answer["bias_adu"] < answer["bias_high_adu"]
    assert answer["excess_noise_factor_sq"] is None
    assert "flats" in answer["refused"]["excess_noise_factor_sq"]
    assert answer["camera_file"] is None


def test_a_uniform_flat_is_refused_with_exit_code_0_and_no_file(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "camera.toml"
    flat = str(folder / "flat_40.tif")
    figure = tmp_path / "camera.png"
    arguments = ["calibrate", flat, "--em-gain", "300", "-o", str(out), "--figure", str(figure)]
    answer = printed(arguments, capsys)
    assert answer["status"] == "refused"
    assert answer["message"]
    assert answer["adu_per_photoelectron"] is None
    assert not out.exists()
    assert not figure.exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--electrons-per-adu", "0"),
        ("--em-gain", "nan"),
        ("--em-gain", "0.5"),
        ("--figure", "a.pdf"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    assert run_command_line(["calibrate", str(folder / "dark.tif"), option, value]) == 2
    said = capsys.readouterr().err
    assert option.removeprefix("--").replace("-", "_") in said.replace("-", "_")
