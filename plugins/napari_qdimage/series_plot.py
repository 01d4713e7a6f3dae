"""The current dot against voltage beyond the camera: photon counters, bands of its spectra."""
# mypy: disable-error-code="no-untyped-call"

import numpy as np
from matplotlib.axes import Axes

from napari_qdimage.inspector_plots import NOT_MEASURED, DotPlot
from napari_qdimage.look import dress
from napari_qdimage.widgets.plot_canvas import Stale, message_plot
from qdimage.domain.light_tables import BAND_SERIES, PHOTON_FLUX
from qdimage.reporting.content import Row, rows_of
from qdimage.reporting.dot_chart import Chart
from qdimage.reporting.dot_series import band_chart, counter_chart
from qdimage.reporting.plots import plain_log

_TITLE_PT = 9.5


class SeriesPlot(DotPlot):
    """What the report shows of a dot's counts and bands, one above the other."""

    sheet_of_choice = Stale.GROUND

    def build(self) -> None:
        """Draw what there is, or say that there is nothing."""
        if self.session.current is None:
            message_plot(self.figure, self.look, "choose a dot")
            return
        charts = self._charts()
        if not charts:
            text = f"{self.who}: counts and bands at two voltages or more {NOT_MEASURED}"
            message_plot(self.figure, self.look, text)
            return
        grid = self.figure.add_gridspec(len(charts), 1, hspace=0.4)
        for k, chart in enumerate(charts):
            axes = self.figure.add_subplot(grid[k])
            self._draw(axes, chart)
            if k == len(charts) - 1:
                axes.set_xlabel(chart.x.label)

    def words(self) -> str:
        """Return the answers of the charts, and what is to be known of them."""
        if self.session.current is None:
            return ""
        found = [text for chart in self._charts() for text in (chart.answer, *chart.notes)]
        return ". ".join(text for text in found if text)

    def update_choice(self) -> None:
        """Another dot has other charts: `build` draws them."""

    def _charts(self) -> list[Chart]:
        found = (
            counter_chart(self._rows(PHOTON_FLUX.name)),
            band_chart(self._rows(BAND_SERIES.name)),
        )
        return [chart for chart in found if chart is not None]

    def _rows(self, table: str) -> list[Row]:
        if table not in self.session.measured:
            return []
        frame = self.session.of_field(table)
        own = frame[frame["dot_id"] == self.session.current]
        return sorted(rows_of(own), key=lambda row: row["voltage_v"] or 0.0)

    def _draw(self, axes: Axes, chart: Chart) -> None:
        dress(axes, self.look)
        axes.set_yscale("log")
        plain_log(axes.yaxis)
        for mark in chart.marks:
            if mark.look != "points" or mark.low is None or mark.high is None:
                continue
            low = np.where(mark.low > 0, mark.low, np.nan)
            axes.vlines(mark.x, low, mark.high, color=mark.colour, lw=1.4)
            axes.plot(mark.x, mark.y, "o", color=mark.colour, ms=6, mec="none", label=mark.name)
        seen = np.unique(np.concatenate([mark.x for mark in chart.marks]))
        if len(seen) <= 6:
            axes.set_xticks(seen, [f"{value:g}" for value in seen])
        margin = 0.08 * max(float(np.ptp(seen)), 0.1)
        axes.set_xlim(seen[0] - margin, seen[-1] + margin)
        axes.set_ylabel(chart.y.label)
        axes.set_title(
            f"{self.who}: {chart.title[0].lower()}{chart.title[1:]}",
            loc="left",
            fontsize=_TITLE_PT,
            fontweight="bold",
            color=self.look.ink,
        )
        axes.legend(loc="center left", fontsize=8, frameon=False, labelcolor=self.look.ink)
