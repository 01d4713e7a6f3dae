"""Areas under several thicknesses of PMMA, from spectra and darks to windows and the report."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import qdimage
from qdimage.cli.main import run_command_line
from qdimage.simulation.spectra import SpectrumTruth, dark_spectrum, simulate_spectrum

DETECTOR = SpectrumTruth(
    first_nm=385.0,
    step_nm=0.8,
    pixels=460,
    fwhm_nm=26.0,
    bias_counts=120.0,
    electrons_per_count=1.0,
    read_noise_e=3.0,
    background_tail_nm=25.0,
)
# Electrons of dots and of Poly-TPD at each voltage.
LIGHT = {
    17.0: {2.0: (0, 0), 2.4: (3e4, 0), 2.8: (3e5, 0)},
    12.0: {2.0: (3e3, 0), 2.4: (6e4, 0), 2.8: (5e5, 1e5)},
    0.0: {2.0: (0, 0), 2.4: (0, 4e4), 2.8: (0, 4e5)},
}
EXPOSURE_S, AREA_MM2 = 10.0, 0.5


def write(path: Path, truth: SpectrumTruth, seed: int, exposure_s: float = EXPOSURE_S) -> None:
    generator = np.random.default_rng([31, seed])
    spectrum = simulate_spectrum(truth, generator)
    if truth.counts == 0:
        spectrum = dark_spectrum(truth, generator)
    rows = zip(spectrum.wavelength_nm, spectrum.counts, strict=True)
    lines = [f"{x:.4f},{counts:.0f}\n" for x, counts in rows]
    text = f"# exposure_s: {exposure_s}\nwavelength_nm,counts\n" + "".join(lines)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pmma")
    seed = 0
    for thickness, series in LIGHT.items():
        field = folder / f"pmma-{thickness:g}" / "area"
        field.mkdir(parents=True)
        declared = f"contract = 1\n[device]\npmma_nm = {thickness}\n"
        write(field / "dark.csv", replace(DETECTOR, counts=0.0), 1000 + seed)
        for voltage, (dots, background) in series.items():
            seed += 1
            # The background is relative to the line's electrons, of which there is one at least.
            counts = max(dots, 1) if background else dots
            truth = replace(DETECTOR, counts=counts, background=background / max(counts, 1))
            write(field / f"{voltage}.csv", truth, seed)
            declared += (
                f"[[spectra]]\nfile = '{voltage}.csv'\nscope = 'area'\narea_mm2 = {AREA_MM2}\n"
                f"kind = 'el'\nvoltage_v = {voltage}\ndark_file = 'dark.csv'\n"
            )
        (field / "experiment.toml").write_text(declared, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def out(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    qdimage.run(folder, out)
    return out


def test_light_of_areas_is_recovered_per_area_and_second(out: Path) -> None:
    rows = pd.read_csv(out / "pmma_series.csv")
    assert len(rows) == 9
    assert set(rows["status"]) == {"ok"}
    for row in rows.itertuples():
        dots, background = LIGHT[row.pmma_nm][row.voltage_v]
        if dots:
            off = row.line_counts_s_mm2 * AREA_MM2 * EXPOSURE_S - dots
            assert abs(off) < 4.5 * row.line_err_counts_s_mm2 * AREA_MM2 * EXPOSURE_S
        assert row.dots_seen == (dots > 0)
        assert row.background_seen == (background > 0)
        if not background:
            # One-sided 95 % of nothing; nine of them exceed four deviations once in 30,000.
            assert abs(row.background_band_counts_s_mm2) < (
                4 * row.background_band_err_counts_s_mm2
            )


def test_windows_are_found_and_vanished_dots_are_named(out: Path) -> None:
    rows = pd.read_csv(out / "pmma_windows.csv").set_index("pmma_nm")
    assert dict(rows["finding"]) == {0.0: "dots_vanished", 12.0: "window", 17.0: "window"}
    assert dict(rows["device"]) == {0.0: "pmma-0", 12.0: "pmma-12", 17.0: "pmma-17"}
    assert "vanished" in rows["message"][0.0]
    assert rows["most_dots_share"][0.0] < 0.05
    assert rows["free_from_low_v"][17.0] == 2.0
    assert list(rows.loc[17.0, ["free_from_high_v", "free_to_low_v"]]) == [2.4, 2.8]
    assert rows["free_to_high_v"].isna()[17.0]
    assert rows["free_to_high_v"][12.0] == 2.8
    assert abs(rows["peak_ev"][17.0] - 1239.84 / 630.4) < 0.002


def test_a_dark_is_named_in_the_table_and_hashed_in_the_record(out: Path) -> None:
    rows = pd.read_csv(out / "spectra.csv")
    assert set(rows["dark_file"]) == {"dark.csv"}
    assert set(rows["area_mm2"]) == {AREA_MM2}
    (record, *_) = json.loads((out / "run.json").read_text(encoding="utf-8"))["fields"]
    assert sorted(record["spectrum_files"]) == ["2.0.csv", "2.4.csv", "2.8.csv", "dark.csv"]
    assert all(len(each) == 64 for each in record["spectrum_files"].values())


def test_the_report_shows_the_series(out: Path) -> None:
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "background-free" in report
    assert (out / "figures" / "run_pmma.png").is_file()
    assert "run_pmma" in report


def check(capsys: pytest.CaptureFixture[str], folder: Path) -> tuple[int, dict]:
    code = run_command_line(["check", str(folder), "--json", "--quiet"])
    return code, json.loads(capsys.readouterr().out)


def test_check_reads_spectra_and_darks(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    code, found = check(capsys, folder)
    assert (code, found["n_spectra"], found["n_errors"]) == (0, 9, 0)
    assert found["findings"] == []
    write(tmp_path / "a.csv", DETECTOR, 77)
    write(tmp_path / "dark.csv", replace(DETECTOR, counts=0.0, first_nm=390.0), 78)
    write(tmp_path / "short.csv", replace(DETECTOR, counts=0.0), 79, exposure_s=1.0)
    entries = (
        "file = 'a.csv'\nkind = 'el'\nscope = 'area'\ndark_file = 'short.csv'\n",
        "file = 'a.csv'\nkind = 'pl'\ndark_file = 'dark.csv'\n",
        "file = 'a.csv'\nkind = 'pl'\ndark_file = 'gone.csv'\n",
        "file = 'gone.csv'\nkind = 'pl'\n",
    )
    text = "contract = 1\n" + "".join(f"[[spectra]]\n{each}" for each in entries)
    (tmp_path / "experiment.toml").write_text(text, encoding="utf-8")
    code, found = check(capsys, tmp_path)
    assert (code, found["n_errors"]) == (3, 3)
    messages = [(each["severity"], each["message"]) for each in found["findings"]]
    assert sum("gone.csv" in text for kind, text in messages if kind == "error") == 2
    assert any("other wavelengths" in text for kind, text in messages if kind == "error")
    warned = [text for kind, text in messages if kind == "warning"]
    for word in ("voltage_v", "area_mm2", "bias"):
        assert any(word in text for text in warned), word


def test_a_dark_outside_the_folder_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write(tmp_path / "a.csv", DETECTOR, 80)
    text = "[[spectra]]\nfile = 'a.csv'\nkind = 'pl'\ndark_file = '../dark.csv'\n"
    (tmp_path / "experiment.toml").write_text(f"contract = 1\n{text}", encoding="utf-8")
    code, found = check(capsys, tmp_path)
    assert code == 3
    assert "leaves the experiment's folder" in found["findings"][0]["message"]
