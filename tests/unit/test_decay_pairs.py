"""First photons of pairs: against all pairs counted one by one, and the biexciton's lifetime."""

from pathlib import Path

import numpy as np
import pytest
from decays import pulsed_photons, write_t2, write_t3

from qdimage.domain.decay import Decay
from qdimage.io.time_tags import open_photons
from qdimage.photons.decay_options import DecayOptions
from qdimage.photons.decay_pairs import first_of_pairs
from qdimage.pipeline.lifetime import LifetimeSettings, lifetime_of_file
from qdimage.pipeline.lifetime_output import lifetime_row

PERIOD = 400.0


def test_pairs_are_those_of_one_pulse_and_two_detectors(tmp_path: Path) -> None:
    pulse = np.array([5, 5, 5, 6, 7, 7, 9, 9, 12, 13])
    delay = np.array([3.0, 1.0, 7.0, 2.0, 4.0, 5.0, 6.0, 6.5, 1.0, 1.0]) + 0.2
    detector = np.array([0, 1, 1, 0, 0, 0, 1, 0, 0, 1])
    path = write_t3(tmp_path / "few.ptu", pulse, delay, detector, period_ns=PERIOD)
    edges = np.arange(0.0, 10.5, 0.5)
    like = Decay(edges, np.zeros(20, np.int64), PERIOD)
    found = first_of_pairs(open_photons(path), like, detectors=(0, 1))
    # Pulse 5: 1 (detector 1) with 3 (0), then 3 with 7 (1); pulse 7: one detector; 9: 6 with 6.5.
    assert list(np.repeat(edges[:-1], found.counts)) == [1.0, 3.0, 6.0]


def test_the_biexciton_decays_as_it_was_drawn(tmp_path: Path) -> None:
    photons = pulsed_photons(
        np.random.default_rng(4),
        4_000_000,
        period_ns=PERIOD,
        mean_excitations=0.5,
        yields=(1.0, 0.3),
        lifetimes_ns=(40.0, 2.0),
        efficiency=0.2,
    )
    path = write_t3(tmp_path / "dot.ptu", *photons, period_ns=PERIOD)
    found = lifetime_of_file(
        path, settings=LifetimeSettings(response_fwhm_ns=0.5), options=DecayOptions()
    )
    biexciton = found.biexciton_ns
    assert biexciton is not None
    assert biexciton.value == pytest.approx(2.0, rel=0.15)
    # One draw against a 95 % interval, the seed fixed.
    assert biexciton.low_95 < 2.0 < biexciton.high_95
    one = lifetime_of_file(path, settings=LifetimeSettings(detectors=(0,)), options=DecayOptions())
    assert one.biexciton_ns is None


def test_detectors_behind_long_cables_are_put_on_top_of_each_other(tmp_path: Path) -> None:
    photons = pulsed_photons(
        np.random.default_rng(6),
        2_000_000,
        period_ns=PERIOD,
        mean_excitations=0.5,
        yields=(1.0, 0.3),
        lifetimes_ns=(40.0, 2.0),
        efficiency=0.2,
    )
    pulse, delay, detector = photons
    settings = LifetimeSettings(response_fwhm_ns=0.5)
    straight = write_t3(tmp_path / "straight.ptu", *photons, period_ns=PERIOD)
    late = write_t3(
        tmp_path / "late.ptu", pulse, delay + 3.7 * detector, detector, period_ns=PERIOD
    )
    short = write_t3(
        tmp_path / "short.ptu", pulse, delay + 3.7 * detector, detector, period_ns=PERIOD,
        record_type="PicoHarp T3",
    )  # fmt: skip
    rows = [
        lifetime_row(lifetime_of_file(path, settings=settings, options=DecayOptions()))
        for path in (straight, late, short)
    ]
    assert [row["components"] for row in rows] == [2, 2, 2]
    assert "late" not in rows[0]["message"]
    for row in rows[1:]:
        assert "the detectors were late by" in row["message"]
        assert row["main_lifetime_ns"] == pytest.approx(rows[0]["main_lifetime_ns"], rel=0.02)
        assert row["p_value"] > 1e-3
    assert rows[1]["biexciton_lifetime_ns"] == pytest.approx(2.0, rel=0.3)
    t2 = write_t2(tmp_path / "t2.ptu", pulse, delay + 3.7 * detector, detector, period_ns=PERIOD)
    settings = LifetimeSettings(response_fwhm_ns=0.5, period_ns=PERIOD)
    row = lifetime_row(lifetime_of_file(t2, settings=settings, options=DecayOptions()))
    assert row["main_lifetime_ns"] == pytest.approx(rows[0]["main_lifetime_ns"], rel=0.01)
    assert row["p_value"] > 1e-3
