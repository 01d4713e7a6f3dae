"""Tables of light and current over voltages from made-up rows."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.constants import elementary_charge
from scipy.stats import norm

from qdimage.domain.experiment import OpticsTable
from qdimage.domain.iv import IvCurve
from qdimage.domain.iv_tables import EFFICIENCY, IV
from qdimage.domain.light_tables import BAND_SERIES, EL_SERIES, LIGHT_TURN_ON, PHOTON_FLUX
from qdimage.domain.overlap_light import OverlapLight
from qdimage.domain.refusal import Refusal
from qdimage.domain.tables import BLANKS, DOT_CHANNELS, DOTS, LOCALIZATIONS, MATCHES
from qdimage.electrical.options import SeriesOptions
from qdimage.electrical.sweeps import sweeps_of
from qdimage.pipeline.el_series import LitChannel, el_series_rows
from qdimage.pipeline.iv import IvAnswer, sweep_rows
from qdimage.pipeline.iv_efficiency import DeviceCurrent, device_currents, efficiency_rows
from qdimage.pipeline.light_flux import photon_flux_rows
from qdimage.pipeline.light_series import band_series_rows, light_turn_on_rows
from qdimage.pipeline.tables import as_frame
from qdimage.simulation.iv import Conduction, draw_readings, sweep_up_and_down

Row = dict[str, Any]
HERE = {"device": "A", "field": "f"}
PLACE = ("A", "f")


def _light(total: float, background: float, counted: float = 0.0) -> OverlapLight:
    return OverlapLight(1000, 900, total, 30.0, background, 0.01, counted, 400.0, "bias_adu (file)")


def _channel(volts: float, light: OverlapLight | None, field: str = "f", **row: Any) -> LitChannel:
    known = {
        "device": "A",
        "field": field,
        "channel": f"EL {volts:g}",
        "voltage_v": volts,
        "signal_unit": "photons",
        "status": "ok",
        "message": "",
    }
    return LitChannel(known | row, light, 0.1, 0.1)


def _frames(fluxes: dict[float, list[float]], *, rejected: int = 0) -> dict[str, pd.DataFrame]:
    n_dots = len(next(iter(fluxes.values())))
    dots = [HERE | {"dot_id": k + 1, "accepted": k + 1 != rejected} for k in range(n_dots)]
    inner, blanks, matches, found = [], [], [], []
    for volts, values in fluxes.items():
        channel = HERE | {"channel": f"EL {volts:g}", "voltage_v": volts}
        inner += [
            channel | {"dot_id": k + 1, "photons_s": value, "photons_err_s": 3.0, "flags": ""}
            for k, value in enumerate(values)
        ]
        inner[-1] |= {"flags": "hot"}
        blanks += [
            channel
            | {"blank_id": k, "photons_s": 2.0 + (-1) ** k, "photons_err_s": 3.0}
            | {"occupied": k > 97}
            for k in range(100)
        ]
        matches.append(channel | {"loc_id": 1, "el_only": True})
        found.append(HERE | {"channel": channel["channel"], "loc_id": 1, "photons_s": 50.0})
    rows = {
        DOTS: dots,
        DOT_CHANNELS: inner,
        BLANKS: blanks,
        MATCHES: matches,
        LOCALIZATIONS: found,
    }
    return {table.name: as_frame(each, table) for table, each in rows.items()}


def test_a_channel_at_0_v_is_the_zero() -> None:
    channels = [_channel(0.0, _light(1000.0, 1.0)), _channel(2.4, _light(6000.0, 3.0))]
    frames = _frames({0.0: [0.0, 1.0], 2.4: [700.0, 304.0]})
    rest, lit, *pools = el_series_rows(channels, frames)
    assert lit["zero"] == "EL 0 at 0 V"
    assert lit["integrated_photons_s"] == pytest.approx(5000.0)
    assert lit["integrated_photons_err_s"] == pytest.approx(math.hypot(30.0, 10.0))
    assert lit["background_photons_s"] == pytest.approx(2000.0)
    # Blank places show 2 photons/s on average, which are not the dots' own.
    assert lit["dots_photons_s"] == pytest.approx(1000.0, abs=0.1)
    assert lit["el_only_photons_s"] == 50.0
    assert lit["integrated_p"] == norm.sf(5000.0 / math.hypot(30.0, 10.0))
    assert rest["background_photons_s"] == 0.0
    assert "background_p" not in rest
    assert lit["area_um2"] == pytest.approx(10.0)
    assert [pool["voltage_v"] for pool in pools] == [0.0, 2.4]
    as_frame([rest, lit, *pools], EL_SERIES)


def test_without_it_the_bias_is_and_nothing_is_said_of_the_turn_on() -> None:
    channels = [_channel(2.0, _light(1000.0, 1.0)), _channel(2.4, _light(6000.0, 3.0))]
    rows = el_series_rows(channels, _frames({2.0: [0.0, 1.0], 2.4: [700.0, 304.0]}))
    assert {row["zero"] for row in rows if row["field"] == "f"} == {"bias_adu (file)"}
    turn_on = {row["light"]: row for row in light_turn_on_rows(rows, [], [], {PLACE: 0.01})}
    assert turn_on["dots"]["status"] == "ok"
    assert (turn_on["dots"]["turn_on_low_v"], turn_on["dots"]["turn_on_high_v"]) == (2.0, 2.4)
    for light in ("background", "integrated"):
        assert turn_on[light]["status"] == "refused"
        assert "channel at 0 V" in turn_on[light]["message"]
    as_frame(list(turn_on.values()), LIGHT_TURN_ON)


def test_rejected_dots_are_no_light_of_dots_and_unmeasured_ones_are_counted() -> None:
    frames = _frames({2.4: [700.0, 304.0, float("nan")]}, rejected=1)
    row = el_series_rows([_channel(2.4, _light(6000.0, 3.0))], frames)[0]
    assert (row["n_dots"], row["n_not_measured"]) == (1, 1)
    assert row["dots_photons_s"] == pytest.approx(302.0, abs=0.1)


def test_light_in_wings_of_spots_is_counted_at_all_voltages_together() -> None:
    """Of sources' light of 3000 and 7000 photons/s, 0.85 is in spots."""
    lights = {2.4: _light(3000.0, 0.0, 2550.0), 2.6: _light(7000.0, 0.0, 5950.0)}
    channels = [_channel(volts, light) for volts, light in lights.items()]
    rows = el_series_rows(channels, _frames({2.4: [1000.0, 1504.0], 2.6: [3000.0, 2904.0]}))
    for row in rows:
        assert row["spot_share"] == pytest.approx(0.85, rel=0.01)
    dark = el_series_rows([_channel(2.0, _light(5.0, 0.0, 4.0))], _frames({2.0: [3.0, -2.0]}))
    assert dark[0].get("spot_share") is None
    flux, _ = photon_flux_rows(
        [_file(1, 8e4)], [], [_flux(1, 8.5e4)], OPTICS, {PLACE: (0.85, 0.02)}
    )
    assert flux["camera_emitted_photons_s"] == pytest.approx(1e6)
    relative = math.hypot(0.01, 0.02 / 0.85)
    assert flux["camera_emitted_photons_err_s"] == pytest.approx(1e6 * relative)


