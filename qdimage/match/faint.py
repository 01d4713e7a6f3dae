"""PL spots that are too faint beside the field's other dots to be one."""

from dataclasses import replace

import numpy as np

from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations


def flag_faint(dots: Localizations, least_share: float) -> Localizations:
    """Return the dots with `DotFlag.FAINT` where the PL is below a share of the field's median.

    The noise peaks that pass detection, pixels that are a little hot and rings of bright dots have
    some percent of a dot's light, and dots differ by a factor of a few. They have no EL, so that
    as dots they would lower the fraction.

    Parameters
    ----------
    dots : Localizations
        PL dots.
    least_share : float
        Of the median; 0 flags none.
    """
    known = np.isfinite(dots.signal)
    if not known.any():
        return dots
    faint = known & (dots.signal < least_share * np.median(dots.signal[known]))
    return replace(dots, flags=np.where(faint, dots.flags | DotFlag.FAINT, dots.flags))
