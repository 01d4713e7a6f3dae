"""The options of one stage as fields to fill in, made from their declarations."""

from types import NoneType
from typing import Any, get_args

from pydantic.fields import FieldInfo
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox, QFormLayout, QLabel, QLineEdit, QWidget

from napari_qdimage import messages
from napari_qdimage.session import Session
from napari_qdimage.widgets.listening import listen

_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


class OptionsForm(QWidget):
    """One line for each option of a stage: name, value, unit; what it means is the tool tip.

    What is written is an option of the session at once; what is refused leaves the old value, and
    a message says why.

    Attributes
    ----------
    editors : dict of str to QLineEdit or QCheckBox
        By the option's name.
    """

    def __init__(self, session: Session, stage: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._stage = stage
        self.editors: dict[str, QLineEdit | QCheckBox] = {}
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        for name, field in type(self._options).model_fields.items():
            self._add(name, field)
        listen(self, session.options_changed, self._show)
        listen(self, session.opened, self._show)
        self._show()

    @property
    def _options(self) -> Any:
        return getattr(self._session.options, self._stage)

    def _add(self, name: str, field: FieldInfo) -> None:
        editor = QCheckBox() if field.annotation is bool else QLineEdit()
        if isinstance(editor, QCheckBox):
            editor.toggled.connect(lambda on: self._set(name, on))
        else:
            editor.setPlaceholderText("found in the data")
            editor.editingFinished.connect(lambda: self._set(name, editor.text().strip()))
        label = QLabel(_label(name, field))
        for part in (editor, label):
            part.setToolTip(_meaning(field))
        self.editors[name] = editor
        self._form.addRow(label, editor)

    def _set(self, name: str, value: bool | str) -> None:
        """Set an option; a text that stands for the value it has is no change."""
        if isinstance(value, str):
            if value == _text(getattr(self._options, name)):
                return
            is_optional = NoneType in get_args(type(self._options).model_fields[name].annotation)
            converted: Any = None if is_optional and not value else value.replace(",", ".")
        else:
            converted = value
        with messages.shown():
            try:
                self._session.set_option(f"{self._stage}.{name}", converted)
            finally:
                self._show()

    def _show(self) -> None:
        for name, editor in self.editors.items():
            value = getattr(self._options, name)
            with QSignalBlocker(editor):
                if isinstance(editor, QCheckBox):
                    editor.setChecked(value)
                else:
                    editor.setText(_text(value))


def _text(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _label(name: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra
    unit = extra.get("unit", "") if isinstance(extra, dict) else ""
    words = name.removesuffix(f"_{unit}").replace("_", " ")
    return f"{words}, {unit}" if unit else words


def _meaning(field: FieldInfo) -> str:
    """Meaning, default and bounds in one text."""
    limits = [
        f"{word} {getattr(bound, key):g}"
        for bound in field.metadata
        for key, word in _BOUNDS.items()
        if hasattr(bound, key)
    ]
    default = "found in the data" if field.default is None else f"{field.default}"
    return "\n".join([field.description or "", f"Default: {default}", ", ".join(limits)]).strip()
