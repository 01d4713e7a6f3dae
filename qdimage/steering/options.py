"""Options of choosing targets and of what is expected of them."""

from typing import Literal

from qdimage.domain.options import Options, option


class TargetOptions(Options):
    """Which dots are worth steering to, and what an HBT measurement of them needs."""

    isolated: bool = option(True, "only dots without another PL dot inside isolation_um")
    isolation_um: float | None = option(
        None, "that distance; as in the run where not given", "um", gt=0
    )
    lit: bool = option(True, "only dots called lit at the voltage; of EL")
    min_photons_s: float | None = option(None, "least flux at the camera", "photons/s", ge=0)
    max_photons_s: float | None = option(None, "largest flux at the camera", "photons/s", gt=0)
    spacing_um: float = option(0.0, "least distance between two chosen dots", "um", ge=0)
    max_g2_floor: float | None = option(None, "largest g2_floor", "", gt=0, le=1)
    number: int | None = option(None, "dots wanted; those that take the least time", "", ge=1)
    g2_err: float = option(0.01, "wanted standard error of g2(0)", "", gt=0, lt=1)
    g2_0: float = option(0.05, "g2(0) expected of a dot on its own", "", ge=0, lt=1)
    rise_time_ns: float | None = option(
        None, "of the dip; else that of the device's at the nearest voltage, else 10", "ns", gt=0
    )
    response_fwhm_ns: float = option(0.5, "of the two detectors together", "ns", ge=0)
    counts_s: float | None = option(
        None, "counts of both detectors expected of every dot; else from its flux", "1/s", gt=0
    )
    dark_counts_s: float = option(0.0, "dark counts of both detectors together", "1/s", ge=0)
    stage_model: Literal["auto", "similarity", "affine"] = option(
        "auto", "map fitted to clicked pairs; auto: similarity for three, affine for more"
    )
    click_err_um: float | None = option(
        None, "standard error of a clicked place; else from the pairs' scatter", "um", gt=0
    )