def test_a_channel_without_light_keeps_its_row() -> None:
    refused = _channel(2.4, None, status="refused", message="no overlap")
    hidden = OverlapLight(1000, 900, *[float("nan")] * 5, 400.0, "", "bias_adu was estimated")
    rows = el_series_rows([refused, _channel(2.6, hidden)], _frames({2.6: [700.0, 304.0]}))
    assert (rows[0]["status"], rows[0]["message"]) == ("refused", "no overlap")
    assert rows[1]["integrated_photons_s"] is None
    assert rows[1]["dots_photons_s"] == pytest.approx(1000.0, abs=0.1)


def _spectrum(volts: float, dot: float, background: float, **keys: Any) -> Row:
    row = HERE | {
        "scope": "area",
        "dot_id": None,
        "kind": "el",
        "voltage_v": volts,
        "file": f"area_{volts}.csv",
        "exposure_s": 10.0,
        "status": "ok",
        "message": "",
    }
    for band, counts in (("dot_band", dot), ("background_band", background)):
        row |= {
            f"{band}_counts": counts,
            f"{band}_counts_err": 10.0,
            f"{band}_p_value": float(norm.sf(counts / 10.0)),
        }
    return row | keys


def test_bands_set_in_at_their_own_voltages() -> None:
    spectra = [
        _spectrum(1.9, 5.0, -4.0),
        _spectrum(2.1, 80.0, 8.0, background_ratio=0.1),
        _spectrum(2.4, 900.0, 12.0, background_ratio=0.01),
        _spectrum(2.7, 9000.0, 95.0, background_ratio=0.01),
        _spectrum(2.4, 1e5, 1e5, kind="pl"),
        _spectrum(2.9, 1e5, 1e5, exposure_s=None),
        _spectrum(2.9, 1e5, 1e5, scope="dot"),
        _spectrum(2.9, 0.0, 0.0, status="failed", message="cut off"),
    ]
    rows = band_series_rows(spectra)
    as_frame(rows, BAND_SERIES)
    assert [row["status"] for row in rows] == ["ok", "ok", "ok", "ok", "refused", "failed"]
    assert rows[1]["dot_band_counts_s"] == 8.0
    assert rows[1]["dot_band_low_counts_s"] == pytest.approx(8.0 - 1.96, abs=1e-3)
    found = {row["light"]: row for row in light_turn_on_rows([], rows, [], {PLACE: 0.01})}
    dot, background = found["dot_band"], found["background_band"]
    assert (dot["turn_on_low_v"], dot["turn_on_high_v"]) == (1.9, 2.1)
    assert (background["turn_on_low_v"], background["turn_on_high_v"]) == (2.4, 2.7)
    assert dot["n_voltages"] == 4


