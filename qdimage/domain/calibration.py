"""What a calibration of a camera found."""

from dataclasses import dataclass

from qdimage.units import unit_of

_NORMAL_95 = 1.959964


@dataclass(frozen=True)
class Measured:
    """A number with its error.

    Attributes
    ----------
    value, err : float
    low, high : float
        Ends of the 95 % interval.
    method : str
        What it is from, in a few words.
    """

    value: float
    err: float
    low: float
    high: float
    method: str

    @classmethod
    def normal(
        cls, value: float, err: float, method: str, *, quantile: float = _NORMAL_95
    ) -> "Measured":
        """Return a number whose error is that of a normal (or Student's) distribution."""
        return cls(value, err, value - quantile * err, value + quantile * err, method)

    def times(self, factor: float) -> "Measured":
        """Return the number in another unit, `factor` of which are one of the old."""
        return Measured(
            self.value * factor,
            self.err * factor,
            self.low * factor,
            self.high * factor,
            self.method,
        )


def with_part(name: str, part: str) -> str:
    """Return the name of a quantity's error or interval's end: ``bias_adu`` -> ``bias_err_adu``."""
    suffix = name.rpartition("_")[2]
    if unit_of(name) and "_per_" not in name:
        return f"{name.removesuffix(f'_{suffix}')}_{part}_{suffix}"
    return f"{name}_{part}"
