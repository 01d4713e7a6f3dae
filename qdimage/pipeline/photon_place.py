"""The dot of a time-tag file or a spectrum, from the place that its declaration states."""

from dataclasses import dataclass

import numpy as np

from qdimage.domain.experiment import OpticsTable, PhotonsTable, SpectrumTable
from qdimage.domain.localizations import Localizations
from qdimage.match.place import dot_at_place

# A stage finds a spot about as well as that, where the pixel size is not known.
_WITHIN_SIGMA = 3.0


@dataclass(frozen=True)
class Place:
    """Where a file was taken.

    Attributes
    ----------
    x_px, y_px : float or None
        Field frame; None where not declared, or declared in stage units that cannot be mapped.
    dot_id : int or None
        The dot there, counted from 1.
    distance_px : float or None
        From the place to that dot.
    message : str
        Why there is no dot, or which other it may be.
    """

    x_px: float | None = None
    y_px: float | None = None
    dot_id: int | None = None
    distance_px: float | None = None
    message: str = ""


def place_of(
    declared: PhotonsTable | SpectrumTable,
    *,
    optics: OpticsTable,
    dots: Localizations | None,
    pixel_um: float | None,
    within_um: float,
) -> Place:
    """Return where a file was taken and the dot there.

    Parameters
    ----------
    declared : PhotonsTable or SpectrumTable
        With ``x_px``, ``y_px`` in field px, or ``x_um``, ``y_um`` on the stage.
    optics : OpticsTable
        Its ``stage_from_px`` maps the one to the other.
    dots : Localizations or None
        The field's PL dots; None where there is no image, or it failed.
    pixel_um : float or None
    within_um : float
        Largest distance of the dot from the place.
    """
    found = _field_px(declared, optics)
    if isinstance(found, str):
        return Place(message=found)
    if found is None or dots is None:
        return Place(*(found or (None, None)))
    within_px = _WITHIN_SIGMA * dots.psf_sigma_px if pixel_um is None else within_um / pixel_um
    dot = dot_at_place(dots.positions, found, within_px=within_px)
    if dot is None:
        where = f"({found[0]:.1f}, {found[1]:.1f})"
        return Place(*found, message=f"no PL dot lies within {within_px:.1f} px of {where}")
    message = "" if dot.alone else f"another PL dot lies within {within_px:.1f} px as well"
    return Place(*found, dot.index + 1, dot.distance_px, message)


def _field_px(
    declared: PhotonsTable | SpectrumTable, optics: OpticsTable
) -> tuple[float, float] | str | None:
    """The place in field px, why it cannot be given, or None where none is declared."""
    if declared.x_px is not None and declared.y_px is not None:
        return declared.x_px, declared.y_px
    if declared.x_um is None or declared.y_um is None:
        return None
    if optics.stage_from_px is None:
        return "x_um and y_um are on the stage; add stage_from_px to [optics] to find the dot"
    affine = np.array(optics.stage_from_px)
    x_px, y_px = np.linalg.solve(
        affine[:, :2], np.array([declared.x_um, declared.y_um]) - affine[:, 2]
    )
    return float(x_px), float(y_px)
