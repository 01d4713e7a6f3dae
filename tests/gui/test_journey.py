"""From stacks to a fraction by clicks alone, and on the other binding of Qt."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from folders import CLONE
from gui_acts import canvas_pixels, changed_share, click, click_canvas, key, settle, wait_until
from gui_acts import write as type_in
from small_device import make_field

if TYPE_CHECKING:
    from napari import Viewer

_RUN_S = 240.0
_OTHER_S = 280.0


def done(tab: Any) -> None:
    wait_until(lambda: tab.bar.job is None, seconds=_RUN_S)
    settle(0.1)


def go_to(dock: Any, name: str) -> Any:
    """Click a tab."""
    bar = dock.pages.tabBar()
    index = list(dock.tabs).index(name)
    place = bar.tabRect(index).center()
    click(bar, (place.x(), place.y()))
    return dock.tabs[name]


def test_from_stacks_to_a_fraction_and_a_judged_dot(viewer: "Viewer", tmp_path: Path) -> None:
    from napari_qdimage import dock
    from qtpy import API_NAME

    assert API_NAME.lower() == os.environ.get("QT_API", "pyqt6")
    field = make_field(tmp_path / "field", voltages=("2.6",))
    widget = dock.show(viewer)
    session = widget.session
    wait_until(widget.pages.isVisible)
    settle(0.1)
    load = go_to(widget, "Load")
    type_in(load.path_line, str(field))
    wait_until(lambda: "PL" in viewer.layers)

    register = go_to(widget, "Register")
    click(register.register_button)
    done(register)
    assert set(session.of_field("registration")["status"]) == {"ok"}
    n_found = len(session.of_field("localizations"))

    localize = go_to(widget, "Localize")
    session.set_option("localize.false_alarms_per_frame", 1e-4)
    click(localize.find_button)
    done(localize)
    found = session.of_field("localizations")
    assert 0 < len(found) <= n_found
    assert found["false_alarm_p"].max() <= 1e-4

    # There is no run yet that could be repeated: a place for its results is chosen first.
    click(localize.again_button)
    batch = widget.tabs["Batch"]
    assert batch.isVisible()
    wait_until(lambda: batch.run_button.isEnabled(), seconds=_RUN_S)
    click(batch.run_button)
    done(batch)
    click(batch.show_button)
    assert session.out == tmp_path / "field_results"

    turn_on = go_to(widget, "Turn-on")
    wait_until(lambda: "% lit at 2.6 V" in turn_on.answer.text(), seconds=_RUN_S)
    row = session.measured["turn_on"].iloc[0]
    assert f"{100 * row['fraction']:.3g} %" in turn_on.answer.text()

    before = canvas_pixels(viewer)
    dot = session.dots.iloc[0]
    size = widget.layers.pixel_um
    click_canvas(viewer, (float(dot["y_px"]) * size, float(dot["x_px"]) * size))
    assert session.current is not None
    chosen = session.current
    key(viewer, "N")
    assert session.judgement(chosen).accepted is False
    assert changed_share(before, canvas_pixels(viewer)) > 0.0001
    key(viewer, "Ctrl+Z")
    assert session.reviewed == frozenset()
    key(viewer, "Ctrl+Shift+Z")

    # The decision lands in the table of the next run.
    go_to(widget, "Localize")
    click(localize.again_button)
    done(localize)
    table = (tmp_path / "field_results" / "dots.csv").read_text(encoding="utf-8").splitlines()
    column = table[0].split(",").index("accepted")
    answers = [line.split(",")[column] for line in table[1:]]
    assert answers.count("false") == 1
    assert (field / "curation.json").is_file()
    assert session.judgement(chosen).accepted is False


def test_the_other_binding_of_qt() -> None:
    """The journey above, and what the display does, with PySide6."""
    pytest.importorskip("PySide6")
    tests = ("tests/gui/test_journey.py", "tests/gui/test_gui_harness.py")
    options = ("-q", "-n", "0", "-p", "no:cacheprovider", "-k", "not other_binding")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=CLONE,
        env={**os.environ, "QT_API": "pyside6"},
        capture_output=True,
        text=True,
        timeout=_OTHER_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
