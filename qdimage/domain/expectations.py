"""What a publication states, and where the tables of a run answer it: ``expectations.toml``."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from qdimage.domain.experiment import Declared

Aggregate = Literal["only", "count", "fraction", "min", "max", "mean", "median", "sum"]
Wanted = str | float | bool | tuple[str | float | bool, ...]
PanelKind = Literal["image", "spectra", "curves", "series", "ranked"]


class Selection(Declared):
    """A number that rows of a table give.

    Attributes
    ----------
    table : str
        Name without extension.
    where : dict
        Column to the value that chosen rows have there, or to a list of such values; texts may
        hold ``*``, and "" is an empty cell.
    column : str
        What is asked; "" only to count rows.
    aggregate : str
        ``only``: of the one row that is chosen. ``min``, ``max``, ``mean``, ``median``, ``sum`` of
        all that have a value; ``count`` or ``fraction`` of those `below` or `above` a limit.
    below, above : float or None
    factor : float
        The number is multiplied by it.
    """

    table: str = Field(min_length=1)
    where: dict[str, Wanted] = Field(default_factory=dict)
    column: str = ""
    aggregate: Aggregate = "only"
    below: float | None = None
    above: float | None = None
    factor: float = 1.0

    @field_validator("factor")
    @classmethod
    def _not_zero(cls, factor: float) -> float:
        if factor == 0:
            raise ValueError("found a factor of 0, expected another number")
        return factor

    @model_validator(mode="after")
    def _counts_by_a_limit(self) -> Self:
        limited = self.below is not None or self.above is not None
        counts = self.aggregate in ("count", "fraction")
        if limited and not counts:
            raise ValueError(f"below and above belong to count and fraction, not {self.aggregate}")
        if self.aggregate == "fraction" and not limited:
            raise ValueError("a fraction needs below or above")
        if not self.column and (self.aggregate != "count" or limited):
            raise ValueError("no column is named; only a count of rows needs none")
        return self


class Statement(Selection):
    """One number that is stated, and what a run makes of it.

    Attributes
    ----------
    statement : str
    panel : str
        Figure and panel of the publication.
    unit : str
    stated, stated_err : float or None
        The number and its standard error.
    stated_as : str
        What is printed instead, such as "about half".
    true_value : float or None
        Truth of a simulation.
    low, high, err : str
        Columns with the ends of the 95 % interval, or with one standard deviation; found by the
        name of `column` where there are such.
    err_relative : float
        Relative standard error that the table does not know, such as that of an efficiency.
    note : str
        Printed beside it.
    """

    statement: str = Field(min_length=1)
    panel: str = ""
    unit: str = ""
    stated: float | None = None
    stated_err: float | None = Field(default=None, ge=0)
    stated_as: str = ""
    true_value: float | None = None
    low: str = ""
    high: str = ""
    err: str = ""
    err_relative: float = Field(default=0.0, ge=0)
    note: str = ""

    @model_validator(mode="after")
    def _one_interval(self) -> Self:
        if bool(self.low) != bool(self.high):
            raise ValueError("low and high go together; name both columns, or neither")
        if self.low and self.err:
            raise ValueError("found low, high and err; name the ends, or the error")
        return self


class Panel(Declared):
    """One panel that is drawn from tables and curves of a run.

    Attributes
    ----------
    panel : str
        Figure and panel of the publication.
    title, caption : str
    kind : str
        ``image``: mean image of the one channel that is chosen. ``spectra``, ``curves``: the
        spectra, or correlation curves with their fits, of the chosen rows. ``series``: column `y`
        against `x`. ``ranked``: values of `y` from the smallest on.
    table : str
    where : dict
        As of a statement.
    group : str
        Column by which rows are parted into groups.
    x : str
        Column.
    y : str or tuple of str
        One or more columns.
    log_y : bool
    most : int
        Of ``ranked``: how many of each group.
    normalized : bool
        Of ``spectra``: each to its own largest.
    factor : float
        Values are multiplied by it.
    mark : float or None
        A value that is marked by a line.
    """

    panel: str = Field(min_length=1)
    title: str = ""
    caption: str = ""
    kind: PanelKind
    table: str = ""
    where: dict[str, Wanted] = Field(default_factory=dict)
    group: str = ""
    x: str = ""
    y: str | tuple[str, ...] = ()
    log_y: bool = False
    most: int = Field(default=9, ge=1)
    normalized: bool = False
    factor: float = 1.0
    mark: float | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns `y`."""
        return (self.y,) if isinstance(self.y, str) else self.y


class Expectations(Declared):
    """The whole of ``expectations.toml``.

    Attributes
    ----------
    source : str
        The publication.
    note : str
        Conventions that the reader has to know.
    statements : tuple of Statement
    panels : tuple of Panel
    """

    contract: Literal[1] = 1
    source: str = ""
    note: str = ""
    statements: tuple[Statement, ...] = ()
    panels: tuple[Panel, ...] = ()
