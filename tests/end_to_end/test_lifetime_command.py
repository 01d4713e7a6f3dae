"""``qdimage lifetime``: time tags of pulsed dots, decays, responses, and files that are none."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from decays import PLACE_NS, pulsed_photons, write_t2, write_t3
from time_tag_files import events_of, write_events

from qdimage.cli.main import run_command_line
from qdimage.pipeline.dot_knowledge import read_dot_knowledge

PERIOD = 400.0
Photons = tuple[np.ndarray, np.ndarray, np.ndarray]


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run_command_line(["lifetime", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def row_of(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, object]:
    code, out, err = call(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    return dict(json.loads(out))


def numbers(row: dict[str, object], name: str) -> list[float]:
    return [float(each) for each in str(row[name]).split(";")]


@pytest.fixture(scope="module")
def photons() -> Photons:
    """Eight seconds of a dot under pulses: biexciton 0.7 ns, exciton 40 ns, yields 0.07 and 1."""
    return pulsed_photons(
        np.random.default_rng(5), 20_000_000, period_ns=PERIOD, mean_excitations=0.2, efficiency=0.1
    )


@pytest.fixture(scope="module")
def t3(tmp_path_factory: pytest.TempPathFactory, photons: Photons) -> Path:
    return write_t3(tmp_path_factory.mktemp("t3") / "dot.ptu", *photons, period_ns=PERIOD)


def test_time_tags_give_lifetimes_and_the_ratio_of_the_yields(
    capsys: pytest.CaptureFixture[str], t3: Path
) -> None:
    row = row_of(capsys, t3, "--response-fwhm-ns", "0.5")
    assert (row["status"], row["mode"], row["components"]) == ("ok", "T3", 2)
    assert row["period_ns"] == pytest.approx(PERIOD)
    lives, low, high = (numbers(row, f"lifetimes{end}_ns") for end in ("", "_low", "_high"))
    # 95 % intervals of one draw, the seed fixed.
    assert low[0] < 0.7 < high[0]
    assert low[1] < 40 < high[1]
    assert lives[1] == pytest.approx(40, rel=0.01)
    assert row["lifetime_low_ns"] <= row["lifetime_ns"] <= row["lifetime_high_ns"]
    assert row["main_lifetime_ns"] == pytest.approx(lives[1], rel=1e-5)
    assert row["qy_ratio_source"] == "g2"
    # g2(0) stands above the ratio by a third of the excitations, 7 %.
    assert row["qy_ratio_low"] < 0.07 * 1.07 < row["qy_ratio_high"]
    assert row["background_counts_s"] == pytest.approx(200, rel=0.3)
    assert row["flags"] == ""
    assert row["p_value"] > 1e-3


def test_the_dot_is_written_for_the_rate_models(
    capsys: pytest.CaptureFixture[str], t3: Path, tmp_path: Path
) -> None:
    dot_file, curve, table = tmp_path / "dot.toml", tmp_path / "decay.csv", tmp_path / "rows.csv"
    code, out, err = call(
        capsys, t3, "--response-fwhm-ns", "0.5", "--mean-excitations", "0.2",
        "--dot-out", dot_file, "--curve-out", curve, "-o", table,
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "from amplitude" in out
    dot = read_dot_knowledge(dot_file).dot
    assert dot.exciton_lifetime_ns == pytest.approx(40, rel=0.01)
    assert dot.biexciton_lifetime_ns == pytest.approx(0.7, rel=0.4)
    assert dot.biexciton_qy == pytest.approx(0.07, rel=0.3)
    assert "biexciton_qy_err" in dot_file.read_text()
    decay = pd.read_csv(curve)
    assert list(decay.columns) == ["time_ns", "counts", "model", "residual"]
    # Of 4,000 standard normal residuals, where photons are many.
    many = decay[decay["model"] > 20]
    assert 0.9 < float(np.mean(many["residual"] ** 2)) < 1.1
    assert pd.read_csv(table).loc[0, "components"] == 2


def test_every_record_gives_the_same_lifetime(
    capsys: pytest.CaptureFixture[str], t3: Path, photons: Photons, tmp_path: Path
) -> None:
    chosen = "--response-fwhm-ns", "0.5"
    truth = row_of(capsys, t3, *chosen)["main_lifetime_ns"]
    t2 = write_t2(tmp_path / "t2.ptu", *photons, period_ns=PERIOD * 1.00007)
    row = row_of(capsys, t2, *chosen, "--period-ns", "400")
    assert row["mode"] == "T2"
    # The period is right when its error over the whole file is a small part of it.
    assert row["period_ns"] == pytest.approx(PERIOD * 1.00007, rel=1e-9)
    assert row["main_lifetime_ns"] == pytest.approx(truth, rel=2e-3)
    short = write_t3(tmp_path / "pico.ptu", *photons, period_ns=PERIOD, record_type="PicoHarp T3")
    row = row_of(capsys, short, *chosen)
    assert row["main_lifetime_ns"] == pytest.approx(truth, rel=0.03)
    assert row["qy_ratio"] is None
    assert "not recorded" in row["message"]
    divided = write_t3(
        tmp_path / "divided.ptu", *photons, period_ns=PERIOD, divider=4, tick_ns=0.064
    )
    row = row_of(capsys, divided, *chosen)
    assert row["period_ns"] == pytest.approx(PERIOD)
    assert "4 pulses after each sync" in row["message"]
    assert row["main_lifetime_ns"] == pytest.approx(truth, rel=2e-3)


def test_detectors_bins_and_times_are_chosen(
    capsys: pytest.CaptureFixture[str], t3: Path, photons: Photons
) -> None:
    whole = row_of(capsys, t3)
    one = row_of(capsys, t3, "--detectors", "1", "--bin-ns", "0.4")
    assert one["counts"] == np.sum(photons[2] == 1)
    assert one["bin_width_ns"] == pytest.approx(0.4)
    assert one["qy_ratio"] is None
    half = row_of(capsys, t3, "--window-s", "2", "6")
    assert half["counts"] == pytest.approx(whole["counts"] / 2, rel=0.02)
    assert half["duration_s"] == pytest.approx(4)
    assert half["main_lifetime_ns"] == pytest.approx(40, rel=0.02)
    given = row_of(capsys, t3, "--components", "1")
    assert given["components"] == 1


def test_a_decay_as_csv_with_a_measured_response(
    capsys: pytest.CaptureFixture[str], photons: Photons, tmp_path: Path
) -> None:
    rng = np.random.default_rng(2)
    edges = np.arange(4001) * 0.1
    _, delay, _ = photons
    time = edges[:-1] + 0.05
    decay, irf = tmp_path / "decay.csv", tmp_path / "irf.csv"
    counts = np.histogram(delay % PERIOD, edges)[0]
    pd.DataFrame({"time_ns": time, "counts": counts}).to_csv(decay, index=False)
    blur = PLACE_NS + rng.normal(0, 0.5 / 2.3548, 100_000)
    pd.DataFrame({"time_ns": time, "counts": np.histogram(blur, edges)[0]}).to_csv(irf, index=False)
    row = row_of(capsys, decay, "--irf", irf, "--period-ns", "400")
    assert (row["mode"], row["response"], row["flags"]) == ("histogram", "measured", "")
    assert row["main_lifetime_ns"] == pytest.approx(40, rel=0.01)
    assert row["pulse_ns"] == pytest.approx(0.0, abs=0.1)
    assert "period_missing" in row_of(capsys, decay, "--response-fwhm-ns", "0.5")["flags"]


def test_steady_light_has_no_decay(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    n = 50_000
    steady = write_t2(
        tmp_path / "cw.ptu",
        np.zeros(n, np.int64),
        np.sort(rng.uniform(0, 1e9, n)),
        rng.integers(0, 2, n),
        period_ns=PERIOD,
    )
    row = row_of(capsys, steady)
    assert row["status"] == "refused"
    assert "steady light" in row["message"]
    row = row_of(capsys, steady, "--period-ns", "100")
    assert row["status"] == "refused"
    assert "no sign of pulses" in row["message"]
    code, _, err = call(capsys, steady, "--dot-out", tmp_path / "dot.toml")
    assert code == 2
    assert "no lifetime was found" in err
    assert not (tmp_path / "dot.toml").exists()


def test_t3_without_light_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = write_events(tmp_path / "noise.ptu", "HydraHarp v2 T3", events_of("HydraHarp v2 T3"))
    assert row_of(capsys, path)["status"] == "refused"


@pytest.mark.parametrize(
    ("content", "options", "named"),
    [
        ("time_ns,counts\n0,1\n1,2\n3,4\n", [], "equal steps"),
        ("time_ns,counts\n0,1\n1,-2\n", [], "whole numbers"),
        ("time_ns,counts\n0,1\n1,nan\n", [], "whole numbers"),
        ("lag_ns,counts\n0,1\n1,2\n", [], "time_ns and counts"),
        ("", [], "time_ns and counts"),
        ("time_ns,counts\n0,5\n1,2\n", ["--period-ns", "0"], "period_ns"),
        ("time_ns,counts\n0,5\n1,2\n", ["--detectors", "a"], "--detectors"),
        ("time_ns,counts\n0,5\n1,2\n", ["--components", "4"], "--components"),
        ("time_ns,counts\n0,5\n1,2\n", ["--irf", "missing.csv"], "missing.csv"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    content: str,
    options: list[str],
    named: str,
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content)
    code, out, err = call(capsys, path, *options)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert named in err


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("none.csv", "none.phu", "none.ptu"):
        code, _, err = call(capsys, tmp_path / name)
        assert code == 2
        assert name in err
