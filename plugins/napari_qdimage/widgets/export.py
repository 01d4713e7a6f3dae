"""The tab "Export": tables, options, decisions and figures into a folder; the session's file."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_qdimage import exporting, messages
from napari_qdimage.exporting import Content, TableFormat, Wanted
from napari_qdimage.session import Session
from napari_qdimage.session_file import AUTOSAVE, SUFFIX
from napari_qdimage.widgets.job_bar import JobBar
from napari_qdimage.widgets.listening import listen
from napari_qdimage.widgets.parts import heading, hint, row

if TYPE_CHECKING:
    from napari import Viewer

_MOST_NAMES_SHOWN = 8


class ExportWidget(QWidget):
    """What leaves the plugin as files.

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
        self._written: dict[Path, str] = {}
        self.tables = QCheckBox("Tables, with your decisions applied")
        self.format = QComboBox()
        self.format.addItems(["csv", "parquet"])
        self.options = QCheckBox(f"Options ({exporting.OPTIONS}): qdimage run --config FILE")
        self.curation = QCheckBox(f"Decisions about dots ({exporting.CURATION})")
        self.figures = QCheckBox("Figures and report")
        self.folder_line = QLineEdit()
        self.folder_line.setPlaceholderText("folder")
        self.browse_button = QPushButton("Browse…")
        self.export_button = QPushButton("Export")
        self.kept = hint("")
        self.save_button = QPushButton("Save session as…")
        self.save_button.setToolTip("Decisions, options and view in one file, to be opened again")
        self.bar = JobBar()
        self.message = hint("")
        for part in (self.tables, self.options, self.curation):
            part.setChecked(True)
        self._lay_out()
        self._connect()
        self._enable()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(heading("Files for others"))
        layout.addWidget(row(self.tables, self.format, stretch=self.tables))
        for part in (self.options, self.curation, self.figures):
            layout.addWidget(part)
        layout.addWidget(row(self.folder_line, self.browse_button, stretch=self.folder_line))
        layout.addWidget(self.export_button)
        layout.addWidget(self.bar)
        layout.addWidget(self.message)
        layout.addWidget(heading("Session"))
        layout.addWidget(self.kept)
        layout.addWidget(self.save_button)
        layout.addStretch(1)

    def _connect(self) -> None:
        self.browse_button.clicked.connect(lambda: self._browse())
        self.export_button.clicked.connect(lambda: self.export())
        self.save_button.clicked.connect(self._save_session)
        self.folder_line.textChanged.connect(lambda _: self._enable())
        for part in (self.tables, self.options, self.curation, self.figures):
            part.toggled.connect(lambda _: self._enable())
        self.bar.started.connect(self._enable)
        self.bar.ended.connect(self._enable)
        listen(self, self.session.opened, self._enable)
        listen(self, self.session.curation_changed, self._show_kept)

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Export to", self.folder_line.text())
        if chosen:
            self.folder_line.setText(chosen)

    def _save_session(self) -> None:
        start = str(self.session.file or Path.home() / AUTOSAVE)
        kinds = f"Sessions (*{SUFFIX})"
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the session", start, kinds)
        if not chosen:
            return
        path = Path(chosen)
        with messages.shown():
            named = path.name.endswith(SUFFIX)
            self.session.save(path if named else path.with_name(path.name + SUFFIX))
        self._show_kept()

    def _show_kept(self) -> None:
        file = self.session.file
        if self.session.unsaved:
            text = f"Not kept: {self.session.unsaved}"
        elif file is None:
            text = "Nothing is open."
        elif file.is_file():
            text = f"Kept after every act in {file}"
        else:
            text = f"Kept from your first decision on, in {file}"
        self.kept.setText(text)

    @property
    def wanted(self) -> Wanted:
        """What is ticked."""
        chosen = cast(TableFormat, self.format.currentText())
        return Wanted(
            chosen if self.tables.isChecked() else None,
            self.options.isChecked(),
            self.curation.isChecked(),
            self.figures.isChecked() and self.figures.isEnabled(),
        )

    def export(self) -> None:
        """Write what is ticked; ask before anything is replaced that says something else."""
        folder = Path(self.folder_line.text().strip()).expanduser()
        content = Content(
            dict(self.session.tables),
            self.session.options_toml(),
            self.session.curation,
            self.session.out,
        )
        self.message.clear()
        self.bar.compute(
            "writing",
            exporting.stage,
            content,
            self.wanted,
            folder,
            on_done=lambda names: self._place(folder, names),
            on_error=lambda text: self._stop(folder, text),
            on_cancelled=lambda: self._stop(folder, "stopped; nothing was written"),
        )

    def _place(self, folder: Path, names: tuple[str, ...]) -> None:
        with messages.shown():
            there = exporting.differing(folder, names)
            chosen = self._ask(folder, names, there)
            self._written |= exporting.place(folder, chosen)
            text = f"{len(chosen)} files written to {folder}" if chosen else "nothing was written"
            self._stop(folder, text)

    def _ask(self, folder: Path, names: tuple[str, ...], there: tuple[str, ...]) -> tuple[str, ...]:
        """Return the files that may be written."""
        if not there:
            return names
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Files are there already")
        box.setText(conflict_text(folder, there, self._written))
        replace = box.addButton("Replace", QMessageBox.ButtonRole.AcceptRole)
        keep = box.addButton("Keep them", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        if box.clickedButton() is replace:
            return names
        if box.clickedButton() is keep:
            return tuple(name for name in names if name not in there)
        return ()

    def _stop(self, folder: Path, text: str) -> None:
        exporting.discard(folder)
        self.message.setText(text)

    def _enable(self) -> None:
        idle = self.bar.job is None
        has_run = self.session.out is not None
        for part in (self.tables, self.options, self.curation, self.folder_line):
            part.setEnabled(idle)
        self.browse_button.setEnabled(idle)
        self.format.setEnabled(idle and self.tables.isChecked())
        self.figures.setEnabled(idle and has_run)
        self.figures.setToolTip("" if has_run else "For a finished run, whose images they show")
        wanted = self.wanted
        anything = wanted.tables or wanted.options or wanted.curation or wanted.figures
        ready = bool(self.session.fields) and bool(self.folder_line.text().strip())
        self.export_button.setEnabled(idle and ready and bool(anything))
        self.save_button.setEnabled(bool(self.session.fields))
        self._show_kept()


def conflict_text(folder: Path, there: tuple[str, ...], written: dict[Path, str]) -> str:
    """Say which files would be replaced, and which of them somebody changed meanwhile."""
    changed = {
        name
        for name in there
        if folder / name in written and exporting.digest(folder / name) != written[folder / name]
    }
    lines = [f"{folder} holds files that say something else:"]
    for name in there[:_MOST_NAMES_SHOWN]:
        lines.append(f"  {name}" + (" (changed since it was exported)" if name in changed else ""))
    if len(there) > _MOST_NAMES_SHOWN:
        lines.append(f"  and {len(there) - _MOST_NAMES_SHOWN} more")
    return "\n".join(lines)
