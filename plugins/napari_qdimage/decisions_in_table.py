"""Decisions as far as a run's table of dots still tells them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from qdimage.domain.curation import OWN_FLAGS, Curation, CurationEntry, FieldKey

if TYPE_CHECKING:
    import pandas as pd


def decisions_in_table(dots: "pd.DataFrame", key: FieldKey) -> Curation:
    """Return the decisions that one field's rows of `dots` show.

    Who was accepted cannot be told from who was not looked at. A dot that was moved was found
    nobody knows where, and one that was deleted has no row.
    """
    names = ["x_px", "y_px", "accepted", "note", "flags"]
    columns = dots[names].fillna({"accepted": True})
    return Curation(
        tuple(
            CurationEntry(x_px, y_px, device=key.device, field=key.field, **each)
            for x_px, y_px, *said in columns.itertuples(index=False, name=None)
            for each in _said(x_px, y_px, *said)
        )
    )


def _said(x_px: float, y_px: float, accepted: bool, note: str, flags: str) -> Iterator[Any]:
    words = [word for word in str(flags).split(";") if word]
    if "added" in words:
        yield {"action": "added"}
    if "moved" in words:
        yield {"action": "moved", "to_x_px": x_px, "to_y_px": y_px}
    if not accepted:
        yield {"action": "rejected"}
    for word in words:
        if word not in OWN_FLAGS:
            yield {"action": "flagged", "flag": word}
    if note:
        yield {"action": "noted", "note": note}
