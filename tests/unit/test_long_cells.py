"""Cells without end cost a reader no more than their length."""

import time
from pathlib import Path

import pytest

from qdimage.errors import FormatError
from qdimage.io.iv_file import open_iv
from qdimage.io.spectrum_file import open_spectrum

N_LETTERS = 100_000
MOST_SECONDS = 2.0
CELLS = {
    "digits": "9" * N_LETTERS + "x",
    "digits and points": "9." * (N_LETTERS // 2),
    "spaces in a bracket": "current (" + " " * N_LETTERS + "x",
    "spaces behind a slash": "current/" + " " * N_LETTERS + "A!",
}


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("suffix", ["csv", "txt"])
def test_a_long_cell_is_passed_over_in_no_time(kind: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    rows = "".join(f"{k},{CELLS[kind]}\n" for k in range(3))
    path.write_text(f"voltage,{CELLS[kind]}\n{rows}", encoding="utf-8")
    begun = time.process_time()
    for read in (open_iv, open_spectrum):
        with pytest.raises(FormatError):
            read(path)
    assert time.process_time() - begun < MOST_SECONDS
