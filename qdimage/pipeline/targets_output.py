"""Targets as files in the run's folder."""

from pathlib import Path

from qdimage.domain.target_tables import TARGETS
from qdimage.io.poi_list import SUFFIX, Poi, write_poi_list
from qdimage.io.table_file import write_table
from qdimage.pipeline.targets import TargetsAnswer

POI_LIST = f"targets{SUFFIX}"


def write_targets(answer: TargetsAnswer) -> tuple[Path, ...]:
    """Write ``targets.csv`` and the list of POIs; without targets, an empty table and no list."""
    table = write_table(answer.table, TARGETS, answer.out)
    path = answer.out / POI_LIST
    if answer.refusal is not None:
        path.unlink(missing_ok=True)
        return (table,)
    ordered = answer.table.sort_values("order")
    pois = [
        Poi(str(name), float(x), float(y), float(z))
        for name, x, y, z in zip(
            ordered["target"],
            ordered["stage_x_um"],
            ordered["stage_y_um"],
            ordered["stage_z_um"].fillna(0.0),
            strict=True,
        )
    ]
    write_poi_list(path, pois, region="targets")
    return table, path
