"""Targets whose places were measured again, against where they were predicted."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qdimage.domain.place_check import PlaceCheck
from qdimage.domain.target_tables import STAGE_SHIFTS, TARGET_CHECK
from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.place_list import read_places
from qdimage.io.poi_list import read_poi_list
from qdimage.io.table_file import write_table
from qdimage.pipeline.tables import as_frame
from qdimage.pipeline.targets_attach import targets_of
from qdimage.steering.place_check import compare_places

if TYPE_CHECKING:
    import pandas as pd

_PLACE = ["stage_x_um", "stage_y_um"]


@dataclass(frozen=True)
class CheckAnswer:
    """What a check of the stage found.

    Attributes
    ----------
    table : pandas.DataFrame
        The table `target_check`.
    summary : pandas.DataFrame
        The table `stage_shifts`, one row.
    found : PlaceCheck
    """

    table: "pd.DataFrame"
    summary: "pd.DataFrame"
    found: PlaceCheck


def check_places(out: Path, measured: Path) -> CheckAnswer:
    """Compare targets with measured places, and write ``target_check.csv``, ``stage_shifts.csv``.

    Parameters
    ----------
    out : pathlib.Path
        Folder of the run, with its targets.
    measured : pathlib.Path
        CSV with the columns target, stage_x_um, stage_y_um; or a list of POIs as qudi saves it.

    Raises
    ------
    FormatError, ConfigurationError
        If the file cannot be read, or names no target.
    """
    targets = targets_of(out)
    places = _measured(measured)
    unknown = sorted(set(places) - set(targets["target"]))
    rows = targets[targets["target"].isin(places)]
    if rows.empty:
        named = unknown[0] if unknown else "nothing"
        raise ConfigurationError(
            f"{measured}: found {named}, expected names of targets such as "
            f"{targets['target'].iloc[0]}; use those of targets.csv"
        )
    predicted = rows[_PLACE].to_numpy(float)
    at = np.array([places[name] for name in rows["target"]])
    found = compare_places(predicted, at)
    table = as_frame(_rows(rows, predicted, at, found), TARGET_CHECK)
    message = f"not among the targets: {', '.join(unknown)}" if unknown else ""
    summary = as_frame([_summary(rows, measured, found, message)], STAGE_SHIFTS)
    write_table(table, TARGET_CHECK, out)
    write_table(summary, STAGE_SHIFTS, out)
    return CheckAnswer(table, summary, found)


def _measured(path: Path) -> dict[str, tuple[float, float]]:
    if path.suffix.lower() == ".dat":
        return {poi.name: (poi.x_um, poi.y_um) for poi in read_poi_list(path)}
    rows = read_places(path, numbers=_PLACE, texts=("target",))
    names = [str(row["target"]) for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "" in names:
        raise FormatError(
            f"{path}: found {f'two rows for {twice[0]!r}' if twice else 'a row without a target'}, "
            "expected each target once in a column 'target'; correct it"
        )
    pairs = [(float(row[_PLACE[0]]), float(row[_PLACE[1]])) for row in rows]
    return dict(zip(names, pairs, strict=True))


def _rows(
    targets: "pd.DataFrame",
    predicted: "np.ndarray[Any, np.dtype[np.float64]]",
    measured: "np.ndarray[Any, np.dtype[np.float64]]",
    found: PlaceCheck,
) -> list[dict[str, Any]]:
    residual = measured - predicted
    kept = ["device", "field", "target", "dot_id", "x_px", "y_px"]
    return [
        dict(zip(kept, place, strict=True))
        | {
            "stage_x_um": measured[k, 0],
            "stage_y_um": measured[k, 1],
            "predicted_x_um": predicted[k, 0],
            "predicted_y_um": predicted[k, 1],
            "residual_x_um": residual[k, 0],
            "residual_y_um": residual[k, 1],
            "residual_um": float(np.hypot(*residual[k])),
            "left_x_um": found.left[k, 0],
            "left_y_um": found.left[k, 1],
            "off": bool(found.off[k]),
        }
        for k, place in enumerate(targets[kept].itertuples(index=False, name=None))
    ]


def _summary(
    targets: "pd.DataFrame", file: Path, found: PlaceCheck, message: str
) -> dict[str, Any]:
    one_field = targets[["device", "field"]].drop_duplicates()
    return {
        "device": one_field["device"].iloc[0] if one_field["device"].nunique() == 1 else "all",
        "field": one_field["field"].iloc[0] if len(one_field) == 1 else "all",
        "check": "places",
        "file": file.name,
        "n_places": int(np.sum(~found.off)),
        "n_off": int(np.sum(found.off)),
        "offset_x_um": found.offset_um[0],
        "offset_y_um": found.offset_um[1],
        "offset_err_um": found.offset_err_um,
        "rotation_deg": found.rotation_deg,
        "rotation_err_deg": found.rotation_err_deg,
        "scale": found.scale,
        "scale_err": found.scale_err,
        "rms_um": found.rms_um,
        "left_um": found.left_um,
        "status": "ok",
        "message": message,
    }
