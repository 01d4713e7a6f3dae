"""Figures and tables of the report about series over voltages, from made-up rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qdimage.domain.iv import IvCurve
from qdimage.domain.iv_tables import EFFICIENCY, IV, IV_TABLES
from qdimage.domain.light_tables import (
    BAND_SERIES,
    EL_SERIES,
    LIGHT_TABLES,
    LIGHT_TURN_ON,
    PHOTON_FLUX,
)
from qdimage.domain.table import Table
from qdimage.io.curve_file import write_curve
from qdimage.pipeline.iv import iv_frame
from qdimage.pipeline.tables import as_frame
from qdimage.reporting.blocks import Grid, Words
from qdimage.reporting.content import Content
from qdimage.reporting.iv_figures import draw_iv
from qdimage.reporting.series_answers import efficiency_grid, flux_blocks, iv_grid, turn_on_grid
from qdimage.reporting.series_figures import draw_bands, draw_el_series, draw_photon_flux

Row = dict[str, Any]
TIMES = "\N{MULTIPLICATION SIGN}"
DOT = {"device": "A", "field": "f", "dot_id": 3, "kind": "el", "status": "ok", "message": ""}


def _content(rows: dict[Table, list[Row]], out: Path = Path()) -> Content:
    tables = {}
    for table in (*LIGHT_TABLES, *IV_TABLES):
        text = {column.name: "" for column in table.columns if column.kind == "text"}
        tables[table.name] = as_frame(rows.get(table, []), table).fillna(text)
    return Content(out, {}, (), tables)


def _flux(volts: float, photons: float, camera: float | None, **row: Any) -> Row:
    found = DOT | {"file": f"{volts}.ptu", "voltage_v": volts, "counts_s": 0.08 * photons}
    found |= {"counts_err_s": 10.0, "emitted_photons_s": photons}
    found |= {"emitted_photons_err_s": 0.01 * photons}
    if camera is not None:
        found |= {"camera_emitted_photons_s": camera, "camera_emitted_photons_err_s": 0.1 * camera}
    return found | row


FLUX = [
    _flux(2.2, 1e4, None),
    _flux(2.6, 1.1e6, 9e5, ratio=1.22, ratio_low=1.0, ratio_high=1.5, agrees=True),
    {"device": "A", "field": "all", "kind": "el", "n_dots": 3, "ratio": 1.1, "ratio_low": 0.9}
    | {"ratio_high": 1.3, "agrees": True, "status": "ok", "message": ""},
]


def test_photons_of_both_arms_are_drawn() -> None:
    figure = draw_photon_flux(_content({PHOTON_FLUX: FLUX}), "A")
    assert figure is not None
    (axes,) = figure.axes
    heights = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines])
    for value in (1e4, 1.1e6, 9e5):
        assert np.isclose(heights, value).any()
    assert axes.get_yscale() == "log"
    assert "the arms agree" in axes.texts[0].get_text()
    assert draw_photon_flux(_content({}), "A") is None


def test_what_the_arms_say_is_in_words_and_a_table() -> None:
    words, grid = flux_blocks(_content({PHOTON_FLUX: FLUX}), "A")
    assert isinstance(words, Words)
    assert "1.10 (0.90 to 1.3)" in words.text
    assert "Both agree." in words.text
    assert isinstance(grid, Grid)
    assert [row[2].text for row in grid.rows] == ["2.2 V", "2.6 V"]
    assert grid.rows[1][6].text == "1.22 (1.0 to 1.5)"


def _band(volts: float, dot: float, background: float) -> Row:
    row = {"device": "A", "field": "f", "scope": "area", "voltage_v": volts, "status": "ok"}
    for band, value in (("dot_band", dot), ("background_band", background)):
        row |= {
            f"{band}_counts_s": value,
            f"{band}_low_counts_s": value - 2.0,
            f"{band}_high_counts_s": value + 2.0,
        }
    return row


def test_bands_are_points_or_limits() -> None:
    rows = [_band(2.0, 10.0, 0.5), _band(2.4, 1000.0, -0.3), _band(2.6, 4000.0, 30.0)]
    turn_on = {"device": "A", "field": "f", "source": "spectra", "light": "background_band"}
    turn_on |= {"scope": "area", "status": "ok", "n_voltages": 3}
    turn_on |= {"turn_on_low_v": 2.4, "turn_on_high_v": 2.6}
    content = _content({BAND_SERIES: rows, LIGHT_TURN_ON: [turn_on]})
    figure = draw_bands(content, "A")
    assert figure is not None
    (axes,) = figure.axes
    triangles = [line for line in axes.lines if line.get_marker() == "v"]
    limits = np.concatenate([np.asarray(line.get_ydata(), float) for line in triangles])
    one_sided = 1.644854 * 2.0 / 1.959964
    np.testing.assert_allclose(np.sort(limits), [one_sided - 0.3, one_sided + 0.5], rtol=1e-6)
    (span,) = axes.patches
    assert span.get_x() == pytest.approx(2.4)
    grid = turn_on_grid(content, "A")
    assert grid is not None
    assert grid.rows[0][4].text == "2.4 to 2.6 V"
    assert draw_bands(_content({BAND_SERIES: rows[:1]}), "A") is None


def test_all_light_is_drawn_for_each_area() -> None:
    rows = []
    for volts, light in ((0.0, 0.0), (2.2, 50.0), (2.6, 900.0)):
        row = {"device": "A", "voltage_v": volts, "status": "ok", "area_um2": 10.0, "zero": "dark"}
        row |= {"signal_unit": "photons"}
        for name in ("integrated", "dots", "background"):
            row |= {f"{name}_photons_s": light, f"{name}_photons_err_s": 1.0}
        rows += [row | {"field": name, "channel": f"EL {volts}"} for name in ("f", "all")]
    figure = draw_el_series(_content({EL_SERIES: rows}), "A")
    assert figure is not None
    (axes,) = figure.axes
    heights = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines])
    assert np.isclose(heights, 90.0).any()
    # What stands for no light is not drawn.
    places = np.concatenate([np.asarray(line.get_xdata(), float) for line in axes.lines])
    assert places.min() > 2.0


def test_sweeps_light_and_efficiency_stand_side_by_side(tmp_path: Path) -> None:
    volts = np.array([0.0, 1.0, 2.0, 3.0, 2.0, 1.0])
    amps = np.array([1e-12, 1e-9, 1e-6, 1e-5, 8e-7, 9e-10])
    limited = np.arange(6) == 3
    write_curve(iv_frame(IvCurve(tmp_path, volts, amps, None, limited)), tmp_path / "iv.csv")
    sweep = {"device": "A", "field": "f", "file": "iv.csv", "curve": "iv.csv", "status": "ok"}
    sweeps = [
        sweep
        | {"sweep": 1, "direction": "up", "n_readings": 4, "leak_siemens": 1e-9}
        | {"leak_ohm": 1e9, "leak_low_ohm": 9e8, "leak_high_ohm": 1.2e9},
        sweep | {"sweep": 2, "direction": "down", "n_readings": 2, "leak_low_ohm": 8e8},
    ]
    light = [
        {"device": "A", "field": "all", "arm": "camera", "channel": "all", "voltage_v": each}
        | {"current_a": 1e-6 * each, "electrons_s": 1e9, "emitted_photons_s": 1e4 * each}
        | {"emitted_photons_err_s": 10.0, "efficiency": 1e-5, "efficiency_low": 9e-6}
        | {"efficiency_high": 1.1e-5, "status": "ok", "message": "assumed"}
        for each in (2.0, 2.4)
    ]
    content = _content({IV: sweeps, EFFICIENCY: light}, tmp_path)
    figure = draw_iv(content, "A")
    assert figure is not None
    assert len(figure.axes) == 3
    crosses = next(line for line in figure.axes[0].lines if line.get_marker() == "x")
    np.testing.assert_array_equal(crosses.get_xdata(), [3.0])
    table, answers = iv_grid(content, "A"), efficiency_grid(content, "A")
    assert table is not None
    assert answers is not None
    assert table.rows[0][6].text.endswith(f"ohm (9.00 {TIMES} 10⁸ to 1.20 {TIMES} 10⁹)")
    assert table.rows[1][6].text == f"above 8.00 {TIMES} 10⁸ ohm"
    assert [row[8].text for row in answers.rows] == ["", ""]
    alone = draw_iv(_content({IV: sweeps}, tmp_path), "A")
    assert alone is not None
    assert len(alone.axes) == 1
    assert draw_iv(_content({}), "A") is None
