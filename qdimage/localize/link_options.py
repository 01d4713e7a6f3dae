"""Options of tracks."""

from qdimage.domain.options import Options, option


class LinkOptions(Options):
    """How localizations of successive frames are taken for one dot."""

    search_range_px: float = option(
        2.0, "longest step of a dot from frame to frame, drift taken off", "px", gt=0, le=50
    )
    memory_frames: int = option(
        3, "frames that a dot may be dark and still be the same", "", ge=0, le=10_000
    )
