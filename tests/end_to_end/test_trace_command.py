"""``qdimage trace``, and g2 of the bright time alone: simulated files, real ones, and none."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from time_tag_files import REAL

import qdimage
from qdimage.cli.main import run_command_line
from qdimage.domain.refusal import Refusal
from qdimage.domain.trace import Levels
from qdimage.io.time_tags import open_photons
from qdimage.photons.trace_options import TraceOptions
from qdimage.pipeline.photons import correlate_file
from qdimage.pipeline.trace import bright_windows_s
from qdimage.simulation.ptu_writer import write_ptu

ON_COUNTS_S, OFF_COUNTS_S = 40_000.0, 1_000.0
PERIOD_S, TICK_S = 1e-6, 64e-12
ON_LIFETIME_NS, OFF_LIFETIME_NS = 30.0, 5.0


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run_command_line([*map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def telegraph(rng: np.random.Generator, n: int = 200, mean_s: float = 0.05) -> tuple:
    """Seconds and states of photons, and the dwells, on first."""
    dwells = rng.exponential(mean_s, n)
    ends = np.cumsum(dwells)
    rates = np.tile([ON_COUNTS_S, OFF_COUNTS_S], n // 2)
    counts = rng.poisson(rates * dwells)
    time = np.repeat(ends - dwells, counts) + rng.random(counts.sum()) * np.repeat(dwells, counts)
    on = np.repeat(np.arange(n) % 2 == 0, counts)
    order = np.argsort(time)
    return time[order], on[order], dwells


@pytest.fixture(scope="module")
def blinking_t2(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """Ten seconds of telegraph light on two detectors, and its dwells."""
    rng = np.random.default_rng(1)
    time, _, dwells = telegraph(rng)
    path = write_ptu(
        tmp_path_factory.mktemp("tags") / "dot.ptu",
        (time / 4e-12).astype(np.int64),
        rng.integers(0, 2, time.size),
        record_type="PicoHarp T2",
        tick_s=4e-12,
    )
    return path, dwells


@pytest.fixture(scope="module")
def blinking_t3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same under pulses; the dark state decays faster; the detectors lie 4 ns apart."""
    rng = np.random.default_rng(2)
    time, on, _ = telegraph(rng)
    channel = rng.integers(0, 2, time.size)
    lifetime_ns = np.where(on, ON_LIFETIME_NS, OFF_LIFETIME_NS)
    late_s = 20e-9 + 4e-9 * channel + 1e-9 * rng.exponential(lifetime_ns)
    sync = np.floor(time / PERIOD_S).astype(np.int64)
    keep = late_s < PERIOD_S
    return write_ptu(
        tmp_path_factory.mktemp("tags") / "pulsed.ptu",
        sync[keep],
        channel[keep],
        delay=(late_s[keep] / TICK_S).astype(np.int64),
        record_type="HydraHarp v2 T3",
        tick_s=TICK_S,
        period_s=PERIOD_S,
    )


def test_telegraph_light_gives_its_levels_and_times(
    capsys: pytest.CaptureFixture[str], blinking_t2: tuple[Path, np.ndarray]
) -> None:
    path, dwells = blinking_t2
    code, out, err = call(capsys, "trace", path, "--json")
    assert (code, err) == (0, "")
    row = json.loads(out)
    assert (row["status"], row["n_levels"], row["flags"]) == ("ok", 2, "")
    levels = [float(each) for each in row["level_counts_s"].split(";")]
    np.testing.assert_allclose(levels, [OFF_COUNTS_S, ON_COUNTS_S], rtol=0.05)
    assert row["on_fraction"] == pytest.approx(dwells[::2].sum() / dwells.sum(), abs=0.005)
    assert OFF_COUNTS_S < row["on_threshold_counts_s"] < ON_COUNTS_S
    # Odds of failing by chance: 6e-5 each (four standard deviations).
    for state in ("on", "off"):
        assert row[f"{state}_law"] == "exponential"
        assert row[f"{state}_exponent"] is None
        assert abs(row[f"{state}_cutoff_s"] - 0.05) < 4 * row[f"{state}_cutoff_err_s"]
        assert row[f"n_{state}_dwells"] == pytest.approx(98, abs=8)
    assert row["level_lifetime_ns"] is None


