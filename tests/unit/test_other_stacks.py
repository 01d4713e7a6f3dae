"""Stacks of Princeton Instruments, Nikon, Zeiss and FITS: their frames, or the missing extra."""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from spectrum_files import wavelengths, write_spe2, write_spe3

from qdimage.errors import FormatError
from qdimage.io import STACK_READERS, is_stack_file, open_stack

FRAMES = np.random.default_rng(2).integers(0, 65536, (5, 7, 9)).astype(np.uint16)


def read(path: Path, **choice: Any) -> tuple[np.ndarray, dict[str, float]]:
    with open_stack(path, **choice) as stack:
        assert stack.shape[0] == len(stack.reader(0, stack.shape[0]))
        return stack.reader(0, stack.shape[0]), dict(stack.metadata)


def test_frames_of_an_spe_of_version_3(tmp_path: Path) -> None:
    path = write_spe3(tmp_path / "a.spe", FRAMES, wavelength_nm=wavelengths(n=9))
    found, metadata = read(path, frames=(1, 4), frames_excluded=(2,))
    np.testing.assert_array_equal(found, FRAMES[[1, 3]])
    assert metadata == {"exposure_s": 2.0}


def test_an_spe_of_version_3_says_how_the_register_was_set(tmp_path: Path) -> None:
    path = write_spe3(tmp_path / "a.spe", FRAMES, wavelength_nm=wavelengths(n=9))
    camera = b"<Adc><EMGain>200</EMGain><Quality>ElectronMultiplied</Quality></Adc>"
    camera += b"<Temperature><Reading>-55</Reading></Temperature>"
    path.write_bytes(path.read_bytes().replace(b"<DataHistories>", camera + b"<DataHistories>"))
    assert read(path)[1] == {"exposure_s": 2.0, "em_gain": 200.0, "temperature_c": -55.0}
    plain = path.read_bytes().replace(b"ElectronMultiplied", b"LowNoise")
    path.write_bytes(plain)
    assert "em_gain" not in read(path)[1]


def test_frames_of_an_spe_of_version_2(tmp_path: Path) -> None:
    path = write_spe2(tmp_path / "a.spe", FRAMES.reshape(5, 63))
    found, metadata = read(path)
    np.testing.assert_array_equal(found, FRAMES.reshape(5, 1, 63))
    assert metadata == {"exposure_s": 6.0}  # three accumulations
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FormatError, match="do not fit"):
        open_stack(path)


def fits_file(path: Path, frames: np.ndarray, **keys: Any) -> Path:
    fits = pytest.importorskip("astropy.io.fits")
    header = fits.Header({name.upper(): value for name, value in keys.items()})
    fits.writeto(path, frames, header)
    return path


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_frames_of_a_fits_file(tmp_path: Path, kind: Any) -> None:
    path = fits_file(tmp_path / "a.fits", FRAMES.astype(kind), exposure=0.05)
    found, metadata = read(path, frames=(1, 5))
    np.testing.assert_array_equal(found, FRAMES[1:])
    assert found.dtype == kind
    assert metadata == {"exposure_s": 0.05}


def test_one_frame_of_a_fits_file(tmp_path: Path) -> None:
    found, _ = read(fits_file(tmp_path / "a.fits", FRAMES[0]))
    np.testing.assert_array_equal(found, FRAMES[:1])


@pytest.mark.parametrize(
    ("keys", "key", "value"),
    [
        ({"outptamp": "Electron Multiplying", "gain": 250, "emrealgn": 1}, "em_gain", 250.0),
        ({"outptamp": "Electron Multiplying", "gain": 250, "emrealgn": 0}, "em_gain", None),
        ({"outptamp": "Conventional", "gain": 250, "emrealgn": 1}, "em_gain", 1.0),
        ({"gain": 250}, "em_gain", None),
        ({"temp": -999.0, "unsttemp": -71.0}, "temperature_c", -71.0),
        ({"temp": -80.0}, "temperature_c", -80.0),
        ({"sntvty": 12.3}, "electrons_per_adu", 12.3),
        ({"preamp": "5x"}, "preamplifier_gain", 5.0),
        ({"hbin": 2, "vbin": 2}, "binning", 2.0),
        ({"hbin": 2, "vbin": 1}, "binning", None),
        ({"exptime": 0.2}, "exposure_s", 0.2),
    ],
)
def test_keywords_of_a_fits_file(
    tmp_path: Path, keys: dict[str, Any], key: str, value: float | None
) -> None:
    _, found = read(fits_file(tmp_path / "a.fits", FRAMES, **keys))
    assert found.get(key) == value


def test_a_fits_file_cut_short_or_without_an_image_is_named(tmp_path: Path) -> None:
    path = fits_file(tmp_path / "a.fits", np.zeros((200, 30, 30), np.float32))
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(FormatError, match=r"a\.fits: "):
        read(path)
    path.write_bytes(b"nothing of a FITS file" * 300)
    with pytest.raises(FormatError, match=r"a\.fits: "):
        read(path)


