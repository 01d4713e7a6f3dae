"""The table that holds what is stated, what is true and what was recovered: columns, meaning."""

from qdimage.domain.table import MESSAGE, STATUS, Table, boolean, integer, number, text

COMPARISON = Table(
    "comparison",
    "a statement of `expectations.toml`, and what the run makes of it",
    (
        text("device", "device of the row that answers; `all` for several rows"),
        text("field", "field of the row that answers; `all` for several rows"),
        integer("number", "place of the statement in its file, from 1"),
        text("panel", "figure and panel of the publication"),
        text("statement", "what is stated"),
        text("unit", "of all values of the row"),
        number("stated", "the value that is stated"),
        number("stated_err", "its standard deviation, as stated"),
        text("stated_as", "words instead of a value, or beside it"),
        number("truth", "true value of a simulation; empty for a measurement"),
        number("recovered", "what the run's tables say"),
        number("low", "lower end of its 95 % interval"),
        number("high", "upper end of its 95 % interval"),
        boolean("within", "the truth lies in the interval; empty where either is not known"),
        text("answered_by", "table, column and choice of rows"),
        text("note", "what to know about the statement"),
        STATUS,
        MESSAGE,
    ),
    ("number",),
)
