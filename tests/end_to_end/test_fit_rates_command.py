"""``qdimage fit-rates``: simulated photons and histograms, one and several, and wrong usage."""

import json
from pathlib import Path

import numpy as np
import pytest

import qdimage
from qdimage.cli.main import run_command_line
from qdimage.domain.g2_curve import G2Curve, accidentals
from qdimage.domain.photon_tables import RATE_FITS
from qdimage.rates.coulomb import exponential
from qdimage.rates.curve import g2_curve, light_of_model
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.simulation.photon_options import PhotonStreamOptions
from qdimage.simulation.photon_stream import simulate_photons
from qdimage.simulation.ptu_writer import write_ptu

X41 = 0.46284401059920


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run_command_line(["fit-rates", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def curve(rate: float, seed: int) -> G2Curve:
    model = el_model(
        DotParameters(),
        electron_per_us=rate,
        hole_per_us=rate,
        coulomb=exponential(X41),
        carriers=4,
    )
    edges = np.arange(-300.0, 301.0)
    flat = accidentals(edges, counts_1=1_000_000, counts_2=1_000_000, duration_s=10.0)
    g2 = g2_curve(light_of_model(model), edges, 0.0, 0.0)
    counts = np.random.default_rng(seed).poisson(flat * g2)
    return G2Curve(edges, counts, flat, 10.0, 1_000_000, 1_000_000)


@pytest.fixture(scope="module")
def histograms(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("histograms")
    paths = []
    for number, rate in enumerate((16.8, 83.3)):
        found = curve(rate, number)
        rows = [f"{lag},{n}" for lag, n in zip(found.lag_ns, found.counts, strict=True)]
        paths.append(folder / f"{rate:g}.csv")
        paths[-1].write_text("\n".join(["lag_ns,counts", *rows]), encoding="utf-8")
    return paths


@pytest.fixture(scope="module")
def time_tags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of photons drawn jump by jump."""
    model = el_model(
        DotParameters(), electron_per_us=25.0, hole_per_us=25.0, coulomb=exponential(X41)
    )
    options = PhotonStreamOptions(duration_s=3.0, detection_efficiency=0.04)
    stream = simulate_photons(model, options, np.random.default_rng(102))
    blocks = list(stream.reader())
    return write_ptu(
        tmp_path_factory.mktemp("tags") / "dot.ptu",
        np.concatenate([block.time for block in blocks]),
        np.concatenate([block.channel for block in blocks]),
        record_type="PicoHarp T2",
        tick_s=stream.tick_s,
        duration_s=3.0,
    )


RATES = ("--duration-s", "10", "--rate-counts-s", "100000", "100000")


def test_photons_drawn_jump_by_jump_give_their_rates(
    capsys: pytest.CaptureFixture[str], time_tags: Path
) -> None:
    code, out, _ = call(
        capsys, time_tags, "--kind", "el", "--voltage", "2.2", "--balanced", "--json",
        "--response-fwhm-ns", "0.5",
    )  # fmt: skip
    assert code == 0
    row = json.loads(out)
    assert set(row) == set(RATE_FITS.column_names)
    assert (row["file"], row["voltage_v"], row["status"]) == ("dot.ptu", 2.2, "ok")
    # One draw against a 95 % interval, the seed fixed.
    assert row["injection_rate_low_per_us"] <= 25.0 <= row["injection_rate_high_per_us"]
    assert row["g2_0_model_low"] <= 0.0396 <= row["g2_0_model_high"]
    assert row["balance_determined"] is False
    assert row["aic_no_coulomb"] > 6
    assert row["aic_dip_only"] is not None
    assert row["p_value"] > 1e-3
    assert row["counts_s"] == pytest.approx(row["counts_model_s"])


def test_several_curves_are_fitted_together_and_written(
    capsys: pytest.CaptureFixture[str], histograms: list[Path], tmp_path: Path
) -> None:
    dot = tmp_path / "dot.toml"
    dot.write_text("[dot_parameters]\nexciton_lifetime_ns = 40.0\nexciton_lifetime_err_ns = 4.0\n")
    table = tmp_path / "fits.csv"
    code, out, err = call(
        capsys, *histograms, "--kind", "el", "--voltage", "2.1", "--voltage", "2.6", *RATES,
        "--dot", dot, "--carriers", "4", "--count-rates", "ignore", "--set", "rates.rivals=false",
        "--json", "-o", table,
    )  # fmt: skip
    assert code == 0
    assert "biexciton" in err
    rows = json.loads(out)["rows"]
    assert [row["voltage_v"] for row in rows] == [2.1, 2.6]
    for row, rate in zip(rows, (16.8, 83.3), strict=True):
        assert row["model"] == "el exp, 4 carriers"
        assert row["curves_fitted"] == 2
        assert row["largest_pull"] == "exciton_lifetime_ns"
        assert row["injection_rate_low_per_us"] <= rate <= row["injection_rate_high_per_us"]
        assert row["aic"] is None
        assert row["counts_s"] is None
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines[0].split(",") == list(RATE_FITS.column_names)
    assert len(lines) == 3


def test_the_text_says_what_is_not_determined(
    capsys: pytest.CaptureFixture[str], histograms: list[Path]
) -> None:
    code, out, _ = call(
        capsys, histograms[1], "--kind", "el", *RATES, "--carriers", "4", "--coulomb", "exp",
        "--coulomb-x", str(X41), "--set", "rates.rivals=false",
        "--set", "rates.determined_within=1.01",
    )  # fmt: skip
    assert code == 0
    assert "electron rate undetermined" in out
    assert "does not separate" in out
    assert "g2(0) of the model" in out


def test_the_call_takes_curves() -> None:
    found = qdimage.fit_rates(
        [curve(25.0, 3)],
        kind="el",
        voltage_v=2.2,
        assignments=["rates.balanced=true", "rates.carriers=4", "rates.rivals=false"],
    )
    (answer,) = found
    assert answer.given.voltage_v == 2.2
    injection = answer.answer.injection  # type: ignore[union-attr]
    assert injection.low_95 <= 25.0 <= injection.high_95


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--kind", "el", "--voltage", "1", "--voltage", "2", "--voltage", "3"), "3 voltages"),
        (("--kind", "el", "--set", "rates.coulomb=exq"), "rates.coulomb"),
        (("--kind", "el", "--dot", "missing.toml"), "missing.toml"),
        (("--kind", "gl"), "--kind"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str],
    histograms: list[Path],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    code, out, err = call(capsys, *histograms, *RATES, *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.strip().splitlines()) == 1


def test_a_file_with_too_few_coincidences_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "few.csv"
    rows = [f"{lag},0" for lag in range(-50, 51)]
    path.write_text("\n".join(["lag_ns,counts", *rows]), encoding="utf-8")
    code, out, _ = call(capsys, path, "--kind", "pl", *RATES, "--json")
    assert code == 0
    row = json.loads(out)
    assert row["status"] == "refused"
    assert "measure longer" in row["message"]
    assert row["injection_rate_per_us"] is None