def czi_file(path: Path, frames: np.ndarray, n_channels: int = 1) -> Path:
    czi = pytest.importorskip("pylibCZIrw.czi")
    with czi.create_czi(str(path)) as document:
        for t, frame in enumerate(frames):
            for c in range(n_channels):
                document.write(frame[..., np.newaxis] // (c + 1), plane={"T": t, "C": c, "Z": 0})
        document.write_metadata("frames", scale_x=1.07e-7, scale_y=1.07e-7)
    return path


def test_frames_of_a_czi_file(tmp_path: Path) -> None:
    found, metadata = read(czi_file(tmp_path / "a.czi", FRAMES), frames=(1, 5))
    np.testing.assert_array_equal(found, FRAMES[1:])
    assert metadata == {"pixel_size_um": pytest.approx(0.107)}


def test_a_channel_of_a_czi_file(tmp_path: Path) -> None:
    path = czi_file(tmp_path / "a.czi", FRAMES, n_channels=2)
    np.testing.assert_array_equal(read(path, channel_index=1)[0], FRAMES // 2)
    with pytest.raises(FormatError, match="found 2 channels"):
        open_stack(path)
    with pytest.raises(FormatError, match="channel_index 2"):
        open_stack(path, channel_index=2)


def test_a_damaged_czi_file_is_named(tmp_path: Path) -> None:
    path = czi_file(tmp_path / "a.czi", FRAMES)
    path.write_bytes(b"no czi" + path.read_bytes()[6:])
    with pytest.raises(FormatError, match=r"a\.czi: found no readable"):
        open_stack(path)


class Nd2File:
    """Stands for nd2's reader, whose files nothing free can write: two channels, five times."""

    sizes: Mapping[str, int] = {"T": 5, "C": 2, "Y": 7, "X": 9}
    dtype = np.dtype(np.uint16)
    is_rgb = False
    text_info: Mapping[str, str] = {
        "capturing": "Exposure: 50 ms\nMultiplier: 300\nBinning: 2x2\nTemperature: -70.0"
    }

    def __init__(self, path: Path) -> None:
        if path.read_bytes()[:3] != b"nd2":
            raise OSError("not an nd2 file")
        self.is_closed = False

    @staticmethod
    def voxel_size() -> Any:
        return type("Size", (), {"x": 0.16})

    @staticmethod
    def read_frame(number: int) -> np.ndarray:
        return np.stack([FRAMES[number], FRAMES[number] // 2])

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def nd2_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stand_in = ModuleType("nd2")
    stand_in.ND2File = Nd2File  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nd2", stand_in)
    path = tmp_path / "a.nd2"
    path.write_bytes(b"nd2" + bytes(500))
    return path


def test_frames_of_an_nd2_file(nd2_path: Path) -> None:
    found, metadata = read(nd2_path, channel_index=1, frames=(0, 5), frames_excluded=(1,))
    np.testing.assert_array_equal(found, FRAMES[[0, 2, 3, 4]] // 2)
    assert metadata == {
        "pixel_size_um": 0.16,
        "exposure_s": 0.05,
        "em_gain": 300.0,
        "binning": 2.0,
        "temperature_c": -70.0,
    }


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"T": 5, "C": 2, "Y": 7, "X": 9}, "found 2 channels"),
        ({"T": 5, "Z": 3, "Y": 7, "X": 9}, r"several axes that vary \(T 5, Z 3\)"),
        ({"T": 500_000, "Y": 700, "X": 900}, "the header is wrong"),
    ],
)
def test_an_nd2_file_that_is_no_single_series_is_refused(
    nd2_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: dict[str, int], message: str
) -> None:
    monkeypatch.setattr(Nd2File, "sizes", sizes)
    with pytest.raises(FormatError, match=message):
        open_stack(nd2_path)


def test_a_damaged_nd2_file_is_named(nd2_path: Path) -> None:
    nd2_path.write_bytes(b"something else")
    with pytest.raises(FormatError, match=r"a\.nd2: found no readable"):
        open_stack(nd2_path)


@pytest.mark.parametrize(
    ("suffix", "module", "extra"),
    [(".nd2", "nd2", "nd2"), (".czi", "pylibCZIrw", "czi"), (".fits", "astropy", "fits")],
)
def test_a_package_that_is_missing_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, module: str, extra: str
) -> None:
    for name in (module, f"{module}.czi", f"{module}.io.fits"):
        monkeypatch.setitem(sys.modules, name, None)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"x")
    with pytest.raises(FormatError, match=rf"pip install 'qdimage\[{extra}\]'"):
        open_stack(path)


def test_spectra_are_no_stacks_of_a_folder(tmp_path: Path) -> None:
    from spectrum_files import write_sif
    from stack_files import write_sif_stack

    spectrum = write_sif(tmp_path / "a.sif", np.ones((2, 64), np.float32))
    stack = write_sif_stack(tmp_path / "b.sif", FRAMES.astype(np.float32))
    assert not is_stack_file(spectrum)
    assert is_stack_file(stack)
    assert is_stack_file(tmp_path / "c.TIF")
    assert not is_stack_file(tmp_path / "d.csv")
    assert ".tif" in STACK_READERS
