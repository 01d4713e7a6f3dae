"""Which dots get histograms of delays instead of time tags."""

from pydantic import field_validator

from qdimage.domain.options import option
from qdimage.simulation.group import Group


class HistogramOptions(Group):
    """Histograms of the delays between two detectors, as a measurement of minutes leaves them.

    The dots are those of the time tags, in the same order; rates and counts are theirs as well.
    """

    n_el_dots: int = option(0, "dots of a field with histograms in EL", ge=0, le=1000)
    voltages_v: tuple[float, ...] = option(
        (2.6,), "voltages at which they are taken, where the dot is lit", "V"
    )
    n_series_dots: int = option(
        0, "the first of them are measured at more voltages, in the first field", ge=0, le=1000
    )
    series_voltages_v: tuple[float, ...] = option(
        (2.1, 2.2, 2.6), "voltages of that series, where the dot is lit", "V"
    )
    n_pl_dots: int = option(0, "dots of a field with histograms in PL", ge=0, le=1000)
    n_fields: int = option(1, "fields, from the first on, in which they are taken", ge=1)
    duration_s: float = option(300.0, "length of each measurement", "s", gt=0, le=1e6)
    bin_ns: float = option(0.5, "width of a bin", "ns", gt=0)
    longest_ns: float = option(300.0, "longest delay, on either side", "ns", gt=0, le=1e5)

    @field_validator("voltages_v", "series_voltages_v")
    @classmethod
    def _differ(cls, voltages: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(voltages)) != len(voltages):
            raise ValueError("the same voltage is listed twice; list each voltage once")
        return voltages
