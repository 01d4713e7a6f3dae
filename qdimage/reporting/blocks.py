"""What a section of the report is made of: words, tables, figures, charts of a single dot."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec

from matplotlib.figure import Figure

P = ParamSpec("P")


@dataclass(frozen=True)
class Words:
    """A paragraph; `quiet` for a remark beside the matter."""

    text: str
    quiet: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell: its text, its value to sort by (None to sort by the text), and its CSS class."""

    text: str
    value: float | None = None
    look: str = ""


@dataclass(frozen=True)
class Heading:
    """A column's title, what it means, and whether it holds numbers."""

    title: str
    meaning: str = ""
    numeric: bool = False


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes
    ----------
    caption : str
    headings : tuple of Heading
    rows : tuple of tuple of Cell
        Each as long as `headings`.
    sortable : bool
        Whether a click on a heading sorts it.
    """

    caption: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sortable: bool = False


@dataclass(frozen=True)
class Drawing:
    """A figure that is drawn when the report is built.

    Attributes
    ----------
    kind : str
        Ends the name of its files.
    name, caption : str
    draw : callable
        Returns the figure, or None where there is nothing to draw.
    """

    kind: str
    name: str
    caption: str
    draw: Callable[[], Figure | None]


@dataclass(frozen=True)
class Part:
    """A template of its own, for what the other blocks cannot say."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)


Block = Words | Grid | Drawing | Part


@dataclass(frozen=True)
class Section(Generic[P]):
    """A section of a page.

    Attributes
    ----------
    key : str
        Its anchor, after that of the page.
    title : str
    show : callable
        Returns its blocks; a section without any, or whose figures have nothing to draw, is left
        out.
    """

    key: str
    title: str
    show: Callable[P, Iterable[Block]]
