"""What a person writes to see some of the dots."""

import numpy as np
import pandas as pd
import pytest
from napari_qdimage.filter_text import FilterError, filter_rows

DOTS = pd.DataFrame(
    {
        "el_g2_0": [0.05, 0.2, np.nan, 0.09],
        "pl_photons_s": [10.0, 20.0, 30.0, 40.0],
        "isolated": pd.array([True, False, True, None], dtype="boolean"),
        "note": ["", "twin", "", "dim spot"],
        "dot_id": pd.array([1, 2, 3, 4], dtype="Int64"),
    }
)
WORDS = {
    "lit": np.array([True, True, False, False]),
    "rejected": np.array([False, True, False, True]),
}


def kept(text: str) -> list[int]:
    return [int(i) + 1 for i in np.flatnonzero(filter_rows(text, DOTS, WORDS))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [1, 2, 3, 4]),
        ("   ", [1, 2, 3, 4]),
        ("el_g2_0 < 0.1", [1, 4]),
        ("el_g2_0<0.1", [1, 4]),
        ("el_g2_0 >= 0.2", [2]),
        ("el_g2_0 != 0.2", [1, 3, 4]),
        ("dot_id = 3", [3]),
        ("lit", [1, 2]),
        ("LIT", [1, 2]),
        ("not lit", [3, 4]),
        ("not not lit", [1, 2]),
        ("lit and not rejected", [1]),
        ("lit or pl_photons_s > 35", [1, 2, 4]),
        ("lit or rejected and pl_photons_s > 35", [1, 2, 4]),
        ("(lit or rejected) and pl_photons_s > 35", [4]),
        ("isolated = true", [1, 3]),
        ("isolated = no", [2, 4]),
        ("note = twin", [2]),
        ('note = "dim spot"', [4]),
        ('note != ""', [2, 4]),
        ("pl_photons_s > 1e1", [2, 3, 4]),
    ],
)
def test_filters(text: str, expected: list[int]) -> None:
    assert kept(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("el_g2 < 0.1", "did you mean el_g2_0"),
        ("lid", "did you mean lit"),
        ("lit rejected", "expected `and` or `or`"),
        ("lit and", "found the end"),
        ("el_g2_0 <", "found the end"),
        ("el_g2_0 < dark", "expected a number"),
        ("note < 3", "expected `=` or `!=`"),
        ("isolated > 0", "= true"),
        ("(lit", "found the end"),
        ("(lit lit", "closing bracket"),
        ('note = "open', "expected a column"),
        ("and", "found 'and'"),
        ("__import__('os')", "expected"),
    ],
)
def test_what_is_no_filter_is_said(text: str, said: str) -> None:
    with pytest.raises(FilterError, match=said.replace("(", r"\(")):
        filter_rows(text, DOTS, WORDS)
