"""Files of photon counters, written as their formats are described."""

import struct
from pathlib import Path
from typing import Any

import numpy as np

PICO_T2, PICO_T3 = "PicoHarp T2", "PicoHarp T3"
SUFFIX = {
    PICO_T2: ".pt2",
    PICO_T3: ".pt3",
    "HydraHarp v1 T2": ".ht2",
    "HydraHarp v1 T3": ".ht3",
    "HydraHarp v2 T2": ".ht2",
    "HydraHarp v2 T3": ".ht3",
}
CLOCK_25_NS = 0x80000000 | 250


def beginning(ident: bytes, version: bytes) -> bytes:
    head = ident.ljust(16, b"\0") + version.ljust(6, b"\0") + b"Creator".ljust(18, b"\0")
    head += b"1.0".ljust(12, b"\0") + b"01/01/12 00:00:00".ljust(18, b"\0") + b"\r\n"
    return head + b"a comment".ljust(256, b"\0")


def pico_header(mode: int, n_records: int, *, image: int = 0, bits: int = 32) -> bytes:
    head = beginning(b"PicoHarp 300", b"2.0")
    # Curves, bits, routing, boards, active curve, mode, sub-mode, range, offset, time, ...
    head += struct.pack("<12i", 0, bits, 4, 1, 0, mode, 0, 0, 0, 9000, 0, 0)
    # ... restart, five of the display, eight curves, three parameters, repetition, script.
    head += bytes(4 + 20 + 64 + 36 + 16 + 20)
    head += b"PicoHarp 300".ljust(16, b"\0") + b"2.0".ljust(8, b"\0")
    head += struct.pack("<6ifii", 123, 1, 10, 100, 10, 100, 0.004, 0, 0) + bytes(4 * 24)
    head += struct.pack("<9i", 0, 0, 0, 10_000_000, 500, 9000, 0, n_records, image)
    return head + bytes(4 * image)


def hydra_header(
    version: bytes, mode: int, n_records: int, *, image: int = 0, n_inputs: int = 2, bits: int = 32
) -> bytes:
    head = beginning(b"HydraHarp", version)
    head += struct.pack("<6id", 0, bits, 0, mode, 0, 2, 4.0)
    # Offset, time, ..., display, eight curves, three parameters, repetition, script.
    head += struct.pack("<2i", 0, 9000) + bytes(4 * 8 + 64 + 36 + 16 + 20)
    head += b"HydraHarp 400".ljust(16, b"\0") + b"930011".ljust(8, b"\0")
    head += struct.pack("<2i", 123, 4) + bytes(80) + struct.pack("<dq", 1.0, 3)
    head += struct.pack("<8i", n_inputs, 0, 0, 0, 1, 100, 10, 0)
    head += bytes(16 * n_inputs) + struct.pack(f"<{n_inputs}i", *[100] * n_inputs)
    head += struct.pack("<4iq", 10_000_000, 9000, 1, image, n_records)
    return head + bytes(4 * image)


def legacy_file(folder: Path, name: str, records: bytes, n_records: int, **header: int) -> Path:
    mode = int(name[-1])
    if name.startswith("Pico"):
        head = pico_header(mode, n_records, **header)
    else:
        head = hydra_header(b"1.0" if "v1" in name else b"2.0", mode, n_records, **header)
    path = folder / f"a{SUFFIX[name]}"
    path.write_bytes(head + records)
    return path


def _tag(name: str, value: int | float, index: int = -1) -> bytes:
    kind, layout = (0x20000008, "d") if isinstance(value, float) else (0x10000008, "q")
    return struct.pack(f"<32siI{layout}", name.encode(), index, kind, value)


def write_phu(folder: Path, counts: np.ndarray, **changed: int | float) -> Path:
    """Write curves as PicoQuant's software does, with tags changed where asked."""
    n_curves, n_bins = counts.shape
    said: list[tuple[str, int | float, int]] = [("HistoResult_NumberOfCurves", n_curves, -1)]
    header_bytes = 16 + 48 * (2 + 6 * n_curves)
    for index in range(n_curves):
        said += [
            ("HistResDscr_DataOffset", header_bytes + 4 * n_bins * index, index),
            ("HistResDscr_HistogramBins", n_bins, index),
            ("HistResDscr_MDescResolution", 512e-12, index),
            ("HistResDscr_MDescStopAfter", 20_000, index),
            ("HistResDscr_SyncRate", 5000, index),
            ("HistResDscr_InputRate", 7000, index),
        ]
    tags = b"".join(_tag(name, changed.get(name, value), index) for name, value, index in said)
    end = struct.pack("<32siI8s", b"Header_End", -1, 0xFFFF0008, bytes(8))
    path = folder / "a.phu"
    path.write_bytes(b"PQHISTO\0" + b"1.0.00\0\0" + tags + end + counts.astype("<u4").tobytes())
    return path


def spc_file(folder: Path, records: np.ndarray | list[int], first: int = CLOCK_25_NS) -> Path:
    path = folder / "a.spc"
    words = [first, *np.asarray(records, np.int64).tolist()]
    path.write_bytes(b"".join(int(word).to_bytes(4, "little") for word in words))
    return path


def spc_events(n: int, seed: int = 4) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Photons across many overflows, and their records, markers among them."""
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.choice([0, 1, 900, 4096, 40_000], n, p=[0.1, 0.2, 0.5, 0.1, 0.1]))
    channel = rng.integers(0, 16, n)
    records, before = [], 0
    for t, c in zip(time.tolist(), channel.tolist(), strict=True):
        wraps = t // 4096 - before
        before = t // 4096
        if wraps > 1:
            records.append(0xC0000000 | (wraps - 1))
        if rng.random() < 0.1:
            records.append(0x90000000 | int(rng.integers(1, 8)) << 12)
        word = (wraps > 0) << 30 | int(rng.integers(0, 4096)) << 16 | c << 12 | t % 4096
        records.append(word)
    return time, channel, records


def photon_file(
    path: Path,
    spots: dict[str, dict[str, np.ndarray]],
    *,
    unit_s: Any = 5e-9,
    tcspc_s: Any = None,
    rate_hz: float | None = None,
    **storage: Any,
) -> Path:
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["format_name"] = "Photon-HDF5"
        file["acquisition_duration"] = 60.0
        for name, arrays in spots.items():
            group = file.create_group(name)
            for column, values in arrays.items():
                if column != "nanotimes" or tcspc_s is not None:
                    group.create_dataset(column, data=values, **storage)
            group["timestamps_specs/timestamps_unit"] = unit_s
            if tcspc_s is not None:
                group["nanotimes_specs/tcspc_unit"] = tcspc_s
            if rate_hz is not None:
                group["measurement_specs/laser_repetition_rate"] = rate_hz
    return path
