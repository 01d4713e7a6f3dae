"""``qdimage spectrum``, spectra of a run, and files that are none."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from spectrum_files import write_spe3

import qdimage
from qdimage.cli.main import run_command_line
from qdimage.domain.spectrum import Spectrum
from qdimage.errors import ConfigurationError
from qdimage.simulation.spectra import SpectrumTruth, dark_spectrum, simulate_spectrum

EL = SpectrumTruth(counts=2e4)
PL = SpectrumTruth(counts=4e4, background=0.2)


def write(spectrum: Spectrum, path: Path) -> Path:
    rows = zip(spectrum.wavelength_nm, spectrum.counts, strict=True)
    lines = [f"{x:.4f},{counts:.0f}\n" for x, counts in rows]
    path.write_text("# exposure_s: 10\nwavelength_nm,counts\n" + "".join(lines))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spectra")
    generator = np.random.default_rng(1)
    write(simulate_spectrum(EL, generator), folder / "el.csv")
    write(simulate_spectrum(PL, generator), folder / "pl.csv")
    write(dark_spectrum(EL, generator), folder / "nothing.csv")
    return folder


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run_command_line(["spectrum", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_one_spectrum_has_peak_width_and_limit(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    code, out, err = call(capsys, folder / "el.csv", "--turn-on-v", "1.9", "--json")
    row = json.loads(out)
    assert (code, err, row["status"], row["model"]) == (0, "", "ok", "gaussian")
    assert abs(row["peak_nm"] - 630) < 4 * row["peak_err_nm"]
    assert abs(row["fwhm_nm"] - 20) < 4 * row["fwhm_err_nm"]
    assert row["background_free"] is True
    assert row["background_ratio_upper"] < 0.01
    assert row["sub_bandgap_v"] == pytest.approx(row["peak_ev"] - 1.9)
    assert row["exposure_s"] == 10


def test_el_against_pl_is_a_table_a_curve_and_a_figure(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    out, curve, figure = (tmp_path / name for name in ("s.csv", "c.csv", "f.png"))
    files = folder / "el.csv", folder / "pl.csv"
    given = ("--against", files[1], "-o", out, "--curve-out", curve, "--figure", figure)
    code, text, _ = call(capsys, *files, *given)
    assert code == 0
    assert "shift" in text
    rows = pd.read_csv(out)
    assert list(rows["file"]) == ["el.csv", "pl.csv"]
    assert abs(rows["shift_nm"][0]) < 4 * rows["shift_err_nm"][0]
    assert rows["contour_p_value"][0] > 1e-3
    assert list(rows["background_free"]) == [True, False]
    assert rows["background_ratio_low"][1] <= 0.2 <= rows["background_ratio_high"][1]
    fitted = pd.read_csv(curve)
    assert list(fitted) == ["wavelength_nm", "energy_ev", "counts", "model"]
    assert fitted["model"].notna().any()
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_a_dark_is_subtracted_and_named(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    generator = np.random.default_rng(3)
    camera = replace(EL, bias_counts=500.0, read_noise_e=4.0)
    el = write(simulate_spectrum(camera, generator), tmp_path / "el.csv")
    dark = write(dark_spectrum(camera, generator), tmp_path / "dark.csv")
    given = ("--dark", dark, "--set", "spectrum.floor=zero", "--against", el)
    code, out, _ = call(capsys, el, *given, "--against-dark", dark, "--json")
    row = json.loads(out)
    assert (code, row["status"], row["dark_file"]) == (0, "ok", "dark.csv")
    assert abs(row["peak_nm"] - 630) < 4 * row["peak_err_nm"]
    assert abs(row["background_band_counts"]) < 4 * row["background_band_counts_err"]
    assert row["shift_nm"] == pytest.approx(0, abs=1e-9)
    # Without a dark the bias is light, if the floor is said to be zero.
    code, out, _ = call(capsys, el, "--set", "spectrum.floor=zero", "--json")
    assert json.loads(out)["background_band_counts"] > 1e5
    code, out, _ = call(capsys, dark, "--dark", dark)
    assert "95% limit" in out
    code, _, err = call(capsys, el, "--dark", folder / "gone.csv")
    assert (code, err.count("\n")) == (2, 1)


def test_no_line_is_a_refusal_and_no_spectrum_an_error(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    code, out, _ = call(capsys, folder / "nothing.csv", "--json")
    row = json.loads(out)
    assert (code, row["status"], row["peak_nm"]) == (0, "refused", None)
    assert row["message"]
    code, _, err = call(capsys, tmp_path / "none.csv")
    assert code == 2
    assert err.count("\n") == 1
    assert "none.csv" in err
    code, _, err = call(capsys, folder / "el.csv", "--figure", tmp_path / "a.bmp")
    assert code == 2
    code, _, err = call(capsys, folder / "el.csv", "--set", "spectrum.dot_low_nm=700")
    assert code == 2
    assert "let it rise" in err


def test_a_nonsense_exposure_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="exposure_s"):
        qdimage.spectrum(folder / "el.csv", exposure_s=-1.0)


def test_spectra_of_a_run_have_rows_curves_and_a_figure(folder: Path, tmp_path: Path) -> None:
    field = tmp_path / "device" / "field"
    field.mkdir(parents=True)
    for name in ("el.csv", "nothing.csv"):
        (field / name).write_bytes((folder / name).read_bytes())
    (field / "bad.sif").write_bytes(b"no")
    spectra = (
        "[[spectra]]\nfile = 'el.csv'\nkind = 'el'\nvoltage_v = 2.4\nexposure_s = 3.0\n"
        "[[spectra]]\nfile = 'nothing.csv'\nkind = 'pl'\nscope = 'area'\narea_mm2 = 1.0\n"
        "[[spectra]]\nfile = 'bad.sif'\nkind = 'pl'\n"
    )
    text = f"contract = 1\n[device]\npmma_nm = 12\n{spectra}"
    (field / "experiment.toml").write_text(text)
    result = qdimage.run(field, tmp_path / "out")
    rows = pd.read_csv(tmp_path / "out" / "spectra.csv").set_index("file")
    assert dict(rows["status"]) == {"el.csv": "ok", "nothing.csv": "refused", "bad.sif": "failed"}
    assert rows["exposure_s"]["el.csv"] == 3
    assert set(rows["pmma_nm"]) == {12}
    assert (tmp_path / "out" / rows["curve"]["el.csv"]).is_file()
    assert len(result.tables["spectra"]) == 3
    (drawn,) = (tmp_path / "out" / "figures").glob("*_spectra.png")
    assert drawn.stem in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_without_stacks_el_is_compared_with_pl_of_the_same_place(
    folder: Path, tmp_path: Path
) -> None:
    field = tmp_path / "device" / "field"
    field.mkdir(parents=True)
    for name in ("el.csv", "pl.csv"):
        (field / name).write_bytes((folder / name).read_bytes())
    el = "[[spectra]]\nfile = 'el.csv'\nkind = 'el'\nvoltage_v = 2.6\ny_px = 5.0\n"
    pl = "[[spectra]]\nfile = 'pl.csv'\nkind = 'pl'\ny_px = 5.0\n"
    text = f"{el}x_px = 10.0\n{el}x_px = 90.0\n{pl}x_px = 10.0\n"
    (field / "experiment.toml").write_text(f"contract = 1\n{text}", encoding="utf-8")
    qdimage.run(field, tmp_path / "out")
    rows = pd.read_csv(tmp_path / "out" / "spectra.csv")
    compared = rows[rows["kind"] == "el"].set_index("x_px")
    assert compared["compared_with"][10.0] == "pl.csv"
    assert compared["contour_p_value"][10.0] > 1e-3
    assert pd.isna(compared["compared_with"][90.0])
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert len(list((tmp_path / "out" / "figures").glob("*_el_over_pl.png"))) == 1
    assert "Contour p" in report


def test_rows_of_an_image_are_declared(tmp_path: Path) -> None:
    found = simulate_spectrum(EL, np.random.default_rng(4))
    image = np.stack([np.zeros_like(found.counts), found.counts, np.zeros_like(found.counts)])
    write_spe3(tmp_path / "el.spe", image[np.newaxis], wavelength_nm=found.wavelength_nm)
    entry = "[[spectra]]\nfile = 'el.spe'\nkind = 'pl'\n"
    text = f"contract = 1\n{entry}rows = [1, 2]\n{entry}"
    (tmp_path / "experiment.toml").write_text(text, encoding="utf-8")
    qdimage.run(tmp_path, tmp_path / "out")
    rows = pd.read_csv(tmp_path / "out" / "spectra.csv")
    assert sorted(rows["status"]) == ["failed", "ok"]
    assert rows.set_index("status")["peak_nm"]["ok"] == pytest.approx(630, abs=0.5)
    assert "3 rows" in rows.set_index("status")["message"]["failed"]