def test_a_background_that_is_not_seen_has_no_turn_on() -> None:
    rows = band_series_rows([_spectrum(2.0, 500.0, 5.0), _spectrum(2.4, 900.0, -3.0)])
    found = {row["light"]: row for row in light_turn_on_rows([], rows, [], {PLACE: 0.01})}
    assert found["background_band"]["status"] == "refused"
    assert "no light is seen up to 2.4 V" in found["background_band"]["message"]
    assert found["background_band"].get("turn_on_high_v") is None
    assert "lowest voltage" in found["dot_band"]["message"]


OPTICS = {PLACE: OpticsTable(collection_efficiency=0.08, camera_collection_efficiency=0.1)}


def _file(dot: int, counts_s: float, volts: float = 2.6, **keys: Any) -> Row:
    half = round(150 * counts_s)
    return (
        HERE
        | {
            "dot_id": dot,
            "file": f"d{dot}_{volts}.ptu",
            "kind": "el",
            "voltage_v": volts,
            "status": "ok",
            "message": "",
            "duration_s": 300.0,
            "counts_1": half,
            "counts_2": half,
            "counts_s": counts_s,
        }
        | keys
    )


def _flux(dot: int, photons_s: float, volts: float = 2.6, **keys: Any) -> Row:
    return (
        HERE
        | {
            "dot_id": dot,
            "channel": f"EL {volts}",
            "voltage_v": volts,
            "photons_s": photons_s,
            "photons_err_s": 0.01 * photons_s,
            "signal_unit": "photons",
        }
        | keys
    )


def test_both_arms_are_compared_dot_by_dot_and_together() -> None:
    emitted = {1: 1.1e6, 2: 6e5, 3: 8e5}
    photons = [_file(dot, 0.08 * light) for dot, light in emitted.items()]
    fluxes = [_flux(dot, 0.1 * light) for dot, light in emitted.items()]
    rows = photon_flux_rows(photons, [], fluxes, OPTICS, {})
    as_frame(rows, PHOTON_FLUX)
    *dots, device = rows
    assert [row["emitted_photons_s"] for row in dots] == pytest.approx(list(emitted.values()))
    assert all(row["agrees"] for row in rows)
    assert (device["field"], device["n_dots"]) == ("all", 3)
    assert device["ratio"] == pytest.approx(1.0)
    assert device["ratio_low"] < 1 < device["ratio_high"]


