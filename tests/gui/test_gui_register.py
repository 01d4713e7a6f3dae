"""Registering: refused with its reason, pairs set by clicks, tested, and written as pins."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from gui_acts import canvas_pixels, changed_share, click, click_canvas, settle, wait_until
from small_device import make_field

from qdimage import steps
from qdimage.config import AnalysisOptions

if TYPE_CHECKING:
    from napari import Viewer

CHANNEL = "EL 2.6V"
_SLOW_S = 120.0


@pytest.fixture
def dock(viewer: "Viewer", tmp_path: Path) -> Any:
    from napari_qdimage import dock

    make_field(tmp_path / "field")
    widget = dock.show(viewer)
    widget.open(tmp_path / "field")
    widget.show_tab("Register")
    viewer.fit_to_view()
    settle(0.1)
    return widget


def done(tab: Any) -> None:
    wait_until(lambda: tab.bar.job is None, seconds=_SLOW_S)
    settle(0.05)


def true_pairs(dock: Any, n: int) -> list[tuple[Any, Any]]:
    """Places (row, column) of dots in EL and in PL that an unhindered analysis pairs."""
    found = steps.register_field(dock.session.experiment, options=AnalysisOptions())
    pairs: Any = found.answers[CHANNEL]
    pairs = pairs.registration.pairs
    el: Any = found.found[CHANNEL]
    pl: Any = found.found["PL"]
    # Brightest first, then far apart, as a person would choose.
    own, theirs = el.dots.positions[pairs[:, 0]], pl.dots.positions[pairs[:, 1]]
    inside = np.all((own > 10) & (own < 118) & (theirs > 10) & (theirs < 118), axis=1)
    own, theirs = own[inside], theirs[inside]
    chosen = [int(np.argmin(own.sum(axis=1)))]
    while len(chosen) < n:
        distance = np.hypot(*(own[:, np.newaxis] - own[chosen]).T).min(axis=0)
        chosen.append(int(np.argmax(distance)))
    return [(own[k, ::-1], theirs[k, ::-1]) for k in chosen]


def set_pairs(viewer: "Viewer", dock: Any, pairs: list[tuple[Any, Any]]) -> None:
    size = dock.layers.pixel_um
    for el, pl in pairs:
        click_canvas(viewer, tuple(pl * size))
        click_canvas(viewer, tuple(el * size))


def test_what_is_refused_is_accepted_by_pairs_that_pass_the_same_test(
    dock: Any, viewer: "Viewer", tmp_path: Path
) -> None:
    tab, session = dock.tabs["Register"], dock.session
    # The images lie 3 px and more apart.
    for name, value in (("max_shift_px", 1.0), ("likely_shift_px", 1.0), ("unlikely_share", 0.0)):
        session.set_option(f"register.{name}", value)
    click(tab.register_button)
    done(tab)
    assert tab.channel == CHANNEL
    assert set(session.of_field("registration")["status"]) == {"refused"}
    assert tab.reason.text()
    session.set_option("register.max_shift_px", None)

    click(tab.pairs_button)
    pairs = true_pairs(dock, 4)
    wrong = [(el, pairs[k - 1][1]) for k, (el, _) in enumerate(pairs)]
    set_pairs(viewer, dock, wrong)
    assert len(tab.landmarks.pins) == 4
    click(tab.test_button)
    done(tab)
    assert tab.reason.text().startswith("Refused: ")
    assert not tab.accept_button.isEnabled()

    click(tab.clear_button)
    set_pairs(viewer, dock, pairs)
    before = canvas_pixels(viewer)
    click(tab.test_button)
    done(tab)
    assert tab.reason.text().startswith("Passed: ")
    assert changed_share(before, canvas_pixels(viewer)) > 0.001

    click(tab.accept_button)
    settle(0.1)
    assert "pins" in (tmp_path / "field" / "experiment.toml").read_text(encoding="utf-8")
    answers = session.of_field("registration").set_index("channel")
    assert answers.loc[CHANNEL, "status"] == "ok"
    assert answers.loc[CHANNEL, "model"] == "manual"


def test_residuals_blink_and_checkerboard_show_how_it_lies(dock: Any, viewer: "Viewer") -> None:
    tab = dock.tabs["Register"]
    click(tab.register_button)
    done(tab)
    assert set(dock.session.of_field("registration")["status"]) == {"ok"}
    click(tab.residuals)
    n_pairs = dock.session.of_field("registration").set_index("channel").loc[CHANNEL, "n_inliers"]
    assert len(viewer.layers["residuals"].data) == n_pairs
    click(tab.residuals)
    assert "residuals" not in viewer.layers
    before = canvas_pixels(viewer)
    click(tab.checkerboard)
    assert changed_share(before, canvas_pixels(viewer)) > 0.01
    click(tab.checkerboard)
    assert changed_share(before, canvas_pixels(viewer)) < 0.001
    click(tab.blink)
    layer = viewer.layers[CHANNEL]
    wait_until(lambda: not layer.visible, seconds=5.0)
    wait_until(lambda: layer.visible, seconds=5.0)
    click(tab.blink)
    tab.opacity.setValue(30)
    assert layer.opacity == pytest.approx(0.3)
