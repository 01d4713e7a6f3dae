"""Which dots of a channel are which of the reference's."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Matches:
    """Every dot of a registered channel beside the nearest dot of the reference.

    Attributes
    ----------
    mapped : ndarray, shape (n, 2)
        The channel's dots, in field px.
    nearest : ndarray of int, shape (n,)
        Index of the nearest reference dot; -1 where there is none at all.
    residuals_px : ndarray, shape (n, 2)
        Mapped position minus that dot's.
    gate_px : ndarray, shape (n,)
        Distance within which the errors of both allow a match.
    dot : ndarray of int, shape (n,)
        Index of the reference dot matched one to one; -1 for none.
    alone : ndarray of bool, shape (n,)
        Unmatched, and too far from every reference dot for its light to be taken for that dot's.
    inside : ndarray of bool, shape (n,)
        Where the reference would show a dot: inside its frame, away from its border.
    """

    mapped: NDArray[np.float64]
    nearest: NDArray[np.int64]
    residuals_px: NDArray[np.float64]
    gate_px: NDArray[np.float64]
    dot: NDArray[np.int64]
    alone: NDArray[np.bool_]
    inside: NDArray[np.bool_]

    @property
    def distance_px(self) -> NDArray[np.float64]:
        """Distance to the nearest reference dot."""
        return np.asarray(np.hypot(self.residuals_px[:, 0], self.residuals_px[:, 1]))

    @property
    def el_only(self) -> NDArray[np.bool_]:
        """Whether each is a source that the reference should show and does not."""
        return self.alone & self.inside

    def partner_of(self, n_dots: int) -> NDArray[np.int64]:
        """Index of each reference dot's match in the channel; -1 without one."""
        partner = np.full(n_dots, -1, np.int64)
        found = self.dot >= 0
        partner[self.dot[found]] = np.flatnonzero(found)
        return partner
