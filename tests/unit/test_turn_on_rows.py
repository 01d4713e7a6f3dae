"""Rows over voltages and fields: what is pooled, what is not, and what a curve's row says."""

import numpy as np
import pytest
from dots import localizations

from qdimage.domain.matches import Matches
from qdimage.domain.photometry import BlankPlaces, ForcedPhotometry
from qdimage.domain.tables import TURN_ON, TURN_ON_CURVES, TURN_ON_VARIANCE
from qdimage.match.count_interval import fraction_interval
from qdimage.pipeline.channel_fluxes import ChannelFluxes
from qdimage.pipeline.turn_on_curve_rows import SeriesFacts, known_facts
from qdimage.pipeline.turn_on_rows import ElChannel, Row, turn_on_tables

N_DOTS = 40
PLACES = 12.0 * np.array([[k % 7, k // 7] for k in range(N_DOTS)])
F_MIN = 5.0
NOTHING = Matches(
    np.zeros((0, 2)),
    np.zeros(0, np.int64),
    np.zeros((0, 2)),
    np.ones(0),
    np.zeros(0, np.int64),
    np.zeros(0, bool),
    np.zeros(0, bool),
)


def channel(
    n_lit: int, voltage: float, field: str = "f1", device: str = "d", name: str = ""
) -> ElChannel:
    """Dots of which the first are surely lit."""
    flux = np.where(np.arange(N_DOTS) < n_lit, 90.0, 0.0)
    blanks = np.random.default_rng(1).standard_normal(200)
    photometry = ForcedPhotometry(
        flux,
        np.ones(N_DOTS),
        np.zeros(N_DOTS, np.int64),
        BlankPlaces(blanks, np.ones(200), np.zeros(200, bool)),
    )
    dots = localizations(PLACES)
    row: Row = {
        "device": device,
        "field": field,
        "channel": name or f"EL {voltage}V",
        "voltage_v": voltage,
        "status": "ok",
        "message": "",
        "signal_unit": "photons",
    }
    return ElChannel(row, ChannelFluxes(dots, NOTHING, photometry, np.zeros(N_DOTS, bool)))


def refused(voltage: float, field: str) -> ElChannel:
    base = channel(0, voltage, field)
    return ElChannel(base.row | {"status": "refused", "message": "too few pairs"}, None)


def tables_of(*channels: ElChannel, **facts: float) -> dict[str, list[Row]]:
    known = {each.place: known_facts("b", facts.get("emission_nm")) for each in channels}
    found = turn_on_tables(channels, facts=known, f_min_s=F_MIN, confidence=0.95)
    return {table.name: rows for table, rows in found.items()}


def pooled(rows: dict[str, list[Row]], voltage: float, device: str = "d") -> Row:
    (row,) = (
        row
        for row in rows[TURN_ON.name]
        if row["field"] == "all" and row["voltage_v"] == voltage and row["device"] == device
    )
    return row


def test_several_recordings_of_one_voltage_count_the_dots_once() -> None:
    once = tables_of(channel(20, 2.4), channel(10, 2.2))
    again = tables_of(channel(20, 2.4, name="a"), channel(24, 2.4, name="b"), channel(10, 2.2))
    assert pooled(again, 2.4)["n_pl"] == N_DOTS
    assert pooled(again, 2.4)["fraction"] == pooled(once, 2.4)["fraction"]
    assert pooled(again, 2.4)["fraction_low"] == pooled(once, 2.4)["fraction_low"]
    assert "the first by name counts" in pooled(again, 2.4)["message"]
    single = [row for row in again[TURN_ON.name] if row["field"] == "f1"]
    assert [row["n_lit"] for row in single] == [20, 24, 10]
    # A recording that does not count is not part of the series either.
    assert "fraction_monotone" not in single[1]


def test_fields_are_pooled_with_their_spread() -> None:
    rows = tables_of(
        *(channel(n, 2.4, f"f{k}") for k, n in enumerate((12, 20, 28))), refused(2.4, "f9")
    )
    pool = pooled(rows, 2.4)
    assert (pool["n_pl"], pool["n_lit"], pool["n_fields"]) == (3 * N_DOTS, 60, 3)
    assert "3 of 4 channels gave a fraction" in pool["message"]
    assert 0 <= pool["between_field_sd_low"] < pool["between_field_sd"]
    assert pool["between_field_sd"] == pytest.approx(0.16, abs=0.06)
    _, low, high = fraction_interval(60, 3 * N_DOTS, 0.95)
    assert pool["fraction_high"] - pool["fraction_low"] > 1.3 * (high - low)
    assert pool["fraction_extrapolated"] >= pool["fraction"]
    levels = {row["level"]: row for row in rows[TURN_ON_VARIANCE.name]}
    assert levels["field"]["status"] == "ok"
    assert levels["field"]["sd"] == pytest.approx(pool["between_field_sd"], abs=0.08)
    assert levels["device"]["status"] == levels["batch"]["status"] == "refused"


def test_a_curve_row_has_the_distance_from_the_photon_energy() -> None:
    lit = {2.1: 2, 2.2: 8, 2.3: 20, 2.4: 31, 2.5: 35, 2.6: 36}
    rows = tables_of(*(channel(n, v) for v, n in lit.items()), emission_nm=520.0)
    field, device = rows[TURN_ON_CURVES.name]
    assert (field["field"], device["field"]) == ("f1", "all")
    for row in (field, device):
        assert row["status"] == "ok"
        assert row["n_dots"] == N_DOTS
        assert row["median_low_v"] < row["median_v"] < row["median_high_v"]
        assert row["median_v"] == pytest.approx(2.29, abs=0.03)
        assert row["plateau"] == pytest.approx(0.9, abs=0.03)
        assert row["energy_source"] == "optics.emission_nm"
        assert row["sub_bandgap_v"] == pytest.approx(1239.84198 / 520 - row["median_v"])
        assert row["sub_bandgap_low_v"] < row["sub_bandgap_v"] < row["sub_bandgap_high_v"]
        assert row["n_not_monotone"] == 0
    monotone = [row["fraction_monotone"] for row in rows[TURN_ON.name] if row["field"] == "f1"]
    assert monotone == pytest.approx([n / N_DOTS for n in lit.values()], abs=0.01)


def test_without_a_wavelength_no_distance_is_given() -> None:
    rows = tables_of(channel(4, 2.1), channel(20, 2.3), channel(36, 2.5))
    row = rows[TURN_ON_CURVES.name][0]
    assert row["photon_energy_ev"] is None
    assert "sub_bandgap_v" not in row


def test_two_voltages_make_no_curve() -> None:
    rows = tables_of(channel(4, 2.1), channel(20, 2.3))
    assert {row["status"] for row in rows[TURN_ON_CURVES.name]} == {"refused"}
    assert "found 2 voltages" in rows[TURN_ON_CURVES.name][0]["message"]


def test_devices_together_have_a_curve_of_their_own() -> None:
    rows = tables_of(
        *(
            channel(n, v, device=device)
            for device in ("d", "e")
            for v, n in ((2.1, 4), (2.3, 20), (2.5, 36))
        )
    )
    places = [(row["device"], row["field"]) for row in rows[TURN_ON_CURVES.name]]
    assert places == [("d", "f1"), ("e", "f1"), ("d", "all"), ("e", "all"), ("all", "all")]
    assert rows[TURN_ON_CURVES.name][-1]["n_dots"] == 2 * N_DOTS
    assert pooled(rows, 2.3, "e")["n_pl"] == N_DOTS


def test_without_a_fraction_every_row_is_refused() -> None:
    rows = tables_of(refused(2.1, "f1"), refused(2.3, "f1"))
    assert {row["status"] for row in rows[TURN_ON.name]} == {"refused"}
    assert {row["status"] for row in rows[TURN_ON_CURVES.name]} == {"refused"}
    assert rows[TURN_ON_VARIANCE.name] == []


def test_a_spectrum_says_more_of_the_photon_energy_than_a_declared_wavelength() -> None:
    def spectrum(kind: str, peak_ev: float | None, status: str = "ok") -> Row:
        return {"kind": kind, "status": status, "peak_ev": peak_ev}

    pl = [spectrum("pl", 1.95), spectrum("pl", 2.05), spectrum("pl", None)]
    el = [spectrum("el", 1.9), spectrum("el", 1.92), spectrum("el", 1.99), spectrum("el", 9, "x")]
    assert known_facts("b", 620.0, [*pl, *el]) == SeriesFacts("b", 1.92, "EL peak, median of 3")
    assert known_facts(None, 620.0, pl).photon_energy_ev == pytest.approx(2.0)
    declared = known_facts("b", 620.0)
    assert declared == known_facts("b", 620.0, [spectrum("el", 9.0, "refused")])
    assert declared.photon_energy_ev == pytest.approx(1239.84198 / 620)
