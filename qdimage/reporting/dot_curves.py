"""Charts of the curves that were measured of a dot: g2, spectra, traces, decays."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from qdimage.domain.photon_tables import LIFETIMES, PHOTONS, TRACES
from qdimage.domain.spectrum_tables import SPECTRA
from qdimage.reporting.content import Array, Content, Row, numbers
from qdimage.reporting.dot_chart import Axis, Chart, Mark
from qdimage.reporting.dot_subjects import Subject
from qdimage.reporting.photon_curves import curve_view, read_curve
from qdimage.reporting.style import INK, KIND_COLOUR, VERMILION
from qdimage.reporting.words import NOTHING, number, percent, volts

if TYPE_CHECKING:
    import pandas as pd

_MOST_MODEL, _MOST_TRACE, _MOST_DECAY, _MOST_SPECTRUM = 400, 600, 400, 700
_G2_BOTTOM, _G2_TOP = -0.06, 1.3

Draw = Callable[[Row, "pd.DataFrame"], Chart | None]


def g2_charts(content: Content, subject: Subject) -> Iterator[Chart]:
    """Return a chart for each correlation curve."""
    yield from _charts(content, subject, PHOTONS.name, _g2, g2_words)


def spectrum_charts(content: Content, subject: Subject) -> Iterator[Chart]:
    """Return a chart for each spectrum."""
    yield from _charts(content, subject, SPECTRA.name, _spectrum, spectrum_words)


def trace_charts(content: Content, subject: Subject) -> Iterator[Chart]:
    """Return a chart for each intensity trace."""
    yield from _charts(content, subject, TRACES.name, _trace, trace_words)


def decay_charts(content: Content, subject: Subject) -> Iterator[Chart]:
    """Return a chart for each decay."""
    rows = [row for row in subject.of(LIFETIMES.name) if row["curve"] or row["status"] == "ok"]
    for row in rows:
        yield _chart(content, row, _decay, decay_words)


def _charts(
    content: Content, subject: Subject, table: str, draw: Draw, words: Callable[[Row], str]
) -> Iterator[Chart]:
    for row in subject.of(table):
        yield _chart(content, row, draw, words)


def _chart(content: Content, row: Row, draw: Draw, words: Callable[[Row], str]) -> Chart:
    frame = read_curve(content.out, row)
    chart = None if frame is None else draw(row, frame)
    flags = str(row.get("flags") or "").replace(";", ", ")
    notes = (flags, str(row["message"] or ""))
    what = chart or Chart("", "")
    return Chart(
        file_title(row),
        words(row),
        what.x,
        what.y,
        what.marks,
        what.below,
        notes,
        source=str(row["curve"] or "") if chart else "",
    )


def file_title(row: Row) -> str:
    """Return what a file is of: "EL 2.6 V, d01_el_2.6V.ptu"."""
    voltage = "" if row.get("voltage_v") is None else f" {volts(row['voltage_v'])}"
    return f"{str(row['kind']).upper()}{voltage}, {str(row['file']).rsplit('/', 1)[-1]}"


def with_ends(row: Row, name: str, unit: str = "") -> str:
    """Return a value with its 95 % interval."""
    low, high = row[f"{name}_low{unit}"], row[f"{name}_high{unit}"]
    text = number(row[f"{name}{unit}"], 2)
    return text if low is None else f"{text} ({number(low, 2)}{NOTHING}{number(high, 2)})"


def g2_words(row: Row) -> str:
    """Return g2(0) with its interval, or why there is none."""
    if row["g2_0"] is None:
        return f"g2(0) {row['status']}"
    return f"g2(0) = {with_ends(row, 'g2_0')}"


def trace_words(row: Row) -> str:
    """Return how long a dot was on, or its levels."""
    if row["on_fraction"] is not None:
        return f"on for {percent(row['on_fraction'])} % of the time"
    n = row["n_levels"]
    return str(row["status"]) if n is None else f"{n} level{'' if n == 1 else 's'}"


def decay_words(row: Row) -> str:
    """Return the lifetime with its error."""
    if row["main_lifetime_ns"] is None:
        return str(row["status"])
    error = row["main_lifetime_err_ns"]
    spread = "" if error is None else f" ± {number(error, 2)}"
    return f"lifetime {number(row['main_lifetime_ns'])}{spread} ns"


def spectrum_words(row: Row) -> str:
    """Return peak and width with their errors."""
    if row["peak_nm"] is None:
        return str(row["status"])
    text = f"peak {row['peak_nm']:.2f}"
    if row["peak_err_nm"] is not None:
        text += f" ± {number(row['peak_err_nm'], 2)}"
    text += " nm"
    if row["fwhm_nm"] is not None:
        text += f", FWHM {number(row['fwhm_nm'])} nm"
    return text


def _colour(row: Row) -> str:
    return KIND_COLOUR.get(str(row["kind"]), INK)


def _g2(row: Row, frame: "pd.DataFrame") -> Chart | None:
    view = curve_view(frame, row)
    if view is None or not len(view.lag_ns):
        return None
    marks = [
        Mark(
            "points",
            view.lag_ns,
            view.g2,
            _colour(row),
            low=view.g2 - view.g2_err,
            high=view.g2 + view.g2_err,
            width=4,
        )
    ]
    every = max(len(view.model_lag_ns) // _MOST_MODEL, 1)
    first = int(np.abs(view.model_lag_ns).argmin()) % every
    for model, name, colour, dashed in (
        (view.model, "fit of the dip", INK, False),
        (view.rate_model, "rate model", VERMILION, True),
    ):
        if np.isfinite(model).any():
            x, y = view.model_lag_ns[first::every], model[first::every]
            marks.append(Mark("line", x, y, colour, name, dashed=dashed))
    marks += _g2_zero(row)
    span = float(np.abs(view.lag_ns).max()) or 1.0
    top = max(_G2_TOP, 1.15 * float(np.quantile(view.g2, 0.98)))
    residual = Mark("points", view.lag_ns, view.residual, INK, width=2.5)
    return Chart(
        "",
        "",
        Axis("delay (ns)", low=-span, high=span),
        Axis("g2 / plateau", low=_G2_BOTTOM, high=top),
        tuple(marks),
        (residual,) if np.isfinite(view.residual).any() else (),
    )


def _g2_zero(row: Row) -> Iterator[Mark]:
    zero = np.zeros(1)
    for end, width in (("", 1.6), ("_68", 5.0)):
        low, high = row[f"g2_0_low{end}"], row[f"g2_0_high{end}"]
        if low is not None and high is not None:
            ends = np.array([low]), np.array([high])
            yield Mark("interval", zero, zero, VERMILION, low=ends[0], high=ends[1], width=width)
    if row["g2_0"] is not None:
        yield Mark("points", zero, np.array([row["g2_0"]]), VERMILION, "g2(0)", width=7)


def _spectrum(row: Row, frame: "pd.DataFrame") -> Chart | None:
    if not {"wavelength_nm", "counts"} <= set(frame.columns):
        return None
    x, counts = numbers(frame, "wavelength_nm"), numbers(frame, "counts")
    n = _wanted(len(x), _MOST_SPECTRUM)
    marks = [Mark("steps", _joined(x, n), _joined(counts, n), _colour(row), "counts", width=1.2)]
    if "model" in frame and frame["model"].notna().any():
        model = numbers(frame, "model")
        seen = np.isfinite(model)
        few = _wanted(int(seen.sum()), _MOST_MODEL)
        marks.append(Mark("line", x[seen][::few], model[seen][::few], INK, "fit"))
    return Chart("", "", Axis("wavelength (nm)"), Axis("counts"), tuple(marks))


def _trace(row: Row, frame: "pd.DataFrame") -> Chart | None:
    if not {"time_s", "counts"} <= set(frame.columns):
        return None
    time, counts = numbers(frame, "time_s"), numbers(frame, "counts")
    bin_s = row["bin_s"] or (float(time[1] - time[0]) if len(time) > 1 else 1.0)
    n = _wanted(len(time), _MOST_TRACE)
    rate = _joined(counts, n) / bin_s
    marks = [Mark("line", _joined(time, n), rate, _colour(row), "counts", width=0.9)]
    if "level_counts_s" in frame:
        levels = numbers(frame, "level_counts_s")
        turns = np.flatnonzero(np.diff(levels, prepend=np.nan, append=np.nan) != 0)
        ends = np.append(time, time[-1] + bin_s)[np.repeat(turns, 2)[1:-1]]
        heights = np.repeat(levels[turns[:-1]], 2)
        marks.append(Mark("line", ends, heights, INK, "level"))
    if row["on_threshold_counts_s"]:
        y = np.array([row["on_threshold_counts_s"]])
        marks.append(Mark("level", np.zeros(1), y, VERMILION, "on above"))
    top = max(1.08 * float(np.nanmax(rate, initial=0.0)), 1.0)
    return Chart("", "", Axis("time (s)"), Axis("counts/s", low=0.0, high=top), tuple(marks))


def _decay(row: Row, frame: "pd.DataFrame") -> Chart | None:
    if not {"time_ns", "counts", "model"} <= set(frame.columns):
        return None
    names = ("time_ns", "counts", "model")
    n = _wanted(len(frame), _MOST_DECAY)
    time, counts, model = (_joined(numbers(frame, name), n) for name in names)
    seen = counts > 0
    if not seen.any():
        return None
    marks = [Mark("points", time[seen], counts[seen], _colour(row), "counts", width=3)]
    if np.isfinite(model).any():
        marks.append(Mark("line", time, model, INK, "fit"))
    below: tuple[Mark, ...] = ()
    if "residual" in frame:
        residual = _joined(numbers(frame, "residual"), n) * np.sqrt(n)
        below = (Mark("points", time, residual, INK, width=2.5),)
    low, high = 0.7 * float(counts[seen].min()), 1.8 * float(counts.max())
    y = Axis("counts per bin", log=True, low=low, high=high)
    return Chart("", "", Axis("time after the pulse (ns)"), y, tuple(marks), below)


def _wanted(n: int, most: int) -> int:
    """Return how many neighbours are joined so that no more are left."""
    return max(-(-n // most), 1)


def _joined(values: Array, n: int) -> Array:
    """Return means of n neighbours each, what is left at the end dropped."""
    return np.asarray(values[: len(values) // n * n].reshape(-1, n).mean(axis=1))
