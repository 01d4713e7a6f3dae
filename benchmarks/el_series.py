"""All light of simulated fields, of their dots and between them, against the truth.

Fields with one EL channel at 0 V and others above are simulated and analysed as in a run. The
truth of all light is the sum of every source's light inside the overlap (of a Gaussian spot, the
share inside) and of the even background there; that of the dots is the light of the true dots
within 2.5 px of the PL dots that were found, blends included; `with wings` is their light over
`spot_share`. Pulls are errors over stated errors; `bias` is the mean error relative to the truth.

Run it by ``./qd bench el_series``; ``--fields N`` for another number of fields.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import ndtr

from qdimage.config import AnalysisOptions, build_options
from qdimage.io.experiment_file import read_experiment
from qdimage.pipeline.field import analyse_field
from qdimage.pipeline.tables import build_tables
from qdimage.simulation.experiment import simulate_experiment
from qdimage.simulation.options import SimulateOptions

Array = NDArray[np.float64]

SIDE_PX, VOLTAGES = 224, (0.0, 2.2, 2.4, 2.6)
BACKGROUND_PX_S = 1.0
OWN_PX = 2.5
LIGHTS = ("integrated", "dots", "background")
IN_WINGS = "with wings"


def device(folder: Path, n_fields: int, psf: str, seed: int) -> Path:
    """Simulate fields that are shifted and neither turned nor scaled."""
    still = {"rotation_max_deg": 0.0, "scale_max": 0.0, "radial_max_px": 0.0}
    options = SimulateOptions.model_validate(
        {
            "experiment": {
                "width_px": SIDE_PX,
                "height_px": SIDE_PX,
                "n_frames": 10,
                "n_fields": n_fields,
                "voltages_v": VOLTAGES,
            },
            "el": {"background_photons_px_s": BACKGROUND_PX_S},
            "geometry": still,
            "psf": {"kind": psf},
        }
    )
    simulate_experiment(folder, options=options, seed=seed)
    return folder


def truth_of(field: dict[str, Any], channel: dict[str, Any], dots_px: Array) -> dict[str, float]:
    """Return the light inside the overlap; `dots_px` are the PL dots found, in the field."""
    shift = np.array([row[2] for row in channel["transform"]["matrix"]])
    low = np.maximum(-0.5, -0.5 - shift)
    high = np.minimum(SIDE_PX - 0.5, SIDE_PX - 0.5 - shift)
    sources = channel["sources"]
    at = np.array([[each["x_px"], each["y_px"]] for each in sources])
    flux = np.array([each["photons_s"] for each in sources])
    inside = np.prod(
        ndtr((high - at) / field["sigma_px"]) - ndtr((low - at) / field["sigma_px"]), axis=1
    )
    first = np.ceil(low)
    n_pixels = float(np.prod(np.ceil(high) - first))
    is_dot = np.array([each["kind"] == "dot" for each in field["sources"]])
    near, _ = cKDTree(dots_px).query(at + shift)
    background = n_pixels * channel["background_photons_px_s"]
    return {
        "integrated": float((flux * inside).sum()) + background,
        "background": background,
        "dots": float(flux[is_dot & (near < OWN_PX)].sum()),
    }


def judged(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield value, error and truth of every light of every channel above 0 V."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["fields"]
    options = build_options(
        AnalysisOptions, assignments=["match.blank_places=300"], source="the benchmark"
    )
    fields = []
    with TemporaryDirectory() as out:
        for number, name in enumerate(sorted(truth), start=1):
            experiment = read_experiment(folder / name / "experiment.toml")
            fields.append(analyse_field(experiment, number=number, options=options, out=Path(out)))
        tables = build_tables(fields)
    dots, inner = tables["dots"], tables["dot_channels"]
    for row in tables["el_series"].to_dict("records"):
        if row["field"] == "all" or row["voltage_v"] == 0 or row["status"] != "ok":
            continue
        of_channel = inner[(inner["field"] == row["field"]) & (inner["channel"] == row["channel"])]
        seen = of_channel[of_channel["photons_s"].notna()]["dot_id"]
        own = dots[(dots["field"] == row["field"]) & dots["dot_id"].isin(seen)]
        places = own[["x_px", "y_px"]].to_numpy(float)
        channel = truth[row["field"]]["channels"][row["channel"]]
        expected = truth_of(truth[row["field"]], channel, places)
        for light in LIGHTS:
            value, err = row[f"{light}_photons_s"], row[f"{light}_photons_err_s"]
            yield {
                "voltage_v": row["voltage_v"],
                "light": light,
                "pull": (value - expected[light]) / err,
                "relative": (value - expected[light]) / expected[light],
                "err": err / expected[light],
            }
        share, share_err = row["spot_share"], row["spot_share_err"]
        value = row["dots_photons_s"] / share
        err = value * np.hypot(row["dots_photons_err_s"] / row["dots_photons_s"], share_err / share)
        yield {
            "voltage_v": row["voltage_v"],
            "light": IN_WINGS,
            "pull": (value - expected["dots"]) / err,
            "relative": (value - expected["dots"]) / expected["dots"],
            "err": err / expected["dots"],
        }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=12, help="fields of each kind")
    parser.add_argument("--psf", nargs="+", default=["gaussian", "airy"])
    asked = parser.parse_args()
    begin = perf_counter()
    print(f"{'spot':>9} {'V':>4} {'light':>11} {'bias':>8} {'err':>7} {'pull':>6} {'sd':>5}")
    for psf in asked.psf:
        with TemporaryDirectory() as folder:
            found = pd.DataFrame(judged(device(Path(folder) / "d", asked.fields, psf, seed=1)))
        for (volts, light), own in found.groupby(["voltage_v", "light"]):
            print(
                f"{psf:>9} {volts:4.1f} {light:>11} {own['relative'].mean():+8.4f} "
                f"{own['err'].mean():7.4f} {own['pull'].mean():+6.2f} {own['pull'].std():5.2f}",
                flush=True,
            )
    print(f"\n{perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
