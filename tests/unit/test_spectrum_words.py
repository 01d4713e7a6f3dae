"""Spectra, thicknesses and windows in words and tables of the report."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from qdimage.domain.pmma_tables import PMMA_SERIES, PMMA_WINDOWS
from qdimage.domain.spectrum_tables import SPECTRA
from qdimage.io.table_file import typed
from qdimage.reporting.blocks import Grid
from qdimage.reporting.content import Content
from qdimage.reporting.pmma_figures import draw_pmma
from qdimage.reporting.pmma_words import series_grid, window_grid, window_words
from qdimage.reporting.spectrum_pair_figures import draw_pairs
from qdimage.reporting.spectrum_words import ratio_words, spectra_grid, with_error


def content(**rows: list[dict[str, Any]]) -> Content:
    tables = {}
    for table in (SPECTRA, PMMA_SERIES, PMMA_WINDOWS):
        given = rows.get(table.name, [])
        columns = {name: [row.get(name) for row in given] for name in table.column_names}
        frame = typed(pd.DataFrame(columns, dtype=object), table)
        texts = [column.name for column in table.columns if column.kind == "text"]
        tables[table.name] = frame.assign(**{name: frame[name].fillna("") for name in texts})
    return Content(Path("none"), {}, (), tables)


def texts(grid: Grid | None, row: int = 0) -> list[str]:
    assert grid is not None
    return [cell.text for cell in grid.rows[row]]


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((2.0, 2.2, 2.6, 2.8), "from between 2 and 2.2 V to between 2.6 and 2.8 V"),
        ((None, 2.2, 2.6, None), "from 2.2 V or less to 2.6 V or more"),
    ],
)
def test_a_window_in_words_says_what_is_not_known(ends: tuple, words: str) -> None:
    names = ("free_from_low_v", "free_from_high_v", "free_to_low_v", "free_to_high_v")
    row = dict(zip(names, ends, strict=True)) | {"status": "ok", "finding": "window"}
    assert window_words(row) == f"background-free {words}"
    assert "vanished" in window_words({"status": "ok", "finding": "dots_vanished"})


def test_errors_decide_on_digits() -> None:
    assert with_error(630.04, 0.0613) == "630.040 ± 0.061"
    assert with_error(-0.12, 3.0) == "\N{MINUS SIGN}0.1 ± 3.0"
    assert with_error(1.0, 0.0).startswith("1.000")


def test_no_background_is_a_limit() -> None:
    row = {"background_ratio": 0.01, "background_ratio_low": 0.0, "background_ratio_high": 0.03}
    assert ratio_words(row | {"background_ratio_upper": 0.025}).startswith("< 0.025")
    row["background_ratio_low"] = 0.005
    assert ratio_words(row) == "0.0100 (0.00500 to 0.0300)"
    assert ratio_words({"background_ratio": None}) == "\N{EN DASH}"


def test_tables_and_figures_of_no_spectra_are_none() -> None:
    nothing = content()
    assert window_grid(nothing) is None
    assert series_grid(nothing) is None
    assert spectra_grid(nothing, "d") is None
    assert draw_pmma(nothing) is None
    assert draw_pairs(nothing, "d") is None


def test_light_that_is_not_seen_is_a_limit_and_unknown_areas_are_blank() -> None:
    row = {"device": "d", "field": "f", "status": "ok", "pmma_nm": 0.0, "kind": "el"}
    row |= {"voltage_v": 2.4, "light": "background", "dots_seen": False, "background_seen": True}
    row |= {"dot_band_counts_s_mm2": 0.1, "dot_band_upper_counts_s_mm2": 2.0}
    row |= {"background_band_counts_s_mm2": 500.0, "background_band_err_counts_s_mm2": 7.0}
    bare = {"device": "e", "field": "f", "status": "ok", "kind": "pl", "light": "dots"}
    grid = series_grid(content(pmma_series=[row, bare]))
    shown = texts(grid)
    assert shown[0] == "0 nm"
    assert "< 2.00" in shown
    assert "500 ± 7.0" in shown
    assert shown[-1] == "background alone"
    assert texts(grid, 1)[0] == "e"
    assert texts(grid, 1)[4:7] == ["\N{EN DASH}"] * 3


def test_a_series_without_areas_is_drawn_without_light() -> None:
    place = {"device": "d", "field": "f", "pmma_nm": 12.0, "status": "ok"}
    series = [place | {"kind": "el", "voltage_v": 2.4, "light": "dots", "file": "a.csv"}]
    windows = [place | {"field": "all", "finding": "window", "free_from_high_v": 2.4}]
    windows[0] |= {"free_to_low_v": 2.4, "n_spectra": 1, "most_background": 0.05}
    figure = draw_pmma(content(pmma_series=series, pmma_windows=windows))
    assert figure is not None
    assert any("no area_mm2" in text.get_text() for axes in figure.axes for text in axes.texts)


def test_a_spectrum_is_a_row_with_its_interval_below_the_bandgap() -> None:
    row = {"device": "d", "field": "f", "dot_id": 3, "scope": "dot", "kind": "el", "status": "ok"}
    row |= {"peak_nm": 630.0, "peak_err_nm": 0.05, "sub_bandgap_low_v": 0.05}
    row |= {"voltage_v": 2.6, "flags": "poor_fit", "file": "a.csv"}
    shown = texts(spectra_grid(content(spectra=[row]), "d"))
    assert shown[0] == "f, 3"
    assert shown[3] == "630.000 ± 0.050"
    assert "≥ 0.0500" in shown
    assert shown[-1] == "ok: poor_fit"
