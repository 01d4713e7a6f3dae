"""Keeping and reopening by the window: saved as, asked about what changed, closed in mid-run."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from gui_acts import answer, click, key, settle, wait_until, write
from judged_run import click_dot, make_judged_run, open_judged
from small_device import make_field

if TYPE_CHECKING:
    from napari import Viewer

_SLOW_S = 120.0


@pytest.fixture
def dock(viewer: "Viewer", tmp_path: Path) -> Any:
    return open_judged(viewer, tmp_path)


def reopened(dock: Any, path: Path, check: Callable[[], None] | None = None) -> None:
    dock.show_tab("Load")
    write(dock.tabs["Load"].path_line, str(path))
    if check is not None:
        check()
    settle(0.1)


def test_what_was_decided_is_there_when_the_run_is_opened_again(
    viewer: "Viewer", dock: Any, tmp_path: Path
) -> None:
    run, session = tmp_path / "run", dock.session
    dock.show_tab("Export")
    export = dock.tabs["Export"]
    assert "from your first decision on" in export.kept.text()
    click_dot(viewer, 3)
    key(viewer, "N")
    assert export.kept.text() == f"Kept after every act in {run / 'session.qdimage.json'}"

    # Another run's window meanwhile, then this one again: nothing has changed, nothing is asked.
    reopened(dock, make_judged_run(tmp_path / "other"))
    assert session.reviewed == frozenset()
    reopened(dock, run)
    assert session.judgement(3).accepted is False
    assert "session was saved" not in dock.tabs["Load"].message.text()


@pytest.mark.parametrize(
    ("button", "kept"),
    [("Keep my decisions", True), ("Take the files' decisions", False), ("Cancel", None)],
)
def test_what_changed_meanwhile_is_asked_about(
    viewer: "Viewer", dock: Any, tmp_path: Path, button: str, kept: bool | None
) -> None:
    run, session = tmp_path / "run", dock.session
    click_dot(viewer, 3)
    key(viewer, "N")
    other = make_judged_run(tmp_path / "other")
    reopened(dock, other)
    dots = run / "dots.csv"
    dots.write_text(dots.read_text(encoding="utf-8") + "", encoding="utf-8")
    with dots.open("a", encoding="utf-8") as file:
        file.write("\n")
    reopened(dock, run, answer(button))
    if kept is None:
        assert session.out == other
        assert dock.tabs["Load"].path_line.text() == str(other)
        return
    assert session.out == run
    assert "dots.csv" in dock.tabs["Load"].message.text()
    assert session.judgement(3).accepted is (False if kept else None)


def test_a_session_saved_elsewhere_is_opened_by_napari(
    viewer: "Viewer", dock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qtpy.QtWidgets import QFileDialog

    click_dot(viewer, 3)
    key(viewer, "Y")
    dock.show_tab("Export")
    mine = str(tmp_path / "mine")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (mine, ""))
    click(dock.tabs["Export"].save_button)
    saved = tmp_path / "mine.qdimage.json"
    assert saved.is_file()
    reopened(dock, make_judged_run(tmp_path / "other"))
    viewer.open(saved, plugin="qdimage")
    wait_until(lambda: dock.session.out == tmp_path / "run")
    assert dock.session.judgement(3).accepted is True
    assert dock.session.file == saved

    shutil.rmtree(tmp_path / "run")
    reopened(dock, saved)
    assert "what this session is about is not there" in dock.tabs["Load"].message.text()


def test_a_session_that_cannot_be_kept_says_so_above_all_tabs(
    viewer: "Viewer", dock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_qdimage import autosave

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(autosave, "write_session", full)
        click_dot(viewer, 3)
        key(viewer, "N")
        assert "No space left on device" in dock.trouble.text()
        assert dock.trouble.isVisible()
    key(viewer, "Y")
    assert not dock.trouble.isVisible()


def test_a_viewer_closed_in_mid_run_leaves_nothing_behind(
    viewer: "Viewer", tmp_path: Path, slot_errors: list[str]
) -> None:
    import napari
    from napari_qdimage import dock

    other = napari.Viewer(show=True, show_welcome_screen=False, title="to be closed")
    widget = dock.show(other)
    widget.open(make_field(tmp_path / "field"))
    batch, out = widget.tabs["Batch"], tmp_path / "field_results"
    widget.show_tab("Batch")
    wait_until(batch.run_button.isEnabled, seconds=_SLOW_S)
    wait_until(batch.run_button.isVisible)
    click(batch.run_button)
    job = batch.bar.job
    wait_until(out.exists, seconds=_SLOW_S)
    other.close()
    wait_until(lambda: not job.running, seconds=_SLOW_S)
    wait_until(lambda: not out.exists(), seconds=_SLOW_S)
    assert slot_errors == []
