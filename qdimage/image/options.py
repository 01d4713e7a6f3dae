"""Options of the way from a stack to one photon image."""

from qdimage.domain.options import Options, option


class ImageOptions(Options):
    """How a stack becomes an image."""

    correct_drift: bool = option(True, "follow the dots through the stack and undo their drift")
    hot_threshold: float = option(
        8.0, "excess over the neighbours from which a pixel counts as hot", "sigma", gt=3
    )
    cosmic_threshold: float = option(
        10.0, "excess over the other frames from which a value counts as a hit", "sigma", gt=4
    )
