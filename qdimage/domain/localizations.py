"""The dots found in one channel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.field_psf import FieldPsf, gaussian_psf


@dataclass(frozen=True)
class Localizations:
    """Dots of one channel, in order of (y, x); every array has one element for each dot.

    Attributes
    ----------
    x_px, y_px : ndarray
        Position in the channel's own frame, at the time of the stack's first frame.
    x_err_px, y_err_px : ndarray
        Standard deviations from the Fisher information.
    signal, signal_err : ndarray
        Signal per frame in the image's unit, by the fit.
    background : ndarray
        Signal per pixel and frame under the dot.
    sigma_px : ndarray
        Standard deviation of the fitted Gaussian.
    false_alarm_p : ndarray
        Expected number of noise peaks in the frame that are at least as significant, at most 1.
    flags : ndarray of int
        `qdimage.domain.flags.DotFlag`.
    psf_sigma_px : float
        Width of the Gaussian that is closest to the field's image of a point.
    psf : FieldPsf or None
        The field's image of a point; None where only its width is known.
    moved_px, moved_err_px : ndarray or None
        Distance between the places in the two halves of the stack, beside the field's dots, and
        its standard deviation; NaN, or None for all, where not known.
    """

    x_px: NDArray[np.float64]
    y_px: NDArray[np.float64]
    x_err_px: NDArray[np.float64]
    y_err_px: NDArray[np.float64]
    signal: NDArray[np.float64]
    signal_err: NDArray[np.float64]
    background: NDArray[np.float64]
    sigma_px: NDArray[np.float64]
    false_alarm_p: NDArray[np.float64]
    flags: NDArray[np.int64]
    psf_sigma_px: float
    psf: FieldPsf | None = None
    moved_px: NDArray[np.float64] | None = None
    moved_err_px: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.x_px)

    @property
    def field_psf(self) -> FieldPsf:
        """The field's image of a point; a Gaussian where only its width is known."""
        return gaussian_psf(self.psf_sigma_px) if self.psf is None else self.psf

    @property
    def positions(self) -> NDArray[np.float64]:
        """(n, 2) array of (x, y)."""
        return np.column_stack([self.x_px, self.y_px])

    @property
    def position_err_px(self) -> NDArray[np.float64]:
        """(n, 2) array of the standard deviations of (x, y)."""
        return np.column_stack([self.x_err_px, self.y_err_px])
