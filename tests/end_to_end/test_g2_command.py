"""``qdimage g2``: simulated and real time tags, histograms, and files that are none."""

import json
from pathlib import Path

import numpy as np
import pytest
from folders import CLONE

from qdimage.cli.main import run_command_line
from qdimage.domain.photons import PhotonStream
from qdimage.rates.coulomb import exponential
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.pl import pl_model
from qdimage.rates.solution import solve
from qdimage.simulation.photon_options import PhotonStreamOptions
from qdimage.simulation.photon_stream import simulate_photons
from qdimage.simulation.ptu_writer import write_ptu

REAL = CLONE.parent / "shared" / "data" / "photons" / "200204_HH400_T2_320MHz_HBT.ptu"


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run_command_line(["g2", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def written(stream: PhotonStream, path: Path, duration_s: float) -> Path:
    blocks = list(stream.reader())
    return write_ptu(
        path,
        np.concatenate([block.time for block in blocks]),
        np.concatenate([block.channel for block in blocks]),
        record_type="PicoHarp T2",
        tick_s=stream.tick_s,
        duration_s=duration_s,
    )


@pytest.fixture(scope="module")
def time_tags(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """Ten seconds of a dot under light, and its true g2(0)."""
    model = pl_model(DotParameters(biexciton_qy=0.1), pump_per_us=5.0)
    options = PhotonStreamOptions(duration_s=10.0, detection_efficiency=0.05)
    stream = simulate_photons(model, options, np.random.default_rng(11))
    path = written(stream, tmp_path_factory.mktemp("tags") / "dot.ptu", 10.0)
    return path, solve(model).g2_0


def test_time_tags_of_a_dot_give_its_g2_0(
    capsys: pytest.CaptureFixture[str], time_tags: tuple[Path, float]
) -> None:
    path, truth = time_tags
    code, out, err = call(capsys, path, "--response-fwhm-ns", "0.5", "--json")
    assert (code, err) == (0, "")
    row = json.loads(out)
    assert row["status"] == "ok"
    # One draw against a 95 % interval, the seed fixed.
    assert row["g2_0_low"] <= truth <= row["g2_0_high"]
    assert row["g2_0_high"] - row["g2_0_low"] < 0.3
    assert row["g2_0_low"] <= row["g2_0_low_68"] <= row["g2_0"] <= row["g2_0_high_68"]
    assert row["blinking_factor"] == pytest.approx(1.0, abs=0.05)
    assert row["coincidences"] > 10_000


def test_the_same_counts_as_a_histogram_give_the_same_answer(
    capsys: pytest.CaptureFixture[str], time_tags: tuple[Path, float], tmp_path: Path
) -> None:
    import qdimage

    found = qdimage.g2(time_tags[0])
    curve, csv = found.curve, tmp_path / "curve.csv"
    lines = [f"{lag},{n}" for lag, n in zip(curve.lag_ns, curve.counts, strict=True)]
    csv.write_text("\n".join(["lag_ns,counts", *lines]) + "\n", encoding="utf-8")
    rates = (curve.counts_1 / curve.duration_s, curve.counts_2 / curve.duration_s)
    shared = ["--duration-s", str(curve.duration_s), "--rate-counts-s", *map(str, rates)]
    code, out, _ = call(capsys, csv, *shared, "--json")
    assert code == 0
    row = json.loads(out)
    assert row["coincidences"] == int(curve.counts.sum())
    assert row["g2_0"] == pytest.approx(found.answer.value, abs=1e-3)


def test_rows_are_written_as_csv(
    capsys: pytest.CaptureFixture[str], time_tags: tuple[Path, float], tmp_path: Path
) -> None:
    rows = tmp_path / "rows.csv"
    code, out, _ = call(capsys, time_tags[0], "--dark-counts-s", "100", "80", "-o", rows)
    assert code == 0
    assert out.startswith("g2(0) = ")
    head, line = rows.read_text(encoding="utf-8").splitlines()
    assert head.startswith("device,field,dot_id,file,kind")
    assert ",ok," in line


@pytest.mark.skipif(not REAL.is_file(), reason="the real time tags are absent")
def test_real_pulsed_light_shows_its_missing_peak(capsys: pytest.CaptureFixture[str]) -> None:
    pulses = ["--period-ns", "3.128", "--longest-ns", "100", "--bin-ns", "0.016"]
    code, out, _ = call(capsys, REAL, *pulses, "--json")
    assert code == 0
    row = json.loads(out)
    assert row["delay_ns"] == pytest.approx(23.94, abs=0.02)
    # Two coincidences where other peaks have 510.
    assert row["g2_0_low"] <= 0.0039 <= row["g2_0_high"]
    assert row["g2_0_high"] < 0.02


def test_a_silent_detector_is_refused_with_the_reason(
    capsys: pytest.CaptureFixture[str], time_tags: tuple[Path, float]
) -> None:
    code, out, err = call(capsys, time_tags[0], "--detectors", "0", "3")
    assert (code, err) == (0, "")
    assert out.startswith("refused: ")


def test_one_detector_has_no_g2_0(
    capsys: pytest.CaptureFixture[str], time_tags: tuple[Path, float]
) -> None:
    code, out, _ = call(capsys, time_tags[0], "--detectors", "1", "1")
    assert code == 0
    assert out.startswith("refused: found detector 1 twice")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("text.ptu", b"no time tags", "another kind of file"),
        ("empty.ptu", b"", "empty"),
        ("old.ht3", b"\0" * 900, "another kind of file"),
        ("old.t3r", b"\0" * 900, "old format"),
        ("table.csv", b"a,b\n1,2\n", "lag_ns"),
        ("tags.dat", b"\0" * 99, "suffix"),
    ],
)
def test_files_that_are_none_are_named_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    code, out, err = call(capsys, path)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert name in err
    assert said in err


def test_dark_counts_above_the_rate_are_refused(
    capsys: pytest.CaptureFixture[str], time_tags: tuple[Path, float]
) -> None:
    code, _, err = call(capsys, time_tags[0], "--dark-counts-s", "1e9", "0")
    assert code == 2
    assert "dark counts" in err


def test_a_slow_dot_is_read_with_the_plateau_of_longer_delays(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    model = el_model(
        DotParameters(),
        electron_per_us=1.0,
        hole_per_us=1.0,
        coulomb=exponential(0.46284401059920),
        carriers=4,
    )
    options = PhotonStreamOptions(
        duration_s=12.0, detection_efficiency=0.08, afterpulse_probability=0.01
    )
    stream = simulate_photons(model, options, np.random.default_rng(1))
    path = written(stream, tmp_path / "slow.ptu", 12.0)
    code, out, _ = call(capsys, path, "--response-fwhm-ns", "0.5", "--json")
    assert code == 0
    row = json.loads(out)
    assert row["status"] == "ok"
    # 500 ns away g2 is 0.84 still; one draw against a 95 % interval, the seed fixed.
    assert row["blinking_factor"] == pytest.approx(1.0, abs=0.02)
    assert row["g2_0_low"] <= solve(model).g2_0 <= row["g2_0_high"] < 0.3
    assert {"slow_plateau", "afterpulsing"} <= set(row["flags"].split(";"))
    assert "no_dip" not in row["flags"]
    assert row["afterpulse_probability"] == pytest.approx(0.01, rel=0.2)


def test_light_without_correlation_shows_no_dip(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rng = np.random.default_rng(4)
    time = np.sort(rng.integers(0, 10 * 250_000_000_000, 600_000))
    path = write_ptu(
        tmp_path / "lamp.ptu",
        time,
        rng.integers(0, 2, time.size).astype(np.uint8),
        record_type="PicoHarp T2",
        tick_s=4e-12,
        duration_s=10.0,
    )
    code, out, _ = call(capsys, path, "--json")
    assert code == 0
    row = json.loads(out)
    assert row["flags"].split(";") == ["no_dip"] or row["flags"] == "few_counts;no_dip"
    assert row["g2_0_low"] <= 1.0 <= row["g2_0_high"]


def test_dark_counts_come_from_a_measurement_of_the_background(
    capsys: pytest.CaptureFixture[str], time_tags: tuple[Path, float], tmp_path: Path
) -> None:
    rng = np.random.default_rng(9)
    time = np.sort(rng.integers(0, 5 * 250_000_000_000, 5 * 3000))
    channel = (rng.random(time.size) < 1 / 3).astype(np.uint8)
    path = write_ptu(
        tmp_path / "dark.ptu",
        time,
        channel,
        record_type="PicoHarp T2",
        tick_s=4e-12,
        duration_s=5.0,
    )
    code, out, _ = call(capsys, time_tags[0], "--background-file", path, "--json")
    assert code == 0
    row = json.loads(out)
    # 3000 counts/s of background, to 1 %.
    assert row["background_fraction"] * row["counts_s"] == pytest.approx(3000.0, rel=0.04)
    assert row["g2_0_background_corrected"] < row["g2_0"]
    assert row["g2_0_background_corrected_low"] <= row["g2_0_background_corrected"]


def test_a_response_file_takes_the_place_of_its_width(
    capsys: pytest.CaptureFixture[str], time_tags: tuple[Path, float], tmp_path: Path
) -> None:
    lags = np.arange(-20.0, 20.0, 0.1)
    counts = np.rint(1e5 * np.exp(-0.5 * ((lags - 3.0) / (0.5 / 2.3548)) ** 2) + 5)
    csv = tmp_path / "response.csv"
    lines = [f"{lag},{int(n)}" for lag, n in zip(lags, counts, strict=True)]
    csv.write_text("\n".join(["lag_ns,counts", *lines]) + "\n", encoding="utf-8")
    measured = json.loads(call(capsys, time_tags[0], "--response-file", csv, "--json")[1])
    given = json.loads(call(capsys, time_tags[0], "--response-fwhm-ns", "0.5", "--json")[1])
    assert measured["g2_0"] == pytest.approx(given["g2_0"], abs=2e-3)


@pytest.mark.parametrize("step_ps", [81, 1000])
def test_the_steps_of_a_clock_are_no_pulses(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, step_ps: int
) -> None:
    # Light without correlation, its times in ps but counted in coarser steps.
    rng = np.random.default_rng(21)
    time = np.sort(rng.integers(0, 2 * 10**12, 200_000)) // step_ps * step_ps
    rows = "\n".join(f"{t},{c}" for t, c in zip(time, rng.integers(0, 2, time.size), strict=True))
    path = tmp_path / "tags.csv"
    path.write_text(f"time_ps,channel\n{rows}\n", encoding="utf-8")
    code, out, _ = call(capsys, path, "--json")
    row = json.loads(out)
    assert (code, row["excitation"], row["period_ns"]) == (0, "cw", None)
    # Odds of 1e-3: what the fit's own threshold allows.
    assert "poor_fit" not in row["flags"]


def pulses(path: Path, period_ns: float, lifetime_ns: float) -> Path:
    """Single photons after pulses, as time tags without a sync."""
    rng = np.random.default_rng(22)
    n = 400_000
    pulse = np.cumsum(rng.geometric(min(1e-3 * period_ns, 0.5), n))
    time_ns = pulse * period_ns + rng.exponential(lifetime_ns, n)
    order = np.argsort(time_ns)
    return write_ptu(
        path,
        np.rint(time_ns[order] * 1e3).astype(np.int64),
        rng.integers(0, 2, n),
        record_type="HydraHarp v2 T2",
        tick_s=1e-12,
    )


def test_pulses_whose_peaks_overlap_are_found_without_a_sync(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = call(capsys, pulses(tmp_path / "a.ptu", 100.0, 40.0), "--json")
    row = json.loads(out)
    assert (code, row["excitation"]) == (0, "pulsed")
    assert row["period_ns"] == pytest.approx(100.0, rel=1e-4)
    # No two photons follow one pulse.
    assert row["g2_0_low"] == 0.0
    assert row["g2_0_high"] < 0.1


@pytest.mark.parametrize("period_ns", [600.0, 1500.0])
def test_pulses_too_rare_for_the_delays_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, period_ns: float
) -> None:
    path = pulses(tmp_path / "a.ptu", period_ns, 40.0)
    code, out, _ = call(capsys, path, "--period-ns", str(period_ns))
    assert code == 0
    assert out.startswith("refused: ")
    assert "correlate further" in out or "found 0 coincidences" in out
    code, out, _ = call(capsys, path, "--period-ns", str(period_ns), "--longest-ns", "6000")
    assert (code, out[:5]) == (0, "g2(0)")


def test_a_warning_names_the_file_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    whole = pulses(tmp_path / "whole.ptu", 100.0, 40.0).read_bytes()
    path = tmp_path / "cut_short.ptu"
    path.write_bytes(whole[: len(whole) // 2])
    code, _, err = call(capsys, path)
    assert code == 0
    lines = err.splitlines()
    assert lines
    assert [line.count("cut_short.ptu") for line in lines] == [1] * len(lines)


@pytest.mark.parametrize("period", ["0", "-5", "nan", "inf"])
def test_a_period_that_is_none_is_named(
    capsys: pytest.CaptureFixture[str], time_tags: tuple[Path, float], period: str
) -> None:
    code, out, err = call(capsys, time_tags[0], "--period-ns", period)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "a period of" in err


@pytest.mark.parametrize(("first_s", "said_s", "told"), [(0.5, 2.5, False), (0.0, 2.5, True)])
def test_an_emitter_that_is_off_at_first_does_not_contradict_the_header(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, first_s: float, said_s: float, told: bool
) -> None:
    rng = np.random.default_rng(23)
    time = np.sort(rng.integers(0, 2 * 10**12, 40_000)) + round(first_s * 1e12)
    path = write_ptu(
        tmp_path / "a.ptu",
        time,
        rng.integers(0, 2, time.size),
        record_type="HydraHarp v2 T2",
        tick_s=1e-12,
        duration_s=said_s,
    )
    code, out, _ = call(capsys, path, "--json")
    assert code == 0
    assert ("header_mismatch" in json.loads(out)["flags"]) is told
