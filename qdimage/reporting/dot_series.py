"""Charts of a single dot against voltage beside the camera's: photon counters, bands of spectra."""

from collections.abc import Sequence

import numpy as np

from qdimage.reporting.content import Array, Row
from qdimage.reporting.dot_chart import Axis, Chart, Mark
from qdimage.reporting.style import BLUE, GREY, KIND_COLOUR
from qdimage.reporting.words import number, volts

_SIGMA_95 = 1.959964
_MOST_NOTES = 2
_BANDS = (("dot_band", "dot band", KIND_COLOUR["el"]), ("background_band", "background", BLUE))


def counter_chart(photon_flux: Sequence[Row]) -> Chart | None:
    """Return the photons that were counted, or emitted where the efficiency is known.

    Parameters
    ----------
    photon_flux : rows of the table of this name
        Of one dot, in order of voltage; None is returned for less than two voltages.
    """
    rows = [row for row in photon_flux if row["kind"] == "el" and row["counts_s"] is not None]
    rows = [row for row in rows if row["voltage_v"] is not None]
    if len({row["voltage_v"] for row in rows}) < 2:
        return None
    is_emitted = all(row["emitted_photons_s"] is not None for row in rows)
    name, err = (
        ("emitted_photons_s", "emitted_photons_err_s")
        if is_emitted
        else ("counts_s", "counts_err_s")
    )
    what = "photons emitted (1/s)" if is_emitted else "counts/s"
    marks = [_points(rows, name, err, KIND_COLOUR["el"], "photon counters")]
    seen = [row for row in rows if row["camera_emitted_photons_s"] is not None]
    if is_emitted and seen:
        names = "camera_emitted_photons_s", "camera_emitted_photons_err_s"
        marks.append(_points(seen, *names, GREY, "camera"))
    last = rows[-1]
    return Chart(
        "Photon counters" + (" beside the camera" if len(marks) > 1 else ""),
        f"{number(last[name])} {what.replace(' (1/s)', ' per second')} at "
        f"{volts(last['voltage_v'])}",
        Axis("voltage (V)"),
        Axis(what, log=True),
        (Mark("line", marks[0].x, marks[0].y, KIND_COLOUR["el"], width=1), *marks),
        notes=_notes(rows),
    )


def band_chart(band_series: Sequence[Row]) -> Chart | None:
    """Return the bands of a dot's spectra, its rows of that table; None below two voltages."""
    rows = [row for row in band_series if row["dot_band_counts_s"] is not None]
    if len({row["voltage_v"] for row in rows}) < 2:
        return None
    marks = []
    for band, name, colour in _BANDS:
        own = [row for row in rows if row[f"{band}_counts_s"] is not None]
        if not own:
            continue
        low, high = (_of(own, f"{band}_{end}_counts_s") for end in ("low", "high"))
        x, y = _of(own, "voltage_v"), _of(own, f"{band}_counts_s")
        marks.append(Mark("points", x, y, colour, name, low=low, high=high, width=6))
    return Chart(
        "Bands of the spectra",
        "",
        Axis("voltage (V)"),
        Axis("counts/s", log=True),
        tuple(marks),
        notes=_notes(rows),
    )


def _notes(rows: Sequence[Row]) -> tuple[str, ...]:
    """The messages of the rows; of many only the first and how many there are."""
    found = list(dict.fromkeys(str(row["message"]) for row in rows if row["message"]))
    if len(found) <= _MOST_NOTES:
        return tuple(found)
    return (*found[: _MOST_NOTES - 1], f"and {len(found) - _MOST_NOTES + 1} more such messages")


def _points(rows: list[Row], name: str, err: str, colour: str, words: str) -> Mark:
    y, spread = _of(rows, name), _SIGMA_95 * np.nan_to_num(_of(rows, err))
    x = _of(rows, "voltage_v")
    return Mark("points", x, y, colour, words, low=y - spread, high=y + spread, width=7)


def _of(rows: list[Row], name: str) -> Array:
    return np.array([np.nan if row[name] is None else row[name] for row in rows], np.float64)
