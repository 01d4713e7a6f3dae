"""Windows of background-free operation, from the light of areas at several voltages."""

from typing import Any

import pytest

from qdimage.domain.pmma_tables import PMMA_SERIES, PMMA_WINDOWS
from qdimage.pipeline.pmma_series import Limits, pmma_tables

LIMIT = Limits(most_background=0.05, least_dots=0.05)
# Ratio of the bands: estimate, ends, one-sided limit.
RATIOS = {
    "dots": (0.01, 0.0, 0.03, 0.02),
    "dots_and_background": (0.3, 0.25, 0.35, 0.34),
    "dots_undecided": (0.05, 0.02, 0.1, 0.09),
}


def area(light: str, voltage_v: float, **changed: Any) -> dict[str, Any]:
    """A row of the table of spectra that shows such light."""
    dots = light.startswith("dots")
    background = light in ("background", "dots_and_background")
    ratio = RATIOS.get(light, (None,) * 4)
    names = ("background_ratio", "background_ratio_low")
    names += ("background_ratio_high", "background_ratio_upper")
    return {
        "device": "d",
        "field": "f",
        "scope": "area",
        "file": f"{voltage_v}.csv",
        "kind": "el",
        "voltage_v": voltage_v,
        "pmma_nm": 12.0,
        "area_mm2": 2.0,
        "exposure_s": 5.0,
        "status": "ok",
        "message": "",
        "model": "gaussian" if dots else None,
        "peak_ev": 1.97 if dots else None,
        "peak_err_ev": 0.001 if dots else None,
        "counts": 1000.0 if dots else None,
        "counts_err": 40.0 if dots else None,
        "dot_band_counts": 1000.0 if dots else 1.0,
        "dot_band_counts_err": 32.0,
        "dot_band_counts_upper": 1050.0 if dots else 20.0,
        "background_band_counts": 2000.0 if background else 0.0,
        "background_band_counts_err": 45.0,
        "background_band_counts_upper": 2080.0 if background else 10.0,
        "background_band_p_value": 0.0 if background else 0.5,
        **dict(zip(names, ratio, strict=True)),
    } | changed


def window(*lights: str, **changed: Any) -> dict[str, Any]:
    """The window of areas with such light at 2.0, 2.1, ... V."""
    rows = [(area(each, 2 + index / 10, **changed), LIMIT) for index, each in enumerate(lights)]
    (row,) = pmma_tables(rows)[PMMA_WINDOWS]
    return row


def ends(row: dict[str, Any]) -> list[float | None]:
    names = ("free_from_low_v", "free_from_high_v", "free_to_low_v", "free_to_high_v")
    return [row.get(name) for name in names]


def test_a_window_lies_between_voltages_that_tell() -> None:
    row = window("dark", "dots", "dots", "dots_and_background", "background")
    assert (row["status"], row["finding"]) == ("ok", "window")
    assert ends(row) == pytest.approx([2.0, 2.1, 2.2, 2.3])
    assert (row["dots_from_low_v"], row["dots_from_high_v"]) == pytest.approx((2.0, 2.1))
    assert (row["n_spectra"], row["n_voltages"], row["n_undecided"]) == (5, 5, 0)


def test_dots_begin_below_the_energy_of_their_photons_by_an_interval() -> None:
    row = window("dark", "dots")
    assert row["peak_ev"] == 1.97
    assert row["sub_bandgap_low_v"] == pytest.approx(1.97 - 2.1 - 0.00196, abs=1e-5)
    assert row["sub_bandgap_high_v"] == pytest.approx(1.97 - 2.0 + 0.00196, abs=1e-5)
    open_below = window("dots", "dots")
    assert open_below.get("sub_bandgap_high_v") is None
    assert open_below["sub_bandgap_low_v"] < -0.03


def test_undecided_voltages_widen_the_ends_and_are_counted_inside() -> None:
    row = window("dark", "dots_undecided", "dots", "dots_undecided", "dots", "dots_undecided")
    assert ends(row) == [2.0, 2.2, 2.4, None]
    assert row["n_undecided"] == 1
    assert row["dots_from_high_v"] == pytest.approx(2.1)
    assert "highest voltage" in row["message"]


