"""The tab "Localize": a preview of the dots in what is shown, and the threshold for them."""

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points
from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import QCheckBox, QComboBox, QPushButton, QVBoxLayout, QWidget

from napari_qdimage import convert, messages, preferences, work
from napari_qdimage.field_tables import analyse_again, take_registered
from napari_qdimage.guard import guard
from napari_qdimage.layer_data import OWN
from napari_qdimage.layers import FieldLayers
from napari_qdimage.look import look_of
from napari_qdimage.preview import Box, Preview, cut_out, preview
from napari_qdimage.session import Session
from napari_qdimage.threshold_plot import ThresholdPlot
from napari_qdimage.widgets.folded import Folded
from napari_qdimage.widgets.job_bar import JobBar
from napari_qdimage.widgets.listening import listen
from napari_qdimage.widgets.options_form import OptionsForm
from napari_qdimage.widgets.parts import heading, hint, row
from qdimage import steps
from qdimage.domain.experiment import ChannelTable
from qdimage.domain.photon_image import PhotonImage

if TYPE_CHECKING:
    from napari import Viewer

_LAYER = "preview"
_THRESHOLD = "localize.false_alarms_per_frame"
_SIZE_PX = 9.0


class LocalizeWidget(QWidget):
    """Shows what the options find in the visible part of a channel, and finds all dots.

    Signals
    -------
    tab_wanted : str
        Another tab that the user should see now.

    Attributes
    ----------
    found : Preview or None
        What the last preview found.
    """

    tab_wanted = Signal(str)

    def __init__(self, session: Session, viewer: "Viewer", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.viewer = viewer
        self.layers = FieldLayers.of(session, viewer)
        self.found: Preview | None = None
        self._read: tuple[object, PhotonImage, float | None] | None = None
        self._points: Points | None = None
        self._job: work.Job | None = None
        self._wanted_box: Box | None = None
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._make_parts()
        self._lay_out()
        self._connect()
        self._open()

    def _make_parts(self) -> None:
        self.channel_box = QComboBox()
        self.channel_box.setToolTip("Channel in which the preview looks")
        self.preview_box = QCheckBox("Preview what is shown")
        self.preview_box.setToolTip("Dots of the visible part, anew when it or an option changes")
        self.words = hint("")
        self.plot = ThresholdPlot(look_of(self.viewer.theme))
        self.plot.setMinimumHeight(190)
        self.plot.setToolTip("Drag the line: dots left of it are taken for noise")
        self.find_button = QPushButton("Find dots in all channels")
        self.find_button.setToolTip("Localize and register every channel of the field")
        self.again_button = QPushButton("Analyse again")
        self.again_button.setToolTip("Take these options over into fractions and tables")
        self.bar = JobBar()
        self.options = Folded("Options", OptionsForm(self.session, "localize"))
        self.counts = hint("")

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(
            row(heading("Channel"), self.channel_box, self.preview_box, stretch=self.channel_box)
        )
        layout.addWidget(self.plot, 3)
        layout.addWidget(self.words)
        layout.addWidget(self.options)
        layout.addWidget(row(self.find_button, self.again_button))
        layout.addWidget(self.bar)
        layout.addWidget(self.counts)
        layout.addStretch(1)

    def _connect(self) -> None:
        self.channel_box.activated.connect(lambda _: self._another_channel())
        self.preview_box.toggled.connect(self._toggled)
        self.plot.dragged.connect(self._show_points)
        self.plot.dropped.connect(self._set_threshold)
        self.find_button.clicked.connect(self._find)
        self.again_button.clicked.connect(
            lambda: analyse_again(self.session, self.bar, lambda: self.tab_wanted.emit("Batch"))
        )
        self._pause.timeout.connect(self._ask)
        self.bar.started.connect(self._show_buttons)
        self.bar.ended.connect(self._show_buttons)
        listen(self, self.session.opened, self._open)
        listen(self, self.session.tables_changed, lambda _: self._show_counts())
        listen(self, self.session.options_changed, self._options_changed)
        listen(self, self.layers.rebuilt, self._layers_rebuilt)
        camera = self.viewer.scene.camera.events
        camera.connect(self._moved)
        self.destroyed.connect(lambda *_: camera.disconnect(self._moved))
        theme = self.viewer.events.theme
        theme.connect(self._dress)
        self.destroyed.connect(lambda *_: theme.disconnect(self._dress))

    # What is shown

    @property
    def channel(self) -> str:
        """The channel that the preview looks at; "" for none."""
        return self.channel_box.currentText()

    @property
    def _declared(self) -> ChannelTable | None:
        experiment = self.session.experiment
        own = () if experiment is None else experiment.declared.channels
        return next((each for each in own if each.name == self.channel), None)

    @property
    def _threshold(self) -> float:
        return self.session.options.localize.false_alarms_per_frame

    def _open(self) -> None:
        experiment = self.session.experiment
        names = [] if experiment is None else [c.name for c in experiment.declared.channels]
        self.preview_box.setChecked(False)
        self.channel_box.clear()
        self.channel_box.addItems(names)
        self._read = None
        self._forget()
        self.plot.show_threshold(self._threshold)
        self._show_counts()
        self._show_buttons()

    def _show_buttons(self) -> None:
        can = self._declared is not None
        for part in (self.channel_box, self.preview_box):
            part.setEnabled(can)
        for button in (self.find_button, self.again_button):
            button.setEnabled(can and self.bar.job is None)

    def _show_counts(self) -> None:
        table = self.session.of_field("localizations")
        numbers = table.groupby("channel", sort=False).size()
        found = ", ".join(f"{name}: {n}" for name, n in numbers.items())
        self.counts.setText(f"Dots found in the field. {found}" if found else "")

    def _dress(self, *_: object) -> None:
        self.plot.set_look(look_of(self.viewer.theme))

    # Preview

    def showEvent(self, event: QShowEvent | None) -> None:
        """Look again at what may have moved meanwhile."""
        super().showEvent(event)
        self._moved()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Leave the picture to the other tabs."""
        super().hideEvent(event)
        self._remove_points()

    def _toggled(self, wanted: bool) -> None:
        if wanted:
            self._moved()
        else:
            self._forget()

    def _another_channel(self) -> None:
        self._forget()
        self._read = None
        name = self.channel
        with messages.shown():
            if self._is_judged():
                self.session.show_channel(name)
            self.layers.show_only(name)
        self._moved()

    def _is_judged(self) -> bool:
        table = self.session.of_field("channels")
        return self.channel in set(table.loc[table["kind"] == "el", "channel"])

    def _options_changed(self) -> None:
        self.plot.show_threshold(self._threshold)
        self._show_points()
        self._moved()

    def _layers_rebuilt(self) -> None:
        self._points = None
        self._moved()

    def _moved(self, *_: object) -> None:
        """Look anew once nothing has moved for a moment."""
        if self.preview_box.isChecked() and self.isVisible():
            self._pause.start(preferences.preview_delay_ms())

    def _ask(self) -> None:
        """Ask for the dots of what is visible now; the answer to an earlier question is dropped."""
        box = self._visible_box()
        declared, experiment = self._declared, self.session.experiment
        if not self.preview_box.isChecked() or declared is None or experiment is None:
            return
        if box is None:
            self.words.setText("Nothing of this channel is visible; move it into view.")
            return
        self._wanted_box = box
        if self._job is not None:
            return
        options = self.session.options
        key = (self.session.field, declared, options.image)
        if self._read is None or self._read[0] != key:
            self.words.setText(f"Reading {declared.name} ...")
            self._start(key, steps.read_channel, experiment, declared, options=options)
            return
        _, image, psf_sigma_px = self._read
        part, at, share = cut_out(image, box)
        self._wanted_box = None
        self._start(
            None,
            preview,
            part,
            at=at,
            inner=box,
            share=share,
            options=options.localize,
            psf_sigma_px=psf_sigma_px,
        )

    def _start(self, key: object, function: Any, *args: Any, **kwargs: Any) -> None:
        asked = (self.session.field, self.channel, self.session.options.localize)

        def done(result: Any) -> None:
            self._job = None
            if not self.preview_box.isChecked():
                return
            if key is not None:
                self._read = (key, *result)
                self._ask()
            elif asked != (self.session.field, self.channel, self.session.options.localize):
                self._ask()
            else:
                self._take(result)

        self._job = work.compute(
            function, *args, on_done=done, on_error=self._failed, owner=self, **kwargs
        )

    def _failed(self, text: str) -> None:
        self._job = None
        self.preview_box.setChecked(False)
        self.words.setText(text)

    def _take(self, found: Preview) -> None:
        """Show an answer, and ask again if the view has moved since."""
        self.found = found
        self.plot.show_dots(found.false_alarms)
        self._show_points()
        if self._wanted_box is not None:
            self._ask()

    def _visible_box(self) -> Box | None:
        """Rows and columns of the channel's image that the window shows."""
        layer = self.layers.images.get(self.channel)
        if layer is None:
            return None
        (top, left), (bottom, right) = np.asarray(layer.corner_pixels)[:, -2:]
        if bottom <= top or right <= left:
            return None
        top, bottom = _middle(int(top), int(bottom) + 1)
        left, right = _middle(int(left), int(right) + 1)
        return top, left, bottom, right

    def _show_points(self, threshold: float | None = None) -> None:
        if self.found is None or not self.isVisible():
            return
        limit = self._threshold if threshold is None else threshold
        kept = self.found.false_alarms <= limit
        self.words.setText(
            f"{int(kept.sum())} dots in what is shown; noise alone would give {limit:g} in the "
            f"whole image. Width of a dot: {self.found.psf_sigma_px:.2f} px."
        )
        colours = convert.rgba(["unreviewed" if each else "not counted" for each in kept])
        with guard:
            self._put_points(self.found.places, colours)

    def _put_points(self, places: Any, colours: Any) -> None:
        if self._points is None or self._points not in self.viewer.layers:
            active = self.viewer.layers.selection.active
            affine = self.layers.affine_px(self.channel)
            layer = Points(
                np.empty((0, 2)),
                name=_LAYER,
                face_color="transparent",
                size=_SIZE_PX,
                border_width=0.12,
                metadata={OWN: _LAYER},
                **convert.placement(self.layers.pixel_um, affine),
            )
            self._points = self.viewer.add_layer(layer)
            self.viewer.layers.selection.active = active
        self._points.data = places
        self._points.border_color = colours

    def _remove_points(self) -> None:
        if self._points is not None and self._points in self.viewer.layers:
            self.viewer.layers.remove(self._points)
        self._points = None

    def _forget(self) -> None:
        self.found = None
        self._wanted_box = None
        self._pause.stop()
        self._remove_points()
        self.words.setText("")
        self.plot.show_dots(np.empty(0))

    def _set_threshold(self, false_alarms: float) -> None:
        with messages.shown():
            self.session.set_option(_THRESHOLD, false_alarms)

    # All dots

    def _find(self) -> None:
        field = self.session.field

        def done(found: Any) -> None:
            if field == self.session.field:
                take_registered(self.session, found)

        self.bar.compute(
            "Finding dots",
            steps.register_field,
            self.session.experiment,
            options=self.session.options,
            on_done=done,
        )


def _middle(start: int, stop: int) -> tuple[int, int]:
    """Return a range, or its middle where it is longer than a preview may be."""
    left_out = max(stop - start - preferences.largest_preview_px(), 0)
    return start + left_out // 2, stop - (left_out - left_out // 2)
