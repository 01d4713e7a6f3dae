"""What can be wrong with a time-tag file: one definition for tables, decoder and documentation."""

from collections.abc import Iterable
from enum import IntFlag


class PhotonFlag(IntFlag):
    """Reasons to look twice at a g2(0); written to tables by name, joined by ``;``."""

    AFTERPULSING = 1
    CROSSTALK = 2
    DEAD_TIME = 4
    SILENT_CHANNEL = 8
    HEADER_MISMATCH = 16
    FEW_COUNTS = 32
    RATE_DRIFT = 64
    NO_DIP = 128
    SLOW_PLATEAU = 256
    POOR_FIT = 512
    PULSED_LIGHT = 1024
    CLIPPED = 2048


PHOTON_FLAG_MEANING = {
    PhotonFlag.AFTERPULSING: "a detector counts again within 1 us of a count more often than the "
    "light explains (4 standard deviations)",
    PhotonFlag.CROSSTALK: "narrow peaks within 50 ns of zero delay, as where one detector sees the "
    "other's breakdown flash (chance of a false alarm 0.1 %)",
    PhotonFlag.DEAD_TIME: "a detector never counts twice within `dead_time_ns`; this is how "
    "detectors are, and harms the correlation of two of them little",
    PhotonFlag.SILENT_CHANNEL: "a detector has no counts, or less than 1 % of the other's",
    PhotonFlag.HEADER_MISMATCH: "the duration in the file's header is not that of its photons",
    PhotonFlag.FEW_COUNTS: "the 95 % interval is wider than 0.5",
    PhotonFlag.RATE_DRIFT: "the count rate changed by more than a fifth along the measurement "
    "(chance of a false alarm 0.1 %)",
    PhotonFlag.NO_DIP: "no dip is found: uncorrelated light shows as much in one of a hundred "
    "measurements; where no delay was given, g2 is that at no delay",
    PhotonFlag.SLOW_PLATEAU: "g2 is not level at the ends of the curve; the plateau comes from "
    "longer delays, or is extrapolated",
    PhotonFlag.POOR_FIT: "sums of exponentials do not describe the curve (p below 0.001)",
    PhotonFlag.PULSED_LIGHT: "coincidences repeat with `period_ns`, though no pulses were declared "
    "(chance of a false alarm below 0.1 %)",
    PhotonFlag.CLIPPED: "several bins hold the largest number that a counter of whole bytes can",
}


def photon_flag_names(flags: Iterable[PhotonFlag]) -> str:
    """Return the flags' names in lower case and in order, joined by ``;`` ("" for none)."""
    held = set(flags)
    return ";".join(flag.name.lower() for flag in PhotonFlag if flag in held and flag.name)
