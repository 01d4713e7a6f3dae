"""How one channel lies on another, and what that rests on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.transform import Transform


@dataclass(frozen=True)
class Registration:
    """A transform that chance does not explain.

    Attributes
    ----------
    transform : Transform
        Channel px to field px.
    model : str
        Terms that the dots support: "translation", "rigid", "similarity" or "affine", with
        "+radial" where the map bends; "manual" where it was given.
    pairs : ndarray of int, shape (n, 2)
        Index of the channel's dot, index of the reference's dot.
    residuals_px : ndarray, shape (n, 2)
        Mapped position of the channel's dot minus the reference's.
    chance_p : float
        Probability that unrelated dots agree as well somewhere in the range that was searched.
    inherited : bool
        The transform is another channel's; this channel's own dots are too few to test it.
    """

    transform: Transform
    model: str
    pairs: NDArray[np.int64]
    residuals_px: NDArray[np.float64]
    chance_p: float
    inherited: bool = False

    @property
    def n_inliers(self) -> int:
        """Number of pairs."""
        return len(self.pairs)

    @property
    def rms_px(self) -> float:
        """Root mean square distance of the pairs; NaN without pairs."""
        if len(self.pairs) == 0:
            return float("nan")
        return float(np.sqrt(np.mean(np.sum(self.residuals_px**2, axis=1))))
