"""Options of localization."""

from qdimage.domain.options import Options, option


class LocalizeOptions(Options):
    """How dots are found and fitted."""

    false_alarms_per_frame: float = option(
        0.1, "noise peaks that one image may contribute on average", "peaks", gt=0, le=100
    )
    psf_sigma_px: float | None = option(
        None, "width of a dot; measured on the field where not given", "px", gt=0.3, lt=10
    )
    background_box_px: int = option(
        32, "size of the boxes in which the background is estimated", "px", ge=8
    )
    max_rounds: int = option(
        3, "searches, each on what the dots found so far leave over", "", ge=1, le=10
    )
