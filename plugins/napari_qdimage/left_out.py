"""What decisions leave out of the fraction, in words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from napari_qdimage.session import Session
from qdimage.domain.curation import JudgedPlace
from qdimage.reporting.words import count

if TYPE_CHECKING:
    import pandas as pd

_MOST_NAMED = 8
_SAME_PX = 1e-3


def left_out(session: Session) -> str:
    """Say which dots of the shown field's device the decisions leave out, and why."""
    parts = [*_rejected(session), *_unmeasured(session)]
    return "Curation leaves out " + ("; ".join(parts) if parts else "no dot") + "."


def _rejected(session: Session) -> list[str]:
    device = "" if session.field is None else session.field.device
    elsewhere = sum(
        place.judgement.accepted is False and not place.judgement.deleted
        for field, places in session.judged.items()
        for place in places.values()
        if field.device == device and field != session.field
    )
    dots = session.dots
    here = [int(dot) for dot in dots.index[~dots["accepted"].fillna(True).astype(bool)]]
    parts = []
    if here:
        named = ", ".join(map(str, here[:_MOST_NAMED])) + (", …" if len(here) > _MOST_NAMED else "")
        parts.append(f"{count(len(here), 'rejected dot')} of this field ({named})")
    if elsewhere:
        parts.append(f"{count(elsewhere, 'rejected dot')} of other fields")
    return parts


def _unmeasured(session: Session) -> list[str]:
    """Dots that the run did not know of, or not at this place."""
    found = {"added": 0, "moved": 0, "deleted": 0}
    device = "" if session.field is None else session.field.device
    for field, places in session.judged.items():
        if field.device == device:
            table = session.measured["dots"]
            own = table[(table["device"] == field.device) & (table["field"] == field.field)]
            for what in _changes(own, places):
                found[what] += 1
    parts = [f"{count(n, f'{what} dot')}" for what, n in found.items() if n and what != "deleted"]
    if parts:
        parts = [" and ".join(parts) + ", which the next run measures"]
    if found["deleted"]:
        parts.append(count(found["deleted"], "deleted dot"))
    return parts


def _changes(dots: "pd.DataFrame", places: Mapping[int, JudgedPlace]) -> list[str]:
    """What became of dots since the run: "added", "moved" or "deleted" each."""
    at = dict(zip(dots["dot_id"].astype(int), dots[["x_px", "y_px"]].to_numpy(float), strict=True))
    changes = []
    for dot, place in places.items():
        judgement = place.judgement
        if judgement.deleted:
            changes += ["deleted"] if dot in at else []
        elif judgement.added or judgement.moved_to_px is not None:
            is_new = dot not in at or bool(np.max(np.abs(at[dot] - place.now_px)) > _SAME_PX)
            if is_new:
                changes.append("added" if judgement.added else "moved")
    return changes
