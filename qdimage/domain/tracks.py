"""Dots frame by frame: where they move, and how bright they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.localizations import Localizations


@dataclass(frozen=True)
class Tracks:
    """Localizations of single frames, linked to tracks.

    Attributes
    ----------
    frames : tuple of Localizations
        Of each frame, in its own pixels.
    track : tuple of ndarray of int
        For each frame, the track of each of its localizations; tracks count from 1.
    drift_px : ndarray, shape (t, 2)
        (x, y) drift of each frame from the first.
    """

    frames: tuple[Localizations, ...]
    track: tuple[NDArray[np.int64], ...]
    drift_px: NDArray[np.float64]


@dataclass(frozen=True)
class FrameFluxes:
    """The flux of dots that stay where they are, in every frame.

    Attributes
    ----------
    signal, signal_err : ndarray, shape (t, n)
        Signal of each dot in each frame, in the image's unit; NaN where a dot is out of the frame.
    offset : ndarray, shape (t,)
        Background of each frame above the stack's mean background, per pixel.
    """

    signal: NDArray[np.float64]
    signal_err: NDArray[np.float64]
    offset: NDArray[np.float64]
