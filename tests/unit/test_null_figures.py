"""The histogram of darkness: its lines stand where dots are decided on."""

from pathlib import Path

import numpy as np
import pytest
from finished_run import F_MIN, N_BLANKS, N_DOTS, El, Field, make_run
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from scipy.stats import norm

from qdimage.reporting.content import read_content
from qdimage.reporting.null_figures import draw_null


def drawn(tmp_path: Path, *el: El) -> Figure | None:
    return draw_null(read_content(make_run(tmp_path / "out", [Field(el=el)])).fields[0])


def lines(axes: Axes) -> dict[str, float]:
    return {str(line.get_label()): float(line.get_xdata()[0]) for line in axes.lines}  # type: ignore[index, arg-type]


def places(axes: Axes) -> dict[str, float]:
    """The number of places in each histogram, as its shares say."""
    shares = {
        str(patch.get_label()): float(np.sum(patch.get_data().values))
        for patch in axes.patches
        if isinstance(patch, StepPatch)
    }
    n = {"PL dots": N_DOTS}
    return {name: share * n.get(name, N_BLANKS) / 100 for name, share in shares.items()}


def test_its_lines_are_the_threshold_and_f_min(tmp_path: Path) -> None:
    figure = drawn(tmp_path, El(2.4, 4))
    assert figure is not None
    found = lines(figure.axes[0])
    # 399 places on normal quantiles, called lit 1 % of the time.
    assert found["lit from here"] == pytest.approx(norm.isf(0.01), abs=0.15)
    assert found["F_min of the fraction"] == F_MIN


def test_every_place_is_in_it_once(tmp_path: Path) -> None:
    figure = drawn(tmp_path, El(2.4, 4))
    assert figure is not None
    expected = {"no dot": N_BLANKS - 1, "no dot, but an EL source": 1, "PL dots": N_DOTS}
    assert places(figure.axes[0]) == pytest.approx(expected)


def test_a_refused_channel_says_why(tmp_path: Path) -> None:
    figure = drawn(tmp_path, El(2.4, 4), El(2.6, 0, "refused", "too few pairs"))
    assert figure is not None
    assert [text.get_text() for text in figure.axes[1].texts] == ["too few pairs"]


def test_without_a_registered_channel_there_is_none(tmp_path: Path) -> None:
    assert drawn(tmp_path, El(2.4, 0, "refused", "too few pairs")) is None
