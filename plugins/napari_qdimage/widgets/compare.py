"""The tab "Compare": EL beside PL, with one crosshair in both."""

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_qdimage import messages
from napari_qdimage.convert import pixel_um, positions
from napari_qdimage.dot_rows import dot_states, el_channels, in_channel
from napari_qdimage.images import mean_image, to_channel
from napari_qdimage.layers import FieldLayers
from napari_qdimage.session import Session
from napari_qdimage.side_by_side import SideBySide
from napari_qdimage.widgets.listening import listen
from qdimage.reporting.content import rows_of, signal_units
from qdimage.reporting.words import number, pixel_flux_unit, volts

if TYPE_CHECKING:
    from napari import Viewer

_ZOOM_WIDTH_PX = 40.0
_HELP = (
    "PL is on the left, EL on the right, in the field's frame and with one camera. The crosshair "
    "follows the mouse in both. A click chooses a dot in either; the dot is marked in both."
)


class CompareWidget(QWidget):
    """EL beside PL in the canvas, and what lies under the mouse.

    Attributes
    ----------
    view : SideBySide
    switch : QPushButton
    voltage : QComboBox
    crosshair : QCheckBox
    place, dot : QLabel
        Pixels under the crosshair; the chosen dot in both.
    """

    def __init__(self, session: Session, viewer: "Viewer", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.viewer = viewer
        self.view = SideBySide(session, viewer)
        self.switch = QPushButton("Show PL and EL side by side")
        self.switch.setCheckable(True)
        self.voltage = QComboBox()
        self.crosshair = QCheckBox("crosshair")
        self.crosshair.setChecked(True)
        self.zoom = QPushButton("Zoom to the chosen dot")
        self.whole = QPushButton("Whole field")
        self.place, self.dot = QLabel(), QLabel()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._arrange)
        self._build()
        self._connect()
        self._open()

    def _build(self) -> None:
        help_text = QLabel(_HELP)
        for label in (help_text, self.place, self.dot):
            label.setWordWrap(True)
        first = QHBoxLayout()
        first.addWidget(QLabel("EL channel"))
        first.addWidget(self.voltage, 1)
        first.addWidget(self.crosshair)
        second = QHBoxLayout()
        second.addWidget(self.zoom)
        second.addWidget(self.whole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.addWidget(self.switch)
        layout.addLayout(first)
        layout.addLayout(second)
        for label in (self.dot, self.place, help_text):
            layout.addWidget(label)
        layout.addStretch(1)

    def _connect(self) -> None:
        session, viewer = self.session, self.viewer
        self.switch.toggled.connect(self._switch)
        self.voltage.activated.connect(self._choose_voltage)
        self.crosshair.toggled.connect(self.view.show_crosshair)
        self.zoom.clicked.connect(self._zoom)
        self.whole.clicked.connect(lambda *_: viewer.fit_to_view())
        listen(self, FieldLayers.of(session, viewer).rebuilt, self._open)
        listen(self, session.tables_changed, self._arrange)
        listen(self, session.curation_changed, self._arrange)
        listen(self, session.channel_changed, self._show_channel)
        listen(self, session.selection_changed, self._show_dot)
        listen(self, self.view.pointed, self._show_place)
        viewer.layers.events.inserted.connect(self._ask_arrange)
        slot = self._ask_arrange
        self.destroyed.connect(lambda *_: viewer.layers.events.inserted.disconnect(slot))

    # From the session

    def _open(self) -> None:
        """All layers are new: what was arranged is gone."""
        was_on = self.view.is_on
        self.view.stop()
        self.voltage.clear()
        for name, voltage in el_channels(self.session).itertuples(index=False):
            self.voltage.addItem(f"{name} ({volts(float(voltage))})", name)
        self.switch.setEnabled(self.view.can_start)
        if was_on and self.view.can_start:
            self.view.start()
        self.switch.setChecked(self.view.is_on)
        self._show_channel()

    def _show_channel(self) -> None:
        self.voltage.setCurrentIndex(self.voltage.findData(self.session.channel))
        self._arrange()

    def _ask_arrange(self, *_: object) -> None:
        """Not while napari is still adding a layer."""
        if self.view.is_on:
            self._later.start(0)

    def _arrange(self, *_: object) -> None:
        self.view.refresh()
        self._show_dot()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Bring up to date what was not seen."""
        super().showEvent(event)
        self._show_dot()

    def _show_dot(self) -> None:
        if not (self.isVisible() or self.view.is_on):
            return
        current = self.session.current
        self.zoom.setEnabled(current is not None)
        if current is None:
            self.dot.setText("No dot is chosen.")
            return
        session = self.session
        (row,) = rows_of(session.dots.loc[[current]])
        (el,) = rows_of(in_channel(session, session.channel).loc[[current]])
        state = dot_states(session, session.channel)[session.dots.index.get_loc(current)]
        flux = "not measured" if el["photons_s"] is None else number(el["photons_s"])
        self.dot.setText(
            f"<b>Dot {current}</b>: PL {number(row['pl_photons_s'])}, {session.channel} {flux} "
            f"{row['signal_unit'] or 'photons'}/s; {state}"
        )
        if self.view.is_on:
            self.view.point_at(row["x_px"], row["y_px"])

    def _show_place(self, x_px: float, y_px: float) -> None:
        session, unit = self.session, next(iter(signal_units(self.session.dots)), "")
        table = session.of_field("channels")
        names = [str(name) for name in table.loc[table["reference"].eq(True), "channel"]]
        seen = [f"{n} {number(self._value(n, x_px, y_px))}" for n in (*names, session.channel) if n]
        self.place.setText(
            f"x {x_px:.1f}, y {y_px:.1f} px: {', '.join(seen)} {pixel_flux_unit(unit)}"
        )

    def _value(self, channel: str, x_px: float, y_px: float) -> float | None:
        """Return the channel's pixel that lies at a place of the field."""
        image, to_field = mean_image(self.session, channel), to_channel(self.session, channel)
        if image is None or to_field is None:
            return None
        column, row = np.rint(to_field.inverse(np.array([[x_px, y_px]]))[0]).astype(int)
        if not (0 <= row < image.shape[0] and 0 <= column < image.shape[1]):
            return None
        return float(image[row, column])

    # From the person

    def _switch(self, wanted: bool) -> None:
        with messages.shown():
            if wanted:
                self.view.start()
                self.view.show_crosshair(self.crosshair.isChecked())
                self._show_dot()
            else:
                self.view.stop()

    def _choose_voltage(self, index: int) -> None:
        with messages.shown():
            self.session.show_channel(str(self.voltage.itemData(index)))

    def _zoom(self) -> None:
        current = self.session.current
        if current is None:
            return
        size = pixel_um(self.session.experiment, self.session.dots) or 1.0
        y, x = positions(self.session.dots.loc[[current]])[0] * size
        width = min(self.viewer.canvas.size) / (2 if self.view.is_on else 1)
        self.viewer.scene.camera.center = (0.0, float(y), float(x))
        self.viewer.scene.camera.zoom = width / (_ZOOM_WIDTH_PX * size)
