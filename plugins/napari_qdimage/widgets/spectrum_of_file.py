"""A spectrum, opened without an experiment."""

from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from napari.settings import get_settings
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_qdimage import work
from napari_qdimage.look import dress, look_of
from napari_qdimage.widgets.parts import hint
from napari_qdimage.widgets.plot_canvas import PlotCanvas, Stale
from qdimage.io.spectrum_file import open_spectrum

if TYPE_CHECKING:
    from qdimage.domain.spectrum import Spectrum

_LEAST_HEIGHT_PX = 260


class SpectrumOfFile(QWidget):
    """Reads a file beside the window, then shows its counts.

    Attributes
    ----------
    spectrum : Spectrum or None
        None before it is there.
    """

    def __init__(self, file: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spectrum: Spectrum | None = None
        self.words = hint("")
        self.plot = _Counts()
        layout = QVBoxLayout(self)
        layout.addWidget(self.words)
        layout.addWidget(self.plot, 1)
        self.setMinimumHeight(_LEAST_HEIGHT_PX)
        work.run(open_spectrum, file, on_done=self._show, on_error=self.words.setText, owner=self)

    def _show(self, spectrum: "Spectrum") -> None:
        self.spectrum = self.plot.spectrum = spectrum
        self.words.setText("\n".join(spectrum.warnings))
        self.plot.ask(Stale.GROUND)


class _Counts(PlotCanvas):
    def __init__(self) -> None:
        super().__init__(look_of(get_settings().appearance.theme))
        self.spectrum: Spectrum | None = None

    def build(self) -> None:
        """Draw counts against the wavelength."""
        axes: Axes = self.figure.add_subplot()
        dress(axes, self.look)
        if self.spectrum is None:
            return
        axes.plot(self.spectrum.wavelength_nm, self.spectrum.counts, lw=0.8, color=self.look.ink)
        axes.set(xlabel="Wavelength (nm)", ylabel="Counts")
