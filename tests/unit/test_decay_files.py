"""Decays from PHU and CSV files, and what their headers say of the pulses."""

from pathlib import Path

import numpy as np
import pytest
from decays import simulated_decay
from test_histograms import write_phu

from qdimage.errors import FormatError
from qdimage.io.decay_csv import open_decay_csv
from qdimage.io.decay_phu import open_decay_phu
from qdimage.photons.decay_options import DecayOptions
from qdimage.pipeline.lifetime import LifetimeSettings, lifetime_of_file
from qdimage.pipeline.lifetime_output import lifetime_row

SYNC_HZ = 2_500_000


def test_a_phu_decay_has_period_pulses_and_lifetime(tmp_path: Path) -> None:
    truth = simulated_decay(
        np.random.default_rng(1), 1e5, bin_ns=0.512, lifetimes_ns=(40.0,), shares=(1.0,)
    )
    # The device's histogram is longer than a period; nothing is recorded behind it.
    counts = np.concatenate([truth.counts, np.zeros(700, np.int64)])[np.newaxis]
    path = write_phu(tmp_path, counts, HistResDscr_SyncRate=SYNC_HZ)
    decay = open_decay_phu(path)
    assert decay.period_ns == pytest.approx(400.0)
    assert decay.pulses == pytest.approx(SYNC_HZ * 20)
    found = lifetime_of_file(
        path, settings=LifetimeSettings(response_fwhm_ns=0.5), options=DecayOptions()
    )
    row = lifetime_row(found)
    assert (row["status"], row["flags"], row["mode"]) == ("ok", "", "histogram")
    assert row["main_lifetime_ns"] == pytest.approx(40, rel=0.02)
    assert row["period_ns"] == pytest.approx(400.0)
    assert row["counts"] == truth.counts.sum()
    with pytest.raises(FormatError):
        open_decay_phu(path, curve_index=3)


def test_a_csv_keeps_its_bins_and_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("note,time_ns,counts\nx,10.0,3\ny,10.5,0\nz,11.0,8\n")
    decay = open_decay_csv(path)
    np.testing.assert_allclose(decay.edges_ns, [9.75, 10.25, 10.75, 11.25])
    np.testing.assert_array_equal(decay.counts, [3, 0, 8])
    assert decay.period_ns is None
