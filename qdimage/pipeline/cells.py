"""Cells that hold several numbers."""

import math
from collections.abc import Iterable


def listed(values: Iterable[float]) -> str:
    """Return numbers joined by ``;``, with nothing between two where one is NaN."""
    return ";".join("" if math.isnan(each) else f"{each:.6g}" for each in values)
