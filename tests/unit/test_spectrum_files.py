"""Spectra from the files of several programs, and files that are none."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spectrum_files import SENSOR, wavelengths, write_sif, write_spe2, write_spe3

from qdimage.domain.spectrum import energy_ev, per_energy
from qdimage.errors import FormatError
from qdimage.io.spectrum_file import SPECTRUM_READERS, open_spectrum

COUNTS = np.random.default_rng(1).poisson(500, (4, SENSOR)).astype(float)
WAVELENGTHS = wavelengths()


def test_a_solis_text_has_its_exposure_below_the_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.asc"
    rows = [f"{w:.5f}\t{c:.0f}\t" for w, c in zip(WAVELENGTHS[::-1], COUNTS[0][::-1], strict=True)]
    path.write_bytes(
        "\r\n".join(
            [
                *rows,
                "",
                "Date and Time:                Thu Nov 26 00:00:00 2026",
                "Exposure Time (secs):         0.5",
                "Number of Accumulations:      4",
            ]
        ).encode()
    )
    found = open_spectrum(path)
    np.testing.assert_allclose(found.wavelength_nm, WAVELENGTHS, atol=1e-5)
    np.testing.assert_array_equal(found.counts, COUNTS[0])
    assert found.exposure_s == pytest.approx(2.0)
    assert found.meta["date and time"] == "Thu Nov 26 00:00:00 2026"


def test_a_solis_text_may_have_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "a.asc"
    rows = [
        f"{w:.5f};{c:.1f}".replace(".", ",") for w, c in zip(WAVELENGTHS, COUNTS[0], strict=True)
    ]
    path.write_text("\n".join(["Exposure Time (secs): 0,25", *rows]))
    found = open_spectrum(path)
    np.testing.assert_allclose(found.wavelength_nm, WAVELENGTHS, atol=1e-5)
    np.testing.assert_array_equal(found.counts, COUNTS[0])
    assert found.exposure_s == 0.25


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_ocean_optics_text_is_a_mean_of_spectra(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    lines = [
        "SpectraSuite Data File",
        "++++++++++++++++++++++++++++++++++++",
        "Date: Thu Nov 26 00:00:00 UTC 2026",
        "Integration Time (usec): 100000 (USB4F06998)",
        "Spectra Averaged: 5 (USB4F06998)",
        ">>>>>Begin Processed Spectral Data<<<<<",
        *[f"{w:.2f}\t{c:.3f}" for w, c in zip(WAVELENGTHS, COUNTS[0], strict=True)],
        ">>>>>End Processed Spectral Data<<<<<",
    ]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    found = open_spectrum(path)
    np.testing.assert_allclose(found.wavelength_nm, WAVELENGTHS, atol=0.01)
    np.testing.assert_allclose(found.counts, 5 * COUNTS[0], atol=0.01)
    assert found.exposure_s == pytest.approx(0.5)
    assert "5" in found.warnings[0]


def test_a_csv_may_name_its_columns_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{i},{c},{w}" for i, (w, c) in enumerate(zip(WAVELENGTHS, COUNTS[0], strict=True))]
    path.write_text("\n".join(["# exposure_s: 10", "pixel,counts,wavelength_nm", *rows]))
    found = open_spectrum(path)
    np.testing.assert_allclose(found.wavelength_nm, WAVELENGTHS)
    np.testing.assert_array_equal(found.counts, COUNTS[0])
    assert found.exposure_s == 10.0


@pytest.mark.parametrize("flag", [0, 1])
def test_a_sif_has_frames_exposure_and_a_polynomial(tmp_path: Path, flag: int) -> None:
    found = open_spectrum(write_sif(tmp_path / "a.sif", COUNTS, flag=flag))
    np.testing.assert_allclose(found.wavelength_nm, WAVELENGTHS)
    np.testing.assert_array_equal(found.frames, COUNTS)
    # Two seconds, three accumulations, four frames.
    assert found.exposure_s == pytest.approx(24.0)


def test_a_sif_with_binned_columns_has_their_middles(tmp_path: Path) -> None:
    found = open_spectrum(write_sif(tmp_path / "a.sif", COUNTS[:1], binning=2))
    np.testing.assert_allclose(found.wavelength_nm[:2], [600.75, 601.75])


def test_a_sif_of_counts_per_second_becomes_counts(tmp_path: Path) -> None:
    path = write_sif(tmp_path / "a.sif", COUNTS[:1], data_type="Counts (Bg corrected per second)")
    found = open_spectrum(path)
    np.testing.assert_allclose(found.counts, 6 * COUNTS[0])
    assert found.warnings


def test_spe_of_both_versions_is_read(tmp_path: Path) -> None:
    old = open_spectrum(write_spe2(tmp_path / "a.spe", COUNTS))
    np.testing.assert_allclose(old.wavelength_nm, WAVELENGTHS)
    np.testing.assert_array_equal(old.frames, COUNTS)
    assert old.exposure_s == pytest.approx(24.0)
    path = write_spe3(tmp_path / "b.SPE", COUNTS[:, np.newaxis], wavelength_nm=WAVELENGTHS)
    new = open_spectrum(path)
    np.testing.assert_allclose(new.wavelength_nm, WAVELENGTHS)
    np.testing.assert_array_equal(new.frames, COUNTS)
    assert new.exposure_s == pytest.approx(8.0)


def test_rows_of_an_image_are_chosen_and_columns_take_their_wavelengths(tmp_path: Path) -> None:
    images = np.arange(2 * 3 * SENSOR).reshape(2, 3, SENSOR)
    whole = wavelengths(n=SENSOR + 10)
    path = write_spe3(tmp_path / "b.spe", images, wavelength_nm=whole, x=10)
    with pytest.raises(FormatError, match="3 rows"):
        open_spectrum(path)
    found = open_spectrum(path, rows=(1, 3))
    np.testing.assert_array_equal(found.frames, images[:, 1:].sum(axis=1))
    np.testing.assert_allclose(found.wavelength_nm, whole[10:])
    with pytest.raises(FormatError, match="rows 1 to 4"):
        open_spectrum(path, rows=(1, 4))


def _text(rows: list[str]) -> bytes:
    return "\n".join(rows).encode()


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("a.csv", b"", "0 bytes"),
        ("a.csv", b"\0\1\2", "binary"),
        ("a.csv", b"hello\nworld\n", "0 lines"),
        ("a.csv", _text(["wavelength_nm,counts", *[f"{600 + i},1" for i in range(5)]]), "5 pixels"),
        ("a.csv", _text([f"{i},1" for i in range(1, 40)]), "wavelengths of"),
        ("a.csv", _text([f"{600 + i % 20},1" for i in range(40)]), "up and down"),
        ("a.csv", _text([f"{600 + i},1e99" for i in range(40)]), "finite"),
        ("a.csv", _text([f"{600 + i},1" + ",2" * (i % 2) for i in range(40)]), "fit together"),
        ("a.asc", _text([f"{600 + i}\t1\t2" for i in range(40)]), "2 rows or tracks"),
        ("a.sif", b"Andor Technology Multi-Channel File\n65538 1\n", "no layout"),
        ("a.spe", b"\0" * 100, "100 bytes"),
        ("a.spe", b"\0" * 5000, "damaged"),
        ("a.xyz", b"1", "suffix"),
    ],
)
def test_what_is_no_spectrum_is_refused_in_one_line(
    tmp_path: Path, name: str, data: bytes, word: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(FormatError, match=word) as caught:
        open_spectrum(path)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such file"):
        open_spectrum(tmp_path / "a.csv")
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(FormatError, match="folder"):
        open_spectrum(tmp_path / "b.csv")


def test_xml_that_declares_entities_is_refused(tmp_path: Path) -> None:
    path = write_spe3(tmp_path / "b.spe", COUNTS[:, np.newaxis], wavelength_nm=WAVELENGTHS)
    data = path.read_bytes()
    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><SpeFormat'
    path.write_bytes(data.replace(b"<SpeFormat", bomb, 1))
    with pytest.raises(FormatError, match="entities"):
        open_spectrum(path)


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    spe3 = write_spe3(folder / "c.spe", COUNTS[:, np.newaxis], wavelength_nm=WAVELENGTHS)
    return {
        "a.sif": write_sif(folder / "a.sif", COUNTS).read_bytes(),
        "b.spe": write_spe2(folder / "b.spe", COUNTS).read_bytes(),
        "c.spe": spe3.read_bytes(),
    }


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(
    tmp_path: Path, whole_files: dict[str, bytes], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(whole_files)))
    whole = bytearray(whole_files[name])
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / name
    path.write_bytes(bytes(whole[: data.draw(st.integers(1, len(whole)))]))
    try:
        found = open_spectrum(path)
    except FormatError:
        return
    assert np.isfinite(found.frames).all()
    assert (np.diff(found.wavelength_nm) > 0).all()


def test_every_reader_takes_rows() -> None:
    assert set(SPECTRUM_READERS) == {".asc", ".csv", ".sif", ".spe", ".txt"}


def test_light_is_neither_lost_nor_made_by_the_change_to_energy() -> None:
    wavelength = np.linspace(500, 800, 3001)
    density = np.exp(-0.5 * ((wavelength - 630) / 8) ** 2)
    energy = energy_ev(wavelength)
    by_energy = np.trapezoid(per_energy(wavelength, density)[::-1], energy[::-1])
    assert by_energy == pytest.approx(np.trapezoid(density, wavelength), rel=1e-6)
    assert energy[0] == pytest.approx(1239.84198 / 500)
