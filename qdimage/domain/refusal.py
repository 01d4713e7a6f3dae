"""What stands in the place of a result: no answer is possible, or none was reached."""

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


@dataclass(frozen=True)
class Failure:
    """Why something could not be read or computed.

    Kept in the place of the result, so that everything else goes on and nothing is lost.

    Attributes
    ----------
    reason : str
        What was found, what was expected, and what to do, in one line.
    """

    reason: str
