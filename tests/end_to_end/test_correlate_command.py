"""``qdimage correlate``: the counts of a file, as curves of three kinds."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import qdimage
from qdimage.cli.main import run_command_line
from qdimage.simulation.ptu_writer import write_ptu

TICK_S = 1e-10


@pytest.fixture(scope="module")
def tags(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    time = np.cumsum(rng.integers(1, 400, 4000))
    channel = rng.integers(0, 2, 4000)
    path = tmp_path_factory.mktemp("tags") / "dot.ptu"
    write_ptu(path, time, channel, record_type="HydraHarp v2 T2", tick_s=TICK_S)
    return path, time, channel


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run_command_line(["correlate", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def delays(time: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """Every delay from a photon of detector 0 to one of detector 1, ticks."""
    return (time[channel == 1][np.newaxis] - time[channel == 0][:, np.newaxis]).ravel()


def test_all_pairs_are_counted_in_half_open_bins(
    capsys: pytest.CaptureFixture[str], tags: tuple[Path, np.ndarray, np.ndarray]
) -> None:
    path, time, channel = tags
    code, out, err = call(capsys, path, "--bin-ns", "2", "--longest-ns", "100")
    assert (code, err) == (0, "")
    curve = pd.read_csv(StringIO(out))
    expected, _ = np.histogram(delays(time, channel), np.arange(-1000, 1001, 20) - 0.5)
    assert curve["counts"].tolist() == expected.tolist()
    assert curve["lag_low_ns"].iloc[0] == pytest.approx(-100)


def test_growing_bins_reach_far(
    capsys: pytest.CaptureFixture[str],
    tags: tuple[Path, np.ndarray, np.ndarray],
    tmp_path: Path,
) -> None:
    path, time, channel = tags
    asked = ["--method", "growing-bins", "--bin-ns", "1", "--longest-ns", "10000"]
    code, out, _ = call(capsys, path, *asked, "-o", tmp_path / "curve.csv")
    assert code == 0
    curve = pd.read_csv(tmp_path / "curve.csv")
    widths = curve["lag_high_ns"] - curve["lag_low_ns"]
    assert widths.iloc[-1] > 50 * widths.iloc[0]
    inside = delays(time, channel)
    assert curve["counts"].sum() == np.sum((inside >= 10) & (inside < 100_000))
    assert str(curve["counts"].sum()) in out


def test_start_stop_is_labelled(
    capsys: pytest.CaptureFixture[str], tags: tuple[Path, np.ndarray, np.ndarray]
) -> None:
    code, out, _ = call(capsys, tags[0], "--method", "start-stop", "--longest-ns", "50", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["method"] == "start-stop"
    assert sum(found["counts"]) == found["coincidences"]
    assert min(found["lag_low_ns"]) == 0


def test_the_public_call_gives_the_same_counts(
    tags: tuple[Path, np.ndarray, np.ndarray],
) -> None:
    path, time, channel = tags
    curve, warnings = qdimage.correlate(path, detectors=(1, 1), bin_ns=10, longest_ns=500)
    own = time[channel == 1]
    pairs = (own[np.newaxis] - own[:, np.newaxis])[~np.eye(own.size, dtype=bool)]
    assert curve.counts.sum() == np.sum((pairs >= -5000) & (pairs < 5000))
    assert warnings == []


def test_no_time_tags_are_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = call(capsys, tmp_path / "none.ptu")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
