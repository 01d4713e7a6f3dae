"""Stated, true and recovered values of the paper's device: `./qd bench paper_device`.

The device in the repository is analysed, and with `--seeds N` N more that are made anew with other
seeds (minutes each). Printed is a row for each statement and seed, and how many rows hold the truth
in their 95 % interval; at the end the coverage of each statement over all seeds.
"""

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path
from time import perf_counter

import pandas as pd

import qdimage
from qdimage.pipeline.run import plan_run, run_plan

DEVICE = Path(__file__).parents[1] / "sample_stacks" / "paper_device"


def recovered(folder: Path, out: Path, workers: int) -> pd.DataFrame:
    plan = plan_run([folder], overrides={}, assignments=[], allow_outside=False)
    tables = run_plan(plan, out, workers=workers).tables
    return tables["comparison"].sort_values("number")


def show(found: pd.DataFrame) -> None:
    print(f"{'panel':6}{'statement':58}{'stated':>10}{'truth':>11}{'recovered':>11}  95 % interval")
    for row in found.astype(object).where(found.notna(), None).to_dict("records"):
        numbers = [row[name] for name in ("stated", "truth", "recovered", "low", "high")]
        stated, truth, value, low, high = ("" if x is None else f"{x:.4g}" for x in numbers)
        held = {True: "", False: "  MISSED", None: ""}[row["within"]]
        print(
            f"{row['panel']:6}{row['statement'][:57]:58}{stated:>10}{truth:>11}{value:>11}  "
            f"{low} ... {high}{held}{'  ' + row['message'] if row['message'] else ''}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    held: dict[str, list[bool]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as base:
        for seed in range(options.seeds + 1):
            folder = DEVICE
            if seed:
                folder = Path(base) / f"device_{seed}"
                # Devices of one recipe have consecutive seeds.
                qdimage.simulate_study(folder, DEVICE / "recipe.toml", seed=100 * seed)
            begin = perf_counter()
            found = recovered(folder, Path(base) / f"out_{seed}", options.workers)
            print(f"\nseed {100 * seed or 'of the repository'}: {perf_counter() - begin:.0f} s")
            show(found)
            judged = found[found["within"].notna()]
            print(f"truth inside in {judged['within'].sum()} of {len(judged)} rows")
            for row in judged.to_dict("records"):
                held[row["statement"]].append(bool(row["within"]))
    if options.seeds:
        print("\nrows that hold the truth, over all seeds")
        for statement, each in held.items():
            print(f"{statement:60}{sum(each)} of {len(each)}")


if __name__ == "__main__":
    main()
