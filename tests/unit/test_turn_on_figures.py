"""Figures of turn-on: the curve, the map, the scatter between fields, and what is said of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from finished_run import El, Field, make_run

from qdimage.domain.tables import DOT_CHANNELS, DOTS, TURN_ON, TURN_ON_CURVES, TURN_ON_VARIANCE
from qdimage.io.table_file import read_table, write_table
from qdimage.pipeline.tables import as_frame
from qdimage.reporting.answers import headlines
from qdimage.reporting.content import Content, read_content
from qdimage.reporting.curve_words import device_curves, with_interval
from qdimage.reporting.drawn import no_figures
from qdimage.reporting.field_scatter import draw_devices, draw_fields
from qdimage.reporting.html import render
from qdimage.reporting.pages import make_pages
from qdimage.reporting.turn_on_figures import draw_turn_on
from qdimage.reporting.turn_on_map import draw_turn_on_map
from qdimage.reporting.words import NOTHING

DEVICE = "device-A"
CURVE = {
    "device": DEVICE,
    "field": "all",
    "status": "ok",
    "n_dots": 18,
    "n_voltages": 2,
    "median_v": 2.3,
    "median_low_v": 2.2,
    "median_high_v": 2.35,
    "width_v": 0.2,
    "width_low_v": 0.0,
    "plateau": 0.9,
    "plateau_low": 0.8,
    "plateau_high": 1.0,
    "below_range": 0.0,
    "first_light_v": 2.16,
    "photon_energy_ev": 1.97,
    "energy_source": "optics.emission_nm",
    "n_not_monotone": 1,
    "n_not_monotone_by_noise": 0.2,
}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two fields of one device and one of another, with a curve and a spread."""
    fields = [
        Field(),
        Field(name="field-02", el=(El(2.1, 1), El(2.4, 5))),
        Field(name="field-03", device="device-B"),
    ]
    folder = make_run(tmp_path_factory.mktemp("run") / "out", fields)
    refused = {"device": "device-B", "field": "all", "status": "refused", "message": "too few"}
    single = CURVE | {"field": "field-01", "median_v": 2.28}
    write_table(as_frame([single, CURVE, refused], TURN_ON_CURVES), TURN_ON_CURVES, folder)
    spread = {"device": "all", "field": "all", "voltage_v": 2.4, "level": "field", "status": "ok"}
    spread |= {"n_groups": 2, "sd": 0.11, "sd_low": 0.0, "sd_high": 0.31}
    write_table(as_frame([spread], TURN_ON_VARIANCE), TURN_ON_VARIANCE, folder)
    turn_on = read_table(folder, TURN_ON)
    pooled = (turn_on["field"] == "all") & (turn_on["device"] == DEVICE)
    turn_on.loc[pooled, ["between_field_sd", "between_field_sd_low", "between_field_sd_high"]] = [
        0.1,
        0.0,
        0.3,
    ]
    turn_on.loc[pooled, "n_fields"] = 2
    write_table(turn_on, TURN_ON, folder)
    return folder


@pytest.fixture(scope="module")
def content(out: Path) -> Content:
    return read_content(out)


def test_the_curve_passes_half_of_its_plateau_at_the_median(content: Content) -> None:
    figure = draw_turn_on(content, DEVICE)
    assert figure is not None
    lines = {str(line.get_label()): line for line in figure.axes[0].lines}
    x, y = lines["logistic curve"].get_data()
    assert np.interp(2.3, x, y) == pytest.approx(0.45, abs=1e-3)
    # 10 to 90 % of the rise are as far apart as the width says.
    ends = np.interp([0.09, 0.81], y, x)
    assert np.diff(ends)[0] == pytest.approx(0.2, abs=2e-3)
    assert lines["median"].get_xydata() == pytest.approx(np.array([[2.3, 0.45]]))
    energy = lines["photon energy 1.97 eV"].get_xdata()
    assert energy[0] == 1.97  # type: ignore[index]


def test_without_a_curve_the_fractions_are_joined(content: Content) -> None:
    figure = draw_turn_on(content, "device-B")
    assert figure is not None
    lines = figure.axes[0].lines
    assert "logistic curve" not in [str(line.get_label()) for line in lines]
    assert any(len(line.get_xydata()) == 2 and line.get_ls() == "-" for line in lines)


def test_the_map_has_every_dot_once(out: Path, content: Content) -> None:
    fluxes, dots = read_table(out, DOT_CHANNELS), read_table(out, DOTS)
    fluxes["counted"] = fluxes["dot_id"] != 9
    dots.loc[dots["dot_id"] == 8, "turn_on_voltage_high_v"] = pd.NA
    dots.loc[dots["dot_id"] == 7, "turn_on_voltage_high_v"] = 2.1
    tables = {name: frame.copy() for name, frame in content.fields[0].tables.items()}
    field_dots = dots[(dots["device"] == DEVICE) & (dots["field"] == "field-01")]
    own = fluxes[(fluxes["device"] == DEVICE) & (fluxes["field"] == "field-01")]
    tables |= {DOTS.name: field_dots, DOT_CHANNELS.name: own}
    field = type(content.fields[0])(1, DEVICE, "field-01", {}, tables)
    figure = draw_turn_on_map(field)
    assert figure is not None
    found = {str(line.get_label()): len(line.get_xydata()) for line in figure.axes[0].lines}
    expected = {
        "not counted (1)": 1,
        "dark up to 2.4 V (1)": 1,
        "from 2.1 V (1)": 1,
        "from 2.4 V (6)": 6,
        "dark again above (1)": 1,
    }
    assert found == expected
    heights = [patch.get_height() for patch in figure.axes[1].patches]
    assert heights == [1, 6, 1]


def test_a_field_without_two_voltages_has_no_map(tmp_path: Path) -> None:
    run = read_content(make_run(tmp_path / "out", [Field(el=(El(2.4, 3),))]))
    assert draw_turn_on_map(run.fields[0]) is None


def test_scatter_between_fields_needs_two(content: Content) -> None:
    figure = draw_fields(content, DEVICE)
    assert figure is not None
    words = [text.get_text() for text in figure.axes[0].texts]
    assert len(words) == 2
    assert all("0.10 (0 to 0.30)" in word for word in words)
    assert draw_fields(content, "device-B") is None


def test_devices_stand_side_by_side_where_there_are_two(content: Content, tmp_path: Path) -> None:
    figure = draw_devices(content)
    assert figure is not None
    assert {"device-A", "device-B"} <= set(figure.axes[0].get_legend_handles_labels()[1])
    assert draw_devices(read_content(make_run(tmp_path / "out", [Field()]))) is None


def test_the_report_tells_the_curve_and_the_spread(content: Content) -> None:
    html = render(content, make_pages(content, no_figures))
    assert "2.30 (2.20 to 2.35)" in html
    assert "0.11 (0.00 to 0.31)" in html
    assert "too few" in html
    assert "lit at 2.30 (2.20 to 2.35) V" in headlines(content)[0].sentence
    assert len(device_curves(content, DEVICE)) == 1


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.1, 0.3, "0.20 (0.10 to 0.30)"),
        (None, 0.3, "0.20 (at most 0.30)"),
        (0.05, None, "0.20 (at least 0.050)"),
        (None, None, "0.20"),
    ],
)
def test_an_open_end_is_said(low: float | None, high: float | None, text: str) -> None:
    assert with_interval({"x": 0.2, "x_low": low, "x_high": high}, "x") == text
    assert with_interval({"x": None, "x_low": low, "x_high": high}, "x") == NOTHING
