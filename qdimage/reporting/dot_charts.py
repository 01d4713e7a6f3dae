"""What the report shows of a single dot, in order.

To add something, write a function that returns charts (see `dot_chart`) and name it here.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from qdimage.domain.light_tables import BAND_SERIES, PHOTON_FLUX
from qdimage.domain.photon_tables import RATE_FITS
from qdimage.reporting.content import Array, Content, Row
from qdimage.reporting.dot_chart import Axis, Chart, Mark
from qdimage.reporting.dot_curves import (
    decay_charts,
    file_title,
    g2_charts,
    spectrum_charts,
    trace_charts,
    with_ends,
)
from qdimage.reporting.dot_series import band_chart, counter_chart
from qdimage.reporting.dot_subjects import Subject
from qdimage.reporting.style import GREY, KIND_COLOUR
from qdimage.reporting.words import NOTHING, flux_unit, number, volts

Charts = Callable[[Content, Subject], Iterable[Chart]]
_RATE_HEADINGS = (
    "file",
    "injection or pump",
    "electrons",
    "holes",
    "model g2(0)",
    "p",
    "remarks",
)


def flux_charts(content: Content, subject: Subject) -> Iterator[Chart]:
    """Return the EL flux against voltage."""
    rows = [row for row in subject.of("dot_channels") if row["voltage_v"] is not None]
    rows = [row for row in rows if row["photons_s"] is not None]
    if not rows or subject.dot is None:
        return
    colour = KIND_COLOUR["el"]
    lit, dark = [r for r in rows if r["lit"]], [r for r in rows if not r["lit"]]
    voltage = _of(rows, "voltage_v")
    heights = np.where([bool(r["lit"]) for r in rows], _of(rows, "photons_s"), _upper(rows))
    marks = [Mark("line", voltage, heights, colour, width=1)]
    if lit:
        flux, error = _of(lit, "photons_s"), _of(lit, "photons_err_s")
        ends = flux - error, flux + error
        at = _of(lit, "voltage_v")
        marks.append(
            Mark("points", at, flux, colour, "detected", low=ends[0], high=ends[1], width=7)
        )
    if dark:
        at = _of(dark, "voltage_v")
        marks.append(Mark("limits", at, _upper(dark), colour, "95 % upper limit", width=8))
    f_min = _f_min(content)
    if f_min is not None:
        marks.insert(0, Mark("level", np.zeros(1), np.array([f_min]), GREY, "F_min"))
    spread = 0.08 * (float(np.ptp(voltage)) or 1.0)
    x = Axis("voltage (V)", low=float(voltage.min()) - spread, high=float(voltage.max()) + spread)
    unit = flux_unit(list(dict.fromkeys(row["signal_unit"] for row in rows if row["signal_unit"])))
    yield Chart(
        "EL flux at the camera",
        _turn_on(subject.dot),
        x,
        Axis(f"EL flux ({unit})", log=True),
        tuple(marks),
    )


def counter_charts(content: Content, subject: Subject) -> Iterator[Chart]:
    """Return the photon counters' rate against voltage."""
    chart = counter_chart(subject.of(PHOTON_FLUX.name))
    if chart is not None:
        yield chart


def band_charts(content: Content, subject: Subject) -> Iterator[Chart]:
    """Return the bands of the spectra against voltage."""
    chart = band_chart(subject.of(BAND_SERIES.name))
    if chart is not None:
        yield chart


def rate_charts(content: Content, subject: Subject) -> Iterator[Chart]:
    """Return the fitted rates: against voltage where there are several, and as a table."""
    rows = subject.of(RATE_FITS.name)
    if not rows:
        return
    known = [
        row
        for row in rows
        if row["injection_rate_per_us"] is not None and row["voltage_v"] is not None
    ]
    marks: tuple[Mark, ...] = ()
    if len({row["voltage_v"] for row in known}) > 1:
        at, rate = _of(known, "voltage_v"), _of(known, "injection_rate_per_us")
        ends = [_of(known, f"injection_rate_{end}_per_us") for end in ("low", "high")]
        colour = KIND_COLOUR["el"]
        marks = (
            Mark("line", at, rate, colour, width=1),
            Mark("points", at, rate, colour, low=ends[0], high=ends[1], width=7),
        )
    yield Chart(
        "Rates of the fitted model",
        "per microsecond, into the neutral dot; 95 % intervals hold if the model does",
        Axis("voltage (V)"),
        Axis("injection rate (1/\N{MICRO SIGN}s)", log=True),
        marks,
        headings=_RATE_HEADINGS,
        rows=tuple(_rate_row(row) for row in rows),
    )


def _rate_row(row: Row) -> tuple[str, ...]:
    rates = (
        with_ends(row, f"{name}_rate", "_per_us")
        if row[f"{name}_rate_per_us"] is not None
        else NOTHING
        for name in ("injection", "electron", "hole")
    )
    model = with_ends(row, "g2_0_model") if row["g2_0_model"] is not None else NOTHING
    remarks = "; ".join(
        text for text in (str(row["flags"] or "").replace(";", ", "), row["message"]) if text
    )
    return (file_title(row), *rates, model, number(row["p_value"], 2), remarks)


def _of(rows: list[Row], name: str) -> Array:
    return np.array([np.nan if row[name] is None else row[name] for row in rows], np.float64)


def _upper(rows: list[Row]) -> Array:
    upper = _of(rows, "photons_upper_s")
    return np.where(np.isfinite(upper), upper, _of(rows, "photons_s"))


def _f_min(content: Content) -> float | None:
    """F_min, which is one for the whole run."""
    limits = content.tables["turn_on"]["f_min_photons_s"].dropna()
    return float(limits.iloc[0]) if len(limits) else None


def _turn_on(dot: Row) -> str:
    low, high = dot["turn_on_voltage_low_v"], dot["turn_on_voltage_high_v"]
    if high is None:
        return "" if low is None else f"dark up to {volts(low)}"
    return f"lit from {volts(high)}" + ("" if low is None else f", dark up to {volts(low)}")


# Title, and what makes its charts.
DOT_CHARTS: tuple[tuple[str, Charts], ...] = (
    ("Intensity against voltage", flux_charts),
    ("Counts against voltage", counter_charts),
    ("Antibunching", g2_charts),
    ("Spectrum", spectrum_charts),
    ("Bands against voltage", band_charts),
    ("Intensity trace", trace_charts),
    ("Decay", decay_charts),
    ("Rate fit", rate_charts),
)
