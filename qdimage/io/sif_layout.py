"""The header of Andor's multi-channel files ``.sif``: lines of text before the counts.

The layout is not published; M. Leutenegger (2006) and the authors of sif_parser found it by
comparison with what Solis exports. The lines between the detector and the axis differ from version
to version, so that the area is found by its own line.
"""

import math
import re
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path

from qdimage.errors import FormatError

MAGIC = b"Andor Technology Multi-Channel File"

# "Pixel number", then the version of the layout, the area, frames, areas, all numbers, of a frame.
_LAYOUT = re.compile(rb"\nPixel number(6\d{4}(?: \d{1,10}){8})\r?\n")
_LONGEST_HEADER = 1 << 24
_MOST_FRAMES = 1 << 24
_MOST_PIXELS = 1 << 20
_LONGEST_LINE = 4096
_LONGEST_FLAG = 24
# Words of the third line.
_TIME, _TEMPERATURE, _EXPOSURE, _ACCUMULATIONS, _GAIN = 4, 5, 12, 15, 21
_OUTPUT, _PREAMPLIFIER, _UNSTABLE_TEMPERATURE, _IS_REAL_GAIN = 42, 43, 47, 50
_HAS_SENSITIVITY, _SENSITIVITY = 61, 63
_NO_TEMPERATURE = -999.0
# Of detectors with a multiplication register: iXon's DU and DV 860, 885, 887, 888, 897.
_EMCCD = re.compile(r"D[UVXZ]_?8\d\d")


@dataclass(frozen=True)
class SifLayout:
    """Where the counts of a file are.

    Attributes
    ----------
    head : list of bytes
        Lines before that of the area.
    width, height, frames : int
    left_px, bottom_px : int
        First column and row on the sensor, from 1.
    binning, row_binning : int
    start : int
        First byte of the counts, 32-bit numbers, frame after frame.
    """

    head: list[bytes]
    width: int
    height: int
    frames: int
    left_px: int
    bottom_px: int
    binning: int
    row_binning: int
    start: int

    @property
    def data_type(self) -> str:
        """What the numbers are, such as "Counts"."""
        return self.head[-1].decode("latin-1").rstrip("\r0123456789").strip()

    @property
    def is_image(self) -> bool:
        """Whether both axes are the sensor's, none of them a wavelength."""
        return self.height > 1 and self.head[-2].startswith(b"Pixel number")

    @property
    def detector(self) -> str:
        """The camera's model."""
        return self.head[3].decode("latin-1").strip()[:100]


@dataclass(frozen=True)
class SifAcquisition:
    """How the frames were taken; None where the file does not say.

    Attributes
    ----------
    exposure_s : float or None
        Of one accumulation.
    accumulations : int
        Exposures that were summed into a frame.
    em_gain : float or None
        As set; 1 through the conventional output or with the gain off.
    preamplifier_gain : float or None
    electrons_per_adu : float or None
    temperature_c : float or None
    taken_at_s : int or None
        Seconds since 1970.
    """

    exposure_s: float | None
    accumulations: int
    em_gain: float | None
    preamplifier_gain: float | None
    electrons_per_adu: float | None
    temperature_c: float | None
    taken_at_s: int | None


