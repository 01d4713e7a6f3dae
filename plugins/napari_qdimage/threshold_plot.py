"""How significant the dots of a preview are, and a threshold to drag."""
# mypy: disable-error-code="no-untyped-call"

import numpy as np
from matplotlib.backend_bases import Event, MouseEvent
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from qtpy.QtCore import Signal

from napari_qdimage.convert import STATE_COLOURS
from napari_qdimage.look import Look, dress
from napari_qdimage.widgets.plot_canvas import PlotCanvas, Stale, message_plot

_LEAST, _MOST = -1.0, 12.0
_BINS = np.linspace(_LEAST, _MOST, 27)
_TICKS = (0, 3, 6, 9, 12)
_GRAB_PX = 8.0


class ThresholdPlot(PlotCanvas):
    """Histogram of -log10 of the noise peaks as significant, with the threshold as a line.

    Signals
    -------
    dragged : float
        Noise peaks in an image at which the line is now, while it is dragged.
    dropped : float
        Where it was let go.
    """

    dragged = Signal(float)
    dropped = Signal(float)

    def __init__(self, look: Look) -> None:
        super().__init__(look, margins_in=(0.55, 0.35, 0.5, 0.25))
        self._false_alarms: NDArray[np.float64] = np.empty(0)
        self._threshold = 0.1
        self._held = False
        self.mpl_connect("button_press_event", self._press)
        self.mpl_connect("motion_notify_event", self._move)
        self.mpl_connect("button_release_event", self._release)

    def show_dots(self, false_alarms: NDArray[np.float64]) -> None:
        """Show other dots."""
        self._false_alarms = false_alarms
        self.ask(Stale.GROUND)

    def show_threshold(self, false_alarms: float) -> None:
        """Put the line elsewhere."""
        self._threshold = false_alarms
        self.ask(Stale.MARKS)

    def line_place(self) -> tuple[int, int]:
        """Pixel (x, y) of the widget at which the line can be taken."""
        return self.place_at(self._threshold)

    def place_at(self, false_alarms: float) -> tuple[int, int]:
        """Pixel (x, y) of the widget that stands for a number of noise peaks."""
        axes, ratio = self.figure.axes[0], self.device_pixel_ratio
        x, _ = axes.transData.transform((_at(false_alarms), 0.0))
        y = 0.5 * (axes.bbox.y0 + axes.bbox.y1)
        return round(x / ratio), round((self.figure.bbox.height - y) / ratio)

    def build(self) -> None:
        """Draw the histogram."""
        if not len(self._false_alarms):
            message_plot(self.figure, self.look, "Preview what is shown to see its dots here.")
            return
        axes = self.figure.add_subplot()
        dress(axes, self.look)
        values = np.clip(_significance(self._false_alarms), _LEAST, _MOST - 1e-6)
        axes.hist(values, _BINS.tolist(), color=self.look.muted, histtype="stepfilled")
        axes.set_xlim(_LEAST, _MOST)
        labels = [f"$10^{{{-tick}}}$" if tick else "1" for tick in _TICKS]
        labels[-1] = f"< {labels[-1]}"
        axes.set_xticks(_TICKS, labels)
        axes.set_xlabel("Noise peaks as significant, in an image")
        axes.set_ylabel("Dots")
        # A single dot near the threshold is to be seen beside hundreds far from it.
        axes.set_yscale("function", functions=(_root, np.square))
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_ylim(bottom=0.0)
        kept = STATE_COLOURS["unreviewed"]
        self._line = axes.axvline(0.0, color=kept, lw=2.0, animated=True)
        self._left_out = axes.axvspan(_LEAST, 0.0, color=self.look.paper, alpha=0.6, animated=True)
        self.marks = [self._left_out, self._line]

    def update_marks(self) -> None:
        """Put the line at the threshold."""
        if self.marks:
            at = _at(self._threshold)
            self._line.set_xdata([at, at])
            self._left_out.set_width(at - _LEAST)

    def _press(self, event: Event) -> None:
        if isinstance(event, MouseEvent) and event.button == 1 and self.marks:
            self._held = abs(event.x - self._line_x()) <= _GRAB_PX * self.device_pixel_ratio

    def _line_x(self) -> float:
        return float(self.figure.axes[0].transData.transform((_at(self._threshold), 0.0))[0])

    def _move(self, event: Event) -> None:
        if self._held and isinstance(event, MouseEvent):
            at = self.figure.axes[0].transData.inverted().transform((event.x, event.y))[0]
            self.show_threshold(float(f"{10 ** -float(np.clip(at, _LEAST, _MOST)):.2g}"))
            self.dragged.emit(self._threshold)

    def _release(self, _: Event) -> None:
        if self._held:
            self._held = False
            self.dropped.emit(self._threshold)


def _significance(false_alarms: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-np.log10(np.maximum(false_alarms, 1e-300)))


def _root(count: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.maximum(count, 0.0)))


def _at(false_alarms: float) -> float:
    """Where on the axis a number of noise peaks is."""
    return float(np.clip(-np.log10(max(false_alarms, 1e-300)), _LEAST, _MOST))
