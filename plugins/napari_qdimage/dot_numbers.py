"""Numbers of dots that stay when their tables are computed anew."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import qdimage
from qdimage.domain.curation import FieldKey, JudgedPlace
from qdimage.domain.run_tables import RUN_TABLES
from qdimage.domain.table import Table

if TYPE_CHECKING:
    import pandas as pd

_ID_COLUMNS = ("dot_id", "nearest_dot_id")
_TABLES = {table.name: table for table in RUN_TABLES}


def with_kept_numbers(
    tables: Mapping[str, "pd.DataFrame"],
    before: Mapping[FieldKey, "pd.DataFrame"],
    first_free: Mapping[FieldKey, int],
) -> dict[str, "pd.DataFrame"]:
    """Return new tables in which a dot that was there before has its number of before.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        New ones, `dots` among them.
    before : mapping of FieldKey to pandas.DataFrame
        Where each dot was, from `known_places`.
    first_free : mapping of FieldKey to int
        The number of the first dot that is new.
    """
    numbers = {
        key: _numbers(own, before[key], first_free[key])
        for key, own in _by_field(tables["dots"]).items()
        if key in before
    }
    return {name: _renumbered(frame, _TABLES[name], numbers) for name, frame in tables.items()}


def known_places(dots: "pd.DataFrame", judged: Mapping[int, JudgedPlace]) -> "pd.DataFrame":
    """Return where the dots of a field are, and where those are that a person decided about.

    A dot that was moved has two places; a new run finds it at the one or the other.
    """
    import pandas as pd

    names = ["dot_id", "x_px", "y_px", "x_err_px", "y_err_px"]
    found = dots[names]
    at = {tuple(place) for place in found[names[1:3]].itertuples(index=False)}
    further = [(dot, *place.now_px, np.nan, np.nan) for dot, place in judged.items()]
    known = set(found["dot_id"])
    further += [
        (dot, place.x_px, place.y_px, np.nan, np.nan)
        for dot, place in judged.items()
        if dot not in known
    ]
    new = [row for row in dict.fromkeys(further) if row[1:3] not in at]
    if not new:
        return found
    return pd.concat([found, pd.DataFrame(new, columns=names)], ignore_index=True)


def _by_field(frame: "pd.DataFrame") -> dict[FieldKey, "pd.DataFrame"]:
    groups = frame.groupby(["device", "field"], sort=False)
    return {FieldKey(str(key[0]), str(key[1])): own for key, own in groups}


def _numbers(after: "pd.DataFrame", before: "pd.DataFrame", first_free: int) -> NDArray[np.int64]:
    """Number in the session of each dot_id of the new table, which counts from 1."""
    known = qdimage.same_dots(before, after)
    _, first = np.unique(known, return_index=True)
    new = (known == 0) | ~np.isin(np.arange(len(known)), first)
    known[new] = first_free + np.arange(int(new.sum()))
    ids = after["dot_id"].to_numpy(np.int64)
    numbers = np.zeros(int(ids.max(initial=0)) + 1, np.int64)
    numbers[ids] = known
    return numbers


def _renumbered(
    frame: "pd.DataFrame", table: Table, numbers: Mapping[FieldKey, NDArray[np.int64]]
) -> "pd.DataFrame":
    columns = [name for name in _ID_COLUMNS if name in frame.columns]
    changed = {
        key: new for key, new in numbers.items() if not np.array_equal(new, np.arange(len(new)))
    }
    if not columns or not changed:
        return frame
    result = frame.copy()
    for key, new in changed.items():
        own = (frame["device"] == key.device) & (frame["field"] == key.field)
        for name in columns:
            rows = own & frame[name].notna()
            result.loc[rows, name] = new[frame.loc[rows, name].to_numpy(np.int64)]
    order = ["device", "field", *table.keys]
    return result.sort_values(order, kind="stable", na_position="last", ignore_index=True)
