"""The current through a device against voltage, as a source-meter recorded it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class IvCurve:
    """The readings of one file, in the order in which they were taken.

    Attributes
    ----------
    path : pathlib.Path
    voltage_v : ndarray, shape (n,)
    current_a : ndarray, shape (n,)
        NaN where the source-meter overflowed.
    time_s : ndarray of shape (n,), or None
        From the file's own zero.
    compliance : ndarray of bool, shape (n,)
        Where the file says that the source-meter limited the current, so that the device did not
        get the voltage that was asked for.
    limit_a : float or None
        The most current that the source-meter was told to give; None where not stated.
    meta : mapping of str to str
        What the file says besides.
    warnings : tuple of str
        What was found wrong with the file and could be passed over.
    """

    path: Path
    voltage_v: Array
    current_a: Array
    time_s: Array | None
    compliance: Mask
    limit_a: float | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.voltage_v)

    @property
    def usable(self) -> Mask:
        """Readings that are neither overflows nor in compliance."""
        return np.isfinite(self.current_a) & ~self.compliance
