"""A simulated Hanbury Brown-Twiss setup: two detectors behind a beam splitter, and their clock."""

from pydantic import field_validator

from qdimage.domain.options import option
from qdimage.simulation.group import Group

_MOST_DARK_COUNTS_S = 1e7


class DetectorOptions(Group):
    """What the detectors and the clock make of light."""

    first_share: float = option(
        0.5, "share of the detected photons that the beam splitter sends to detector 0", ge=0, le=1
    )
    dark_counts_s: tuple[float, float] = option((120.0, 80.0), "counts without light", "counts/s")
    dead_time_ns: float = option(
        25.0, "time after a count in which a detector is blind", "ns", ge=0, le=1e6
    )
    jitter_fwhm_ns: float = option(
        0.35, "full width at half maximum of each detector's Gaussian response", "ns", ge=0, le=1e3
    )
    afterpulse_probability: float = option(
        0.005, "chance that a count is followed by another without light", ge=0, le=0.5
    )
    afterpulse_delay_ns: float = option(
        50.0, "mean time from the end of the dead time to an afterpulse", "ns", gt=0, le=1e6
    )
    cable_delay_ns: float = option(
        0.0, "how much later the clock sees detector 1 than detector 0", "ns", ge=-1e6, le=1e6
    )
    tick_ps: float = option(4.0, "tick of the clock", "ps", ge=0.1, le=1e6)

    @field_validator("dark_counts_s")
    @classmethod
    def _can_be_drawn(cls, counts_s: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= min(counts_s) <= max(counts_s) <= _MOST_DARK_COUNTS_S:
            raise ValueError(
                f"found {list(counts_s)}, expected two numbers from 0 to {_MOST_DARK_COUNTS_S:.0e}"
            )
        return counts_s


class PhotonStreamOptions(DetectorOptions):
    """From emitted photons to time tags."""

    # Times are drawn as floats, which count 0.5 ps apart at an hour.
    duration_s: float = option(10.0, "length of the measurement", "s", gt=0, le=3600)
    warm_up_us: float = option(
        100.0, "time that the emitter runs before the measurement begins", "us", ge=0, le=1e9
    )
    detection_efficiency: float = option(
        0.08, "photons that reach a detector and trigger it, of those emitted", ge=0, le=1
    )
