"""From the sections of the report to their blocks, figures drawn and saved."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from qdimage.pipeline.output import own_folder
from qdimage.reporting.blocks import Block, Drawing, Grid, Part, Words
from qdimage.reporting.embedding import Embedded
from qdimage.reporting.style import house_style, save

FOLDER = "figures"
_WIDE_IN = 10.0


@dataclass(frozen=True)
class Picture:
    """A figure on disk.

    Attributes
    ----------
    stem : str
        File name without extension, in the folder `FOLDER`.
    name, caption : str
    wide : bool
        Whether it needs the whole width of a page.
    embedded : bool
        Whether the page holds it, or only names its files.
    packed : Embedded or None
        As the page holds it; None where that has not been made yet.
    """

    stem: str
    name: str
    caption: str
    wide: bool
    embedded: bool = True
    packed: Embedded | None = None

    @property
    def file(self) -> str:
        """Of its pixels, in the folder `FOLDER`."""
        return f"{self.stem}.png"


DrawnBlock = Words | Grid | Picture | Part


@dataclass(frozen=True)
class DrawnSection:
    """A section that has something to show."""

    anchor: str
    title: str
    blocks: tuple[DrawnBlock, ...]


# From a figure that is not drawn, and the beginning of its files' names, to the files.
Draw = Callable[[Drawing, str], Picture | None]


def draw_into(out: Path) -> Draw:
    """Return what draws figures into the folder `FOLDER` of a run's output."""
    folder = out / FOLDER
    own_folder(folder)

    def draw(drawing: Drawing, prefix: str) -> Picture | None:
        with house_style():
            figure = drawing.draw()
            if figure is None:
                return None
            stem = f"{prefix}_{drawing.kind}"
            save(figure, folder, stem)
        wide = figure.get_figwidth() > _WIDE_IN
        return Picture(stem, drawing.name, drawing.caption, wide)

    return draw


def no_figures(drawing: Drawing, prefix: str) -> Picture | None:
    """Leave figures out."""
    return None


def drawn(blocks: Iterable[Block], draw: Draw, prefix: str) -> tuple[DrawnBlock, ...]:
    """Return blocks with their figures drawn, those left out that have nothing to draw."""
    done = (draw(each, prefix) if isinstance(each, Drawing) else each for each in blocks)
    return tuple(each for each in done if each is not None)
