"""Histograms that were made elsewhere: PHU and CSV."""

from pathlib import Path

import numpy as np
import pytest
from counter_files import write_phu

from qdimage.domain.g2_curve import G2Curve, accidentals
from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.time_tags import open_histogram, open_photons

COUNTS = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
GIVEN = {"duration_s": 100.0, "rate_counts_s": (2000.0, 3000.0)}


def test_a_phu_curve_is_read_with_its_rates_and_duration(tmp_path: Path) -> None:
    curve = open_histogram(write_phu(tmp_path, COUNTS[:1]))
    np.testing.assert_array_equal(curve.counts, COUNTS[0])
    np.testing.assert_allclose(curve.edges_ns, 0.512 * np.arange(6))
    assert curve.duration_s == 20
    assert (curve.counts_1, curve.counts_2) == (100_000, 140_000)
    np.testing.assert_allclose(curve.accidentals, 5000 * 7000 * 512e-12 * 20, rtol=1e-9)


def test_one_of_several_phu_curves_must_be_named(tmp_path: Path) -> None:
    path = write_phu(tmp_path, COUNTS)
    with pytest.raises(FormatError, match="found 2 curves"):
        open_histogram(path)
    np.testing.assert_array_equal(open_histogram(path, curve_index=1).counts, COUNTS[1])
    with pytest.raises(FormatError, match=r"expected 0 \.\.\. 1"):
        open_histogram(path, curve_index=2)


def test_what_is_given_wins_over_the_phu_header(tmp_path: Path) -> None:
    curve = open_histogram(write_phu(tmp_path, COUNTS[:1]), **GIVEN)
    assert curve.duration_s == 100
    assert (curve.counts_1, curve.counts_2) == (200_000, 300_000)


@pytest.mark.parametrize(
    "changed",
    [
        {"HistResDscr_HistogramBins": 2**33},
        {"HistResDscr_HistogramBins": -1},
        {"HistResDscr_HistogramBins": 6},
        {"HistResDscr_DataOffset": 2**62},
        {"HistResDscr_DataOffset": -4},
        {"HistResDscr_DataOffset": 0},
        {"HistResDscr_MDescResolution": float("nan")},
        {"HistResDscr_MDescResolution": 0.0},
        {"HistoResult_NumberOfCurves": 0},
        {"HistoResult_NumberOfCurves": 2**40},
    ],
)
def test_a_damaged_phu_is_refused_in_one_line(
    changed: dict[str, int | float], tmp_path: Path
) -> None:
    path = write_phu(tmp_path, COUNTS[:1], **changed)
    with pytest.raises(FormatError, match=r"a\.phu") as caught:
        open_histogram(path)
    assert "\n" not in str(caught.value)


def test_a_phu_without_rates_asks_for_them(tmp_path: Path) -> None:
    path = write_phu(tmp_path, COUNTS[:1], HistResDscr_SyncRate=0)
    with pytest.raises(ConfigurationError, match="rate_counts_s"):
        open_histogram(path, duration_s=1)


def write_csv(folder: Path, text: str) -> Path:
    path = folder / "a.csv"
    path.write_bytes(text.encode())
    return path


def test_a_csv_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    path = write_csv(tmp_path, "\ufeffg2, lag_ns,counts\r\n1,-0.5,3\r\n\r\n1,0.5,4\r\n1,1.5,0\r\n")
    curve = open_histogram(path, **GIVEN)
    np.testing.assert_allclose(curve.edges_ns, [-1, 0, 1, 2])
    assert curve.counts.tolist() == [3, 4, 0]
    np.testing.assert_allclose(curve.lag_ns, [-0.5, 0.5, 1.5])
    np.testing.assert_allclose(curve.accidentals, 2000 * 3000 * 1e-9 * 100, rtol=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "lag_ns,counts",
        "lag_ns,counts\n1,2",
        "lag,counts\n1,2\n2,3",
        "lag_ns,counts\n1,2\n2",
        "lag_ns,counts\n1,2\n2,x",
        "lag_ns,counts\n1,2\n2,nan",
        "lag_ns,counts\n1,2\nnan,3",
        "lag_ns,counts\n1,2\ninf,3",
        "lag_ns,counts\n1,2\n2,-1",
        "lag_ns,counts\n1,2\n2,0.5",
        "lag_ns,counts\n1,2\n2,1e300",
        "lag_ns,counts\n2,2\n1,3",
        "lag_ns,counts\n1,2\n1,3",
        "lag_ns,counts\n1,2\n2,3\n4,3",
        'lag_ns,counts\n1,"2\n2,3',
        "lag_ns,counts\n1,2\0\n2,3",
    ],
)
def test_a_csv_that_is_no_histogram_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path, text)
    with pytest.raises(FormatError, match=r"a\.csv") as caught:
        open_histogram(path, **GIVEN)
    assert "\n" not in str(caught.value)


def test_a_csv_of_bytes_that_are_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(range(256)) * 10)
    with pytest.raises(FormatError, match="lag_ns and counts"):
        open_histogram(path, **GIVEN)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"duration_s": 1.0},
        {"rate_counts_s": (1.0, 1.0)},
        {"duration_s": 0.0, "rate_counts_s": (1.0, 1.0)},
        {"duration_s": 1.0, "rate_counts_s": (float("nan"), 1.0)},
        {"duration_s": float("inf"), "rate_counts_s": (1.0, 1.0)},
    ],
)
def test_a_csv_needs_duration_and_rates(given: dict[str, object], tmp_path: Path) -> None:
    path = write_csv(tmp_path, "lag_ns,counts\n1,2\n2,3\n")
    with pytest.raises(ConfigurationError, match="duration_s"):
        open_histogram(path, **given)


def test_histograms_and_time_tags_are_not_taken_for_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.ptu").write_bytes(b"PQTTTR")
    with pytest.raises(FormatError, match="expected a histogram"):
        open_histogram(tmp_path / "a.ptu", **GIVEN)
    with pytest.raises(FormatError, match="expected time tags"):
        open_photons(write_phu(tmp_path, COUNTS))
    with pytest.raises(FormatError, match="one curve"):
        open_histogram(write_csv(tmp_path, "x"), curve_index=3, **GIVEN)


def test_accidentals_are_the_mean_of_a_falling_line() -> None:
    edges = np.array([-3e9, -1e9, -0.5e9, 1e9, 2e9])
    found = accidentals(edges, counts_1=100, counts_2=200, duration_s=2.0)
    # The integral of 2 - |delay| over each bin in s, where the delay is possible at all.
    np.testing.assert_allclose(found, 100 * 200 / 4 * np.array([0.5, 0.625, 2.375, 0.5]))


def test_g2_is_relative_to_the_accidentals_and_unknown_without() -> None:
    curve = G2Curve(np.array([0.0, 1, 2]), np.array([3, 3]), np.array([2.0, 0.0]), 1.0, 1, 1)
    np.testing.assert_array_equal(curve.g2, [1.5, np.nan])
