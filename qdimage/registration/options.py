"""Options of registration."""

from qdimage.domain.options import Options, option


class RegisterOptions(Options):
    """How an EL channel is mapped to the PL reference."""

    likely_shift_px: float = option(
        30.0, "shift of the frame's centre up to which is searched first", "px", ge=0
    )
    likely_rotation_deg: float = option(
        3.0, "rotation up to which is searched first", "deg", ge=0, le=180
    )
    max_shift_px: float | None = option(
        None, "largest shift of the frame's centre; else half the field's diagonal", "px", ge=0
    )
    max_rotation_deg: float = option(180.0, "largest rotation", "deg", ge=0, le=180)
    allow_mirror: bool = option(True, "search mirror images as well")
    unlikely_share: float = option(
        0.1,
        "share of max_chance_probability that is spent beyond the likely range; 0: not searched",
        "",
        ge=0,
        le=0.9,
    )
    scale_prior: float = option(
        0.01, "standard deviation expected of the scale about 1", "", gt=0, le=0.1
    )
    shear_prior: float = option(
        0.001, "standard deviation expected of shear and unequal scale", "", gt=0, le=0.1
    )
    radial_prior_px: float = option(
        0.5, "standard deviation expected of the radial term at the frame's corner", "px", gt=0
    )
    max_chance_probability: float = option(
        0.01, "an agreement that chance may reach more often than this is refused", "", gt=0, lt=0.1
    )
    sibling_shift_px: float = option(
        2.0, "largest shift between two voltages of one field", "px", gt=0
    )
    systematic_error_px: float = option(
        0.05, "position error beyond the fit's own, the same for every dot", "px", ge=0
    )
