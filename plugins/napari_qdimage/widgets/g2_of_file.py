"""The g2 of one time-tag file, opened without an experiment."""

from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from napari.settings import get_settings
from qtpy.QtWidgets import QVBoxLayout, QWidget

import qdimage
from napari_qdimage.look import dress, look_of
from napari_qdimage.widgets.job_bar import JobBar
from napari_qdimage.widgets.parts import hint
from napari_qdimage.widgets.plot_canvas import PlotCanvas, Stale
from qdimage.domain.colours import NO_ANSWER
from qdimage.domain.refusal import Refusal

if TYPE_CHECKING:
    from qdimage.pipeline.g2 import G2Answer

_LEAST_HEIGHT_PX = 260


class G2OfFile(QWidget):
    """Correlates a file beside the window, then shows the curve and the value.

    Attributes
    ----------
    answer : G2Answer or None
        None before it is there.
    """

    def __init__(self, file: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.answer: G2Answer | None = None
        self.words = hint("")
        self.plot = _G2Plot()
        self.bar = JobBar()
        layout = QVBoxLayout(self)
        for part in (self.words, self.plot, self.bar):
            layout.addWidget(part, 1 if part is self.plot else 0)
        self.setMinimumHeight(_LEAST_HEIGHT_PX)
        self.bar.compute(
            f"Correlating {file.name}",
            qdimage.g2,
            file,
            on_done=self._show,
            on_error=self.words.setText,
        )

    def _show(self, answer: "G2Answer") -> None:
        self.answer = answer
        self.plot.answer = answer
        self.words.setText(_words(answer))
        self.plot.ask(Stale.GROUND)


class _G2Plot(PlotCanvas):
    def __init__(self) -> None:
        super().__init__(look_of(get_settings().appearance.theme))
        self.answer: G2Answer | None = None

    def build(self) -> None:
        """Draw g2 against the delay."""
        axes: Axes = self.figure.add_subplot()
        dress(axes, self.look)
        if self.answer is None:
            return
        curve = self.answer.curve
        axes.plot(curve.lag_ns, curve.g2, lw=0.8, color=self.look.ink, drawstyle="steps-mid")
        axes.axhline(0.5, color=NO_ANSWER, lw=0.8, ls=":")
        axes.set(xlabel="Delay (ns)", ylabel="g2")


def _words(answer: "G2Answer") -> str:
    found, warnings = answer.answer, "".join(f"\n{each}" for each in answer.warnings)
    if isinstance(found, Refusal):
        return f"no g2(0): {found.reason}{warnings}"
    interval = f"{found.low_95:.3f} … {found.high_95:.3f}"
    return f"g2(0) = {found.value:.3f} (95 %: {interval}){warnings}"
