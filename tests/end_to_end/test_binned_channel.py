"""A channel with binned pixels, through the command line, against the simulation's truth."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from folders import DEMO, copy_field, qdimage

from qdimage.domain.transform import Transform

pytestmark = pytest.mark.slow

EL, FILE = "EL 2.6V", "el_2.6V.tif"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A field of the demo device with its brightest channel alone, read out in 2 x 2 binning."""
    folder = copy_field(2, tmp_path)
    frames = tifffile.imread(folder / FILE).astype(np.int64) - 200
    n, height, width = frames.shape
    binned = frames.reshape(n, height // 2, 2, width // 2, 2).sum(axis=(2, 4)) + 200
    tifffile.imwrite(folder / FILE, np.clip(binned, 0, 65535).astype(np.uint16))
    text = (folder / "experiment.toml").read_text(encoding="utf-8")
    head, *channels = text.split("[[channels]]")
    kept = [each for each in channels if '"PL"' in each or f'"{EL}"' in each]
    kept = [each.replace(f'"{FILE}"', f'"{FILE}"\nbinning = 2') for each in kept]
    (folder / "experiment.toml").write_text("[[channels]]".join([head, *kept]), encoding="utf-8")
    return folder


def test_a_binned_channel_is_registered_from_its_own_pixels(folder: Path, tmp_path: Path) -> None:
    done = qdimage("run", folder, "-o", tmp_path / "out", "--quiet")
    assert done.returncode == 0, done.stderr
    row = pd.read_csv(tmp_path / "out" / "registration.csv").set_index("channel").loc[EL]
    assert row["status"] == "ok", row["message"]
    truth = json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))
    true = truth["fields"]["field-02"]["channels"][EL]["transform"]
    there = Transform(
        np.array(true["matrix"]),
        true["radial_px"],
        tuple(true["centre_px"]),
        true["radius_px"],
        np.zeros((7, 7)),
    )
    places = np.array([[x, y] for x in range(10, 120, 20) for y in range(10, 120, 20)], float)
    found = np.array([[row[f"m{i}{k}"] for k in range(3)] for i in range(2)])
    off = places @ found[:, :2].T + found[:, 2] - there.apply(2 * places + 0.5)
    # Dots of twice the error in px, and what the radial term leaves of an affine map.
    assert np.median(np.hypot(*off.T)) < 0.3