def test_arms_that_disagree_say_so() -> None:
    photons = [_file(dot, 8e4) for dot in (1, 2, 3)]
    fluxes = [_flux(dot, 4e4) for dot in (1, 2, 3)]
    *dots, device = photon_flux_rows(photons, [], fluxes, OPTICS, {})
    for row in (*dots, device):
        assert row["agrees"] is False
        assert row["ratio"] == pytest.approx(2.5)
        assert "the counters see 2.5 times" in row["message"]


@pytest.mark.parametrize(
    ("flux", "message"),
    [
        ({"volts": 2.4}, "no EL channel shows the dot at 2.6 V"),
        ({"signal_unit": "ADU"}, "in ADU"),
        ({"photons_err_s": 5e4}, "3 sigma"),
    ],
)
def test_what_cannot_be_compared_keeps_its_photons(flux: Row, message: str) -> None:
    (row,) = photon_flux_rows([_file(1, 8e4)], [], [_flux(1, 8e4, **flux)], OPTICS, {})
    assert row["emitted_photons_s"] == pytest.approx(1e6)
    assert message in row["message"]
    assert row.get("ratio") is None


def test_without_an_efficiency_there_are_no_photons() -> None:
    (row,) = photon_flux_rows([_file(1, 8e4)], [], [], {PLACE: OpticsTable()}, {})
    assert row["status"] == "refused"
    assert row["counts_s"] == pytest.approx(8e4)
    assert "collection_efficiency" in row["message"]


def test_blinking_widens_the_error() -> None:
    trace = HERE | {"file": "d1_2.6.ptu", "on_counts_s": 1e5, "off_counts_s": 0.0}
    steady, blinking = (
        photon_flux_rows([_file(1, 8e4)], [trace | {"on_fraction_err": err}], [], OPTICS, {})[0]
        for err in (0.0, 0.02)
    )
    assert steady["counts_err_s"] == pytest.approx(math.sqrt(8e4 / 300))
    assert blinking["counts_err_s"] == pytest.approx(2e3, rel=0.01)


def test_the_counters_turn_on_rests_on_dark_counts() -> None:
    photons = [
        _file(1, 210.0, 2.0, background_fraction=200 / 210),
        _file(1, 900.0, 2.4, background_fraction=200 / 900),
        _file(2, 700.0, 2.0),
        _file(2, 900.0, 2.4),
        _file(3, 900.0, 2.4),
    ]
    rows = photon_flux_rows(photons, [], [], OPTICS, {})
    one, other = light_turn_on_rows([], [], rows, {PLACE: 0.01})
    # 10 counts/s above 200 in 300 s are 12 standard deviations.
    assert one["turn_on_high_v"] == 2.0
    assert "dark_counts_s" in other["message"]


def _curve(device: Conduction, seed: int = 1, limit_a: float | None = None) -> IvCurve:
    readings = draw_readings(device, sweep_up_and_down(2.8), np.random.default_rng(seed))
    limited = np.zeros(len(readings.voltage_v), bool)
    if limit_a is not None:
        limited = readings.current_a >= 0.995 * limit_a
    return IvCurve(Path("iv.csv"), readings.voltage_v, readings.current_a, None, limited, limit_a)


def test_sweeps_have_leak_and_hysteresis() -> None:
    device = Conduction(falling_share=0.8)
    curve = _curve(device)
    up, down = sweep_rows(curve, sweeps_of(curve), SeriesOptions())
    as_frame([HERE | {"file": "iv.csv"} | row for row in (up, down)], IV)
    assert up["leak_low_ohm"] < device.leak_ohm < up["leak_high_ohm"]
    assert up["leak_share"] == pytest.approx(2.8 / device.leak_ohm / up["current_a"], rel=0.01)
    assert "hysteresis_ratio" not in up
    assert down["hysteresis_extreme_ratio"] == pytest.approx(0.8, abs=0.02)


def test_a_limit_that_nobody_stated_is_pointed_out() -> None:
    curve = _curve(Conduction(limit_a=3e-5))
    rows = sweep_rows(curve, sweeps_of(curve), SeriesOptions())
    assert "set limit_a" in rows[0]["message"]
    stated = _curve(Conduction(limit_a=3e-5), limit_a=3e-5)
    row = sweep_rows(stated, sweeps_of(stated), SeriesOptions())[0]
    assert row["n_compliance"] > 3
    assert "limit_a" not in row["message"]
    assert row["highest_v"] < 2.4


