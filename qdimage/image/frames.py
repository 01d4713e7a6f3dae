"""The single frames of a stack, as light and as images of known noise."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.stack import Stack
from qdimage.image.calibration import adu_to_signal
from qdimage.image.statistics import chunk_frames


def signal_frames(stack: Stack, image: PhotonImage) -> Iterator[NDArray[np.float64]]:
    """Yield each frame above the bias in the unit of the stack's image, shape (y, x).

    Parameters
    ----------
    stack : Stack
        Read in blocks, so that it may be larger than memory.
    image : PhotonImage
        Made from it.
    """
    bias, scale = image.camera.bias_adu or 0.0, adu_to_signal(image.camera)
    for _, block in stack.blocks(chunk_frames(stack)):
        for frame in block:
            yield (frame.astype(np.float64) - bias) * scale


def frame_image(frame: NDArray[np.float64], image: PhotonImage) -> PhotonImage:
    """Return a single frame as an image: the camera's noise and defects as found in the stack.

    Parameters
    ----------
    frame : ndarray, shape (y, x)
        From `signal_frames`.
    image : PhotonImage
        Of the whole stack. Its cosmic hits are of unknown frames, so their pixels are left out.
    """
    usable = ~image.hot & ~image.saturated & ~image.cosmic
    return replace(
        image,
        mean=np.where(usable, frame, 0.0),
        n_samples=usable.astype(np.int32),
        usable=usable,
        drift_px=np.zeros((1, 2)),
        offset_px=np.zeros(2),
        n_frames=1,
        change=None,
    )
