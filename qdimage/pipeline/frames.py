"""Channels whose frames differ by binning and by the camera's region of interest."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.experiment import ChannelTable
from qdimage.domain.localizations import Localizations
from qdimage.domain.transform import Transform

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NominalMap:
    """The map p -> scale p + offset from a channel's pixels to the reference's, as declared.

    Attributes
    ----------
    scale : float
        Reference pixels for each channel pixel.
    offset : ndarray, shape (2,)
        Place of the channel's pixel (0, 0) in the reference's frame, px.
    """

    scale: float
    offset: Floats

    def shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        """(height, width) of the channel's frame in reference pixels."""
        return round(shape[0] * self.scale), round(shape[1] * self.scale)

    def points(self, points: Floats) -> Floats:
        """Map (n, 2) channel positions."""
        return np.asarray(self.scale * points + self.offset)

    def dots(self, dots: Localizations) -> Localizations:
        """Map positions and their errors."""
        positions = self.points(dots.positions)
        return replace(
            dots,
            x_px=positions[:, 0],
            y_px=positions[:, 1],
            x_err_px=self.scale * dots.x_err_px,
            y_err_px=self.scale * dots.y_err_px,
        )

    def then(self, transform: Transform) -> Transform:
        """Return the transform that first maps as declared and then as `transform`."""
        return _after(transform, self.scale, self.offset)

    def before(self, transform: Transform) -> Transform:
        """Return what has to follow this map so that both together are `transform`."""
        return _after(transform, 1.0 / self.scale, -self.offset / self.scale)


def nominal_map(channel: ChannelTable, reference: ChannelTable) -> NominalMap:
    """Return the map that binning and region of interest of two channels state."""
    corner = np.array(channel.roi_offset_px) - np.array(reference.roi_offset_px)
    centre = (channel.binning - reference.binning) / 2
    return NominalMap(
        channel.binning / reference.binning, np.asarray((corner + centre) / reference.binning)
    )


def _after(transform: Transform, scale: float, offset: Floats) -> Transform:
    """Return p -> transform(scale p + offset) in the form of a `Transform`."""
    linear, constant = transform.matrix[:, :2], transform.matrix[:, 2]
    jacobian = np.zeros((7, 7))
    for start in (0, 3):
        jacobian[[start, start + 1], [start, start + 1]] = scale
        jacobian[start + 2, start : start + 3] = [*offset, 1.0]
    jacobian[6, 6] = 1.0 / scale
    centre = (np.asarray(transform.centre_px) - offset) / scale
    return Transform(
        np.column_stack([scale * linear, linear @ offset + constant]),
        transform.radial_px / scale,
        (float(centre[0]), float(centre[1])),
        transform.radius_px / scale,
        np.asarray(jacobian @ transform.covariance @ jacobian.T),
    )


def overlap_fraction(
    transform: Transform, shape: tuple[int, int], field_shape: tuple[int, int]
) -> float:
    """Return the share of the field that a channel of a shape (height, width) shows."""
    height, width = field_shape
    rows, columns = np.mgrid[0 : height - 1 : 64j, 0 : width - 1 : 64j]
    inside = transform.inverse(np.column_stack([columns.ravel(), rows.ravel()]))
    edge = np.array([shape[1], shape[0]]) - 0.5
    return float(np.mean(np.all((inside >= -0.5) & (inside < edge), axis=1)))