def test_efficiency_is_photons_for_each_electron_of_the_same_area() -> None:
    device = Conduction(falling_share=1.0, relative_noise=0.0, noise_a=0.0)
    sweeps = tuple(sweeps_of(_curve(device)))
    current_of = device_currents({PLACE: [IvAnswer("iv.csv", 4.0, sweeps)], ("A", "g"): []})
    channel = HERE | {
        "channel": "EL 2.4",
        "voltage_v": 2.4,
        "status": "ok",
        "signal_unit": "photons",
        "n_pixels": 10_000,
        "area_um2": 100.0,
        "n_dots": 10,
        "zero": "EL 0 at 0 V",
        "integrated_photons_s": 5e4,
        "integrated_photons_err_s": 500.0,
        "dots_photons_s": 4e4,
        "dots_photons_err_s": 300.0,
    }
    flux = HERE | {"dot_id": 1, "file": "d.ptu", "kind": "el", "voltage_v": 2.4}
    flux |= {"emitted_photons_s": 8e4, "emitted_photons_err_s": 100.0}
    camera, counters = efficiency_rows(
        [channel], [flux], camera_efficiency={PLACE: 0.1}, current_of=current_of
    )
    as_frame([camera, counters], EFFICIENCY)
    amps = float(device.current_a(np.array(2.4)))
    electrons = amps * 100.0 / 4e6 / elementary_charge
    assert camera["electrons_s"] == pytest.approx(electrons, rel=1e-3)
    assert camera["efficiency"] == pytest.approx(5e5 / electrons, rel=1e-3)
    assert camera["efficiency_low"] == pytest.approx(5e5 * (1 - 0.0196) / electrons, rel=1e-3)
    assert camera["dots_efficiency"] == pytest.approx(4e5 / electrons, rel=1e-3)
    # A dot has the area of the field over its dots.
    assert counters["area_um2"] == pytest.approx(10.0)
    assert counters["dots_efficiency"] == pytest.approx(8e4 / (electrons / 10), rel=1e-3)


@pytest.mark.parametrize(
    ("changed", "area", "share", "message"),
    [
        ({}, None, 0.1, "area_mm2 is not declared"),
        ({}, 4.0, None, "camera_collection_efficiency"),
        ({"signal_unit": "ADU"}, 4.0, 0.1, "in ADU"),
        ({"voltage_v": 3.5}, 4.0, 0.1, "expected one at 3.5 V"),
        ({"integrated_photons_s": None, "message": "no bias"}, 4.0, 0.1, "no bias"),
    ],
)
def test_efficiency_is_refused_for_a_reason(
    changed: Row, area: float | None, share: float | None, message: str
) -> None:
    sweeps = tuple(sweeps_of(_curve(Conduction())))
    channel = HERE | {
        "channel": "EL",
        "voltage_v": 2.4,
        "status": "ok",
        "signal_unit": "photons",
        "n_pixels": 10_000,
        "area_um2": 100.0,
        "zero": "bias_adu",
        "integrated_photons_s": 5e4,
        "integrated_photons_err_s": 500.0,
    }
    (row,) = efficiency_rows(
        [channel | changed],
        [],
        camera_efficiency={PLACE: share},
        current_of=device_currents({PLACE: [IvAnswer("iv.csv", area, sweeps)]}),
    )
    assert row["status"] == "refused"
    assert message in row["message"]
    assert row.get("efficiency") is None


def test_two_areas_of_one_device_contradict_each_other() -> None:
    sweeps = tuple(sweeps_of(_curve(Conduction())))
    answers = {PLACE: [IvAnswer("a", 4.0, sweeps)], ("A", "g"): [IvAnswer("b", 5.0, sweeps)]}
    found = device_currents(answers)("A", 2.4)
    assert isinstance(found, Refusal)
    assert "4, 5 mm2" in found.reason
    assert device_currents(answers)("B", 2.4) is None
    one = device_currents({PLACE: answers[PLACE]})("A", 2.4)
    assert isinstance(one, DeviceCurrent)
