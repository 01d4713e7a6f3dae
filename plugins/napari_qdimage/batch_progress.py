"""How far each field of a batch is, from the one count that a run reports."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class FieldProgress:
    """One field on its way.

    Attributes
    ----------
    name : str
    n_steps : int
        Stacks and files.
    done : int
    """

    name: str
    n_steps: int
    done: int = 0

    @property
    def text(self) -> str:
        """What the list of fields says."""
        if self.done == 0:
            return "waiting"
        return "analysed" if self.done == self.n_steps else f"{self.done} of {self.n_steps}"


class BatchProgress:
    """Keeps count of the fields of a run.

    Parameters
    ----------
    fields : sequence of (str, int)
        Name and number of stacks and files of each, in the order of `qdimage.plan`.
    """

    def __init__(self, fields: Sequence[tuple[str, int]]) -> None:
        self._fields = [FieldProgress(name, n_steps) for name, n_steps in fields]

    @property
    def fields(self) -> tuple[FieldProgress, ...]:
        """All fields as they are now."""
        return tuple(self._fields)

    def update(self, what: str) -> None:
        """Take in a report of `qdimage.run`, which begins with a field's name.

        Fields of two devices may have one name: any of them will do, as all come in the end.
        """
        waiting = [
            index
            for index, each in enumerate(self._fields)
            if f"{what}, ".startswith(f"{each.name}, ") and each.done < each.n_steps
        ]
        if waiting:
            index = max(waiting, key=lambda index: (len(self._fields[index].name), -index))
            self._fields[index] = replace(self._fields[index], done=self._fields[index].done + 1)
