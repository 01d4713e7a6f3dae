"""Colours, sizes and fonts of the figures, and how a figure becomes files."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from qdimage.domain.colours import EL_STOPS, PL_STOPS
from qdimage.io.atomic import replacing

# Okabe and Ito's colours, which colour-blind readers can tell apart.
BLUE, ORANGE, VERMILION, GREEN, YELLOW = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#F0E442"
INK, GREY, PALE = "#222222", "#6b6b6b", "#d9d9d9"
NIGHT = "#16181c"

PL_MAP = LinearSegmentedColormap.from_list("pl", PL_STOPS)
EL_MAP = LinearSegmentedColormap.from_list("el", EL_STOPS)
VOLTAGE_MAP = LinearSegmentedColormap.from_list(
    "voltage", ["#f2b134", "#d55e00", "#9b2a6b", "#2c1654"]
)

# PL and EL where both stand in one figure: of the hues of their maps.
KIND_COLOUR = {"pl": "#0b8a66", "el": "#b0267f"}

DPI = 160
_FONT = "DejaVu Sans"
_LONGEST_LABEL = 40
_HEADING_CHARACTER_IN, _SHORTEST_NAME = 0.125, 8
# A third of the time of the default, and no larger for micrographs.
_COMPRESSION = 2

_RC: dict[Any, Any] = {
    "font.family": [_FONT],
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.titley": 1.0,
    "axes.labelsize": 10.5,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "grid.color": "#e8e8e8",
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "qdimage",
    "svg.fonttype": "path",
    "pdf.fonttype": 3,
}
_NOT_A_STYLE = ("backend", "backend_fallback", "interactive", "toolbar", "timezone")


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the report's style, whatever the user's own Matplotlib settings are."""
    default: dict[Any, Any] = dict(matplotlib.rcParamsDefault)
    for name in _NOT_A_STYLE:
        default.pop(name, None)
    with matplotlib.rc_context({**default, **_RC}):
        yield


def save(figure: Figure, folder: Path, stem: str) -> None:
    """Write a figure as PNG, SVG and PDF, each whole or not at all."""
    with replacing(folder / f"{stem}.png") as partial:
        figure.savefig(
            partial,
            format="png",
            dpi=DPI,
            metadata={"Software": None},
            pil_kwargs={"compress_level": _COMPRESSION},
        )
    with replacing(folder / f"{stem}.svg") as partial:
        figure.savefig(partial, format="svg", dpi=DPI, metadata={"Date": None})
    with replacing(folder / f"{stem}.pdf") as partial:
        figure.savefig(partial, format="pdf", dpi=DPI, metadata={"CreationDate": None})


@cache
def _drawable() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=[_FONT]))).get_charmap())


def label(text: str, longest: int = _LONGEST_LABEL) -> str:
    """Return a name that can be drawn: one line, not too long, no formula, no missing glyph."""
    line = " ".join(text.split())
    line = "".join(c if ord(c) in _drawable() else "?" for c in line)
    if len(line) > longest:
        line = line[: longest - 1] + "…"
    return line.replace("$", r"\$")


def heading(name: str, text: str, width_in: float) -> str:
    """Return a figure's title, the name cut so that all of it fits into a width."""
    room = int(width_in / _HEADING_CHARACTER_IN) - len(text)
    return label(name, max(room, _SHORTEST_NAME)) + text
