"""What a person decided about dots: accepted, rejected, flagged, added, moved, deleted, noted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import hypot
from typing import Any, Literal, NamedTuple, get_args

from qdimage.domain.flags import DotFlag
from qdimage.errors import ConfigurationError

Action = Literal["accepted", "rejected", "flagged", "added", "moved", "deleted", "noted"]
ACTIONS: tuple[Action, ...] = get_args(Action)

# Places written by hand, and read back from a table of text.
SAME_PLACE_PX = 1e-3

# Words that the analysis itself writes beside a dot.
OWN_FLAGS = frozenset(flag.name.lower() for flag in DotFlag if flag.name)


class FieldKey(NamedTuple):
    """Device and name: what a field is called in every table."""

    device: str
    field: str

    def __str__(self) -> str:
        return f"{self.device}, {self.field}"


@dataclass(frozen=True)
class CurationEntry:
    """One decision about one place of a field.

    Attributes
    ----------
    x_px, y_px : float
        Where the dot was found, or added: field frame, before any move.
    action : str
        One of `ACTIONS`.
    flag : str
        The word, for `flagged`.
    note : str
    to_x_px, to_y_px : float or None
        The new place, for `moved`.
    device, field : str
        "" for the field that the file lies beside.
    """

    x_px: float
    y_px: float
    action: Action
    flag: str = ""
    note: str = ""
    to_x_px: float | None = None
    to_y_px: float | None = None
    device: str = ""
    field: str = ""

    def __str__(self) -> str:
        return f"{self.action} at ({self.x_px:.2f}, {self.y_px:.2f})"


@dataclass(frozen=True)
class Judgement:
    """All that was decided about one dot.

    Attributes
    ----------
    accepted : bool or None
        None where nobody has looked.
    flags : tuple of str
        A person's own words, in order of the alphabet.
    note : str
    moved_to_px : (float, float) or None
    added, deleted : bool
        Put there by hand; taken away as no dot.
    """

    accepted: bool | None = None
    flags: tuple[str, ...] = ()
    note: str = ""
    moved_to_px: tuple[float, float] | None = None
    added: bool = False
    deleted: bool = False


@dataclass(frozen=True)
class JudgedPlace:
    """A judgement and the place (x, y) that it is about: as found, or as added."""

    x_px: float
    y_px: float
    judgement: Judgement

    @property
    def now_px(self) -> tuple[float, float]:
        """Where the dot is after its move."""
        return self.judgement.moved_to_px or (self.x_px, self.y_px)

    @property
    def is_by_hand(self) -> bool:
        """Whether a person said where the dot is."""
        return self.judgement.added or self.judgement.moved_to_px is not None

    def is_elsewhere(self, x_px: float, y_px: float) -> bool:
        """Whether the dot was put elsewhere than a table has it."""
        if not self.is_by_hand:
            return False
        x, y = self.now_px
        return not hypot(x - x_px, y - y_px) < SAME_PLACE_PX

    def __str__(self) -> str:
        words = ", ".join(entry.action for entry in entries_of(self, FieldKey("", "")))
        return f"{words} at ({self.x_px:.2f}, {self.y_px:.2f})"


@dataclass(frozen=True)
class Curation:
    """All decisions about one or several fields, in the order in which they were taken."""

    entries: tuple[CurationEntry, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.entries)

    def of_field(self, key: FieldKey) -> tuple[JudgedPlace, ...]:
        """Return what was decided about one field, a place at a time."""
        own = (each for each in self.entries if (each.device, each.field) == key)
        return judged_places(own)

    def placed(self, key: FieldKey) -> "Curation":
        """Return the same with the entries that name no field given to this one."""
        return Curation(
            tuple(
                replace(each, device=each.device or key.device, field=each.field or key.field)
                for each in self.entries
            )
        )


def judged_places(entries: Iterable[CurationEntry]) -> tuple[JudgedPlace, ...]:
    """Sum up decisions by place; of two that exclude each other, the later one holds."""
    found: dict[tuple[float, float], Judgement] = {}
    for entry in entries:
        place = entry.x_px, entry.y_px
        found[place] = _after(found.get(place, Judgement()), entry)
    return tuple(JudgedPlace(*place, judgement) for place, judgement in found.items())


def _after(before: Judgement, entry: CurationEntry) -> Judgement:
    now = replace(before, note=entry.note) if entry.note or entry.action == "noted" else before
    match entry.action:
        case "accepted" | "rejected":
            return replace(now, accepted=entry.action == "accepted")
        case "flagged":
            return replace(now, flags=tuple(sorted({*now.flags, entry.flag})))
        case "moved" if entry.to_x_px is not None and entry.to_y_px is not None:
            return replace(now, moved_to_px=(entry.to_x_px, entry.to_y_px))
        case "added":
            return replace(now, added=True, deleted=False)
        case "deleted":
            return replace(now, deleted=True)
    return now


def entries_of(place: JudgedPlace, key: FieldKey) -> tuple[CurationEntry, ...]:
    """Return the decisions that sum up to a judgement; none for an empty one."""
    judged = place.judgement
    made: list[CurationEntry] = []

    def add(action: Action, **more: Any) -> None:
        entry = CurationEntry(place.x_px, place.y_px, action, device=key.device, field=key.field)
        made.append(replace(entry, **more))

    if judged.added:
        add("added")
    if judged.moved_to_px is not None:
        add("moved", to_x_px=judged.moved_to_px[0], to_y_px=judged.moved_to_px[1])
    if judged.deleted:
        add("deleted")
    if judged.accepted is not None:
        add("accepted" if judged.accepted else "rejected")
    for word in judged.flags:
        add("flagged", flag=word)
    if judged.note:
        add("noted", note=judged.note)
    return tuple(made)


def joined_flags(own: str, words: Sequence[str]) -> str:
    """Return the flags of the analysis and a person's words as one cell."""
    return ";".join([*(each for each in own.split(";") if each), *words])


def check_flag(word: str) -> None:
    """Refuse a word that no cell of `flags` can hold, or that the analysis itself writes.

    Raises
    ------
    ConfigurationError
        Says what is wrong with it.
    """
    if not word or ";" in word or word != "".join(word.split()):
        raise ConfigurationError(
            f"found the flag {word!r}, expected one word without spaces and semicolons; "
            "join words by an underscore"
        )
    if word in OWN_FLAGS:
        raise ConfigurationError(
            f"found the flag {word!r}, which the analysis itself uses; choose another word"
        )
