"""The main job: how long it takes, and how close its answers on the demo device come to the truth.

The clone is made in a temporary folder from this one's last commit; its environment is installed
there, with whatever the package index and its caches give.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

CLONE = Path(__file__).resolve().parents[1]
DEMO = "sample_stacks/demo_device"
FOUND_PX = 1.0


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        clone, results = Path(folder) / "qdimage", Path(folder) / "results"
        subprocess.run(["git", "clone", "-q", str(CLONE), str(clone)], check=True)
        # The Python that qd's own environment was made from: it has pip, as a user's has.
        python = str(Path(sys.executable).resolve())
        run = [python, str(clone / "qd"), "run", str(clone / DEMO), "-o", str(results)]
        print(f"fresh clone to report, downloads and compilation included: {timed(run):.1f} s")
        for _ in range(3):
            print(f"again, with the environment there: {timed(run):.1f} s")
        print(f"CPU of qdimage --help: {cpu_of_help():.2f} s")
        compare(results, json.loads((clone / DEMO / "truth.json").read_text(encoding="utf-8")))


def timed(command: list[str]) -> float:
    """Seconds that a command takes; its output is kept back."""
    start = time.perf_counter()
    foreign = {"NUMBA_CACHE_DIR", "MPLCONFIGDIR", "PYTHONPATH", "VIRTUAL_ENV"}
    environ = {key: value for key, value in os.environ.items() if key not in foreign}
    subprocess.run(command, check=True, capture_output=True, env=environ)
    return time.perf_counter() - start


def cpu_of_help() -> float:
    """CPU seconds of the help text, the best of five."""
    best = np.inf
    for _ in range(5):
        before = os.times()
        command = [sys.executable, "-m", "qdimage", "--help"]
        subprocess.run(command, check=True, capture_output=True)
        after = os.times()
        used = after.children_user - before.children_user
        best = min(best, used + after.children_system - before.children_system)
    return float(best)


def compare(results: Path, truth: dict[str, Any]) -> None:
    """Print recall, registration error and fractions against the truth."""
    names = ("localizations", "registration", "turn_on")
    tables = {name: pd.read_csv(results / f"{name}.csv") for name in names}
    print("field     channel  bright found  register px  true   fraction  95 % interval")
    n_inside = 0
    for field, about in truth["fields"].items():
        for channel, shown in about["channels"].items():
            rows = {name: rows_of(table, field, channel) for name, table in tables.items()}
            n_bright, n_found = recall(rows["localizations"], about, shown)
            line = f"{field}  {channel:8} {n_bright:5d} {n_found:5d}"
            if shown["kind"] == "el":
                error = registration_error(rows["registration"].iloc[0], about, shown)
                row, share = rows["turn_on"].iloc[0], true_fraction(about, shown)
                inside = row["fraction_low"] <= share <= row["fraction_high"]
                n_inside += inside
                line += f"  {error:11.3f}  {share:.3f}  {row['fraction']:.3f}"
                line += f"     {row['fraction_low']:.3f} {row['fraction_high']:.3f}"
                line += "" if inside else "  outside"
            print(line)
    print(f"{n_inside} of 12 intervals hold the true fraction")


def rows_of(table: pd.DataFrame, field: str, channel: str) -> pd.DataFrame:
    """Rows of one channel."""
    return table[(table["field"] == field) & (table["channel"] == channel)]


def recall(found: pd.DataFrame, about: dict[str, Any], shown: dict[str, Any]) -> tuple[int, int]:
    """Dots above 300 photons per frame, and how many of them were found."""
    true = pd.DataFrame(shown["sources"])
    true = true[true["in_frame"] & (true["photons_s"] * about["exposure_s"] > 300)]
    if not len(true) or not len(found):
        return len(true), 0
    distance, _ = cKDTree(found[["x_px", "y_px"]]).query(true[["x_px", "y_px"]])
    return len(true), int(np.sum(distance < FOUND_PX))


def registration_error(
    row: "pd.Series[Any]", about: dict[str, Any], shown: dict[str, Any]
) -> float:
    """Median over the field of the distance between the found and the true map, px."""
    x, y = np.meshgrid(np.arange(0, about["width_px"], 8), np.arange(0, about["height_px"], 8))
    points = np.column_stack([x.ravel(), y.ravel()]).astype(float)
    transform = shown["transform"]
    u = (points - transform["centre_px"]) / transform["radius_px"]
    bent = points + transform["radial_px"] * np.sum(u**2, axis=1, keepdims=True) * u
    true = np.array(transform["matrix"])
    found = row[["m00", "m01", "m02", "m10", "m11", "m12"]].to_numpy(float).reshape(2, 3)
    error = points @ found[:, :2].T + found[:, 2] - bent @ true[:, :2].T - true[:, 2]
    return float(np.median(np.hypot(error[:, 0], error[:, 1])))


def true_fraction(about: dict[str, Any], shown: dict[str, Any]) -> float:
    """Share of the dots inside both frames that are lit."""
    pl = pd.DataFrame(about["sources"])
    el = pd.DataFrame(shown["sources"]).set_index("id")
    el = el.loc[pl["id"][(pl["kind"] == "dot") & pl["in_frame"]]]
    return float(el["lit"][el["in_frame"]].mean())


if __name__ == "__main__":
    main()
