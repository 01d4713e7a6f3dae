"""What a dot's spectra say of it."""

from typing import Any

import pytest

from qdimage.pipeline.spectrum_headlines import add_spectrum_headlines, add_sub_bandgap, sub_bandgap


def spectrum(kind: str, peak_nm: float, err_nm: float, **changed: Any) -> dict[str, Any]:
    row = {
        "dot_id": 1,
        "scope": "dot",
        "kind": kind,
        "status": "ok",
        "flags": "",
        "peak_nm": peak_nm,
        "peak_err_nm": err_nm,
        "fwhm_nm": 24.0,
        "peak_ev": 1239.84 / peak_nm,
        "peak_err_ev": 0.001,
    }
    return row | changed


def dot(low: float | None, high: float | None, dot_id: int = 1) -> dict[str, Any]:
    return {"dot_id": dot_id, "turn_on_voltage_low_v": low, "turn_on_voltage_high_v": high}


def test_the_sharpest_spectrum_of_each_kind_is_the_headline() -> None:
    spectra = [
        spectrum("pl", 630.0, 0.2),
        spectrum("pl", 631.0, 0.1),
        spectrum("pl", 650.0, 0.01, flags="cosmic_rays;poor_fit"),
        spectrum("pl", 640.0, 0.001, scope="area"),
        spectrum("el", 629.0, 0.3, fwhm_nm=25.0),
        spectrum("el", 600.0, 0.1, status="refused"),
    ]
    (found, other) = dot(1.9, 2.0), dot(None, None, dot_id=2)
    add_spectrum_headlines([found, other], spectra)
    assert (found["pl_peak_nm"], found["el_peak_nm"]) == (631.0, 629.0)
    assert (found["pl_fwhm_nm"], found["el_fwhm_nm"]) == (24.0, 25.0)
    assert found["sub_bandgap_v"] == pytest.approx(1239.84 / 629 - 1.95)
    assert "pl_peak_nm" not in other


def test_a_doubtful_spectrum_counts_where_there_is_no_other() -> None:
    found = dot(None, None)
    add_spectrum_headlines([found], [spectrum("pl", 650.0, 0.01, flags="peak_at_edge")])
    assert found["pl_peak_nm"] == 650.0


def test_an_interval_of_the_voltage_is_one_of_the_difference() -> None:
    found = sub_bandgap(1.97, 0.001, 1.8, 1.9)
    assert found["sub_bandgap_v"] == pytest.approx(0.12)
    assert found["sub_bandgap_low_v"] == pytest.approx(0.07 - 0.00196, abs=1e-5)
    assert found["sub_bandgap_high_v"] == pytest.approx(0.17 + 0.00196, abs=1e-5)
    assert set(sub_bandgap(1.97, 0.001, None, 1.9)) == {"sub_bandgap_low_v"}
    assert set(sub_bandgap(1.97, 0.001, 2.8, None)) == {"sub_bandgap_high_v"}
    assert sub_bandgap(1.97, 0.001, None, None) == {}


def test_only_el_of_a_dot_has_a_turn_on() -> None:
    rows = [spectrum("el", 629.0, 0.1), spectrum("pl", 629.0, 0.1)]
    rows += [spectrum("el", 629.0, 0.1, scope="area"), spectrum("el", 629.0, 0.1, dot_id=7)]
    nan = float("nan")
    add_sub_bandgap(rows, [dot(nan, 1.9)])
    assert rows[0]["sub_bandgap_low_v"] == pytest.approx(1239.84 / 629 - 0.00196 - 1.9, abs=1e-5)
    assert "sub_bandgap_v" not in rows[0]
    assert not any("sub_bandgap_low_v" in row for row in rows[1:])
