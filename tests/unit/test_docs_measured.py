"""Coverage plots: every table is drawn, and every picture that a page shows has its table."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from folders import CLONE

DOCS = CLONE / "docs"
sys.path.insert(0, str(DOCS))

from draw_coverage import FIGURES, MEASURED, draw, exact, read  # noqa: E402

TABLES = sorted(path.stem for path in MEASURED.glob("*.csv"))


def test_tables_figures_and_pictures_are_the_same_ones() -> None:
    shown = set()
    for page in DOCS.glob("*.md"):
        shown |= set(re.findall(r"images/coverage_(\w+)\.svg", page.read_text(encoding="utf-8")))
    assert set(TABLES) == set(FIGURES) == shown


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_drawn_anew(name: str, tmp_path: Path) -> None:
    path = draw(name, tmp_path)
    assert path.read_bytes().startswith(b"<?xml")
    assert (DOCS / "images" / path.name).is_file()


@pytest.mark.parametrize("name", TABLES)
def test_shares_are_shares(name: str) -> None:
    for row in read(name):
        for column, value in row.items():
            if "covers" in column or "coverage" in column or column.endswith("_share"):
                assert 0 <= float(value) <= 1, (column, value)


def test_the_exact_interval_of_a_share() -> None:
    k, n = np.array([0.0, 5.0, 10.0]), np.full(3, 10.0)
    low, high = k / n - exact(k, n)[0], k / n + exact(k, n)[1]
    # Clopper and Pearson 1934, for 10 trials.
    np.testing.assert_allclose(low, [0.0, 0.1871, 0.6915], atol=1e-4)
    np.testing.assert_allclose(high, [0.3085, 0.8129, 1.0], atol=1e-4)
