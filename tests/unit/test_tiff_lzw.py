"""Codes of LZW: what a writer writes makes sense, and damage that could lead astray does not."""

from contextlib import suppress

import imagecodecs
import numpy as np
import pytest

from qdimage.io.tiff_lzw import lzw_makes_sense

WANTED = 1 << 40
STREAMS = {
    "noise": np.random.default_rng(1).integers(0, 256, 9_000).astype(np.uint8).tobytes(),
    "steps": np.repeat(np.arange(256, dtype=np.uint8), 300).tobytes(),
    "zeros": bytes(500_000),
    "one": b"a",
}


def packed(*codes: int, n_bits: int = 9) -> bytes:
    bits = "".join(f"{code:0{n_bits}b}" for code in codes)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def fine(data: bytes, wanted: int = WANTED) -> bool:
    return bool(lzw_makes_sense(np.frombuffer(data, np.uint8), wanted))


@pytest.mark.parametrize("name", STREAMS)
def test_what_is_written_makes_sense_to_its_end(name: str) -> None:
    assert fine(imagecodecs.lzw_encode(STREAMS[name]))


@pytest.mark.parametrize(
    "codes",
    [(256, 258), (256, 300), (256, 65, 300), (256, 65, 258, 261), (65, 256, 257, 66, 400)],
)
def test_a_code_that_is_not_in_the_table_makes_none(codes: tuple[int, ...]) -> None:
    assert fine(packed(*codes)) == (257 in codes)


def test_what_is_behind_the_wanted_bytes_does_not_matter() -> None:
    data = packed(256, 65, 66, 500)
    assert not fine(data)
    assert fine(data, wanted=2)


def test_a_table_that_is_never_cleared_makes_none() -> None:
    rng = np.random.default_rng(1)
    assert not fine(packed(256, *rng.integers(0, 256, 253)) + bytes(12_000))
    assert not fine(bytes(12_000))


def test_any_bytes_are_judged_and_then_decoded_or_refused() -> None:
    rng, n_fine = np.random.default_rng(2), 0
    whole = imagecodecs.lzw_encode(rng.integers(1, 200, 110).astype("<u2").tobytes())
    for _ in range(3000):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), 2).tolist():
            data[at] = int(rng.integers(0, 256))
        if fine(bytes(data), wanted=220):
            n_fine += 1
            with suppress(RuntimeError):
                assert len(imagecodecs.lzw_decode(bytes(data), out=220)) <= 220
    assert 10 < n_fine < 2990
