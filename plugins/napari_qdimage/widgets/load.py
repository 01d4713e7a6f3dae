"""The tab "Load": open a field or a finished run; voltages, calibration, frames or mean images."""

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

import qdimage
from napari_qdimage import messages, samples, tasks
from napari_qdimage.layers import FieldLayers
from napari_qdimage.opening import What, what_is
from napari_qdimage.session import Session
from napari_qdimage.widgets.calibration_table import CalibrationTable
from napari_qdimage.widgets.channel_table import ChannelRow, ChannelTable, declared_rows, found_rows
from napari_qdimage.widgets.conflicts import asking
from napari_qdimage.widgets.job_bar import JobBar
from napari_qdimage.widgets.listening import listen
from napari_qdimage.widgets.parts import heading, hint, row
from qdimage import steps
from qdimage.reporting.content import rows_of

if TYPE_CHECKING:
    from napari import Viewer

    from qdimage.domain.camera import Camera

_DECLARED = "Volts and seconds can be changed; Return ends a cell."
_UNDECLARED = (
    "This folder has no experiment.toml. Check what was read from names and metadata, fill in what "
    "is missing, and write it; one file has to be pl."
)


class LoadWidget(QWidget):
    """What is open, and what it is made of.

    Signals
    -------
    tab_wanted : str
        Another tab that the user should see now.
    """

    tab_wanted = Signal(str)

    def __init__(self, session: Session, viewer: "Viewer", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.layers = FieldLayers.of(session, viewer)
        self._undeclared: Path | None = None
        self._cameras: dict[tuple[object, str], Camera] = {}
        self._make_parts()
        self._lay_out()
        self._connect()
        self._show()

    def _make_parts(self) -> None:
        self.path_line = QLineEdit()
        self.path_line.setPlaceholderText("folder of a field, of several, or of a finished run")
        self.browse_button = QPushButton("Open…")
        self.browse_button.setToolTip("Choose a folder: stacks, experiment.toml, or results")
        self.sample_button = QPushButton("Sample")
        self.sample_button.setToolTip("Open the simulated device that comes with qdimage")
        self.field_box = QComboBox()
        self.field_box.setToolTip("Field that is shown")
        self.channels = ChannelTable()
        self.channel_hint = hint("")
        self.pixel_line = QLineEdit()
        self.pixel_line.setPlaceholderText("not known")
        self.pixel_label = QLabel("Pixel in the sample plane, um")
        self.write_button = QPushButton("Write experiment.toml")
        self.calibration = CalibrationTable()
        self.means_choice = QRadioButton("Mean images")
        self.frames_choice = QRadioButton("Frames")
        self.frames_choice.setToolTip("Stacks as they are; only frames that are shown are read")
        self._choices = QButtonGroup(self)
        for choice in (self.means_choice, self.frames_choice):
            self._choices.addButton(choice)
        self.means_button = QPushButton("Compute mean images")
        self.means_button.setToolTip("Calibrated, drift-corrected, without hot pixels")
        self.analyse_button = QPushButton("Analyse…")
        self.analyse_button.setToolTip("Go to Batch, which runs the whole analysis")
        self.bar = JobBar()
        self.message = hint("")

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(row(self.path_line, self.browse_button, self.sample_button))
        layout.addWidget(self.message)
        layout.addWidget(row(heading("Field"), self.field_box, stretch=self.field_box))
        layout.addWidget(heading("Channels"))
        layout.addWidget(self.channels, 3)
        layout.addWidget(self.channel_hint)
        pixel = row(self.pixel_label, self.pixel_line, self.write_button)
        layout.addWidget(pixel)
        layout.addWidget(heading("Calibration"))
        layout.addWidget(self.calibration, 3)
        layout.addWidget(heading("Shown in the viewer"))
        shown = QHBoxLayout()
        for part in (self.means_choice, self.frames_choice):
            shown.addWidget(part)
        shown.addStretch(1)
        shown.addWidget(self.means_button)
        shown.addWidget(self.analyse_button)
        layout.addLayout(shown)
        layout.addWidget(self.bar)

    def _connect(self) -> None:
        self.path_line.returnPressed.connect(lambda: self.open_path(self.path_line.text().strip()))
        self.browse_button.clicked.connect(self._browse)
        self.sample_button.clicked.connect(self._open_sample)
        self.field_box.activated.connect(self._choose_field)
        self.channels.edited.connect(self._edited)
        self.channels.chosen.connect(self._show_calibration)
        self.write_button.clicked.connect(self._write)
        self.frames_choice.toggled.connect(self._choose_frames)
        self.means_button.clicked.connect(self._compute_means)
        self.analyse_button.clicked.connect(lambda: self.tab_wanted.emit("Batch"))
        self.bar.started.connect(self._show_buttons)
        self.bar.ended.connect(self._show_buttons)
        listen(self, self.session.opened, self._opened)
        listen(self, self.session.tables_changed, lambda _: self._show())
        listen(self, self.layers.rebuilt, self._show)

    # Opening

    def open_path(self, path: str | Path) -> None:
        """Open what a path is; a message says what to do where it is nothing that can be opened."""
        if not str(path):
            return
        path = Path(path).expanduser()
        self.path_line.setText(str(path))
        self.message.clear()
        with messages.shown():
            try:
                self._open(path)
            except Exception as error:
                self.message.setText(messages.explain(error))
                raise

    def _open(self, path: Path) -> None:
        what = what_is(path)
        if what is What.STACKS:
            self._show_undeclared(path)
            return
        self._undeclared = None
        ask = asking(self)
        if what is What.SESSION:
            opened = self.session.reopen(path, ask)
        elif what is What.RUN:
            opened = self.session.open_run(path if path.is_dir() else path.parent, ask)
        else:
            opened = self.session.open_experiment(path, ask)
        if not opened:
            self._opened()

    def _browse(self) -> None:
        start = str(self.session.source or self.session.out or Path.cwd())
        chosen = QFileDialog.getExistingDirectory(self, "Open a field or a finished run", start)
        if chosen:
            self.open_path(chosen)

    def _open_sample(self) -> None:
        with messages.shown():
            folder = samples.shipped_device()
            if folder is not None:
                self.open_path(folder)
                return
            target = samples.simulated_device_path()
            self.bar.compute(
                "Simulating a device",
                samples.simulate_device,
                target,
                on_done=lambda _: self.open_path(target),
            )

    def _opened(self) -> None:
        self._undeclared = None
        path = self.session.out or self.session.source
        self.path_line.setText("" if path is None else str(path))
        self.message.setText("\n".join(self.session.warnings))
        self._show()

    def _choose_field(self, index: int) -> None:
        with messages.shown():
            self.session.show(self.session.fields[index])

    # Declaring

    def _show_undeclared(self, folder: Path) -> None:
        found = steps.find_stacks(folder)
        self._undeclared = folder
        self.channels.show_rows(found_rows(found), kinds=True)
        sizes = [each.pixel_size_um for each in found if each.pixel_size_um is not None]
        self.pixel_line.setText(f"{sizes[0]:g}" if sizes else "")
        self._show_buttons()

    def _write(self) -> None:
        with messages.shown():
            if self._undeclared is not None:
                self._declare(self._undeclared)

    def _declare(self, folder: Path) -> None:
        answers = self.channels.answers()
        pixel = self.pixel_line.text().strip()
        for answer in answers.values():
            if pixel:
                answer["pixel_size_um"] = float(pixel.replace(",", "."))
        declaration = qdimage.init(folder, answers=answers)
        self.open_path(folder)
        if declaration.missing and self.session.source == folder:
            self.message.setText("Not known yet: " + "; ".join(declaration.missing))

    def _edited(self, channel: str, key: str, value: float) -> None:
        """Write a changed voltage or exposure into the declaration, and read it again."""
        experiment = self.session.experiment
        if self._undeclared is not None or experiment is None:
            return
        with messages.shown():
            try:
                steps.set_channel_keys(experiment.path, channel, {key: value})
                self.session.reread()
            finally:
                self._show()
            if self.session.out is not None:
                self.message.setText(f"{channel} was changed: analyse again to use it in tables")

    # Showing

    def _show(self) -> None:
        fields = [f"{key.device} · {key.field}" for key in self.session.fields]
        if [self.field_box.itemText(k) for k in range(self.field_box.count())] != fields:
            self.field_box.clear()
            self.field_box.addItems(fields)
        if self.session.field is not None:
            self.field_box.setCurrentIndex(self.session.fields.index(self.session.field))
        if self._undeclared is None:
            self.channels.show_rows(self._rows(), kinds=False)
        self._show_buttons()
        self._show_calibration(self.channels.current)

    def _rows(self) -> list[ChannelRow]:
        return declared_rows(
            self.session.experiment,
            self.session.of_field("channels"),
            {name: layer.data for name, layer in self.layers.images.items()},
        )

    def _show_buttons(self) -> None:
        undeclared, busy = self._undeclared is not None, self.bar.job is not None
        experiment = self.session.experiment
        for part in (self.pixel_label, self.pixel_line, self.write_button):
            part.setVisible(undeclared)
        can_edit = experiment is not None and bool(experiment.declared.channels)
        self.channel_hint.setText(_UNDECLARED if undeclared else _DECLARED if can_edit else "")
        has_stacks = can_edit and not undeclared
        shows_frames = self.layers.shows_frames or not self.layers.has_means
        chosen = self.frames_choice if shows_frames else self.means_choice
        chosen.blockSignals(True)
        chosen.setChecked(True)
        chosen.blockSignals(False)
        self.means_choice.setEnabled(self.layers.has_means)
        self.frames_choice.setEnabled(has_stacks)
        self.means_button.setEnabled(has_stacks and not busy)
        self.analyse_button.setEnabled(has_stacks)
        for part in (self.sample_button, self.browse_button):
            part.setEnabled(not busy)

    def _show_calibration(self, channel: str) -> None:
        experiment, field = self.session.experiment, self.session.field
        table = self.session.of_field("channels")
        own = table[(table["channel"] == channel) & (table["status"] == "ok")]
        if len(own):
            self.calibration.show_row(rows_of(own)[0])
        elif (field, channel) in self._cameras:
            self.calibration.show_camera(self._cameras[field, channel], complete=True)
        elif experiment is not None and self._undeclared is None:
            declared = {each.name: each for each in experiment.declared.channels}
            if channel in declared:
                metadata = self.layers.metadata(channel)
                with messages.shown():
                    camera = steps.channel_camera(experiment, declared[channel], metadata)
                    self.calibration.show_camera(camera, complete=False)
        else:
            self.calibration.clear_rows()

    def _choose_frames(self, wanted: bool) -> None:
        with messages.shown():
            self.layers.shows_frames = wanted

    def _compute_means(self) -> None:
        field = self.session.field

        def done(found: dict[str, tasks.MeanImage | str]) -> None:
            if field != self.session.field:
                return
            troubles = [each for each in found.values() if isinstance(each, str)]
            means = {name: each for name, each in found.items() if not isinstance(each, str)}
            self._cameras |= {(field, name): each.camera for name, each in means.items()}
            self.layers.set_means({name: each.image for name, each in means.items()})
            self.message.setText("\n".join(troubles))

        self.bar.compute(
            "Mean images",
            tasks.mean_images,
            self.session.experiment,
            options=self.session.options,
            on_done=done,
        )
