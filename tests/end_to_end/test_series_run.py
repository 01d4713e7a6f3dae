"""Light and current over voltages through ``qdimage run``, ``check`` and the report."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_device import make_field

from qdimage.cli.main import run_command_line
from qdimage.domain.spectrum import Spectrum
from qdimage.simulation.iv import Conduction, draw_readings, sweep_up_and_down, write_kickstart
from qdimage.simulation.spectra import SpectrumTruth, simulate_spectrum

DEVICE = Conduction(leak_ohm=3e7, falling_share=0.85, limit_a=1e-4)
AREA_MM2 = 4.0
# Electrons of the dot line and of Poly-TPD for each of them, by voltage.
BANDS = {2.0: (300.0, 0.0), 2.4: (1e4, 0.0), 2.6: (4e4, 0.05)}
# Blank places are what takes the time.
FEWER = ("--set", "match.blank_places=200")


@dataclass(frozen=True)
class Run:
    out: Path
    code: int
    stderr: str

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.out / f"{name}.csv")


def _write(spectrum: Spectrum, path: Path) -> None:
    rows = zip(spectrum.wavelength_nm, spectrum.counts, strict=True)
    lines = [f"{x:.4f},{counts:.0f}\n" for x, counts in rows]
    path.write_text("# exposure_s: 10\nwavelength_nm,counts\n" + "".join(lines))


def _add_files(field: Path) -> None:
    rng = np.random.default_rng(8)
    readings = draw_readings(DEVICE, sweep_up_and_down(2.8), rng)
    write_kickstart(field / "iv.csv", readings, limit_a=DEVICE.limit_a)
    (field / "broken.csv").write_text("voltage,current\n0,0\n1,oops\n2,1e-3\n")
    text = '[[iv]]\nfile = "iv.csv"\narea_mm2 = 4.0\n[[iv]]\nfile = "broken.csv"\n'
    dark = SpectrumTruth(bias_counts=100.0, read_noise_e=3.0)
    for volts, (counts, background) in BANDS.items():
        truth = replace(dark, counts=counts, background=background)
        _write(simulate_spectrum(truth, rng), field / f"area_{volts}.csv")
        text += f'[[spectra]]\nfile = "area_{volts}.csv"\nkind = "el"\nscope = "area"\n'
        text += f"area_mm2 = 1.0\nvoltage_v = {volts}\n"
    with (field / "experiment.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + text)


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_field(tmp_path_factory.mktemp("series") / "in" / "field-a")
    _add_files(folder)
    return folder


@pytest.fixture(scope="module")
def run(field: Path) -> Run:
    out = field.parent.parent / "out"
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr("sys.stderr.write", said.append)
        code = run_command_line(["run", str(field), "-o", str(out), "--quiet", *FEWER])
    return Run(out, code, "".join(said))


def test_a_file_that_cannot_be_read_fails_alone_and_by_name(run: Run) -> None:
    assert run.code == 3
    rows = run.table("iv").set_index("file")
    assert list(rows.loc[["iv.csv"], "status"]) == ["ok", "ok"]
    assert rows.loc["broken.csv", "status"] == "failed"
    assert "line 3: found '1,oops'" in str(rows.loc["broken.csv", "message"])


def test_the_sweeps_are_recovered(run: Run) -> None:
    up, down = run.table("iv").query("file == 'iv.csv'").to_dict("records")
    # One draw against a 95 % interval, the seed fixed.
    assert up["leak_low_ohm"] < DEVICE.leak_ohm < up["leak_high_ohm"]
    assert down["hysteresis_extreme_ratio"] == pytest.approx(0.85, abs=0.03)
    assert up["n_compliance"] > 0
    curve = pd.read_csv(run.out / up["curve"])
    assert len(curve) == up["n_readings"] + down["n_readings"]


def test_light_of_the_field_is_that_of_its_dots_and_what_lies_between(run: Run) -> None:
    rows = run.table("el_series").query("field != 'all'")
    parts = rows["dots_photons_s"] + rows["background_photons_s"] + rows["el_only_photons_s"]
    err = rows[["integrated_photons_err_s", "dots_photons_err_s", "background_photons_err_s"]]
    # What lies between them is wings of spots, a few per cent of their light.
    room = 4 * np.sqrt((err**2).sum(axis=1)) + 0.1 * rows["dots_photons_s"]
    assert (np.abs(rows["integrated_photons_s"] - parts) < room).all()
    fluxes = run.table("dot_channels").groupby("channel")["photons_s"].sum()
    assert rows.set_index("channel")["dots_photons_s"].to_dict() == pytest.approx(
        fluxes.to_dict(), rel=0.1
    )


def test_bands_and_their_turn_on(run: Run) -> None:
    bands = run.table("band_series").set_index("voltage_v")
    # A fixed seed, and four standard deviations: one in 16,000.
    counts = BANDS[2.6][0]
    assert bands.loc[2.6, "dot_band_counts_s"] == pytest.approx(
        counts / 10, abs=4 * np.sqrt(counts) / 10
    )
    half = 1.96 * np.sqrt(counts) / 10
    width = bands.loc[2.6, "dot_band_high_counts_s"] - bands.loc[2.6, "dot_band_low_counts_s"]
    # Errors of one spectrum are known to a tenth, and the floor under 60 nm of pixels adds to them.
    assert 0.8 * half < width / 2 < 1.3 * half
    found = run.table("light_turn_on").query("source == 'spectra'").set_index("light")
    background = found.loc["background_band"]
    assert (background["turn_on_low_v"], background["turn_on_high_v"]) == (2.4, 2.6)
    assert found.loc["dot_band", "turn_on_high_v"] == 2.0


def test_efficiency_is_light_over_current(run: Run) -> None:
    row = run.table("efficiency").query("field == 'field-a' and voltage_v == 2.4").iloc[0]
    light = run.table("el_series").query("field == 'field-a' and voltage_v == 2.4").iloc[0]
    up, down = (float(DEVICE.current_a(np.array(2.4), falling=each)) for each in (False, True))
    assert row["current_a"] == pytest.approx(np.sqrt(up * down), rel=0.01)
    electrons = np.sqrt(up * down) * light["area_um2"] * 1e-6 / AREA_MM2 / 1.602177e-19
    assert row["electrons_s"] == pytest.approx(electrons, rel=0.01)
    emitted = light["integrated_photons_s"] / 0.1
    assert row["efficiency"] == pytest.approx(emitted / electrons, rel=0.01)


def test_the_report_shows_them(run: Run) -> None:
    page = (run.out / "report.html").read_text(encoding="utf-8")
    for title in ("Light against voltage", "Current and efficiency", "Sweeps of the source-meter"):
        assert title in page
    names = {path.name for path in (run.out / "figures").iterdir()}
    for kind in ("el_series", "bands", "iv"):
        for suffix in ("png", "svg"):
            assert any(name.endswith(f"_{kind}.{suffix}") for name in names), kind


def test_check_names_the_file_and_the_line(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["check", str(field)]) == 3
    said = capsys.readouterr()
    assert "broken.csv: line 3: found '1,oops'" in said.out + said.err


def test_current_alone_is_an_experiment(tmp_path: Path) -> None:
    """Of a device without images, time tags or spectra."""
    field = tmp_path / "dev" / "alone"
    field.mkdir(parents=True)
    write_kickstart(
        field / "iv.csv",
        draw_readings(DEVICE, sweep_up_and_down(2.0), np.random.default_rng(2)),
    )
    (field / "experiment.toml").write_text('[[iv]]\nfile = "iv.csv"\n', encoding="utf-8")
    assert run_command_line(["run", str(field), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    rows = pd.read_csv(tmp_path / "out" / "iv.csv")
    assert list(rows["direction"]) == ["up", "down"]
