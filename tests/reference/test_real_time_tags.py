"""Public files of real devices, on whose numbers independent programs agree."""

import hashlib

import numpy as np
import pytest
from time_tag_files import REAL, photons_in

from qdimage.errors import FormatError
from qdimage.io.time_tags import open_photons
from qdimage.photons.correlate import correlate

HBT = REAL / "200204_HH400_T2_320MHz_HBT.ptu"
SILENT = REAL / "libpicoquant_hydraharp_v30_t2.ptu"

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not at hand")


def digest(time: np.ndarray) -> str:
    return hashlib.sha256(time.astype("<i8").tobytes()).hexdigest()[:16]


def test_photons_of_a_hydraharp_are_those_of_other_programs() -> None:
    stream = open_photons(HBT)
    photons = photons_in(stream)
    assert np.bincount(photons.channel).tolist() == [159_298, 224_721]
    assert digest(photons.time) == "dfe9fc7010359d73"
    assert np.ptp(photons.time) * stream.tick_s == pytest.approx(0.999977582, abs=5e-10)
    assert stream.header["n_records"] == 409_482
    assert stream.warnings == []


def test_a_silent_channel_stays_silent() -> None:
    stream = open_photons(SILENT)
    photons = photons_in(stream)
    assert np.bincount(photons.channel).tolist() == [305_565]
    assert digest(photons.time) == "ce3acb9228110988"
    assert np.ptp(photons.time) * stream.tick_s == pytest.approx(4.999940498, abs=5e-10)
    assert correlate(stream, bin_ticks=512, n_bins=976).counts.sum() == 0


@pytest.mark.parametrize(
    ("bin_ticks", "n_bins", "pairs"), [(512, 976, 145_480), (16, 10_000, 49_591)]
)
def test_pairs_are_those_of_other_programs(bin_ticks: int, n_bins: int, pairs: int) -> None:
    curve = correlate(open_photons(HBT), bin_ticks=bin_ticks, n_bins=n_bins)
    assert curve.counts.sum() == pairs
    assert (curve.counts_1, curve.counts_2) == (159_298, 224_721)


def test_antibunching_of_a_real_dot_is_where_other_programs_find_it() -> None:
    period, centre = 3128, 23_940
    curve = correlate(open_photons(HBT), bin_ticks=4, n_bins=20_000)
    lag = (curve.edges_ns[:-1] * 1000 - centre) / period
    peak = np.rint(lag)
    areas = np.array([curve.counts[peak == number].sum() for number in range(-12, 13)])
    distant = np.delete(areas, slice(11, 14))
    assert areas[12] == 2
    assert distant.mean() == pytest.approx(510.4, rel=1e-3)


def test_an_old_format_says_what_to_do() -> None:
    with pytest.raises(FormatError, match="export it as PTU"):
        open_photons(REAL / "libpicoquant_timeharp_v50.t3r")
