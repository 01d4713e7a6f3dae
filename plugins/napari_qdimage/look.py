"""Colours of the plots and pictures that stand beside napari's own, for its theme."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from napari.utils.theme import get_theme

from napari_qdimage.convert import STATE_COLOURS
from qdimage.domain.colours import EL_STOPS, PL_STOPS

_FONT_PT = 9.0


@dataclass(frozen=True)
class Look:
    """Colours of a theme.

    Attributes
    ----------
    paper, ink : str
        Background and text.
    muted, faint : str
        Ticks and axes; lines that only guide the eye.
    chosen : str
        Marks of the dots that are chosen.
    stripe : str
        Every other row of a table.
    is_dark : bool
    """

    paper: str
    ink: str
    muted: str
    faint: str
    chosen: str
    stripe: str
    is_dark: bool


def look_of(theme: str) -> Look:
    """Return the colours that go with a napari theme."""
    found = get_theme(theme)
    is_dark = found.type == "dark"
    return Look(
        paper=found.background.as_hex("long"),
        ink=found.text.as_hex("long"),
        muted="#a3a7ad" if is_dark else "#5f6368",
        faint="#4a4f57" if is_dark else "#d4d6d9",
        chosen="#ffffff" if is_dark else "#111111",
        stripe="#2c2f38" if is_dark else "#f1f2f4",
        is_dark=is_dark,
    )


def dress(axes: Axes, look: Look) -> None:
    """Give axes the colours of a look; the ticks that come later too."""
    axes.set_facecolor(look.paper)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(look.muted)
    axes.tick_params(which="both", colors=look.muted, labelcolor=look.ink, labelsize=_FONT_PT)
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set(color=look.ink, fontsize=_FONT_PT + 0.5)


def dress_figure(figure: Figure, look: Look) -> None:
    """Give a figure the background of a look."""
    figure.set_facecolor(look.paper)


def kind_colour(kind: str, look: Look) -> str:
    """Return the colour of PL or EL data, of the hues of their images."""
    stops = {"pl": PL_STOPS, "el": EL_STOPS}.get(kind)
    if stops is None:
        return look.muted
    # The middle of the map on white; the next, lighter stop on black.
    return stops[3] if look.is_dark else stops[2]


def state_colour(state: str, look: Look) -> str:
    """Return the colour of a state beside text and in plots; on images they lie on black."""
    if state in ("lit", "accepted") and not look.is_dark:
        return look.ink
    return STATE_COLOURS.get(state, look.muted)
