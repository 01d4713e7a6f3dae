"""The I-V files of one field: sweeps, leak, hysteresis."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qdimage.domain.experiment import Experiment, IvTable
from qdimage.domain.iv import IvCurve
from qdimage.domain.iv_tables import IV
from qdimage.domain.refusal import Failure, Refusal
from qdimage.electrical.hysteresis import compare_sweeps
from qdimage.electrical.leak import Leak, find_leak
from qdimage.electrical.options import SeriesOptions
from qdimage.electrical.sweeps import Sweep, loop_partners, sweeps_of
from qdimage.io.curve_file import write_curve
from qdimage.io.iv_file import open_iv
from qdimage.pipeline.attempt import attempt
from qdimage.pipeline.names import curve_path

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
Rows = Mapping[str, list[Row]]

_CM2_MM2 = 0.01
# A limit that no file states is looked for as so many readings of the same largest current.
_LEAST_AT_LIMIT = 3
_SAME_CURRENT = 1e-4


@dataclass(frozen=True)
class IvAnswer:
    """The sweeps of one file.

    Attributes
    ----------
    file : str
    area_mm2 : float or None
    sweeps : tuple of Sweep
    """

    file: str
    area_mm2: float | None
    sweeps: tuple[Sweep, ...]


def analyse_iv(
    experiment: Experiment, *, number: int, options: SeriesOptions, out: Path
) -> tuple[Rows, tuple[IvAnswer, ...]]:
    """Analyse every declared I-V file; one that fails keeps a row and stops nothing else.

    Parameters
    ----------
    experiment : Experiment
    number : int
        Of the field in the run; names the curves' files.
    options : SeriesOptions
    out : pathlib.Path
        Folder that receives ``curves/``.

    Returns
    -------
    mapping of str to list of dict
        Rows of the table `iv`, by its name.
    tuple of IvAnswer
        Of the files that could be read.
    """
    rows: list[Row] = []
    answers: list[IvAnswer] = []
    for index, declared in enumerate(experiment.declared.iv, start=1):
        shared = _shared(experiment, declared)
        curve = attempt(
            partial(read_iv, experiment, declared), f"{experiment.name}, {declared.file}"
        )
        if isinstance(curve, Failure):
            rows.append(shared | {"status": "failed", "message": curve.reason})
            continue
        sweeps = sweeps_of(curve)
        file = curve_path("iv", number, experiment.name, index, declared.file)
        write_curve(iv_frame(curve), out / file)
        rows += [shared | {"curve": file} | row for row in sweep_rows(curve, sweeps, options)]
        answers.append(IvAnswer(declared.file, declared.area_mm2, tuple(sweeps)))
    for row in rows:
        _add_density(row)
    return {IV.name: rows}, tuple(answers)


def failed_iv(experiment: Experiment, reason: str) -> Rows:
    """Return the rows of files of which nothing could be computed."""
    failed = {"status": "failed", "message": reason}
    return {IV.name: [_shared(experiment, each) | failed for each in experiment.declared.iv]}


def read_iv(experiment: Experiment, declared: IvTable) -> IvCurve:
    """Read a declared file.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    columns = {
        "voltage": declared.voltage_column,
        "current": declared.current_column,
        "time": declared.time_column,
    }
    return open_iv(
        experiment.folder / declared.file,
        columns={role: name for role, name in columns.items() if name},
        limit_a=declared.limit_a,
    )


def _shared(experiment: Experiment, declared: IvTable) -> Row:
    return {
        "device": experiment.device,
        "field": experiment.name,
        "file": declared.file,
        "area_mm2": declared.area_mm2,
        "limit_a": declared.limit_a,
    }


