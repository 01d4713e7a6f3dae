"""The tab "Batch": the whole analysis of many fields, the same as ``qdimage run``."""

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

import qdimage
from napari_qdimage import messages
from napari_qdimage.batch_progress import BatchProgress
from napari_qdimage.session import Session
from napari_qdimage.widgets.job_bar import JobBar
from napari_qdimage.widgets.listening import listen
from qdimage.api.runs import forget_unfinished
from qdimage.config import AnalysisOptions, option_rows
from qdimage.errors import QdimageError
from qdimage.pipeline.output import KEPT, RECORD

if TYPE_CHECKING:
    from napari import Viewer

    from qdimage.pipeline.run import Plan, RunResult

_COLUMNS = ("device", "field", "stacks", "time tags", "progress")
_PROGRESS = _COLUMNS.index("progress")
_MOST_OPTIONS_SHOWN = 6


class BatchWidget(QWidget):
    """Fields found in folders, and one run of all of them.

    Parameters
    ----------
    session : Session
    viewer : napari.Viewer
        Not used; every tab is made in the same way.
    parent : QWidget, optional
    """

    def __init__(
        self, session: Session, viewer: "Viewer | None", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.session = session
        self.folders: list[Path] = []
        self._plan: Plan | None = None
        self._progress: BatchProgress | None = None
        self._record_before: int | None = None
        self._make_parts()
        self._lay_out()
        self._connect()
        self._show_plan(None)
        self._show_options()
        self._take_over_session()

    def _make_parts(self) -> None:
        self.folder_line = QLineEdit()
        self.folder_line.setPlaceholderText("folder: every experiment.toml in and below it")
        self.browse_button = QPushButton("Browse…")
        self.add_button = QPushButton("Add")
        self.clear_button = QPushButton("Clear")
        self.fields_view = QTreeWidget()
        self.fields_view.setHeaderLabels([name.capitalize() for name in _COLUMNS])
        self.fields_view.setRootIsDecorated(False)
        self.use_options = QCheckBox("Use the options of this session")
        self.use_options.setToolTip(
            "Otherwise the defaults and what each experiment.toml says about them"
        )
        self.options_label = QLabel()
        self.options_label.setWordWrap(True)
        self.allow_outside = QCheckBox("Accept files outside a field's folder")
        self.workers = QSpinBox()
        self.workers.setRange(1, max(1, os.cpu_count() or 1))
        self.workers.setValue(self.workers.maximum())
        self.workers.setToolTip("Processes, a field each; results do not depend on it")
        self.resume = QCheckBox("Do again only what a stopped or an earlier run has not done")
        self.resume.setToolTip(
            "As far as files and options are the same; what was found stays in the folder"
        )
        self.resume.setChecked(True)
        self.out_line = QLineEdit()
        self.out_line.setPlaceholderText("new, empty, or an earlier run's, which is then replaced")
        self.out_button = QPushButton("Browse…")
        self.run_button = QPushButton("Run")
        self.show_button = QPushButton("Show results")
        self.bar = JobBar()
        self._inputs: tuple[QWidget, ...] = (
            self.folder_line,
            self.browse_button,
            self.add_button,
            self.clear_button,
            self.use_options,
            self.allow_outside,
            self.resume,
            self.workers,
            self.out_line,
            self.out_button,
        )
        self.message = QPlainTextEdit()
        self.message.setReadOnly(True)
        self.message.setMaximumHeight(120)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Folder", _row(self.folder_line, self.browse_button, self.add_button))
        form.addRow(self.fields_view)
        form.addRow(_row(self.use_options, self.clear_button))
        form.addRow(self.options_label)
        form.addRow(self.allow_outside)
        form.addRow(self.resume)
        form.addRow("Workers", self.workers)
        form.addRow("Results in", _row(self.out_line, self.out_button))
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addLayout(_row(self.run_button, self.show_button))
        layout.addWidget(self.bar)
        layout.addWidget(self.message)

    def _connect(self) -> None:
        self.add_button.clicked.connect(lambda: self._add_typed())
        self.folder_line.returnPressed.connect(self._add_typed)
        self.browse_button.clicked.connect(lambda: self._browse(self.folder_line))
        self.out_button.clicked.connect(lambda: self._browse(self.out_line))
        self.clear_button.clicked.connect(lambda: self._set_folders([]))
        self.allow_outside.toggled.connect(lambda _: self._set_folders(self.folders))
        self.use_options.toggled.connect(lambda _: self._show_options())
        self.out_line.textChanged.connect(lambda _: self._enable())
        self.run_button.clicked.connect(lambda: self.run())
        self.show_button.clicked.connect(lambda: self._show_results())
        self.bar.started.connect(self._enable)
        self.bar.ended.connect(self._enable)
        listen(self, self.session.opened, self._take_over_session)
        listen(self, self.session.options_changed, self._show_options)

    # Fields

    def add_folder(self, folder: Path) -> None:
        """Look for fields in a folder too."""
        if folder not in self.folders:
            self._set_folders([*self.folders, folder])

    def _add_typed(self) -> None:
        text = self.folder_line.text().strip()
        if text and self.bar.job is None:
            self.add_folder(Path(text).expanduser())

    def _browse(self, line: QLineEdit) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Choose a folder", line.text())
        if chosen:
            line.setText(chosen)
            if line is self.folder_line:
                self._add_typed()

    def _take_over_session(self) -> None:
        """Offer what the session has open, where nothing was chosen yet."""
        if self.folders or self.bar.job is not None:
            return
        self.use_options.setChecked(bool(self.session.fields))
        declared = [experiment.path.parent for experiment in self.session.experiments.values()]
        if declared:
            self._set_folders([self.session.source] if self.session.source else declared)

    def _set_folders(self, folders: Iterable[Path]) -> None:
        asked = list(folders)
        if not asked:
            self.folders = []
            self._show_plan(None)
            return
        self.bar.run(
            "reading declarations",
            qdimage.plan,
            asked,
            allow_outside=self.allow_outside.isChecked(),
            on_done=lambda plan: self._planned(asked, plan),
            on_error=self.message.setPlainText,
        )

    def _planned(self, folders: list[Path], plan: "Plan") -> None:
        self.folders = folders
        self.folder_line.clear()
        self.message.setPlainText("\n".join(plan.unreadable.values()))
        if not self.out_line.text():
            first = folders[0] if folders[0].is_dir() else folders[0].parent
            self.out_line.setText(str(first.with_name(f"{first.name}_results")))
        self._show_plan(plan)

    def _show_plan(self, plan: "Plan | None") -> None:
        self._plan = plan
        self.fields_view.clear()
        for experiment, _ in plan.fields if plan else ():
            declared = experiment.declared
            counts = (len(declared.channels), len(declared.photons))
            cells = [experiment.device, experiment.name, *map(str, counts), ""]
            QTreeWidgetItem(self.fields_view, cells)
        for column in range(len(_COLUMNS)):
            self.fields_view.resizeColumnToContents(column)
        self._enable()

    # Options

    def _show_options(self) -> None:
        self.options_label.setText(options_text(self._options()))

    def _options(self) -> dict[str, Any]:
        """What ``qdimage run --config`` reads from the file that this session exports."""
        return tomllib.loads(self.session.options_toml()) if self.use_options.isChecked() else {}

    # The run

    def run(self) -> None:
        """Analyse every field."""
        if self._plan is None or not self.out_line.text().strip():
            return
        try:
            self._keep_decisions(self._plan)
        except QdimageError as error:
            self.message.setPlainText(messages.explain(error))
            return
        out = Path(self.out_line.text().strip()).expanduser()
        workers = self.workers.value()
        self._progress = BatchProgress(
            [
                (each.name, len(each.declared.channels) + len(each.declared.photons))
                for each, _ in self._plan.fields
            ]
        )
        self._record_before = _record_time(out)
        self.message.setPlainText("")
        self._show_progress()
        self.bar.compute(
            "starting",
            qdimage.run,
            self.folders,
            out,
            options=self._options(),
            allow_outside=self.allow_outside.isChecked(),
            workers=workers,
            resume=self.resume.isChecked(),
            on_progress=self._advance,
            on_done=self._done,
            on_error=lambda text: self._ended(text, "not analysed"),
            on_cancelled=lambda: self._cancelled(out),
        )

    def _keep_decisions(self, plan: "Plan") -> None:
        """Write the session's decisions to where every run reads them."""
        if any(experiment.key in self.session.experiments for experiment, _ in plan.fields):
            self.session.write_curation()

    def _advance(self, what: str, done: int, total: int) -> None:
        assert self._progress is not None  # noqa: S101  set where the run starts
        self._progress.update(what)
        self._show_progress()
        if done == total:
            self.bar.text.setText("writing tables, figures and the report")

    def _show_progress(self) -> None:
        for row, each in enumerate(self._progress.fields if self._progress else ()):
            self._item(row).setText(_PROGRESS, each.text)

    def _done(self, result: "RunResult") -> None:
        count = f"{result.n_fields} field{'s' * (result.n_fields != 1)}"
        lines = [f"{count} analysed; results in {result.out}", *result.failures]
        channels = result.tables["channels"]
        failed = channels[channels["status"] == "failed"].groupby(["device", "field"]).size()
        for row in range(self.fields_view.topLevelItemCount()):
            item = self._item(row)
            n_failed = failed.get((item.text(0), item.text(1)), 0)
            item.setText(_PROGRESS, f"done, {n_failed} failed" if n_failed else "done")
        self.message.setPlainText("\n".join(lines))
        self._enable()

    def _cancelled(self, out: Path) -> None:
        if _record_time(out) != self._record_before:
            self._ended(f"finished just before it was stopped; results in {out}", "done")
            return
        # Where compiling kept it from tidying up in time, it was killed.
        forget_unfinished(out)
        next_run = "goes on with the rest" if (out / KEPT).is_dir() else "starts anew"
        self._ended(f"stopped; {out} is as it was before. Run {next_run}.", "stopped")

    def _ended(self, text: str, progress: str) -> None:
        self.message.setPlainText(text)
        for row in range(self.fields_view.topLevelItemCount()):
            self._item(row).setText(_PROGRESS, progress)
        self._enable()

    def _show_results(self) -> None:
        with messages.shown():
            self.session.open_run(Path(self.out_line.text().strip()).expanduser())

    def _item(self, row: int) -> QTreeWidgetItem:
        item = self.fields_view.topLevelItem(row)
        assert item is not None  # noqa: S101  rows are those of the plan
        return item

    def _enable(self) -> None:
        idle = self.bar.job is None
        out = self.out_line.text().strip()
        for part in self._inputs:
            part.setEnabled(idle)
        self.run_button.setEnabled(idle and self._plan is not None and bool(out))
        self.show_button.setEnabled(idle and bool(out) and (Path(out) / RECORD).is_file())


def options_text(options: dict[str, Any]) -> str:
    """Say which options differ from the defaults."""
    changed = []
    for row in option_rows(AnalysisOptions):
        value: Any = options
        for part in row["name"].split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None and value != row["default"]:
            changed.append(f"{row['name']} = {value}")
    if not changed:
        return "Options: the defaults"
    shown = "; ".join(changed[:_MOST_OPTIONS_SHOWN])
    more = len(changed) - _MOST_OPTIONS_SHOWN
    return f"Options: {shown}" + (f"; and {more} more" if more > 0 else "")


def _row(*parts: QWidget) -> QHBoxLayout:
    layout = QHBoxLayout()
    for part in parts:
        layout.addWidget(part)
    return layout


def _record_time(out: Path) -> int | None:
    """When the record of the run in a folder was written, which is the last thing written."""
    try:
        return (out / RECORD).stat().st_mtime_ns
    except OSError:
        return None
