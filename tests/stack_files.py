"""Small stacks in every kind of TIFF that is read, and the frames that must come out."""

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

N_FRAMES, HEIGHT, WIDTH = 6, 18, 22


@dataclass(frozen=True)
class RawPage:
    """One page of a hand-made TIFF: its data and its tags, which replace the usual ones."""

    data: bytes
    tags: dict[int, int | tuple[int, ...] | bytes | None] = field(default_factory=dict)


def frames_of(n_frames: int = N_FRAMES, dtype: Any = np.uint16, seed: int = 1) -> np.ndarray:
    """Return frames of which no two are alike."""
    rng = np.random.default_rng(seed)
    return rng.integers(1, 200, (n_frames, HEIGHT, WIDTH)).astype(dtype)


def raw_page(frame: np.ndarray, **tags: Any) -> RawPage:
    """Return an uncompressed 16-bit page; `tags` are named ``tag_258`` and so on."""
    return RawPage(frame.astype("<u2").tobytes(), {int(k[4:]): v for k, v in tags.items()})


def raw_tiff(
    pages: Sequence[RawPage], *, front: bytes = b"", next_of_last: int | None = None
) -> bytes:
    """Assemble a little-endian classic TIFF: header, front, then data, values and IFD of each page.

    `next_of_last` is the number of the page that the last one points back to.
    """
    out = bytearray(b"II*\0\0\0\0\0" + front)
    link, starts = 4, []
    for page in pages:
        at = len(out)
        out += page.data
        tags: dict[int, Any] = {
            256: WIDTH,
            257: HEIGHT,
            258: 16,
            259: 1,
            262: 1,
            273: at,
            277: 1,
            278: HEIGHT,
            279: len(page.data),
        } | page.tags
        entries = [_entry(out, code, value) for code, value in sorted(tags.items()) if value != ()]
        starts.append(len(out))
        struct.pack_into("<I", out, link, len(out))
        out += struct.pack("<H", len(entries)) + b"".join(entries)
        link = len(out)
        out += bytes(4)
    if next_of_last is not None:
        struct.pack_into("<I", out, link, starts[next_of_last])
    return bytes(out)


def _entry(out: bytearray, code: int, value: int | tuple[int, ...] | bytes) -> bytes:
    if isinstance(value, bytes):
        kind, count, data = 2, len(value) + 1, value + b"\0"
    else:
        values = (value,) if isinstance(value, int) else value
        kind, count, data = 4, len(values), struct.pack(f"<{len(values)}I", *values)
    if len(data) > 4:
        at = len(out)
        out += data
        data = struct.pack("<I", at)
    return struct.pack("<HHI", code, kind, count) + data.ljust(4, b"\0")


def write_micromanager(
    path: Path,
    frames: np.ndarray,
    places: Sequence[tuple[int, int, int]],
    summary: dict[str, Any],
    *,
    index: bool = True,
) -> None:
    """Write Micro-Manager's multipage TIFF; `places` are each page's (channel, slice, frame)."""
    text = json.dumps(summary).encode()
    front = bytes(24) + struct.pack("<II", 2355492, len(text)) + text
    tag = json.dumps({"Exposure-ms": 50, "Andor-Gain (EM)": {"PropVal": "300"}}).encode()
    described = f"ImageJ=1.52\nimages={len(frames)}\n".encode()
    first = {51123: tag, 270: described}
    pages = [
        RawPage(frame.astype("<u2").tobytes(), first if number == 0 else {51123: tag})
        for number, frame in enumerate(frames)
    ]
    out = bytearray(raw_tiff(pages, front=front))
    path.write_bytes(out)
    with tifffile.TiffFile(path) as file:
        offsets = [page.offset for page in file.pages]
    if index:
        struct.pack_into("<II", out, 8, 54773648, len(out))
        out += struct.pack("<II", 3453623, len(frames))
        for place, offset in zip(places, offsets, strict=True):
            out += struct.pack("<5I", *place, 0, offset)
    path.write_bytes(out)


def pack12(frame: np.ndarray) -> bytes:
    """Pack 12-bit values, two in three bytes, each row to a whole number of bytes."""
    even, odd = frame[:, ::2].astype(int), frame[:, 1::2].astype(int)
    packed = np.stack([even >> 4, (even & 15) << 4 | odd >> 8, odd & 255], axis=-1)
    return packed.astype(np.uint8).tobytes()


