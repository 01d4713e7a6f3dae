"""An answer of its own kind: the data do not support one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """Why there is no answer.

    A refusal is returned in the place of a result, so that a caller has to look at which of the
    two it was given; it is not an error.

    Attributes
    ----------
    reason : str
        What was found, what was expected, and what to try, in one line.
    """

    reason: str
