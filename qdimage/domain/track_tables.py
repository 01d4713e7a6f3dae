"""The tables of single frames: columns, units, meaning."""

from qdimage.domain.table import PLACE, Table, integer, number, text

_FRAME = integer("frame", "counts from 0 in the file's frames that are used")
_TIME = number("time_s", "frame times exposure: gaps between frames are not in it")
_UNIT = text("signal_unit", "what fluxes count: `photons`; `photoelectrons`, `ADU`")

TRACKS = Table(
    "tracks",
    "a dot found in one frame",
    (
        *PLACE,
        text("channel", "name of the stack"),
        integer("track", "dots of successive frames that are taken for one; counts from 1"),
        _FRAME,
        _TIME,
        number("x_px", "column, the stack's drift taken off"),
        number("y_px", "row, the stack's drift taken off"),
        number("x_err_px", "standard deviation of x_px"),
        number("y_err_px", "standard deviation of y_px"),
        number("x_frame_px", "column in this frame"),
        number("y_frame_px", "row in this frame"),
        number("photons_s", "flux in this frame"),
        number("photons_err_s", "standard deviation of photons_s"),
        number("background_photons_px_s", "flux per pixel under the dot"),
        number("false_alarm_p", "expected noise peaks in the frame that are as significant"),
        text("flags", "reasons to look twice, joined by `;`"),
        _UNIT,
    ),
    ("track", "frame"),
)

DOT_TRACES = Table(
    "dot_traces",
    "a dot of a stack in one of its frames, lit or not",
    (
        *PLACE,
        text("channel", "name of the stack"),
        integer("loc_id", "the dot, as in localizations"),
        _FRAME,
        _TIME,
        number("photons_s", "flux in this frame, at the dot's place"),
        number("photons_err_s", "standard deviation of photons_s"),
        _UNIT,
    ),
    ("loc_id", "frame"),
)

TRACK_TABLES = (TRACKS, DOT_TRACES)
