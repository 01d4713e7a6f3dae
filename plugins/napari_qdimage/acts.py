"""Acts of curation that can be taken back: what was decided about which dots, before and after."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qdimage.domain.curation import Curation, CurationEntry, FieldKey, JudgedPlace, entries_of

Decisions = Mapping[int, JudgedPlace | None]


@dataclass(frozen=True)
class Act:
    """One act on one or several dots of a field.

    Attributes
    ----------
    text : str
        For a menu: "Reject 3 dots".
    field : FieldKey
    before, after : mapping of int to JudgedPlace or None
        By dot_id; None where nothing was decided, so that a dot added by hand is not there.
    """

    text: str
    field: FieldKey
    before: Decisions
    after: Decisions


class Ledger:
    """What has been decided about every dot, and the acts that led there."""

    def __init__(self) -> None:
        self._judged: dict[FieldKey, dict[int, JudgedPlace]] = {}
        self._lost: dict[FieldKey, tuple[JudgedPlace, ...]] = {}
        self._highest: dict[FieldKey, int] = {}
        self._done: list[Act] = []
        self._undone: list[Act] = []

    def start(
        self,
        judged: Mapping[FieldKey, Mapping[int, JudgedPlace]],
        lost: Mapping[FieldKey, tuple[JudgedPlace, ...]],
    ) -> None:
        """Begin with what a file says; there is nothing to undo."""
        self._judged = {key: dict(each) for key, each in judged.items()}
        self._lost = dict(lost)
        self._highest = {field: max(each, default=0) for field, each in self._judged.items()}
        self._done, self._undone = [], []

    def find(
        self,
        field: FieldKey,
        judged: Mapping[int, JudgedPlace],
        lost: tuple[JudgedPlace, ...],
    ) -> None:
        """Give dots to decisions that had none; a dot that has some keeps them."""
        own = self._judged.setdefault(field, {})
        taken = tuple(place for dot, place in judged.items() if dot in own)
        own.update({dot: place for dot, place in judged.items() if dot not in own})
        self._lost[field] = (*lost, *taken)

    def of_field(self, field: FieldKey) -> Mapping[int, JudgedPlace]:
        """Return the decisions about a field's dots, by dot_id."""
        return self._judged.get(field, {})

    @property
    def judged(self) -> Mapping[FieldKey, Mapping[int, JudgedPlace]]:
        """Decisions by field and dot_id."""
        return {field: dict(each) for field, each in self._judged.items() if each}

    @property
    def lost(self) -> Mapping[FieldKey, tuple[JudgedPlace, ...]]:
        """Decisions about places where no dot is; they are kept for the file."""
        return dict(self._lost)

    def highest_id(self, field: FieldKey) -> int:
        """Return the highest dot_id of a field that was spent or decided about, undone or not."""
        return self._highest.get(field, 0)

    def spend_ids(self, field: FieldKey, highest: int) -> None:
        """Give no new dot of a field a number up to this one."""
        self._highest[field] = max(self.highest_id(field), highest)

    def do(self, act: Act) -> None:
        """Carry an act out; what had been undone can no longer be redone."""
        self._set(act.field, act.after)
        self.spend_ids(act.field, max(act.after))
        self._done.append(act)
        self._undone.clear()

    def undo(self) -> Act:
        """Take the last act back and return it."""
        act = self._done.pop()
        self._set(act.field, act.before)
        self._undone.append(act)
        return act

    def redo(self) -> Act:
        """Carry out again the act that was taken back last, and return it."""
        act = self._undone.pop()
        self._set(act.field, act.after)
        self._done.append(act)
        return act

    @property
    def undo_text(self) -> str:
        """What `undo` would take back; "" for nothing."""
        return self._done[-1].text if self._done else ""

    @property
    def redo_text(self) -> str:
        """What `redo` would carry out again; "" for nothing."""
        return self._undone[-1].text if self._undone else ""

    def _set(self, field: FieldKey, decisions: Decisions) -> None:
        judged = self._judged.setdefault(field, {})
        for dot, place in decisions.items():
            if place is None:
                judged.pop(dot, None)
            else:
                judged[dot] = place

    def curation(self, fields: Iterable[FieldKey] | None = None) -> Curation:
        """Return all decisions, or those about some fields, as a file holds them."""
        wanted = {*self._judged, *self._lost} if fields is None else set(fields)
        judged = {field: each for field, each in self._judged.items() if field in wanted}
        return curation_of(
            judged, {field: each for field, each in self._lost.items() if field in wanted}
        )


def curation_of(
    judged: Mapping[FieldKey, Mapping[int, JudgedPlace]],
    lost: Mapping[FieldKey, tuple[JudgedPlace, ...]],
) -> Curation:
    """Return decisions as a file holds them: by field, then by the dots' numbers."""
    entries: list[CurationEntry] = []
    for field in sorted({*judged, *lost}):
        own = judged.get(field, {})
        for place in (*(own[dot] for dot in sorted(own)), *lost.get(field, ())):
            entries += entries_of(place, field)
    return Curation(tuple(entries))
