"""A dot's surroundings in each channel: PL, and EL at each voltage."""
# mypy: disable-error-code="no-untyped-call"

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.image import AxesImage
from matplotlib.text import Text
from numpy.typing import NDArray
from qtpy.QtCore import Signal

from napari_qdimage.dot_rows import dot_states, in_channel
from napari_qdimage.images import around, mean_image, to_channel
from napari_qdimage.inspector_plots import NOT_MEASURED, DotPlot
from napari_qdimage.look import Look, state_colour
from napari_qdimage.session import Session
from napari_qdimage.widgets.plot_canvas import Stale, message_plot
from qdimage.domain.colours import EL_STOPS, PL_STOPS
from qdimage.domain.transform import Transform
from qdimage.reporting.content import Row, is_true, numbers, rows_of, signal_units
from qdimage.reporting.words import flux_unit, number, round_down, volts

HALF_PX = 8.0
_MOST_IN_A_ROW = 5
_LOWEST, _HIGHEST = 5.0, 99.8
# Names the line around the picture of the channel that the dots are judged in.
_FRAME = "frame"


def _map(kind: str) -> Colormap:
    stops = EL_STOPS if kind == "el" else PL_STOPS
    return LinearSegmentedColormap.from_list(kind, list(stops)).with_extremes(bad="#000000")


