"""What the device conducts, and the sweep of a source-meter."""

from qdimage.domain.options import option
from qdimage.simulation.group import Group


class IvOptions(Group):
    """An I-V file beside the first field: an ohmic leak, and injection from an onset on."""

    highest_v: float = option(
        0.0, "voltage of the sweep's turn, from 0 and back; 0 for no file", "V", ge=0
    )
    step_v: float = option(0.05, "step of the sweep", "V", gt=0)
    area_mm2: float = option(4.0, "area of the device", "mm^2", gt=0)
    leak_ohm: float = option(2e7, "resistance of the leak", "ohm", gt=0)
    onset_v: float = option(1.8, "voltage at which injection sets in", "V")
    onset_width_v: float = option(0.06, "how softly it does", "V", gt=0)
    injected_a: float = option(2e-4, "injected current at 1 V above the onset", "A", ge=0)
    power: float = option(2.5, "its power of the voltage above the onset", gt=0)
    falling_share: float = option(0.9, "of it in the falling sweep", gt=0)
    relative_noise: float = option(2e-3, "standard deviation of a reading, of the current", ge=0)
    noise_a: float = option(2e-11, "that of the source-meter's own", "A", ge=0)
    limit_a: float = option(1e-2, "most current that the source-meter gives", "A", gt=0)
