"""The table `dots` as it is after a person's decisions."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.curation import OWN_FLAGS, joined_flags
from qdimage.domain.flags import DotFlag, flag_names
from qdimage.domain.tables import DOTS
from qdimage.pipeline.curation import JudgedDots, number_columns

if TYPE_CHECKING:
    import pandas as pd

Indices = NDArray[np.int64]

# What stays of a moved dot's row; the rest was measured at the old place.
_KEPT_OF_MOVED = {"device", "field", "dot_id", "accepted", "note", "flags", "signal_unit"}


def curated_dots(dots: "pd.DataFrame", judged: JudgedDots) -> "pd.DataFrame":
    """Return one field's rows of `dots` as they are after a person's decisions.

    A deleted dot's row goes. A dot that was added or moved since the run has its place and nothing
    that was measured. Every other row keeps its numbers.
    """
    row_of = {dot: row for row, dot in enumerate(dots["dot_id"].tolist())}
    new = {
        dot: place
        for dot, place in judged.items()
        if dot not in row_of and place.judgement.added and not place.judgement.deleted
    }
    result = _with_new_rows(dots, new) if new else dots
    row_of |= {dot: len(dots) + k for k, dot in enumerate(new)}
    known = {row_of[dot]: place for dot, place in judged.items() if dot in row_of}
    result = _with_moves(result, known)
    return _with_words(result, known)


def _with_new_rows(dots: "pd.DataFrame", new: JudgedDots) -> "pd.DataFrame":
    import pandas as pd

    texts = [column.name for column in DOTS.columns if column.kind == "text"]
    rows = pd.DataFrame({"dot_id": list(new)}, index=range(len(new))).reindex(columns=dots.columns)
    rows[texts] = ""
    rows["flags"] = flag_names(DotFlag.ADDED)
    if len(dots):
        for name in ("device", "field", "signal_unit"):
            rows[name] = dots[name].iloc[0]
    return pd.concat([dots, rows.astype(dots.dtypes.to_dict())], ignore_index=True)


def _with_moves(dots: "pd.DataFrame", known: JudgedDots) -> "pd.DataFrame":
    by_hand = {row: place for row, place in known.items() if place.is_by_hand}
    at = number_columns(dots.iloc[list(by_hand)], "x_px", "y_px").tolist()
    changed = {
        row: place.now_px
        for (row, place), here in zip(by_hand.items(), at, strict=True)
        if place.is_elsewhere(*here)
    }
    if not changed:
        return dots
    rows, pixel_um = np.array(list(changed)), _pixel_um(dots)
    now = {
        column.name: _with_values(dots[column.name], rows, "" if column.kind == "text" else None)
        for column in DOTS.columns
        if column.name not in _KEPT_OF_MOVED
    }
    for k, axis in enumerate("xy"):
        values = np.array([place[k] for place in changed.values()])
        now[f"{axis}_px"] = _with_values(dots[f"{axis}_px"], rows, values)
        now[f"{axis}_um"] = _with_values(dots[f"{axis}_um"], rows, pixel_um * values)
    return dots.assign(**now)


def _with_values(column: "pd.Series[Any]", rows: Indices, values: Any) -> Any:
    """Return a column's values with others in some rows; one row at a time takes pandas long."""
    found = column.array.copy()
    found[rows] = values
    return found


def _pixel_um(dots: "pd.DataFrame") -> float:
    x_px, x_um = number_columns(dots, "x_px", "x_um").T
    known = np.isfinite(x_um) & (x_px > 0)
    return float(np.median(x_um[known] / x_px[known])) if known.any() else float("nan")


def _with_words(dots: "pd.DataFrame", known: JudgedDots) -> "pd.DataFrame":
    import pandas as pd

    accepted = np.ones(len(dots), bool)
    notes = np.full(len(dots), "", object)
    flags = _own_flags(dots["flags"])
    kept = np.ones(len(dots), bool)
    moved = flag_names(DotFlag.MOVED)
    for row, place in known.items():
        judgement = place.judgement
        accepted[row] = judgement.accepted is not False
        notes[row] = judgement.note
        kept[row] = not judgement.deleted
        if flags[row] or judgement.flags or judgement.moved_to_px is not None:
            own = [word for word in flags[row].split(";") if word and word != moved]
            if judgement.moved_to_px is not None:
                own.append(moved)
            flags[row] = joined_flags(";".join(own), judgement.flags)
    return dots.assign(
        accepted=pd.array(accepted, dtype="boolean"),
        note=pd.array(notes, dtype="string"),
        flags=pd.array(flags, dtype="string"),
    )[kept]


def _own_flags(cells: "pd.Series[str]") -> NDArray[np.object_]:
    """Return cells of `flags` without the words of a person."""
    import pandas as pd

    codes, texts = pd.factorize(cells)
    own = [";".join(w for w in str(text).split(";") if w in OWN_FLAGS) for text in texts]
    return np.array([*own, ""], object)[codes]
