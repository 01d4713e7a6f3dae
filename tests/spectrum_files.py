"""Files of spectra, written as their formats are described."""

import struct
from pathlib import Path

import numpy as np

SENSOR = 64


def wavelengths(first: float = 600.0, step: float = 0.5, n: int = SENSOR) -> np.ndarray:
    """Centres of pixels that a polynomial of first order gives, the pixel counted from 1."""
    return first + step * np.arange(1, n + 1)


def write_sif(
    path: Path,
    frames: np.ndarray,
    *,
    data_type: str = "Counts",
    calibration: str = "600 0.5 0 0",
    binning: int = 1,
    flag: int = 0,
) -> Path:
    """Write frames of shape (f, n); exposure 2 s, 3 accumulations."""
    n_frames, n = frames.shape
    head = [
        "Andor Technology Multi-Channel File",
        "65538 1",
        "65567 0 0 1 1700000000 -60 \0 \0 \0 \2 \0 0 2 2.1 2.1 3 \0 6.3 1e-06 0 1 0 0 0",
        "DU000_TEST ",
        f" {n * binning} 1 8",
        "test.sif ",
        "65538 4",
        "text",
        *["0 0"] * 17,
        "65540 \2 \0 \1 \0 \1 \0",
        calibration,
        "0 1 0 0",
        "0 1 0 0",
        "422",
        "13",
        "13",
        "1",
        "10",
        f"Wavelength{len(data_type)}",
        f"{data_type}12",
        f"Pixel number65541 1 1 {n * binning} 1 {n_frames} 1 {frames.size} {n}",
        f"65538 1 1 {n * binning} 1 1 {binning} 0",
        *["         0"] * n_frames,
        f"{flag}",
        *["             1"] * (n_frames if flag else 0),
    ]
    text = "\n".join(head).encode("latin-1") + b"\n"
    path.write_bytes(text + frames.astype("<f4").tobytes() + b"0\n")
    return path


def spe_header(width: int, height: int, frames: int, *, kind: int, version: float) -> bytearray:
    """Header of 4100 bytes: exposure 2 s, a polynomial of first order in nm."""
    header = bytearray(4100)
    struct.pack_into("<f", header, 10, 2.0)
    struct.pack_into("<H", header, 42, width)
    struct.pack_into("<h", header, 108, kind)
    struct.pack_into("<H", header, 656, height)
    struct.pack_into("<i", header, 668, 3)
    struct.pack_into("<i", header, 1446, frames)
    struct.pack_into("<f", header, 1992, version)
    header[3098:3102] = bytes([1, 0, 3, 1])
    struct.pack_into("<6d", header, 3263, 600.0, 0.5, 0, 0, 0, 0)
    return header


def write_spe2(path: Path, frames: np.ndarray) -> Path:
    """Write frames of shape (f, n) as unsigned 16-bit numbers, version 2.5."""
    n_frames, n = frames.shape
    header = spe_header(n, 1, n_frames, kind=3, version=2.5)
    path.write_bytes(bytes(header) + frames.astype("<u2").tobytes())
    return path


def write_spe3(path: Path, images: np.ndarray, *, wavelength_nm: np.ndarray, x: int = 0) -> Path:
    """Write images of shape (f, rows, n) with eight bytes of metadata behind each frame."""
    n_frames, height, width = images.shape
    size = 2 * height * width
    data = b"".join(each.astype("<u2").tobytes() + b"metadata" for each in images)
    values = ",".join(repr(float(each)) for each in wavelength_nm)
    xml = (
        '<SpeFormat version="3.0" xmlns="http://www.princetoninstruments.com/spe/2009">'
        f'<DataFormat><DataBlock type="Frame" count="{n_frames}" '
        f'pixelFormat="MonochromeUnsigned16" size="{size}" stride="{size + 8}">'
        f'<DataBlock type="Region" count="1" width="{width}" height="{height}" '
        f'size="{size}" stride="{size}"/></DataBlock></DataFormat>'
        f'<Calibrations><SensorMapping x="{x}" width="{width}" xBinning="1"/>'
        f"<WavelengthMapping><Wavelength>{values}</Wavelength></WavelengthMapping></Calibrations>"
        "<DataHistories><ShutterTiming><ExposureTime>2000</ExposureTime></ShutterTiming>"
        "</DataHistories></SpeFormat>"
    )
    header = spe_header(width, height, n_frames, kind=3, version=3.0)
    struct.pack_into("<Q", header, 678, len(header) + len(data))
    path.write_bytes(bytes(header) + data + xml.encode())
    return path