def ome_xml(
    data: str, *, size_c: int = 1, size_z: int = 1, size_t: int = N_FRAMES, root: str = ""
) -> str:
    """Return an OME description around TiffData elements."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" {root}>'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" '
        f'SizeX="{WIDTH}" SizeY="{HEIGHT}" SizeC="{size_c}" SizeZ="{size_z}" SizeT="{size_t}" '
        f'PhysicalSizeX="107" PhysicalSizeXUnit="nm">{data}'
        '<Plane TheC="0" TheZ="0" TheT="0" ExposureTime="50" ExposureTimeUnit="ms"/>'
        "</Pixels></Image></OME>"
    )


def write_ome_files(folder: Path, frames: np.ndarray) -> list[Path]:
    """Write an OME-TIFF in two files, half of the frames in each; both describe the whole."""
    half = len(frames) // 2
    names = ["set_1.ome.tif", "set_2.ome.tif"]
    data = "".join(
        f'<TiffData FirstT="{t}" IFD="{t % half}" PlaneCount="1">'
        f'<UUID FileName="{names[t // half]}">urn:uuid:{t // half}</UUID></TiffData>'
        for t in range(len(frames))
    )
    for number, name in enumerate(names):
        write_pages(
            folder / name,
            frames[number * half : (number + 1) * half],
            ome_xml(data, size_t=len(frames), root=f'UUID="urn:uuid:{number}"'),
        )
    return [folder / name for name in names]


def write_pages(path: Path, frames: np.ndarray, description: str | None = None) -> None:
    """Write one page for each frame, with nothing but the given description in the first."""
    with tifffile.TiffWriter(path, ome=False) as file:
        for number, frame in enumerate(frames):
            file.write(
                frame,
                photometric="minisblack",
                metadata=None,
                software=False,
                contiguous=False,
                description=description if number == 0 else None,
            )


def _tiff(dtype: Any = np.uint16, **options: Any) -> Callable[[Path], np.ndarray]:
    def write(path: Path) -> np.ndarray:
        frames = frames_of(dtype=dtype)
        tifffile.imwrite(path, frames, photometric="minisblack", **options)
        return frames

    return write


def _plain_pages(path: Path) -> np.ndarray:
    frames = frames_of()
    write_pages(path, frames)
    return frames


def _packed(path: Path) -> np.ndarray:
    frames = frames_of() * 20
    path.write_bytes(raw_tiff([RawPage(pack12(frame), {258: 12}) for frame in frames]))
    return frames


def _micromanager(path: Path) -> np.ndarray:
    frames = frames_of()
    places = [(0, 0, t) for t in range(N_FRAMES)]
    write_micromanager(path, frames, places, {"Channels": 1, "Slices": 1, "Frames": N_FRAMES})
    return frames


def _ome_set(path: Path) -> np.ndarray:
    frames = frames_of()
    first, _ = write_ome_files(path.parent, frames)
    first.replace(path)
    return frames


SINGLE_CHANNEL: dict[str, Callable[[Path], np.ndarray]] = {
    "pages": _plain_pages,
    "shaped": _tiff(),
    "one page of a shaped array": _tiff(truncate=True),
    "bigtiff": _tiff(bigtiff=True),
    "big-endian": _tiff(byteorder=">"),
    "uint8": _tiff(np.uint8),
    "int16": _tiff(np.int16),
    "uint32": _tiff(np.uint32),
    "float32": _tiff(np.float32),
    "strips": _tiff(rowsperstrip=4),
    "tiled": _tiff(tile=(16, 16)),
    "zlib": _tiff(compression="zlib", predictor=True),
    "lzw": _tiff(compression="lzw", rowsperstrip=5),
    "zstd": _tiff(compression="zstd"),
    "tiled zlib": _tiff(tile=(16, 16), compression="zlib"),
    "12 bits packed": _packed,
    "imagej": _tiff(imagej=True, metadata={"axes": "TYX"}),
    "imagej with one page": _tiff(imagej=True, truncate=True, metadata={"axes": "TYX"}),
    "ome": _tiff(ome=True, metadata={"axes": "TYX"}),
    "ome bigtiff": _tiff(ome=True, bigtiff=True, metadata={"axes": "TYX"}),
    "ome in two files": _ome_set,
    "micro-manager": _micromanager,
}


def write_sif_stack(
    path: Path,
    frames: np.ndarray,
    *,
    data_type: str = "Counts",
    words: Mapping[int, str] = {},
    binning: int = 1,
    flag: str | None = "0",
) -> Path:
    """Write frames (t, y, x) as Solis does; `words` replaces words of the third line."""
    n_frames, height, width = frames.shape
    third = (
        "65567 0 0 1 1700000000 -80 \0 \0 \0 \2 \0 0 0.05 0.06 0.06 1 \0 0.06 1e-07 0 1 300 "
        "0 0 1e-08 0 0 \4 \0 1 0 4 0 0 0 0 0 0 0 0 4 3e-07 0 5 7717 0 1 -999 1 0 1 0 0 -1 4 18 "
        "30004 0 0 1 100 1 0 12.3 550 0 0 0 0 0 0 0 0 0 1 1 8"
    )
    line = third.split(" ")
    for index, word in words.items():
        line[index] = word
    head = [
        "Andor Technology Multi-Channel File",
        "65538 1",
        " ".join(line),
        "DU897_BV ",
        " 512 512 8",
        "test.sif ",
        *["0 0"] * 20,
        "12",
        "Pixel number6",
        f"{data_type}12",
        f"Pixel number65541 1 {height} {width} 1 {n_frames} 1 {frames.size} {height * width}",
        f"65538 1 {height * binning} {width * binning} 1 {binning} {binning} 0",
        *["         0"] * n_frames,
        *([] if flag is None else [flag]),
        *["             1"] * (n_frames if flag == "1" else 0),
    ]
    text = "\n".join(head).encode("latin-1") + b"\n"
    path.write_bytes(text + frames.astype("<f4").tobytes() + b"0\n0\n")
    return path
