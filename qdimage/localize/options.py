"""Options of localization."""

from typing import Literal

from qdimage.domain.options import Options, option


class LocalizeOptions(Options):
    """How dots are found and fitted."""

    false_alarms_per_frame: float = option(
        0.1, "noise peaks that one image may contribute on average", "peaks", gt=0, le=100
    )
    false_discovery_rate: float = option(
        0.0,
        "share of an image's dots that may be noise peaks, where that allows more than "
        "false_alarms_per_frame; 0 leaves it out",
        ge=0,
        lt=0.5,
    )
    noise_chance: float = option(
        0.5,
        "largest chance that a dim dot is a noise peak, in images that hold clearly more dim spots "
        "than noise makes; there it allows more than false_alarms_per_frame; 0 leaves it out",
        ge=0,
        lt=1,
    )
    candidates: Literal["matched_filter", "trackpy"] = option(
        "matched_filter",
        "what proposes dots: maxima of the matched filter, or trackpy on its signal-to-noise",
    )
    psf_sigma_px: float | None = option(
        None, "width of a dot; measured on the field where not given", "px", gt=0.3, lt=10
    )
    psf: Literal["measured", "gaussian"] = option(
        "measured",
        "shape of a dot: its rings and wings measured where the field's bright dots show them, or "
        "a Gaussian always",
    )
    width: Literal["shared", "free"] = option(
        "shared", "width of a dot in the fit: the field's for all, or each its own"
    )
    likelihood: Literal["excess_noise", "poisson_gamma"] = option(
        "excess_noise",
        "of the fit: the Poisson form scaled to the camera's variance, or the exact distribution "
        "of the EM register's output, which is more certain below one electron per pixel",
    )
    background_box_px: int = option(
        32, "size of the boxes in which the background is estimated", "px", ge=8
    )
    max_rounds: int = option(
        3, "searches, each on what the dots found so far leave over", "", ge=1, le=10
    )