class CutoutPlot(DotPlot):
    """Pictures of the current dot, all of EL on one scale, each with its flux beneath.

    Signals
    -------
    channel_picked : str
        An EL picture that was clicked.
    """

    channel_picked = Signal(str)
    sheet_of_choice = Stale.MARKS
    depends_on_size = True

    def __init__(self, session: Session, look: Look) -> None:
        super().__init__(session, look, margins_in=(0.15, 0.15, 0.3, 0.3))
        self._panels: list[tuple[Row, Axes, AxesImage, Text]] = []
        self.mpl_connect("button_press_event", self._on_press)

    def build(self) -> None:
        """Draw a frame for each channel that has an image."""
        self._panels = []
        self._sources: dict[str, tuple[NDArray[np.float32], Transform]] = {}
        rows = sorted(
            rows_of(self.session.of_field("channels")),
            key=lambda row: (row["kind"] == "el", row["voltage_v"] or 0.0, row["channel"]),
        )
        shown = [row for row in rows if self._has_source(row)]
        if not shown:
            message_plot(self.figure, self.look, f"images: {NOT_MEASURED}")
            return
        width, height = self.figure.get_size_inches()
        columns = min(_columns(len(shown), width / max(height, 0.1)), _MOST_IN_A_ROW)
        lines = math.ceil(len(shown) / columns)
        grid = self.figure.add_gridspec(lines, columns, hspace=0.45, wspace=0.08)
        for k, row in enumerate(shown):
            axes = self.figure.add_subplot(grid[k // columns, k % columns])
            self._panels.append(self._panel(axes, row, is_first=k == 0))
        self.marks = [image for *_, image, _ in self._panels]
        for _, axes, *_ in self._panels:
            self.marks += [*axes.lines, *axes.texts]

    def _has_source(self, row: Row) -> bool:
        channel = str(row["channel"])
        image, to_field = mean_image(self.session, channel), to_channel(self.session, channel)
        if image is None or to_field is None or (row["kind"] == "pl" and not row["reference"]):
            return False
        self._sources[channel] = image, to_field
        return True

    def _panel(self, axes: Axes, row: Row, *, is_first: bool) -> tuple[Row, Axes, AxesImage, Text]:
        is_el = row["kind"] == "el"
        name = f"EL {volts(row['voltage_v'])}" if is_el else "PL"
        axes.set_title(name, fontsize=9.5, color=self.look.ink, pad=4)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set(color=self.look.faint, lw=1)
        extent = (-HALF_PX, HALF_PX, HALF_PX, -HALF_PX)
        image = axes.imshow(
            np.zeros((2, 2)),
            cmap=_map(str(row["kind"])),
            extent=extent,
            interpolation="nearest",
            animated=True,
        )
        gap, end = 2.2, 4.0
        for x, y in (((gap, end), (0, 0)), ((-end, -gap), (0, 0)), ((0, 0), (-end, -gap))):
            axes.plot(x, y, color="#ffffff", lw=0.9, alpha=0.8, animated=True)
        left, right, bottom, top = extent
        axes.plot(
            (left, right, right, left, left),
            (bottom, bottom, top, top, bottom),
            color=self.look.ink,
            lw=2.5,
            animated=True,
            clip_on=False,
            gid=_FRAME,
        )
        axes.set(xlim=(left, right), ylim=(bottom, top))
        if is_first:
            self._scale_bar(axes)
        text = axes.text(
            0.5,
            -0.05,
            "",
            ha="center",
            va="top",
            fontsize=9,
            color=self.look.ink,
            transform=axes.transAxes,
            animated=True,
        )
        return row, axes, image, text

    def _scale_bar(self, axes: Axes) -> None:
        dots = self.session.dots
        known = dots[dots["x_um"].notna() & (dots["x_px"] > 0)]
        if not len(known):
            return
        pixel_um = float(known["x_um"].iloc[0] / known["x_px"].iloc[0])
        bar_um = round_down(HALF_PX * pixel_um)
        left, y = -0.88 * HALF_PX, 0.82 * HALF_PX
        axes.plot((left, left + bar_um / pixel_um), (y, y), color="#ffffff", lw=2.5, animated=True)
        axes.text(
            left, y - 0.8, f"{number(bar_um, 1)} µm", color="#ffffff", fontsize=8
        ).set_animated(True)
        self._bar_text = axes.texts[-1]

    def update_marks(self) -> None:
        """Fill the frames with the current dot's surroundings."""
        if not self._panels:
            return
        current = self.session.current
        found: dict[str, Any] = {}
        if current is not None:
            at = self.session.dots.loc[current, ["x_px", "y_px"]].to_numpy(float)
            for row, *_ in self._panels:
                image, to_field = self._sources[str(row["channel"])]
                found[str(row["channel"])] = around(image, to_field, (at[0], at[1]), HALF_PX)
        limits = {kind: _limits(found, self._names(kind)) for kind in ("pl", "el")}
        judged_in = self.session.channel
        for row, axes, image_artist, text in self._panels:
            for line in axes.lines:
                if line.get_gid() == _FRAME:
                    line.set_visible(row["channel"] == judged_in)
            pixels = found.get(str(row["channel"]))
            image_artist.set_data(np.zeros((2, 2)) if pixels is None else pixels)
            image_artist.set_clim(*limits[str(row["kind"])])
            words, colour = self._words(row) if current is not None else ("", self.look.ink)
            text.set_text(words)
            text.set_color(colour)

    def _names(self, kind: str) -> list[str]:
        return [str(row["channel"]) for row, *_ in self._panels if row["kind"] == kind]

    def _words(self, row: Row) -> tuple[str, str]:
        """Flux of the current dot in a channel, and the colour of its state."""
        dots, current = self.session.dots, self.session.current
        at, channel = list(dots.index).index(current), str(row["channel"])
        if row["kind"] == "pl":
            flux = float(numbers(dots, "pl_photons_s")[at])
            return f"{number(flux)} {flux_unit(signal_units(dots))}", self.look.ink
        own = in_channel(self.session, channel)
        flux, upper = (float(numbers(own, name)[at]) for name in ("photons_s", "photons_upper_s"))
        if not np.isfinite(flux):
            return NOT_MEASURED, self.look.muted
        state = str(dot_states(self.session, channel)[at])
        words = number(flux) if is_true(own, "lit")[at] else f"< {number(upper)}"
        return f"{state}, {words}", state_colour(state, self.look)

    def place_of_channel(self, channel: str) -> tuple[int, int] | None:
        """Pixel (x, y) of the widget in the middle of a channel's picture; None if not drawn."""
        for row, axes, *_ in self._panels:
            if row["channel"] == channel:
                box, ratio = axes.bbox, self.device_pixel_ratio
                height = self.figure.bbox.height
                x, y = (box.x0 + box.x1) / 2, height - (box.y0 + box.y1) / 2
                return round(x / ratio), round(y / ratio)
        return None

    def _on_press(self, event: Any) -> None:
        for row, axes, *_ in self._panels:
            if event.inaxes is axes and row["kind"] == "el":
                self.channel_picked.emit(str(row["channel"]))


def _columns(n: int, aspect: float) -> int:
    """How many pictures beside each other are largest in a figure of an aspect."""
    sizes = {c: min(aspect / c, 0.75 / math.ceil(n / c)) for c in range(1, n + 1)}
    return max(sizes, key=lambda c: sizes[c])


def _limits(found: dict[str, Any], names: list[str]) -> tuple[float, float]:
    pixels = [found[name].ravel() for name in names if name in found]
    every = np.concatenate(pixels) if pixels else np.empty(0)
    every = every[np.isfinite(every)]
    if not len(every):
        return 0.0, 1.0
    low, high = np.percentile(every, [_LOWEST, _HIGHEST])
    return float(low), float(max(high, low + 1e-9))
