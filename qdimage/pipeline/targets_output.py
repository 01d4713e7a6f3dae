"""Targets as files in the run's folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qdimage.domain.stage_map import StageMap
from qdimage.domain.target_tables import TARGETS
from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.atomic import write_text
from qdimage.io.documents import format_json
from qdimage.io.experiment_edit import set_table_keys
from qdimage.io.poi_list import SUFFIX, Poi, write_poi_list
from qdimage.io.table_file import write_table
from qdimage.pipeline.finished import read_run
from qdimage.pipeline.targets import TargetsAnswer
from qdimage.pipeline.targets_map import MapToStage

if TYPE_CHECKING:
    import pandas as pd

POI_LIST = f"targets{SUFFIX}"
MAPS = "targets.json"


def write_targets(answer: TargetsAnswer) -> tuple[Path, ...]:
    """Write ``targets.csv``, the maps and the list of POIs; without targets, an empty table."""
    if answer.refusal is not None:
        for name in (POI_LIST, MAPS):
            (answer.out / name).unlink(missing_ok=True)
        return (write_table(answer.table, TARGETS, answer.out),)
    write_text(answer.out / MAPS, format_json({"maps": _documents(answer.maps)}) + "\n")
    return (*write_places(answer.out, answer.table), answer.out / MAPS)


def save_map(answer: TargetsAnswer) -> Path:
    """Write the map fitted to pairs into the ``experiment.toml`` of its field; return the file.

    A run after that gives dots the coordinates of these targets, and finds the dots of files that
    were measured at stage coordinates.

    Raises
    ------
    ConfigurationError
        If there is no map of one field, its experiment is gone, or the file cannot be changed.
    """
    if len(answer.maps) != 1:
        raise ConfigurationError(
            f"found maps of {len(answer.maps)} fields, expected one to save; name it with --field"
        )
    ((key, found),) = answer.maps.items()
    recorded = read_run(answer.out, names=()).record["fields"]
    path = next(Path(str(f["experiment"])) for f in recorded if (f["device"], f["field"]) == key)
    if not path.is_file():
        raise ConfigurationError(
            f"{path}: the experiment.toml of the run is not there any more; put it back"
        )
    set_table_keys(path, "optics", {"stage_from_px": found.stage.matrix.tolist()})
    return path


def write_places(out: Path, table: "pd.DataFrame") -> tuple[Path, Path]:
    """Write the table and the list of POIs alone."""
    written = write_table(table, TARGETS, out)
    ordered = table.sort_values("order")
    columns = ["target", "stage_x_um", "stage_y_um", "stage_z_um"]
    rows = ordered[columns].fillna({"stage_z_um": 0.0}).itertuples(index=False, name=None)
    pois = [Poi(str(name), float(x), float(y), float(z)) for name, x, y, z in rows]
    write_poi_list(out / POI_LIST, pois, region="targets")
    return written, out / POI_LIST


def read_maps(out: Path) -> dict[tuple[str, str], MapToStage]:
    """Read the maps that targets were placed by, by device and field.

    Raises
    ------
    FormatError
        If they are not there, or damaged.
    """
    path = out / MAPS
    try:
        documents = json.loads(path.read_text(encoding="utf-8"))["maps"]
        return {(each["device"], each["field"]): _map(each) for each in documents}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise FormatError(
            f"{path}: found no maps to the stage ({error}); choose the targets again with: "
            "qdimage targets OUT"
        ) from error


def _documents(maps: Mapping[tuple[str, str], MapToStage]) -> list[dict[str, object]]:
    return [
        {
            "device": device,
            "field": field,
            "source": each.source,
            "model": each.stage.model,
            "n_pairs": each.stage.n_pairs,
            "stage_from_px": each.stage.matrix.tolist(),
            "covariance": each.stage.covariance.tolist(),
        }
        for (device, field), each in sorted(maps.items())
    ]


def _map(document: Mapping[str, object]) -> MapToStage:
    matrix = np.array(document["stage_from_px"], float).reshape(2, 3)
    covariance = np.array(document["covariance"], float).reshape(6, 6)
    stage = StageMap(matrix, covariance, str(document["model"]))
    return MapToStage(stage, str(document["source"]))
