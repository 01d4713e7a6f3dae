"""The tab "Register": how the EL channels lie on the PL reference, and pairs set by hand."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Vectors
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QPushButton,
    QSlider,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_qdimage import convert, messages, preferences, tasks
from napari_qdimage.field_tables import analyse_again, take_registered
from napari_qdimage.landmarks import Landmarks
from napari_qdimage.layer_data import OWN
from napari_qdimage.layers import FieldLayers
from napari_qdimage.overlay import Blinking, Checkerboard
from napari_qdimage.session import Session
from napari_qdimage.widgets.folded import Folded
from napari_qdimage.widgets.job_bar import JobBar
from napari_qdimage.widgets.listening import listen
from napari_qdimage.widgets.options_form import OptionsForm
from napari_qdimage.widgets.parts import (
    heading,
    hide_row_numbers,
    hint,
    row,
    stretch_last_column,
)
from qdimage import steps
from qdimage.domain.colours import EL_ONLY
from qdimage.domain.experiment import ChannelTable
from qdimage.domain.refusal import Refusal
from qdimage.pipeline.landmarks import LEAST_PINS, Pin
from qdimage.reporting.content import rows_of

if TYPE_CHECKING:
    from napari import Viewer

    from qdimage.pipeline.field import RegisteredField
    from qdimage.pipeline.registration import Registered

_COLUMNS = ("Channel", "Status", "Pairs", "rms, px", "Chance", "Overlap")
_RESIDUALS = "residuals"
_DIMMED = 0.35


class RegisterWidget(QWidget):
    """Registers the shown field, shows what that rests on, and lets a person help.

    Signals
    -------
    tab_wanted : str
        Another tab that the user should see now.
    """

    tab_wanted = Signal(str)

    def __init__(self, session: Session, viewer: "Viewer", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.viewer = viewer
        self.layers = FieldLayers.of(session, viewer)
        self.landmarks: Landmarks | None = None
        self._registered: RegisteredField | None = None
        self._trial: tuple[tuple[Pin, ...], Registered] | None = None
        self._checkerboard: Checkerboard | None = None
        self._vectors: Any = None
        self._blinking = Blinking(self)
        self._make_parts()
        self._lay_out()
        self._connect()
        self._open()

    def _make_parts(self) -> None:
        self.channel_box = QComboBox()
        self.channel_box.setToolTip("EL channel that is looked at")
        self.register_button = QPushButton("Register all")
        self.register_button.setToolTip("Localize and register every channel of the field")
        self.answers = QTableWidget(0, len(_COLUMNS))
        self.answers.setHorizontalHeaderLabels(list(_COLUMNS))
        self.answers.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.answers.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.answers.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.answers.setMinimumHeight(130)
        hide_row_numbers(self.answers)
        stretch_last_column(self.answers)
        self.reason = hint("")
        self.residuals = QCheckBox("Residuals")
        self.residuals.setToolTip("From each PL dot towards the EL dot that it is paired with")
        self.blink = QCheckBox("Blink")
        self.blink.setToolTip("Show and hide the EL image in turn")
        self.checkerboard = QCheckBox("Checkerboard")
        self.checkerboard.setToolTip("Squares of PL and of EL in turn")
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setValue(100)
        self.opacity.setToolTip("Opacity of the EL image")
        self.pairs_button = QPushButton("Set pairs")
        self.pairs_button.setCheckable(True)
        self.pairs_button.setToolTip("Click a dot in PL, then the same one in EL, and so on")
        self.back_button = QPushButton("Remove last")
        self.clear_button = QPushButton("Clear")
        self.test_button = QPushButton("Test pairs")
        self.test_button.setToolTip("The test that the automatic answer has to pass, too")
        self.accept_button = QPushButton("Accept")
        self.accept_button.setToolTip("Write the pairs as pins into experiment.toml")
        self.forget_button = QPushButton("Remove pins")
        self.forget_button.setToolTip("Take the channel's pins out of experiment.toml")
        self.pairs_hint = hint("")
        self.again_button = QPushButton("Analyse again")
        self.again_button.setToolTip("Take the registration over into fractions and tables")
        self.bar = JobBar()
        self.options = Folded("Options", OptionsForm(self.session, "register"))

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(
            row(
                heading("EL channel"),
                self.channel_box,
                self.register_button,
                stretch=self.channel_box,
            )
        )
        layout.addWidget(self.answers, 1)
        layout.addWidget(self.reason)
        layout.addWidget(self.bar)
        layout.addWidget(heading("Look"))
        layout.addWidget(
            row(self.residuals, self.blink, self.checkerboard, self.opacity, stretch=self.opacity)
        )
        layout.addWidget(heading("Pairs by hand"))
        layout.addWidget(self.pairs_hint)
        layout.addWidget(row(self.pairs_button, self.back_button, self.clear_button))
        layout.addWidget(row(self.test_button, self.accept_button, self.forget_button))
        layout.addWidget(self.again_button)
        layout.addWidget(self.options)
        layout.addStretch(1)

    def _connect(self) -> None:
        self.channel_box.activated.connect(lambda _: self._choose(self.channel_box.currentText()))
        self.register_button.clicked.connect(self._register)
        self.answers.cellClicked.connect(lambda at, _: self._choose(self._name_at(at)))
        self.residuals.toggled.connect(self._show_residuals)
        self.blink.toggled.connect(self._show_blinking)
        self.checkerboard.toggled.connect(self._show_checkerboard)
        self.opacity.valueChanged.connect(self._show_opacity)
        self.pairs_button.toggled.connect(self._set_pairs)
        self.back_button.clicked.connect(self._remove_last)
        self.clear_button.clicked.connect(self._clear)
        self.test_button.clicked.connect(self._test)
        self.accept_button.clicked.connect(self._accept)
        self.forget_button.clicked.connect(self._forget)
        self.again_button.clicked.connect(self._analyse_again)
        self.bar.started.connect(self._show_buttons)
        self.bar.ended.connect(self._show_buttons)
        listen(self, self.session.opened, self._open)
        listen(self, self.session.tables_changed, lambda _: self._show())
        listen(self, self.session.options_changed, self._options_changed)
        listen(self, self.session.channel_changed, self._follow)
        listen(self, self.layers.rebuilt, self._layers_rebuilt)

    # What is shown

    @property
    def channel(self) -> str:
        """The EL channel that is looked at; "" for none."""
        return self.channel_box.currentText()

    @property
    def _declared(self) -> ChannelTable | None:
        experiment = self.session.experiment
        own = () if experiment is None else experiment.declared.el_channels
        return next((each for each in own if each.name == self.channel), None)

    def _open(self) -> None:
        """Another field: what was registered or set for the last one is of no use."""
        self._registered = None
        self.pairs_button.setChecked(False)
        self._fill_channels()
        self._show()

    def _fill_channels(self) -> None:
        experiment = self.session.experiment
        table = self.session.of_field("registration")
        names = [str(name) for name in table["channel"]]
        if experiment is not None and experiment.declared.channels:
            names = [each.name for each in experiment.declared.el_channels]
        self.channel_box.clear()
        self.channel_box.addItems(names)
        chosen = self.session.channel if self.session.channel in names else ""
        self.channel_box.setCurrentText(chosen or (names[-1] if names else ""))

    def _follow(self) -> None:
        if self.session.channel not in ("", self.channel):
            self._choose(self.session.channel)

    def _choose(self, name: str) -> None:
        self.pairs_button.setChecked(False)
        self.channel_box.setCurrentText(name)
        with messages.shown():
            measured = self.session.of_field("channels")["channel"]
            if name in set(measured):
                self.session.show_channel(name)
            self.layers.show_only(name)
        self._show()

    def _show(self) -> None:
        table = self.session.of_field("registration")
        by_name = {each["channel"]: each for each in rows_of(table)}
        names = [self.channel_box.itemText(k) for k in range(self.channel_box.count())]
        self.answers.setRowCount(len(names))
        for at, name in enumerate(names):
            self._fill_row(at, name, by_name.get(name, {}))
        self.answers.resizeColumnsToContents()
        if self.channel in names:
            self.answers.selectRow(names.index(self.channel))
        if self._trial is None:
            self.reason.setText(str(by_name.get(self.channel, {}).get("message") or ""))
        self._show_look()
        self._show_buttons()

    def _fill_row(self, at: int, name: str, answer: dict[str, Any]) -> None:
        status = str(answer.get("status") or "not registered")
        if status == "ok" and answer.get("model") == "manual":
            status = "ok, by hand"
        numbers = (
            ("n_inliers", "d"),
            ("rms_px", ".3f"),
            ("chance_p", ".1e"),
            ("overlap_fraction", ".0%"),
        )
        texts = [name, status]
        for key, form in numbers:
            value = answer.get(key)
            texts.append("" if value is None else format(value, form))
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            item.setToolTip(str(answer.get("message") or text))
            self.answers.setItem(at, column, item)

    def _name_at(self, at: int) -> str:
        item = self.answers.item(at, 0)
        return "" if item is None else item.text()

    def _show_buttons(self) -> None:
        busy, experiment = self.bar.job is not None, self.session.experiment
        can = experiment is not None and bool(experiment.declared.channels) and not busy
        declared, marks = self._declared, self.landmarks
        n = 0 if marks is None else len(marks.pins)
        self.register_button.setEnabled(can)
        self.pairs_button.setEnabled(can and bool(self.channel))
        for button in (self.back_button, self.clear_button):
            button.setEnabled(marks is not None and not busy)
        self.test_button.setEnabled(can and n >= LEAST_PINS)
        self.accept_button.setEnabled(can and self._trial is not None)
        self.forget_button.setVisible(declared is not None and bool(declared.pins))
        self.forget_button.setEnabled(can)
        self.again_button.setEnabled(can)
        if marks is None:
            self.pairs_hint.setText("For a channel that was refused, or laid wrong.")
            return
        turn = "PL (green)" if marks.next_is_pl else "EL (red)"
        self.pairs_hint.setText(
            f"{n} pairs, of at least {LEAST_PINS}; far apart is best. Next: click a dot in {turn}."
        )

    # Registering

    def _register(self) -> None:
        self.pairs_button.setChecked(False)
        field = self.session.field

        def done(found: "RegisteredField") -> None:
            if field == self.session.field:
                self._take(found)

        self.bar.compute(
            "Registering",
            steps.register_field,
            self.session.experiment,
            options=self.session.options,
            on_done=done,
        )

    def _take(self, found: "RegisteredField") -> None:
        """Make the answers those of the session."""
        self._registered = found
        self._trial = None
        take_registered(self.session, found)

    def _options_changed(self) -> None:
        self._registered = None

    # Looking

    def _show_look(self) -> None:
        for box, show in (
            (self.residuals, self._show_residuals),
            (self.blink, self._show_blinking),
            (self.checkerboard, self._show_checkerboard),
        ):
            show(box.isChecked())
        self._show_opacity(self.opacity.value())

    def _layers_rebuilt(self) -> None:
        self._vectors, self._checkerboard, self.landmarks = None, None, None
        self.pairs_button.setChecked(False)
        self._show_look()

    def _affine(self) -> Any:
        """The channel's map to the field: that which is tried, else the session's."""
        if self._trial is None or self._declared is None:
            return self.layers.affine_px(self.channel)
        layer = self.layers.images.get(self.channel)
        height, width = (2, 2) if layer is None else layer.data.shape[-2:]
        return self._trial[1].registration.transform.local_affine(width, height)

    def _residuals(self) -> tuple[Any, Any]:
        """Mapped places and residuals (x, y) px of the channel's pairs."""
        answer: Any = None if self._trial is None else self._trial[1]
        found = None if self._registered is None else self._registered
        if answer is None and found is not None:
            answer = found.answers.get(self.channel)
        if found is not None and hasattr(answer, "registration"):
            pairs, residuals = answer.registration.pairs, answer.registration.residuals_px
            reference: Any = found.found[found.experiment.declared.reference.name]
            return reference.dots.positions[pairs[:, 1]] + residuals, residuals
        return convert.matched_residuals(self.session.of_field("matches"), self.channel)

    def _show_residuals(self, wanted: bool) -> None:
        if self._vectors is not None and self._vectors in self.viewer.layers:
            self.viewer.layers.remove(self._vectors)
        self._vectors = None
        if not wanted or not self.channel:
            return
        mapped, residuals = self._residuals()
        active = self.viewer.layers.selection.active
        layer = Vectors(
            convert.residual_vectors(mapped, residuals, preferences.magnification()),
            name=_RESIDUALS,
            edge_color=EL_ONLY,
            edge_width=0.7,
            vector_style="arrow",
            metadata={OWN: _RESIDUALS},
            **convert.placement(self.layers.pixel_um),
        )
        self._vectors = self.viewer.add_layer(layer)
        self.viewer.layers.selection.active = active

    def _show_blinking(self, wanted: bool) -> None:
        layer = self.layers.images.get(self.channel)
        if wanted and layer is not None:
            self._blinking.start(layer)
        else:
            self._blinking.stop()

    def _show_checkerboard(self, wanted: bool) -> None:
        if self._checkerboard is not None:
            self._checkerboard.close()
            self._checkerboard = None
        images = self.layers.images
        if wanted and self.channel in images and len(images) > 1:
            pl, el = next(iter(images.values())), images[self.channel]
            self._checkerboard = Checkerboard(
                self.viewer, pl, el, self._affine(), self.layers.pixel_um
            )

    def _show_opacity(self, percent: int) -> None:
        layer = self.layers.images.get(self.channel)
        if layer is not None:
            layer.opacity = percent / 100

    # Pairs by hand

    def _set_pairs(self, wanted: bool) -> None:
        with messages.shown():
            if wanted and self.channel:
                self._begin_pairs()
            else:
                self._end_pairs()
        self._show_buttons()

    def _begin_pairs(self) -> None:
        for box in (self.blink, self.checkerboard):
            box.setChecked(False)
        self.landmarks = Landmarks(self.viewer, self.layers.pixel_um, self._affine())
        declared = self._declared
        if declared is not None and declared.pins:
            self.landmarks.show(declared.pins)
        for layer in (self.landmarks.pl, self.landmarks.el):
            layer.events.data.connect(self._pairs_changed)
        self._pairs_changed()

    def _end_pairs(self) -> None:
        if self.landmarks is not None:
            self.landmarks.close()
            self.landmarks = None
        self._drop_trial()
        for layer in self.layers.images.values():
            layer.opacity = 1.0
        self._show_opacity(self.opacity.value())

    def _pairs_changed(self, *_: object) -> None:
        """Another place was set: dim the image whose turn it is not; a test passed is past."""
        if self.landmarks is None:
            return
        self._drop_trial()
        first = next(iter(self.layers.images), "")
        for name, layer in self.layers.images.items():
            its_turn = (name == first) == self.landmarks.next_is_pl
            layer.opacity = 1.0 if its_turn else _DIMMED
        self._show_buttons()

    def _drop_trial(self) -> None:
        if self._trial is not None:
            self._trial = None
            self.layers.place(self.channel)
            self._show_look()

    def _remove_last(self) -> None:
        if self.landmarks is not None:
            self.landmarks.remove_last()
            self._pairs_changed()

    def _clear(self) -> None:
        if self.landmarks is not None:
            self.landmarks.clear()
            self._pairs_changed()

    def _test(self) -> None:
        if self.landmarks is None:
            return
        pins = tuple(tuple(float(np.round(each, 3)) for each in pin) for pin in self.landmarks.pins)
        channel, field = self.channel, self.session.field

        def done(result: "tuple[RegisteredField, Registered | Refusal]") -> None:
            if (channel, field) == (self.channel, self.session.field):
                self._registered = result[0]
                self._tested(pins, result[1])  # type: ignore[arg-type]

        self.bar.compute(
            "Testing the pairs",
            tasks.try_pins,
            self.session.experiment,
            self._registered,
            channel,
            pins,
            options=self.session.options,
            on_done=done,
        )

    def _tested(self, pins: tuple[Pin, ...], answer: "Registered | Refusal") -> None:
        if isinstance(answer, Refusal):
            self._drop_trial()
            self.reason.setText(f"Refused: {answer.reason}")
        else:
            self._trial = pins, answer
            found = answer.registration
            self.reason.setText(
                f"Passed: {found.n_inliers} pairs of dots agree to {found.rms_px:.2f} px, which "
                f"chance does with probability {found.chance_p:.1e}. Accept writes the pins into "
                "experiment.toml."
            )
            self.layers.place(self.channel, self._affine())
            if self.landmarks is not None:
                self.landmarks.place_el(self._affine())
            self._show_look()
        self._show_buttons()

    def _accept(self) -> None:
        experiment, found = self.session.experiment, self._registered
        if self._trial is None or experiment is None or found is None:
            return
        pins, answer = self._trial
        channel = self.channel
        with messages.shown():
            steps.set_channel_keys(experiment.path, channel, {"pins": pins})
            self.session.reread()
            self.pairs_button.setChecked(False)
            self._take(replace(found, answers={**found.answers, channel: answer}))
            self.reason.setText("Written into experiment.toml. Analyse again to use it in tables.")

    def _forget(self) -> None:
        experiment = self.session.experiment
        if experiment is None:
            return
        with messages.shown():
            steps.set_channel_keys(experiment.path, self.channel, {"pins": None})
            self.session.reread()
            self._registered = None
            self.reason.setText("The pins are taken out: register all, or analyse again.")
            self._show_buttons()

    def _analyse_again(self) -> None:
        self.pairs_button.setChecked(False)
        analyse_again(self.session, self.bar, lambda: self.tab_wanted.emit("Batch"))
