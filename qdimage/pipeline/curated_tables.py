"""A run's tables as they are after a person's decisions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from qdimage.domain.curation import FieldKey
from qdimage.domain.tables import DOTS
from qdimage.io.table_file import typed
from qdimage.pipeline.curated_dots import curated_dots
from qdimage.pipeline.curation import Judged

if TYPE_CHECKING:
    import pandas as pd


def curate(tables: Mapping[str, "pd.DataFrame"], judged: Judged) -> dict[str, "pd.DataFrame"]:
    """Return the tables with decisions applied.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Of a run.
    judged : mapping
        By (device, field), then by dot_id.
    """
    import pandas as pd

    dots = tables[DOTS.name]
    parts = []
    for (device, field), own in dots.groupby(["device", "field"], sort=False):
        key = FieldKey(str(device), str(field))
        parts.append(curated_dots(own.reset_index(drop=True), judged.get(key, {})))
    all_dots = typed(pd.concat(parts, ignore_index=True), DOTS) if parts else dots
    return {**tables, DOTS.name: all_dots}
