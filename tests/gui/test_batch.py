"""The tab "Batch": fields found, one run of all of them, cancelled, run again, shown."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from folders import qdimage as command_line
from gui_acts import click, key, settle, wait_until, write
from small_device import copy_field, make_field

from qdimage.pipeline.output import KEPT

CANCEL_S = 1.0
RUN_S = 120.0


@pytest.fixture(scope="module")
def small_field(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_field(tmp_path_factory.mktemp("device") / "field-a")


@pytest.fixture
def device(small_field: Path, tmp_path: Path) -> Path:
    """Two fields of one device."""
    for name in ("field-a", "field-b"):
        copy_field(small_field, tmp_path / "device" / name)
    return tmp_path / "device"


@pytest.fixture
def batch(napari_ready: None, slot_errors: list[str]) -> Iterator[Any]:
    from napari_qdimage.session import Session
    from napari_qdimage.widgets.batch import BatchWidget

    widget = BatchWidget(Session(), None)
    widget.resize(700, 600)
    widget.show()
    settle(0.05)
    yield widget
    widget.close()
    widget.deleteLater()
    settle(0.02)


def type_in(line: Any, text: Path) -> None:
    line.clear()
    click(line)
    write(line, str(text))


def add(batch: Any, folder: Path) -> None:
    type_in(batch.folder_line, folder)
    key(batch.folder_line, "Return")
    wait_until(lambda: batch.bar.job is None)


def progress_texts(batch: Any) -> list[str]:
    view = batch.fields_view
    column = view.columnCount() - 1
    return [view.topLevelItem(row).text(column) for row in range(view.topLevelItemCount())]


def cancel(batch: Any) -> None:
    began = time.monotonic()
    click(batch.bar.cancel_button)
    wait_until(lambda: batch.bar.job is None)
    assert time.monotonic() - began < CANCEL_S


def tables(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.csv"))}


def test_a_folder_shows_its_fields_and_a_place_for_results(batch: Any, device: Path) -> None:
    assert not batch.run_button.isEnabled()
    add(batch, device)
    rows = [
        [batch.fields_view.topLevelItem(row).text(column) for column in range(4)]
        for row in range(2)
    ]
    assert rows == [["demo-device", "field-a", "3", "0"], ["demo-device", "field-b", "3", "0"]]
    assert batch.out_line.text() == str(device.with_name("device_results"))
    assert batch.run_button.isEnabled()
    assert not batch.show_button.isEnabled()


def test_a_wrong_folder_is_said_and_changes_nothing(
    batch: Any, device: Path, tmp_path: Path
) -> None:
    add(batch, device)
    add(batch, tmp_path / "nowhere")
    assert "nowhere" in batch.message.toPlainText()
    assert batch.fields_view.topLevelItemCount() == 2
    (device / "field-b" / "experiment.toml").write_text("contract = 7\n", encoding="utf-8")
    click(batch.clear_button)
    add(batch, device)
    assert batch.fields_view.topLevelItemCount() == 1
    assert "field-b" in batch.message.toPlainText()


def test_cancelled_within_a_second_resumed_and_shown(batch: Any, device: Path) -> None:
    """Journey: batch, cancel, resume; the tables are those of the command line."""
    out, again = device.with_name("device_results"), device.with_name("again")
    (device / "field-b" / "el_2.4V.tif").write_bytes(b"no image")
    add(batch, device)
    batch.session.set_option("match.confidence", 0.9)
    click(batch.use_options)
    assert batch.options_label.text() == "Options: match.confidence = 0.9"
    batch.workers.setValue(1)
    click(batch.run_button)
    assert not batch.run_button.isEnabled()
    wait_until(lambda: batch.bar.bar.value() >= 1, seconds=RUN_S)
    assert progress_texts(batch)[0] in ("1 of 3", "2 of 3", "analysed")
    wait_until(lambda: list((out / KEPT).glob("*.zip")), seconds=RUN_S)
    cancel(batch)
    assert progress_texts(batch) == ["stopped", "stopped"]
    assert [path.name for path in out.iterdir()] == [KEPT]
    assert "goes on with the rest" in batch.message.toPlainText()

    kept = {path: path.stat().st_mtime_ns for path in (out / KEPT).iterdir()}
    click(batch.run_button)
    wait_until(lambda: progress_texts(batch)[0] == "analysed", seconds=RUN_S)
    assert all(path.stat().st_mtime_ns == written for path, written in kept.items())
    wait_until(lambda: batch.bar.job is None, seconds=RUN_S)
    assert progress_texts(batch) == ["done", "done, 1 failed"]
    assert "field-b, EL 2.4V" in batch.message.toPlainText()
    click(batch.show_button)
    assert batch.session.out == out
    assert [key.field for key in batch.session.fields] == ["field-a", "field-b"]
    assert len(batch.session.tables["dots"]) > 0

    config = device.with_name("options.toml")
    config.write_text(batch.session.options_toml(), encoding="utf-8")
    done = command_line("run", device, "-o", again, "--config", config, "--quiet")
    assert done.returncode == 3, done.stderr
    assert tables(again) == tables(out)

    before = tables(out)
    click(batch.run_button)
    wait_until(lambda: batch.bar.bar.value() >= 1, seconds=RUN_S)
    cancel(batch)
    assert "as it was" in batch.message.toPlainText()
    assert tables(out) == before


def test_results_are_not_written_over_other_things(batch: Any, device: Path) -> None:
    add(batch, device)
    type_in(batch.out_line, device)
    click(batch.run_button)
    wait_until(lambda: batch.bar.job is None, seconds=RUN_S)
    assert "holds no earlier run" in batch.message.toPlainText()
    assert progress_texts(batch) == ["not analysed", "not analysed"]


def test_a_window_that_is_closed_ends_its_run(
    napari_ready: None, slot_errors: list[str], device: Path
) -> None:
    from napari_qdimage.session import Session
    from napari_qdimage.widgets.batch import BatchWidget

    widget = BatchWidget(Session(), None)
    widget.show()
    add(widget, device)
    widget.workers.setValue(1)
    click(widget.run_button)
    out = device.with_name("device_results")
    wait_until(out.exists, seconds=RUN_S)
    job = widget.bar.job
    widget.deleteLater()
    wait_until(lambda: not job.running, seconds=CANCEL_S)
    wait_until(lambda: not (out / "unfinished").exists())


def test_options_that_differ_from_the_defaults_are_named() -> None:
    from napari_qdimage.widgets.batch import options_text

    assert options_text({}) == "Options: the defaults"
    assert options_text({"localize": {"max_rounds": 9}}) == "Options: localize.max_rounds = 9"
