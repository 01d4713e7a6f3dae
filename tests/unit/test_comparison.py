"""What is stated beside what the tables say."""

from pathlib import Path

import pytest

from qdimage.domain.comparison_table import COMPARISON
from qdimage.domain.expectations import Statement
from qdimage.domain.photon_tables import PHOTONS, RATE_FITS
from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.expectations_file import FILE_NAME, find_expectations, read_expectations
from qdimage.numerics.selection import Interval
from qdimage.pipeline.check import check_inputs
from qdimage.pipeline.comparison import (
    comparison_record,
    comparison_rows,
    comparison_table,
    interval_of,
    plan_comparison,
)
from qdimage.pipeline.tables import as_frame

TEXT = """
source = "a paper"

[[statements]]
statement = "g2(0) of the best dot"
panel = "1e"
stated = 0.045
stated_err = 0.005
true_value = 0.047
table = "photons"
where = { file = "a.csv" }
column = "g2_0"

[[statements]]
statement = "injection of both carriers"
stated = 83.3
true_value = 100.0
unit = "1/us"
table = "rate_fits"
where = { file = "a.csv" }
column = "injection_rate_per_us"
factor = 2.0

[[statements]]
statement = "phase of the moon"
table = "moon"
column = "phase"

[[statements]]
statement = "g2(0) of another dot"
true_value = 0.1
table = "photons"
where = { file = "b.csv" }
column = "g2_0"

[[panels]]
panel = "1e"
kind = "curves"
table = "photons"
where = { file = "a.csv" }
"""


def write(folder: Path, text: str = TEXT) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / FILE_NAME).write_text(text, encoding="utf-8")
    return folder


def tables() -> dict:
    place = {"device": "d", "field": "f", "status": "ok", "message": ""}
    photons = [
        {**place, "file": "a.csv", "g2_0": 0.05, "g2_0_low": 0.04, "g2_0_high": 0.06},
        {**place, "file": "b.csv", "status": "refused", "message": "too few coincidences"},
    ]
    rates = [
        {
            **place,
            "file": "a.csv",
            "injection_rate_per_us": 42.0,
            "injection_rate_low_per_us": 38.0,
            "injection_rate_high_per_us": 47.0,
        }
    ]
    return {
        PHOTONS.name: as_frame(photons, PHOTONS),
        RATE_FITS.name: as_frame(rates, RATE_FITS),
    }


def test_each_statement_has_a_row_with_the_interval_of_its_answer(tmp_path: Path) -> None:
    expectations = read_expectations(write(tmp_path) / FILE_NAME)
    best, injection, moon, other = comparison_rows(expectations, tables())
    assert (best["recovered"], best["low"], best["high"]) == (0.05, 0.04, 0.06)
    assert (best["stated"], best["truth"], best["within"]) == (0.045, 0.047, True)
    assert (best["device"], best["field"], best["panel"]) == ("d", "f", "1e")
    assert (injection["recovered"], injection["low"], injection["high"]) == (84.0, 76.0, 94.0)
    assert injection["within"] is False
    assert injection["answered_by"] == (
        "rate_fits.injection_rate_per_us times 2 where file = a.csv"
    )
    assert moon["status"] == "refused"
    assert "no table moon" in moon["message"]
    assert other["message"] == "not measured: too few coincidences"
    assert "within" not in other


def test_the_table_and_the_record_hold_what_the_report_needs(tmp_path: Path) -> None:
    compared = plan_comparison([write(tmp_path)])
    frame = comparison_table(compared, tables())[COMPARISON.name]
    assert list(frame.columns) == list(COMPARISON.column_names)
    within = frame.set_index("number")["within"]
    assert within[1]
    assert not within[2]
    assert within[[3, 4]].isna().all()
    record = comparison_record(compared)["comparison"]
    assert record["source"] == "a paper"
    assert record["panels"][0]["kind"] == "curves"


def test_without_a_file_nothing_is_compared(tmp_path: Path) -> None:
    assert plan_comparison([tmp_path]) is None
    assert comparison_table(None, tables()) == {}
    assert comparison_record(None) == {}


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("g2_0", Interval("g2_0_low", "g2_0_high")),
        ("g2_0_uncorrected", Interval(err="g2_0_uncorrected_err")),
        ("coincidences", Interval()),
    ],
)
def test_the_interval_is_found_by_the_name_of_the_column(column: str, expected) -> None:
    assert interval_of(Statement(statement="s", table="photons", column=column)) == expected


def test_the_interval_of_a_column_with_a_unit_stands_before_it() -> None:
    rate = Statement(statement="s", table="rate_fits", column="injection_rate_per_us")
    ends = Interval("injection_rate_low_per_us", "injection_rate_high_per_us")
    assert interval_of(rate) == ends
    peak = Statement(statement="s", table="spectra", column="peak_nm", err_relative=0.01)
    assert interval_of(peak) == Interval(err="peak_err_nm", err_relative=0.01)


def test_an_error_may_stand_inside_a_unit_of_two_words() -> None:
    counts = Statement(statement="s", table="photon_flux", column="counts_s")
    emitted = Statement(statement="s", table="photon_flux", column="emitted_photons_s")
    assert interval_of(counts) == Interval(err="counts_err_s")
    assert interval_of(emitted) == Interval(err="emitted_photons_err_s")


def test_named_columns_win() -> None:
    found = interval_of(
        Statement(statement="s", table="photons", column="g2_0", low="g2_0_low_68", high="g2_0")
    )
    assert found == Interval("g2_0_low_68", "g2_0")


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('column = "g2_0"', 'column = "g2_null"', "no column 'g2_null'; did you mean"),
        ("where = { file", "where = { fil", "no column 'fil'"),
        ("stated = 0.045", "state = 0.045", "did you mean 'stated'"),
        ('kind = "curves"', 'kind = "pie"', "kind"),
        ("stated_err = 0.005", 'low = "g2_0_low"', "low and high go together"),
        ('table = "photons"\nwhere = { file = "a.csv" }\n\n', "", None),
    ],
)
def test_what_cannot_be_answered_is_said_before_a_run(
    tmp_path: Path, old: str, new: str, found: str | None
) -> None:
    folder = write(tmp_path / "x", TEXT.replace(old, new))
    if found is None:
        assert plan_comparison([folder]) is not None
        return
    with pytest.raises(ConfigurationError, match=found) as caught:
        plan_comparison([folder])
    assert "\n" not in str(caught.value)
    assert FILE_NAME in str(caught.value)


def test_check_finds_a_statement_that_cannot_be_answered(tmp_path: Path) -> None:
    write(tmp_path, TEXT.replace('column = "g2_0"', 'column = "g2_null"'))
    (tmp_path / "experiment.toml").write_text("[experiment]\n", encoding="utf-8")
    result = check_inputs([tmp_path], allow_outside=False)
    assert any("did you mean 'g2_0'" in each.message for each in result.findings)


def test_two_files_in_one_run_are_refused_and_one_named_twice_is_not(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a"), write(tmp_path / "b")
    assert find_expectations([a, a, tmp_path]) == a / FILE_NAME
    with pytest.raises(ConfigurationError, match="expected one"):
        find_expectations([a, b])


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no TOML"):
        plan_comparison([write(tmp_path, "statements = [")])
