"""A widget hears the session's signals for as long as it exists."""

from collections.abc import Callable
from typing import Any

from psygnal import SignalInstance
from qtpy.QtCore import QObject


def listen(widget: QObject, signal: SignalInstance, slot: Callable[..., Any]) -> None:
    """Call a widget's method at a signal of the session, until Qt deletes the widget."""
    signal.connect(slot)
    widget.destroyed.connect(lambda *_: signal.disconnect(slot, missing_ok=True))
