"""How far each field of a batch is, from the one count that a run reports."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate


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
    workers : int
        As given to `qdimage.run`. One process goes through the fields in order and reports every
        stack and file; several report a field when it is finished.
    """

    def __init__(self, fields: Sequence[tuple[str, int]], workers: int) -> None:
        self._fields = [FieldProgress(name, n_steps) for name, n_steps in fields]
        self._in_order = min(workers, len(self._fields)) <= 1
        self._ends = list(accumulate(n_steps for _, n_steps in fields))

    @property
    def fields(self) -> tuple[FieldProgress, ...]:
        """All fields as they are now."""
        return tuple(self._fields)

    def update(self, what: str, done: int) -> None:
        """Take in a report of `qdimage.run`."""
        if self._in_order:
            self._up_to(done)
        else:
            self._finish(what)

    def _up_to(self, done: int) -> None:
        for index, each in enumerate(self._fields):
            before = self._ends[index] - each.n_steps
            self._fields[index] = replace(each, done=min(max(done - before, 0), each.n_steps))

    def _finish(self, name: str) -> None:
        for index, each in enumerate(self._fields):
            # Fields of two devices may have one name: any of them will do, as all come in the end.
            if each.name == name and each.done < each.n_steps:
                self._fields[index] = replace(each, done=each.n_steps)
                return
