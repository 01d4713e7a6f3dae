"""I-V files that the simulator writes beside a field, and their truth."""

import json
from pathlib import Path

import numpy as np
import pytest

from qdimage.io.atomic import sha256
from qdimage.io.experiment_file import read_experiments
from qdimage.io.iv_file import open_iv
from qdimage.simulation.experiment import simulate_experiment
from qdimage.simulation.iv import Conduction
from qdimage.simulation.options import SimulateOptions

SMALL = {"width_px": 48, "height_px": 40, "n_frames": 2, "n_fields": 2, "voltages_v": (2.4,)}
IV = {"highest_v": 2.6, "area_mm2": 3.0, "limit_a": 5e-5}


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated") / "device"
    options = SimulateOptions.model_validate({"experiment": SMALL, "iv": IV})
    simulate_experiment(out, options=options, seed=5)
    return out


def test_the_first_field_has_one(device: Path) -> None:
    first, second = read_experiments([device])
    assert [(each.file, each.area_mm2) for each in first.declared.iv] == [("iv.csv", 3.0)]
    assert second.declared.iv == ()
    hashes = json.loads((device / "sha256.json").read_text())
    assert hashes["field-01/iv.csv"] == sha256(device / "field-01" / "iv.csv")


def test_it_holds_what_the_truth_says(device: Path) -> None:
    truth = json.loads((device / "truth.json").read_text())["fields"]["field-01"]["iv"]
    assert (truth.pop("file"), truth.pop("area_mm2")) == ("iv.csv", 3.0)
    conduction = Conduction(**truth)
    found = open_iv(device / "field-01" / "iv.csv")
    rising = np.append(True, np.diff(found.voltage_v) > 0)
    expected = np.where(
        rising,
        conduction.current_a(found.voltage_v),
        conduction.current_a(found.voltage_v, falling=True),
    )
    # 105 readings, none beyond six standard deviations but with odds of 2e-7.
    noise = np.hypot(conduction.noise_a, conduction.relative_noise * expected)
    free = ~found.compliance
    assert np.all(np.abs(found.current_a - expected)[free] < 6 * noise[free])
    assert found.limit_a == 5e-5
    assert found.compliance.sum() > 3


def test_there_is_none_without_a_voltage(tmp_path: Path) -> None:
    options = SimulateOptions.model_validate({"experiment": SMALL | {"n_fields": 1}})
    simulate_experiment(tmp_path / "device", options=options, seed=5)
    assert not list((tmp_path / "device").rglob("iv.csv"))