def test_a_window_open_below_has_no_lower_voltage() -> None:
    assert ends(window("dots", "dots", "dots_and_background")) == [None, 2.0, 2.1, 2.2]


def test_what_cannot_be_told_is_refused() -> None:
    broken = window("dots", "dots_and_background", "dots")
    assert broken["status"] == "refused"
    assert "2.1 V" in broken["message"]
    doubtful = window("dark", "dots_undecided")
    assert (doubtful["status"], ends(doubtful)) == ("refused", [None] * 4)
    assert "expose longer" in doubtful["message"]
    assert window("dots", kind="pl")["status"] == "refused"
    assert window("dots", status="failed", message="no file")["status"] == "refused"


def test_darkness_is_an_answer_to_a_series_though_no_line_is_one_to_a_spectrum() -> None:
    rows = [area("dark", 2.0, status="refused", message="no line"), area("dots", 2.1)]
    tables = pmma_tables([(each, LIMIT) for each in rows])
    assert [row["status"] for row in tables[PMMA_SERIES]] == ["ok", "ok"]
    assert ends(tables[PMMA_WINDOWS][0]) == [2.0, 2.1, 2.1, None]


def test_dots_that_vanish_are_named_with_a_limit() -> None:
    row = window("dark", "background", "background")
    assert (row["status"], row["finding"]) == ("ok", "dots_vanished")
    assert row["most_dots_share"] == pytest.approx(0.01)
    assert "2.1, 2.2 V" in row["message"]
    assert row.get("dots_from_high_v") is None
    assert window("dark", "dark")["finding"] == "dark"
    assert window("dark", "dots_and_background")["finding"] == "always_background"


def test_a_trace_of_dots_under_the_background_counts_as_vanished() -> None:
    trace = {"background_ratio": 400.0, "background_ratio_low": 380.0}
    trace |= {"background_ratio_high": 430.0, "background_ratio_upper": 425.0}
    found = window("background", "dots_and_background", **trace)
    assert found["finding"] == "dots_vanished"
    assert "peak_ev" not in found
    assert found.get("dots_from_high_v") is None
    much = window("dots_and_background", background_ratio_low=15.0)
    assert much["finding"] == "always_background"


def test_the_worst_of_several_areas_counts_at_a_voltage() -> None:
    rows = [area("dots", 2.4), area("dots_and_background", 2.4, device="e"), area("dots", 2.2)]
    (row,) = pmma_tables([(each, LIMIT) for each in rows])[PMMA_WINDOWS]
    assert row["device"] == "all"
    assert ends(row) == [None, 2.2, 2.2, 2.4]


def test_thicknesses_stand_apart_and_unknown_ones_by_device() -> None:
    rows = [
        area("dots", 2.4, pmma_nm=thickness, device=device)
        for thickness, device in ((12.0, "a"), (17.0, "b"), (None, "c"), (None, "d"))
    ]
    tables = pmma_tables([(each, LIMIT) for each in rows])
    found = [(row["pmma_nm"], row["device"]) for row in tables[PMMA_WINDOWS]]
    assert found == [(12.0, "a"), (17.0, "b"), (None, "c"), (None, "d")]


def test_light_is_per_area_and_exposure() -> None:
    of_dot = area("dots", 2.4, scope="dot")
    rows = [area("dots_and_background", 2.4), area("dots", 2.5, area_mm2=None), of_dot]
    first, second = pmma_tables([(each, LIMIT) for each in rows])[PMMA_SERIES]
    assert first["dot_band_counts_s_mm2"] == pytest.approx(1000 / 10)
    assert first["background_band_err_counts_s_mm2"] == pytest.approx(4.5)
    assert first["line_counts_s_mm2"] == pytest.approx(100)
    assert first["background_ratio_high"] == 0.35
    assert second.get("dot_band_counts_s_mm2") is None
    assert "area_mm2" in second["message"]
    assert second["light"] == "dots"


def test_an_area_without_bands_is_refused() -> None:
    bare = area("dots", 2.4, background_band_counts=None, message="does not cover the band")
    tables = pmma_tables([(bare, LIMIT)])
    assert tables[PMMA_SERIES][0]["status"] == "refused"
    assert tables[PMMA_WINDOWS][0]["status"] == "refused"
