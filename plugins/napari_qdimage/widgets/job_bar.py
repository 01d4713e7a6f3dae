"""A line that shows one job: what it does, how far it is, how long it still takes, and Cancel."""

import time
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from napari_qdimage import work
from napari_qdimage.work import Job, OnCancelled, OnDone, OnError, OnProgress

_MINUTE_S = 60.0


class JobBar(QWidget):
    """Shows a job that it starts; empty between jobs.

    Signals
    -------
    started, ended
        For buttons that must not be pressed meanwhile. `ended` comes before the callbacks.
    """

    started = Signal()
    ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QLabel()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.left = QLabel()
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop within a second; nothing is left half-written")
        self.cancel_button.clicked.connect(self.cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text, 2)
        layout.addWidget(self.bar, 2)
        layout.addWidget(self.left)
        layout.addWidget(self.cancel_button)
        self._job: Job | None = None
        self._since = 0.0
        self._show(False)

    @property
    def job(self) -> Job | None:
        """What is being done."""
        return self._job

    def run(self, what: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Job:
        """Start a job in a thread; parameters after the text are those of `work.run`."""
        return self._start(work.run, what, function, *args, **kwargs)

    def compute(self, what: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Job:
        """Start a job in a child process; parameters after the text are those of `work.compute`."""
        return self._start(work.compute, what, function, *args, **kwargs)

    def cancel(self) -> None:
        """Stop the job; `ended` follows within a second."""
        if self._job is not None:
            self.cancel_button.setEnabled(False)
            self.left.setText("stopping")
            self._job.cancel()

    def _start(
        self,
        start: Callable[..., Job],
        what: str,
        function: Callable[..., Any],
        *args: Any,
        on_done: OnDone | None = None,
        on_error: OnError | None = None,
        on_progress: OnProgress | None = None,
        on_cancelled: OnCancelled | None = None,
        **kwargs: Any,
    ) -> Job:
        if self._job is not None:
            raise RuntimeError(f"{self.text.text()} is still on its way")
        callbacks = work.Callbacks(on_done, on_error, on_progress, on_cancelled)
        self.text.setText(what)
        self.left.clear()
        self.bar.setRange(0, 0)
        self._since = time.monotonic()
        self._show(True)

        def ended(kind: str, value: Any) -> None:
            self._job = None
            self._show(False)
            self.ended.emit()
            callbacks.call(kind, value)

        def progress(what: str, done: int, total: int) -> None:
            self._progress(what, done, total)
            callbacks.call(work.PROGRESS, (what, done, total))

        self._job = start(
            function,
            *args,
            on_done=lambda result: ended(work.DONE, result),
            on_error=lambda text: ended(work.ERROR, text),
            on_progress=progress,
            on_cancelled=lambda: ended(work.CANCELLED, None),
            owner=self,
            **kwargs,
        )
        self.started.emit()
        return self._job

    def _progress(self, what: str, done: int, total: int) -> None:
        self.text.setText(what)
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.left.setText(time_left(time.monotonic() - self._since, done, total))

    def _show(self, shown: bool) -> None:
        self.cancel_button.setEnabled(shown)
        for part in (self.text, self.bar, self.left, self.cancel_button):
            part.setVisible(shown)


def time_left(elapsed_s: float, done: int, total: int) -> str:
    """Say how long the rest takes if it goes on as it went so far."""
    if not 0 < done < total:
        return ""
    seconds = elapsed_s * (total - done) / done
    if seconds < _MINUTE_S:
        return f"{max(1, round(seconds))} s left"
    return f"{round(seconds / _MINUTE_S)} min left"
