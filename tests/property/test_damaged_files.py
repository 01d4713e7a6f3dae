"""A few of the damaged files of ``benchmarks/fuzz.py``, for every parser."""

import sys

import pytest
from folders import CLONE

sys.path.insert(0, str(CLONE / "benchmarks"))

from fuzz import PAYLOAD, read_batch
from fuzzed.subjects import SUBJECTS

N_INPUTS = 25
# Of 25, where 60 in 100 are meant to: fewer than 8 by chance in less than one of 1000 parsers.
LEAST_IN_PAYLOAD = 8
# A tenth of a second each.
SLOW = {"table, dots": 8, "recipe.toml": 12}


@pytest.mark.skipif(sys.platform == "win32", reason="hangs are noticed by an alarm")
@pytest.mark.parametrize("name", SUBJECTS)
def test_damaged_files_are_read_or_refused_in_a_line(name: str) -> None:
    n = SLOW.get(name, N_INPUTS)
    found = read_batch(name, 2, 0, n)
    assert found["faults"] == []
    assert found["counts"]["read"] + found["counts"]["refused"] == n
    assert found["counts"][PAYLOAD] >= LEAST_IN_PAYLOAD * n // N_INPUTS
