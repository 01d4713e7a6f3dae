"""The tab "Export": files that are whole, never replaced unasked, and the same as the run's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from finished_run import Field, make_run
from gui_acts import answer, click, settle, wait_until, write

import qdimage

OPTIONS, CURATION = "options.toml", "curation.json"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return make_run(tmp_path / "results", [Field(), Field("field-02")])


@pytest.fixture
def export(napari_ready: None, slot_errors: list[str], out: Path) -> Iterator[Any]:
    from napari_qdimage.session import Session
    from napari_qdimage.widgets.export import ExportWidget

    widget = ExportWidget(Session(), None)
    widget.resize(600, 500)
    widget.show()
    settle(0.05)
    widget.session.open_run(out)
    yield widget
    widget.close()
    widget.deleteLater()
    settle(0.02)


def start(export: Any, folder: Path) -> None:
    write(export.folder_line, str(folder))
    click(export.export_button)


def finish(export: Any, folder: Path) -> None:
    start(export, folder)
    wait_until(lambda: export.bar.job is None, seconds=60)
    settle(0.02)


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_nothing_can_be_exported_before_something_is_open_and_a_folder_named(
    napari_ready: None, slot_errors: list[str], out: Path, tmp_path: Path
) -> None:
    from napari_qdimage.session import Session
    from napari_qdimage.widgets.export import ExportWidget

    widget = ExportWidget(Session(), None)
    widget.show()
    write(widget.folder_line, str(tmp_path / "target"))
    assert not widget.export_button.isEnabled()
    widget.session.open_run(out)
    assert widget.export_button.isEnabled()
    widget.folder_line.clear()
    assert not widget.export_button.isEnabled()
    widget.close()


def test_what_is_ticked_is_written_whole(export: Any, out: Path, tmp_path: Path) -> None:
    export.session.reject([2])
    finish(export, tmp_path / "new" / "target")
    target = tmp_path / "new" / "target"
    written = {path.name for path in out.glob("*.csv")}
    assert names(target) >= {OPTIONS, CURATION, "dots.csv", "turn_on.csv"}
    assert names(target) >= written
    assert all("/" not in name and "partial" not in name for name in names(target))
    assert qdimage.read_curation(target / CURATION) == export.session.curation
    rejected = (target / "dots.csv").read_text(encoding="utf-8") != (out / "dots.csv").read_text(
        encoding="utf-8"
    )
    assert rejected
    assert "files written" in export.message.text()


def test_only_what_is_ticked(export: Any, tmp_path: Path) -> None:
    for box in (export.tables, export.curation):
        click(box, (8, box.height() // 2))
    finish(export, tmp_path / "target")
    assert names(tmp_path / "target") == {OPTIONS}
    click(export.options, (8, export.options.height() // 2))
    assert not export.export_button.isEnabled()


def test_figures_show_the_tables_as_the_decisions_leave_them(export: Any, tmp_path: Path) -> None:
    export.session.reject([1, 2, 3])
    for box in (export.tables, export.options, export.curation, export.figures):
        click(box, (8, box.height() // 2))
    finish(export, tmp_path / "target")
    written = names(tmp_path / "target")
    assert "report.html" in written
    assert any(name.startswith("figures/") and name.endswith(".svg") for name in written)
    assert all(name.startswith("figures/") or name == "report.html" for name in written)


@pytest.mark.parametrize(("button", "expected"), [("Replace", "new"), ("Keep them", "old")])
def test_a_file_that_says_something_else_is_asked_about(
    export: Any, tmp_path: Path, button: str, expected: str
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / OPTIONS).write_text("seed = 7\n", encoding="utf-8")
    asked = answer(button)
    finish(export, target)
    asked()
    text = (target / OPTIONS).read_text(encoding="utf-8")
    assert text == (export.session.options_toml() if expected == "new" else "seed = 7\n")
    assert (target / "dots.csv").is_file()


def test_cancelling_the_question_writes_nothing(export: Any, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / OPTIONS).write_text("seed = 7\n", encoding="utf-8")
    asked = answer("Cancel")
    finish(export, target)
    asked()
    assert names(target) == {OPTIONS}
    assert "nothing was written" in export.message.text()


def test_the_same_files_again_ask_nothing_and_one_changed_meanwhile_is_named(
    export: Any, tmp_path: Path
) -> None:
    from napari_qdimage.widgets.export import conflict_text

    target = tmp_path / "target"
    finish(export, target)
    finish(export, target)
    (target / OPTIONS).write_text("seed = 7\n", encoding="utf-8")
    text = conflict_text(target, (OPTIONS, CURATION), export._written)
    assert f"{OPTIONS} (changed since it was exported)" in text
    assert f"{CURATION} (changed" not in text


def test_a_target_that_is_a_file_is_said(export: Any, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("x", encoding="utf-8")
    finish(export, tmp_path / "target")
    assert str(tmp_path / "target") in export.message.text()
    assert (tmp_path / "target").read_text(encoding="utf-8") == "x"
