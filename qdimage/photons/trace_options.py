"""Options of intensity traces and blinking."""

from qdimage.domain.options import Options, option


class TraceOptions(Options):
    """What counts as a step of the intensity, as a level, as on, and as enough dwells."""

    false_alarms: float = option(
        0.1, "steps found in a whole trace of steady light, on average", "", gt=0, le=10
    )
    fewest_photons: int = option(
        5,
        "photons that the brighter side of a step has at least; fewer can be afterpulses",
        "",
        ge=1,
        le=10_000,
    )
    most_levels: int = option(12, "most intensity levels", "", ge=1, le=50)
    on_threshold_counts_s: float = option(
        0.0,
        "levels brighter than this are on; found between the levels where it is 0",
        "counts/s",
        ge=0,
    )
    least_contrast: float = option(
        1.5, "mean intensity of on over that of off below which neither is told apart", "", ge=1
    )
    least_dwells: int = option(20, "dwells that a fit of their distribution needs", "", ge=5)
