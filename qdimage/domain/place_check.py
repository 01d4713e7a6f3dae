"""Places predicted and measured again: how the one lies on the other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PlaceCheck:
    """Offset, rotation and scale of measured against predicted places.

    Attributes
    ----------
    offset_um : ndarray, shape (2,)
        Of the middle of the predicted places that agree; measured less predicted.
    offset_err_um : float
        Standard error of each of its coordinates; NaN with one place.
    rotation_deg, rotation_err_deg, scale, scale_err : float
        NaN with fewer than three places that agree.
    rms_um, left_um : float
        Root mean square distance of the places that agree, before and after the fit.
    left : ndarray, shape (n, 2)
        Measured less fitted, of every place.
    off : ndarray of bool, shape (n,)
        Places that disagree with the others; left out of the fit.
    """

    offset_um: NDArray[np.float64]
    offset_err_um: float
    rotation_deg: float
    rotation_err_deg: float
    scale: float
    scale_err: float
    rms_um: float
    left_um: float
    left: NDArray[np.float64]
    off: NDArray[np.bool_]
