"""The dots that a person's decisions are about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.curation import Curation, FieldKey, JudgedPlace, Judgement
from qdimage.domain.experiment import Experiment
from qdimage.domain.flags import DotFlag, flag_names
from qdimage.errors import ConfigurationError
from qdimage.match.same_dot import allowed_distance_px, dots_at_places

if TYPE_CHECKING:
    import pandas as pd

JudgedDots = Mapping[int, JudgedPlace]
Judged = Mapping[FieldKey, JudgedDots]

MOVED, ADDED = flag_names(DotFlag.MOVED), flag_names(DotFlag.ADDED)


@dataclass(frozen=True)
class MatchedCuration:
    """Decisions and the dots that they are about.

    Attributes
    ----------
    judged : mapping
        By (device, field), then by dot_id. Dots added by hand that have no row yet have the ids
        after the highest one.
    lost : mapping
        By (device, field): decisions about places where no dot is any more.
    """

    judged: Judged
    lost: Mapping[FieldKey, tuple[JudgedPlace, ...]]


def given_curation(
    experiments: Sequence[Experiment], curation: Curation, path: Path | None
) -> tuple[list[Experiment], tuple[str, ...]]:
    """Give experiments decisions from elsewhere, instead of those beside them.

    Parameters
    ----------
    experiments : sequence of Experiment
        All of a run.
    curation : Curation
        Its entries name their fields; they need not if there is one field.
    path : pathlib.Path or None
        Where it was read.

    Returns
    -------
    list of Experiment
    tuple of str
        Decisions about fields that the run does not have.

    Raises
    ------
    ConfigurationError
        If an entry does not say which of several fields it is about.
    """
    if len(experiments) == 1:
        curation = curation.placed(experiments[0].key)
    unnamed = [each for each in curation.entries if not (each.device and each.field)]
    if unnamed:
        raise ConfigurationError(
            f"{path or 'the curation'}: {unnamed[0]} names no field, expected device and field, "
            f"since {len(experiments)} fields are analysed; add them"
        )
    keys = {each.key for each in experiments}
    others = sorted({FieldKey(each.device, each.field) for each in curation.entries} - keys)
    warnings = tuple(f"{path or 'the curation'}: no field {key} is analysed" for key in others)
    changed = {"curation": curation, "curation_path": path}
    return [each.model_copy(update=changed) for each in experiments], warnings


def match_curation(dots: "pd.DataFrame", curation: Curation) -> MatchedCuration:
    """Find the dots that decisions are about.

    Parameters
    ----------
    dots : pandas.DataFrame
        The table `dots` of a run, made with this curation, an older one, or none.
    curation : Curation
        Every entry names its field.
    """
    judged: dict[FieldKey, JudgedDots] = {}
    lost: dict[FieldKey, tuple[JudgedPlace, ...]] = {}
    for key in dict.fromkeys(FieldKey(each.device, each.field) for each in curation.entries):
        own = dots[(dots["device"] == key.device) & (dots["field"] == key.field)]
        judged[key], lost[key] = _match_field(own, curation.of_field(key))
    return MatchedCuration(judged, {key: each for key, each in lost.items() if each})


def _match_field(
    dots: "pd.DataFrame", places: Sequence[JudgedPlace]
) -> tuple[JudgedDots, tuple[JudgedPlace, ...]]:
    ids = dots["dot_id"].to_numpy(np.int64)
    judged: dict[int, JudgedPlace] = {}
    lost: list[JudgedPlace] = []
    next_id = int(ids.max(initial=0)) + 1
    was_added = [ADDED in str(cell).split(";") for cell in dots["flags"]]
    for place, row in zip(places, _rows_meant(dots, places), strict=True):
        if row >= 0:
            own = place if was_added[row] else _found_by_itself(place)
            if own.judgement != Judgement():
                judged[int(ids[row])] = own
        elif place.judgement.added and not place.judgement.deleted:
            judged[next_id] = place
            next_id += 1
        else:
            lost.append(place)
    return judged, tuple(lost)


def _found_by_itself(place: JudgedPlace) -> JudgedPlace:
    """What is left to say of a dot that a person added and the analysis now finds."""
    return replace(place, judgement=replace(place.judgement, added=False))


def _rows_meant(dots: "pd.DataFrame", places: Sequence[JudgedPlace]) -> NDArray[np.int64]:
    """Return the row of each place's dot, -1 for none.

    A dot that was moved is looked for where it is now, if the run knew of the move already, else
    where it was found.
    """
    positions = number_columns(dots, "x_px", "y_px")
    within = allowed_distance_px(number_columns(dots, "x_err_px", "y_err_px"))
    moved = np.array([MOVED in str(cell).split(";") for cell in dots["flags"]], bool)
    now = np.array([each.now_px for each in places], float).reshape(-1, 2)
    found_at = np.array([(each.x_px, each.y_px) for each in places], float).reshape(-1, 2)
    was_moved = np.array([each.judgement.moved_to_px is not None for each in places], bool)
    meant = np.full(len(places), -1, np.int64)
    for at, asked, candidates in ((now, was_moved, moved), (found_at, True, ~moved)):
        open_places, rows = np.flatnonzero((meant < 0) & asked), np.flatnonzero(candidates)
        hits = dots_at_places(at[open_places], positions[rows], within[rows])
        meant[open_places[hits >= 0]] = rows[hits[hits >= 0]]
    return meant


def same_dots(before: "pd.DataFrame", after: "pd.DataFrame") -> NDArray[np.int64]:
    """Return for each row of `after` the dot_id of the same dot in `before`; 0 for none.

    Both are rows of the table `dots` of one field, of different runs.
    """
    errors = number_columns(before, "x_err_px", "y_err_px")
    rows = dots_at_places(
        number_columns(after, "x_px", "y_px"),
        number_columns(before, "x_px", "y_px"),
        allowed_distance_px(errors),
    )
    ids = np.append(before["dot_id"].to_numpy(np.int64), 0)
    return np.asarray(ids[rows])


def number_columns(frame: "pd.DataFrame", *names: str) -> NDArray[np.float64]:
    """Return columns of a table as floats, shape (n, number of names); NaN where empty."""
    return np.column_stack([frame[name].to_numpy(np.float64, na_value=np.nan) for name in names])