def sweep_rows(curve: IvCurve, sweeps: list[Sweep], options: SeriesOptions) -> list[Row]:
    """Return what is known of each sweep, as in the table `iv`."""
    leaks = [find_leak(each, window_v=options.leak_window_v) for each in sweeps]
    partners = loop_partners(sweeps)
    rows = []
    for index, (sweep, leak, partner) in enumerate(zip(sweeps, leaks, partners, strict=True)):
        row: Row = {
            "sweep": index + 1,
            "direction": sweep.direction,
            "n_readings": sweep.n_readings,
            "n_overflow": sweep.n_overflow,
            "n_compliance": sweep.n_compliance,
        }
        if curve.limit_a is not None:
            row["limit_a"] = curve.limit_a
        notes = list(curve.warnings) if index == 0 else []
        notes += _plateau(sweep, curve)
        if not len(sweep.voltage_v):
            reason = "no reading of this sweep is usable: overflow or compliance throughout"
            rows.append(row | {"status": "refused", "message": "; ".join([*notes, reason])})
            continue
        row |= _reach(sweep)
        if isinstance(leak, Leak):
            row |= _leak(leak, row)
        else:
            notes.append(f"no leak: {leak.reason}")
        if partner is not None:
            noise = leak.noise_a if isinstance(leak, Leak) else 0.0
            found = compare_sweeps(sweep, sweeps[partner], noise_a=noise)
            if isinstance(found, Refusal):
                notes.append(found.reason)
            else:
                row |= {
                    "hysteresis_ratio": found.ratio,
                    "hysteresis_extreme_ratio": found.extreme_ratio,
                    "hysteresis_extreme_v": found.extreme_v,
                    "loop_w": found.loop_w,
                }
        rows.append(row | {"status": "ok", "message": "; ".join(notes)})
    return rows


def _reach(sweep: Sweep) -> Row:
    low, high = float(sweep.voltage_v[0]), float(sweep.voltage_v[-1])
    at = -1 if abs(high) >= abs(low) else 0
    return {"lowest_v": low, "highest_v": high, "current_a": float(sweep.current_a[at])}


def _leak(leak: Leak, row: Row) -> Row:
    found: Row = {
        "leak_siemens": leak.siemens,
        "leak_low_siemens": leak.low,
        "leak_high_siemens": leak.high,
        "leak_window_v": leak.window_v,
        "leak_bend_p": leak.bend_p,
        "offset_a": leak.offset_a,
        "noise_a": leak.noise_a,
    }
    if leak.high > 0:
        found["leak_low_ohm"] = 1 / leak.high
    if leak.low > 0:
        found |= {"leak_ohm": 1 / leak.siemens, "leak_high_ohm": 1 / leak.low}
    volts = row["highest_v"] if abs(row["highest_v"]) >= abs(row["lowest_v"]) else row["lowest_v"]
    if row["current_a"]:
        found["leak_share"] = leak.siemens * volts / (row["current_a"] - leak.offset_a)
    return found


def _plateau(sweep: Sweep, curve: IvCurve) -> list[str]:
    """Look for a limit that the file does not state: the same largest current again and again."""
    if curve.limit_a is not None or sweep.direction == "hold" or not len(sweep.current_a):
        return []
    size = np.abs(sweep.current_a)
    most = float(size.max())
    n_most = int((size >= most * (1 - _SAME_CURRENT)).sum())
    if most == 0 or n_most < _LEAST_AT_LIMIT:
        return []
    return [
        f"{n_most} readings have the same largest current of {most:.3g} A, as in compliance, and "
        "the file states no limit; set limit_a in [[iv]] to leave them out"
    ]


def _add_density(row: Row) -> None:
    if row.get("current_a") is not None and row.get("area_mm2") is not None:
        row["current_a_cm2"] = row["current_a"] / (row["area_mm2"] * _CM2_MM2)


def iv_frame(curve: IvCurve) -> "pd.DataFrame":
    """Return the readings as they are kept: voltage_v, current_a, compliance, time_s if known."""
    import pandas as pd

    columns: dict[str, Any] = {
        "voltage_v": curve.voltage_v,
        "current_a": curve.current_a,
        "compliance": np.where(curve.compliance, "true", "false"),
    }
    if curve.time_s is not None:
        columns["time_s"] = curve.time_s
    return pd.DataFrame(columns)