def find_sif_layout(path: Path, data: bytes | mmap) -> SifLayout:
    """Find the counts in a file; nothing of the size that it promises is taken.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    found = _LAYOUT.search(data, 0, min(len(data), _LONGEST_HEADER))
    if data[: len(MAGIC)] != MAGIC or found is None or found.start() < len(MAGIC):
        raise FormatError(
            f"{path}: found no layout of an Andor file, expected one that Solis wrote; export it "
            "again, a spectrum as .asc, a stack as TIFF"
        )
    try:
        return _read_layout(data, found)
    except (ValueError, IndexError) as error:
        reason = " ".join(str(error).split())[:100]
        raise FormatError(
            f"{path}: found a layout that makes no sense or a file cut short ({reason}), expected "
            "counts and what they are of; copy or export it again"
        ) from error


def _read_layout(data: bytes | mmap, found: re.Match[bytes]) -> SifLayout:
    head = data[: found.start()].split(b"\n")
    if len(head) < 8:
        raise ValueError(f"{len(head)} lines of header")
    _, _, _, _, _, frames, areas, total, of_frame = (int(each) for each in found[1].split())
    if areas != 1:
        raise ValueError(f"{areas} areas of the sensor")
    line, place = _line(data, found.end())
    left, top, right, bottom, row_binning, binning = (int(each) for each in line.split()[1:7])
    if min(row_binning, binning) < 1 or not 1 <= frames <= _MOST_FRAMES:
        raise ValueError(f"binning {binning} x {row_binning}, {frames} frames")
    width = (right - left + 1) // binning
    height = (abs(top - bottom) + 1) // row_binning
    if not (0 < width <= _MOST_PIXELS and height > 0 and width * height == of_frame):
        raise ValueError(f"{of_frame} numbers in a frame of {width} x {height}")
    if total != frames * of_frame:
        raise ValueError(f"{total} numbers in {frames} frames of {of_frame}")
    if 4 * total > len(data):
        raise ValueError(f"{total} numbers in a file of {len(data)} bytes")
    for _ in range(frames):
        line, place = _line(data, place)
        int(line)
    # A 0, or a 1 and one more line for each frame; older versions have neither.
    flag, ended, _ = data[place : place + _LONGEST_FLAG].partition(b"\n")
    if ended and flag.strip() in (b"0", b"1"):
        place += len(flag) + 1
        for _ in range(frames if flag.strip() == b"1" else 0):
            _, place = _line(data, place)
    if place + 4 * total > len(data):
        raise ValueError(f"counts from byte {place} on in a file of {len(data)} bytes")
    return SifLayout(
        head,
        width,
        height,
        frames,
        left,
        min(top, bottom),
        binning,
        row_binning,
        place,
    )


def _line(data: bytes | mmap, place: int) -> tuple[bytes, int]:
    end = data.find(b"\n", place, place + _LONGEST_LINE)
    if end < 0:
        raise ValueError(f"no end of the line at byte {place}")
    return data[place:end], end + 1


def sif_acquisition(layout: SifLayout) -> SifAcquisition:
    """Return what the third line says; its words are those of Andor's structure TInstaImage."""
    words = layout.head[2].split(b" ")
    accumulations = _number(words, _ACCUMULATIONS)
    temperature = _number(words, _TEMPERATURE)
    if temperature in (None, _NO_TEMPERATURE):
        # Not yet settled when the frames were taken.
        temperature = _number(words, _UNSTABLE_TEMPERATURE)
    has_sensitivity = _number(words, _HAS_SENSITIVITY) == 1
    taken = _number(words, _TIME)
    return SifAcquisition(
        exposure_s=_positive(_number(words, _EXPOSURE)),
        accumulations=max(int(accumulations or 1), 1),
        em_gain=_em_gain(layout.detector, words),
        preamplifier_gain=_positive(_number(words, _PREAMPLIFIER)),
        electrons_per_adu=_positive(_number(words, _SENSITIVITY)) if has_sensitivity else None,
        temperature_c=None if temperature == _NO_TEMPERATURE else temperature,
        taken_at_s=int(taken) if taken else None,
    )


def _em_gain(detector: str, words: list[bytes]) -> float | None:
    """Return the gain that was set; None where the number is that of a converter, or unknown."""
    gain, output, is_real = (_number(words, at) for at in (_GAIN, _OUTPUT, _IS_REAL_GAIN))
    if not _EMCCD.match(detector) or gain is None:
        return None
    if output == 1 or gain == 0:
        return 1.0
    return gain if is_real == 1 and gain >= 1 else None


def _number(words: list[bytes], index: int) -> float | None:
    try:
        value = float(words[index])
    except (ValueError, IndexError):
        return None
    return value if math.isfinite(value) else None


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None
