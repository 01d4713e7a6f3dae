"""What is written into a table is what is read from it, in both formats."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qdimage.domain.table import Column, Table
from qdimage.errors import FormatError
from qdimage.io.table_file import read_table, typed, write_table

TABLE = Table(
    "anything",
    "a row",
    (
        Column("device", "text", "device"),
        Column("field", "text", "field"),
        Column("count", "integer", "count"),
        Column("x_px", "number", "column"),
        Column("lit", "boolean", "lit or not"),
    ),
    ("count", "x_px"),
)

on_one_folder = settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# CSV writes every line end in a text as a line feed.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=8)
rows = st.lists(
    st.tuples(
        texts,
        texts | st.none(),
        st.integers(-(2**63), 2**63 - 1) | st.none(),
        st.floats(allow_nan=False) | st.none(),
        st.booleans() | st.none(),
    ),
    max_size=6,
)


def frame_of(values: list[tuple[Any, ...]]) -> pd.DataFrame:
    return pd.DataFrame(values, columns=list(TABLE.column_names), dtype=object)


@pytest.mark.parametrize("table_format", ["csv", "parquet"])
@on_one_folder
@given(values=rows)
def test_a_table_reads_back_as_it_was_written(
    table_format: Any, values: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    frame = frame_of(values)
    write_table(frame, TABLE, tmp_path, table_format=table_format)
    expected = typed(frame, TABLE)
    expected["field"] = expected["field"].fillna("")
    pd.testing.assert_frame_equal(read_table(tmp_path, TABLE), expected, check_exact=True)


@on_one_folder
@given(values=rows)
def test_reading_and_writing_again_gives_the_same_bytes(
    values: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    first = write_table(frame_of(values), TABLE, tmp_path).read_bytes()
    second = write_table(read_table(tmp_path, TABLE), TABLE, tmp_path).read_bytes()
    assert first == second
    assert b"\r" not in first


@on_one_folder
@given(values=rows, data=st.data())
def test_a_cut_csv_gives_no_row_that_was_not_written(
    values: list[tuple[Any, ...]], data: st.DataObject, tmp_path: Path
) -> None:
    path = write_table(frame_of(values), TABLE, tmp_path)
    whole = read_table(tmp_path, TABLE)
    content = path.read_bytes()
    line_ends = [place + 1 for place, byte in enumerate(content) if byte == 10]
    path.write_bytes(content[: data.draw(st.sampled_from(line_ends))])
    try:
        part = read_table(tmp_path, TABLE)
    except FormatError:
        return
    written = {tuple(map(str, row)) for row in whole.itertuples(index=False)}
    assert {tuple(map(str, row)) for row in part.itertuples(index=False)} <= written


@on_one_folder
@given(content=st.binary(max_size=60))
def test_any_bytes_raise_nothing_but_our_own_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "anything.csv").write_bytes(content)
    with pytest.raises(FormatError) as caught:
        read_table(tmp_path, TABLE)
    assert "\n" not in str(caught.value)
