"""The turn-on fraction as the decisions leave it, computed beside the window."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_qdimage import messages, tasks, work
from napari_qdimage.session import Session
from qdimage.domain.curation import FieldKey, JudgedPlace

if TYPE_CHECKING:
    import pandas as pd

Decisions = Mapping[FieldKey, Mapping[int, JudgedPlace]]


class LiveFraction:
    """Rows of `turn_on`, counted anew after each decision that matters to them.

    A fit of thousands of dots takes seconds: the answer comes later, and what is shown until then
    says so. One computation runs at a time; the next one begins with all that was decided since.

    Attributes
    ----------
    changed
        There are other rows, or `is_counting` is another.
    """

    changed = Signal()

    def __init__(self, session: Session, owner: QObject) -> None:
        self._session = session
        self._owner = owner
        self._job: work.Job | None = None
        self._begin()

    @property
    def rows(self) -> "pd.DataFrame":
        """The last rows, of the shown field's device."""
        field = self._session.field
        device = "" if field is None else field.device
        return self._rows[self._rows["device"] == device].reset_index(drop=True)

    @property
    def is_counting(self) -> bool:
        """Whether rows with all decisions are still to come."""
        return self._job is not None

    def forget(self) -> None:
        """Begin anew with tables that were measured."""
        if self._job is not None:
            self._job.abandon()
            self._job = None
        self._begin()

    def _begin(self) -> None:
        measured = self._session.measured
        self._rows: pd.DataFrame = measured["turn_on"]
        # Which decisions a run counted is known where it counted none.
        all_accepted = bool(measured["dots"]["accepted"].fillna(True).all())
        self._counted: Decisions | None = {} if all_accepted else None

    def ask(self) -> None:
        """Have the rows counted if a decision that matters was made; `changed` says when."""
        wanted = decisions_that_count(self._session.judged)
        if self._job is not None or wanted == self._counted or not len(self._rows):
            return
        self._job = work.compute(
            tasks.turn_on_after,
            self._session.measured,
            self._session.judged,
            on_done=lambda rows: self._take(rows, wanted),
            on_error=self._fail,
            owner=self._owner,
        )
        self.changed.emit()

    def _take(self, rows: "pd.DataFrame", counted: Decisions) -> None:
        self._job = None
        self._rows, self._counted = rows, counted
        self.ask()
        self.changed.emit()

    def _fail(self, text: str) -> None:
        self._job = None
        self._counted = decisions_that_count(self._session.judged)
        self.changed.emit()
        messages.show(text)


def decisions_that_count(judged: Decisions) -> Decisions:
    """Return the decisions without which the fraction would be another."""
    return {
        field: own
        for field, places in judged.items()
        if (own := {dot: place for dot, place in places.items() if _counts(place)})
    }


def _counts(place: JudgedPlace) -> bool:
    own = place.judgement
    return own.accepted is False or own.added or own.deleted or own.moved_to_px is not None
