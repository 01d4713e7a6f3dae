"""Tables are written as the contract says, and read only if they are what they should be."""

import builtins
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from qdimage.domain.table import Column, Table
from qdimage.domain.tables import IMAGE_TABLES
from qdimage.errors import ConfigurationError, FormatError
from qdimage.io import table_file
from qdimage.io.table_file import read_table, typed, write_table
from qdimage.units import UNIT_OF_SUFFIX

TABLE = Table(
    "examples",
    "an example",
    (
        Column("device", "text", "device"),
        Column("field", "text", "field"),
        Column("place_id", "integer", "number"),
        Column("x_px", "number", "column"),
        Column("lit", "boolean", "lit or not"),
        Column("note", "text", "note"),
    ),
    ("place_id",),
)


def frame_of(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(TABLE.column_names), dtype=object)


ROWS = frame_of(
    ("d", "f", 10, 0.1, True, "plain"),
    ("d", "f", 9, 1e-20, False, 'a "quoted", text\nof two lines'),
    ("d", "e", None, None, None, None),
    ("c", "z", 2**53 + 1, 1 / 3, True, ""),
)

CSV = """\
device,field,place_id,x_px,lit,note
c,z,9007199254740993,0.3333333333333333,true,
d,e,,,,
d,f,9,1e-20,false,"a ""quoted"", text
of two lines"
d,f,10,0.1,true,plain
"""


def test_csv_is_what_the_contract_says(tmp_path: Path) -> None:
    path = write_table(ROWS, TABLE, tmp_path)
    assert path == tmp_path / "examples.csv"
    assert path.read_bytes() == CSV.encode()


def test_the_order_of_the_rows_given_does_not_matter(tmp_path: Path) -> None:
    write_table(ROWS.iloc[::-1], TABLE, tmp_path)
    assert (tmp_path / "examples.csv").read_bytes() == CSV.encode()


def test_csv_is_utf_8(tmp_path: Path) -> None:
    path = write_table(frame_of(("µ", "f", 1, 1.0, True, "Å")), TABLE, tmp_path)
    assert "µ,f,1,1.0,true,Å\n" in path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("table_format", ["csv", "parquet"])
def test_both_formats_read_back_alike(table_format: Any, tmp_path: Path) -> None:
    write_table(ROWS, TABLE, tmp_path, table_format=table_format)
    expected = typed(ROWS, TABLE)
    expected["note"] = expected["note"].fillna("")
    pd.testing.assert_frame_equal(read_table(tmp_path, TABLE), expected)


@pytest.mark.parametrize("table_format", ["csv", "parquet"])
@pytest.mark.parametrize("table", IMAGE_TABLES, ids=lambda table: str(table.name))
def test_a_table_without_rows_reads_back(table: Table, table_format: Any, tmp_path: Path) -> None:
    empty = pd.DataFrame(columns=list(table.column_names), dtype=object)
    write_table(empty, table, tmp_path, table_format=table_format)
    read = read_table(tmp_path, table)
    assert len(read) == 0
    assert read.dtypes.equals(typed(empty, table).dtypes)


def test_a_parquet_file_marks_an_empty_text_as_missing(tmp_path: Path) -> None:
    path = write_table(ROWS, TABLE, tmp_path, table_format="parquet")
    assert pd.read_parquet(path)["note"].isna().tolist() == [True, True, False, False]


@pytest.mark.parametrize(("first", "second"), [("csv", "parquet"), ("parquet", "csv")])
def test_a_table_replaces_an_older_one_of_the_other_format(
    first: Any, second: Any, tmp_path: Path
) -> None:
    write_table(ROWS, TABLE, tmp_path, table_format=first)
    write_table(ROWS.iloc[:1], TABLE, tmp_path, table_format=second)
    assert len(read_table(tmp_path, TABLE)) == 1
    assert [path.suffix for path in tmp_path.iterdir()] == [f".{second}"]


def test_a_failure_keeps_the_older_table_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_table(ROWS, TABLE, tmp_path)

    def fail(frame: pd.DataFrame, table: Table, partial: Path) -> None:
        partial.write_text("half of it", encoding="utf-8")
        raise OSError("disk full")

    monkeypatch.setattr(table_file, "write_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        write_table(ROWS.iloc[:1], TABLE, tmp_path)
    assert path.read_bytes() == CSV.encode()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("change", [{"extra": 1}, {"note": None}])
def test_a_column_too_many_or_too_few_is_refused(
    change: dict[str, int | None], tmp_path: Path
) -> None:
    frame = ROWS.assign(extra=1) if "extra" in change else ROWS.drop(columns="note")
    with pytest.raises(ValueError, match=next(iter(change))):
        write_table(frame, TABLE, tmp_path)
    assert list(tmp_path.iterdir()) == []


HEADER = "device,field,place_id,x_px,lit,note\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "device"),
        (b"a,b\n1,2\n", "device"),
        (HEADER.encode() + b"d,f,1,0.1,true\n", "row 1 has 5 of 6 cells"),
        (HEADER.encode() + b"d,f,1,0.1,true,n,more\n", "row 1 has 7 of 6 cells"),
        (HEADER.encode() + b"d,f,1,0.1,true,n\nd,f,2,0.", "row 2 has 4 of 6 cells"),
        (HEADER.encode() + b"d,f,1,0.1,TRUE,n\n", "lit is 'TRUE', expected true or false"),
        (HEADER.encode() + b"d,f,1.5,0.1,true,n\n", "invalid literal"),
        (HEADER.encode() + b"d,f,99999999999999999999,0.1,true,n\n", "int"),
        (HEADER.encode() + b"d,f,1,wide,true,n\n", "wide"),
        (HEADER.encode() + b'd,f,1,0.1,true,"n\n', "unexpected end"),
        (HEADER.encode() + b"d,f,1,0.1,true,\xff\n", "utf-8"),
        (HEADER.replace("note", "lit").encode() + b"d,f,1,0.1,true,true\n", "two columns"),
        (HEADER.replace("note", "nota").encode() + b"d,f,1,0.1,true,n\n", "note"),
    ],
)
def test_a_csv_that_is_not_this_table_is_named(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "examples.csv"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=words) as caught:
        read_table(tmp_path, TABLE)
    assert str(caught.value).startswith(f"{path}: this is not the table examples")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(40) + b"PAR1"])