def test_rows_and_the_trace_itself_are_written(
    capsys: pytest.CaptureFixture[str], blinking_t2: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    path, dwells = blinking_t2
    rows, curve = tmp_path / "rows.csv", tmp_path / "curve.csv"
    code, out, _ = call(capsys, "trace", path, "--bin-ms", "50", "-o", rows, "--curve-out", curve)
    assert code == 0
    assert "2 levels" in out
    assert rows.read_text(encoding="utf-8").startswith("device,field,dot_id,file,kind")
    frame = pd.read_csv(curve)
    assert list(frame) == ["time_s", "counts", "counts_1", "counts_2", "level_counts_s"]
    np.testing.assert_array_equal(frame["counts"], frame["counts_1"] + frame["counts_2"])
    assert len(frame) == np.ceil(dwells.sum() / 0.05)
    assert frame["time_s"].diff()[1:].to_numpy() == pytest.approx(0.05)
    total = json.loads(call(capsys, "trace", path, "--json")[1])["counts"]
    assert frame["counts"].sum() == total


def test_lifetimes_follow_the_intensity_under_pulses(
    capsys: pytest.CaptureFixture[str], blinking_t3: Path
) -> None:
    code, out, _ = call(capsys, "trace", blinking_t3, "--json")
    assert code == 0
    row = json.loads(out)
    lifetimes = [float(each) for each in row["level_lifetime_ns"].split(";")]
    errors = [float(each) for each in row["level_lifetime_err_ns"].split(";")]
    # Odds of failing by chance: 6e-5 each (four standard deviations); the dark level holds a
    # few photons of the bright one, from the edges of its dwells.
    assert abs(lifetimes[1] - ON_LIFETIME_NS) < 4 * errors[1]
    assert abs(lifetimes[0] - OFF_LIFETIME_NS) < 4 * errors[0] + 0.3
    assert errors[1] < 0.01 * ON_LIFETIME_NS
    assert row["on_fraction"] == pytest.approx(0.5, abs=0.15)


def test_bright_time_alone_has_no_blinking_factor(
    capsys: pytest.CaptureFixture[str], blinking_t2: tuple[Path, np.ndarray]
) -> None:
    path, dwells = blinking_t2
    share = dwells[::2].sum() / dwells.sum()
    windows_s = bright_windows_s(open_photons(path), detectors=(0, 1), options=TraceOptions())
    assert not isinstance(windows_s, Refusal)
    everything, bright = correlate_file(path)[0], correlate_file(path, window_s=windows_s)[0]
    factor = everything.g2.mean(), bright.g2.mean()
    mean = share * ON_COUNTS_S + (1 - share) * OFF_COUNTS_S
    square = share * ON_COUNTS_S**2 + (1 - share) * OFF_COUNTS_S**2
    assert factor[0] == pytest.approx(square / mean**2, rel=0.03)
    assert factor[1] == pytest.approx(1.0, abs=0.03)
    assert bright.duration_s == pytest.approx(dwells[::2].sum(), rel=0.02)
    few = ["--bin-ns", "2", "--longest-ns", "100", "--window-s", "0", "5"]
    code, out, _ = call(capsys, "g2", path, "--bright-only", *few, "--json")
    assert code == 0
    on = np.clip(np.cumsum(dwells), 0, 5)[::2] - np.clip(np.cumsum(dwells) - dwells, 0, 5)[::2]
    assert json.loads(out)["duration_s"] == pytest.approx(on.sum(), rel=0.02)


def test_a_time_window_bounds_the_correlation(
    capsys: pytest.CaptureFixture[str], blinking_t2: tuple[Path, np.ndarray]
) -> None:
    path, _ = blinking_t2
    few = ["--bin-ns", "2", "--longest-ns", "100"]
    code, out, _ = call(capsys, "g2", path, "--window-s", "1", "3", *few, "--json")
    assert code == 0
    row = json.loads(out)
    assert row["duration_s"] == pytest.approx(2.0)
    counts = qdimage.trace(path, bin_s=0.001)
    inside = (counts.trace.time_s > 1) & (counts.trace.time_s < 3)
    found = row["counts_1"] + row["counts_2"]
    assert found == pytest.approx(counts.trace.total[inside].sum(), rel=0.005)


def test_steady_light_has_no_bright_time(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    time = np.cumsum(rng.exponential(1e-4 / 4e-12, 20_000)).astype(np.int64)
    path = write_ptu(
        tmp_path / "steady.ptu",
        time,
        rng.integers(0, 2, time.size),
        record_type="PicoHarp T2",
        tick_s=4e-12,
    )
    code, out, _ = call(capsys, "trace", path, "--json")
    row = json.loads(out)
    assert (code, row["status"], row["flags"], row["n_levels"]) == (0, "ok", "steady", 1)
    assert row["on_fraction"] is None
    assert "no blinking" in row["message"]
    found = qdimage.g2(path, bright_only=True)
    assert isinstance(found.answer, Refusal)
    assert "no blinking" in found.answer.reason
    # Following a file reads all of it.
    code, _, err = call(capsys, "g2", path, "--follow", "--bright-only")
    assert (code, err.count("\n")) == (2, 1)


def test_a_silent_detector_is_refused_with_the_reason(
    capsys: pytest.CaptureFixture[str], blinking_t2: tuple[Path, np.ndarray]
) -> None:
    code, out, _ = call(capsys, "trace", blinking_t2[0], "--detectors", "2", "3")
    assert code == 0
    assert out.startswith("refused: found 0 photons on the detectors 2 and 3")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bin-ms", "0"], "bins"),
        (["--bin-ms", "nan"], "bins"),
        (["--bin-ms", "1e-9"], "bins"),
        (["--set", "trace.false_alarms=0"], "trace.false_alarms"),
        (["--detectors", "0", "-1"], "detectors"),
    ],
)
def test_settings_that_make_no_sense_are_named(
    capsys: pytest.CaptureFixture[str],
    blinking_t2: tuple[Path, np.ndarray],
    arguments: list[str],
    said: str,
) -> None:
    code, out, err = call(capsys, "trace", blinking_t2[0], *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert said in err


def test_a_histogram_has_no_trace_and_no_windows(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "curve.csv"
    path.write_text("lag_ns,counts\n0,1\n1,2\n", encoding="utf-8")
    assert call(capsys, "trace", path)[0] == 2
    code, _, err = call(capsys, "g2", path, "--bright-only")
    assert code == 2
    assert "times of photons" in err


@pytest.mark.skipif(not REAL.is_dir(), reason="the real time tags are absent")
def test_real_light_is_steady_or_too_fast() -> None:
    one = qdimage.trace(REAL / "libpicoquant_hydraharp_v30_t2.ptu")
    assert isinstance(one.levels, Levels)
    assert one.trace.counts.sum() == 305_565
    assert one.levels.counts_s.size == 1
    # This emitter's light is bunched within 5 us: at 10 us its g2 is still 1.3.
    fast = qdimage.trace(REAL / "200204_HH400_T2_320MHz_HBT.ptu")
    assert isinstance(fast.blinking, Refusal)
    assert "faster than it can be followed" in fast.blinking.reason