def test_a_damaged_parquet_file_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "examples.parquet"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=re.escape(str(path))) as caught:
        read_table(tmp_path, TABLE)
    assert "\n" not in str(caught.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"found no examples\.csv.*name its folder"):
        read_table(tmp_path, TABLE)


def test_a_spreadsheets_mark_and_empty_lines_are_skipped(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + HEADER.encode() + b"d,f,1,0.1,true,n\r\n\r\n"
    (tmp_path / "examples.csv").write_bytes(content)
    read = read_table(tmp_path, TABLE)
    assert read.iloc[0].tolist() == ["d", "f", 1, 0.1, True, "n"]


@pytest.mark.parametrize("text", ["NA", "nan", "null", "-", "TRUE", " x ", "1", "=1+1", "\ufeff"])
def test_a_text_that_looks_like_something_else_stays_a_text(text: str, tmp_path: Path) -> None:
    write_table(frame_of((text, text, 1, 1.0, True, text)), TABLE, tmp_path)
    assert read_table(tmp_path, TABLE)["note"].tolist() == [text]


@pytest.mark.parametrize("text", ["a\rb", "a\r\nb"])
def test_a_carriage_return_does_not_break_a_row(text: str, tmp_path: Path) -> None:
    write_table(frame_of(("d", "f", 1, 1.0, True, text)), TABLE, tmp_path)
    assert read_table(tmp_path, TABLE)["note"].tolist() == ["a\nb"]


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table(ROWS, TABLE, tmp_path, table_format="parquet")
    real = builtins.__import__

    def without_pyarrow(name: str, *rest: Any) -> Any:
        if name == "pyarrow":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_pyarrow)
    with pytest.raises(ConfigurationError, match=r"qdimage\[parquet\]"):
        read_table(tmp_path, TABLE)
    with pytest.raises(ConfigurationError, match="--format csv"):
        write_table(ROWS, TABLE, tmp_path, table_format="parquet")


@pytest.mark.parametrize("table", IMAGE_TABLES, ids=lambda table: str(table.name))
def test_a_declared_table_is_consistent(table: Table) -> None:
    names = table.column_names
    assert names[:2] == ("device", "field")
    assert len(set(names)) == len(names)
    assert set(table.keys) <= set(names)
    for column in table.columns:
        assert column.meaning.strip()
        assert column.kind in ("text", "number", "integer", "boolean")
        if column.kind == "number" and column.name.endswith(tuple(UNIT_OF_SUFFIX)):
            assert column.unit


CONTRACT_COLUMNS = {
    "localizations": """channel, loc_id, x_px, y_px, x_err_px, y_err_px, photons_s, photons_err_s,
        background_photons_px_s, sigma_px, false_alarm_p, flags""",
    "registration": """channel, status, model, m00, m01, m02, m10, m11, m12, shared_from,
        n_inliers, rms_px, chance_p, overlap_fraction, message""",
    "dots": """dot_id, x_px, y_px, x_err_px, y_err_px, x_um, y_um, stage_x_um, stage_y_um,
        pl_photons_s, isolated, g2_floor, turn_on_voltage_v, turn_on_voltage_low_v,
        turn_on_voltage_high_v, flags, accepted, note, pl_g2_0, pl_g2_0_low, pl_g2_0_high,
        pl_g2_0_file, el_g2_0, el_g2_0_low, el_g2_0_high, el_g2_0_file, el_g2_0_voltage_v,
        pl_peak_nm, el_peak_nm, pl_fwhm_nm, el_fwhm_nm, injection_rate_per_us, lifetime_ns""",
    "dot_channels": """dot_id, channel, voltage_v, status, photons_s, photons_err_s,
        photons_upper_s, lit, lit_probability, false_alarm_p, loc_id, distance_px, flags""",
    "turn_on": """channel, voltage_v, status, n_pl, n_lit, n_el_only, n_edge, n_outside,
        n_unresolved, chance_matches, f_min_photons_s, fraction, fraction_low, fraction_high,
        confidence, fraction_extrapolated, message""",
}


@pytest.mark.parametrize("name", CONTRACT_COLUMNS)
def test_every_column_of_the_contract_is_declared(name: str) -> None:
    (table,) = (each for each in IMAGE_TABLES if each.name == name)
    promised = set(re.findall(r"\w+", CONTRACT_COLUMNS[name]))
    assert promised <= set(table.column_names)


def test_units_come_from_the_longest_suffix_of_a_number() -> None:
    assert Column("pl_photons_s", "number", "m").unit == "photons/s"
    assert Column("exposure_s", "number", "m").unit == "s"
    assert Column("width_px", "integer", "m").unit == ""
    assert np.unique([column.unit for column in TABLE.columns]).tolist() == ["", "px"]
