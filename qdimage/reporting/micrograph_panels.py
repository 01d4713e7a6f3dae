"""What each panel of a field's micrographs shows: image, dots in its frame, words."""

from dataclasses import dataclass

import numpy as np

from qdimage.errors import FormatError
from qdimage.io.image_file import read_image
from qdimage.reporting.content import Array, Content, FieldContent, Row, numbers, rows_of
from qdimage.reporting.states import Dots, channel_dots, last_measured, reference_channel
from qdimage.reporting.style import label
from qdimage.reporting.words import count, volts


@dataclass(frozen=True)
class Panel:
    """What one panel shows.

    Attributes
    ----------
    row : dict
        Of the table `channels`.
    image : ndarray or None
    title, count : str
    dots : Dots
        In the image's own frame.
    own : ndarray, shape (n, 2)
        Further places: sources without a PL dot, or all localizations if not registered.
    registered : bool
    trouble : str
        Why there is no answer; "" where there is one.
    pixel_um : float or None
    """

    row: Row
    image: Array | None
    title: str
    count: str
    dots: Dots
    own: Array
    registered: bool
    trouble: str
    pixel_um: float | None


def field_panels(content: Content, field: FieldContent) -> list[Panel]:
    """Return the panels of a field: PL, then EL by voltage."""
    rows = sorted(rows_of(field.tables["channels"]), key=_order)
    voltages = [row["voltage_v"] for row in rows if row["kind"] == "el"]
    reference = reference_channel(field)
    panels = []
    for row in rows:
        if row["kind"] == "el":
            ambiguous = voltages.count(row["voltage_v"]) > 1
            panels.append(_el_panel(content, field, row, ambiguous))
        elif row["channel"] == reference:
            panels.append(_reference_panel(content, field, row))
        else:
            panels.append(_other_pl_panel(content, field, row))
    return panels


def _order(row: Row) -> tuple[bool, float, str]:
    return row["kind"] != "pl", row["voltage_v"] or 0.0, row["channel"]


def _reference_panel(content: Content, field: FieldContent, row: Row) -> Panel:
    image, trouble = _image(content, row)
    highest = last_measured(field)
    title = "PL" if highest is None else f"PL (circles: EL {volts(highest[1])})"
    dots = channel_dots(field, None if highest is None else highest[0])
    n = len(field.tables["dots"])
    return Panel(
        row, image, title, count(n, "dot"), dots, np.empty((0, 2)), True, trouble, field.pixel_um
    )


def _other_pl_panel(content: Content, field: FieldContent, row: Row) -> Panel:
    """A PL channel that is not the reference: nothing maps the dots into its frame."""
    image, trouble = _image(content, row)
    own = _own_places(field, row["channel"], only_unmatched=False)
    found = count(len(own), "localization")
    return Panel(
        row, image, label(row["channel"], 20), found, Dots.none(), own, False, trouble, None
    )


def _el_panel(content: Content, field: FieldContent, row: Row, ambiguous: bool) -> Panel:
    image, trouble = _image(content, row)
    name = label(row["channel"], 14) if ambiguous else "EL"
    found = field.tables["registration"]
    registration = rows_of(found[found["channel"] == row["channel"]])
    fractions = field.tables["turn_on"]
    turn_on = rows_of(fractions[fractions["channel"] == row["channel"]])
    affine = _affine(registration[0]) if registration else None
    counted = ""
    if turn_on and turn_on[0]["n_pl"] is not None:
        counted = f"{turn_on[0]['n_lit']} / {turn_on[0]['n_pl']} lit"
    for answer in (*registration, *turn_on):
        if answer["status"] not in ("", "ok"):
            trouble = trouble or f"{answer['status']}: {answer['message']}"
    dots, own = Dots.none(), _own_places(field, row["channel"], only_unmatched=affine is not None)
    if affine is not None:
        dots = channel_dots(field, row["channel"]).moved(inverse(affine))
    pixel_um = None
    if affine is not None and field.pixel_um is not None:
        pixel_um = field.pixel_um * float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))
    title = f"{name} at {volts(row['voltage_v'])}"
    return Panel(row, image, title, counted, dots, own, affine is not None, trouble, pixel_um)


def _image(content: Content, row: Row) -> tuple[Array | None, str]:
    if not row["image"]:
        return None, f"{row['status']}: {row['message']}" if row["message"] else "no image"
    try:
        image = read_image(content.out / row["image"])
    except FormatError:
        return None, f"{row['image']} is missing or damaged; run the analysis again"
    if image.ndim != 2 or image.size == 0:
        return None, f"{row['image']} is no picture; run the analysis again"
    return image, ""


def _affine(row: Row) -> Array | None:
    values = [row[f"m{i}{j}"] for i in range(2) for j in range(3)]
    if row["status"] != "ok" or any(value is None for value in values):
        return None
    affine = np.array(values, float).reshape(2, 3)
    return affine if abs(np.linalg.det(affine[:, :2])) > 0 else None


def inverse(affine: Array) -> Array:
    """Return the map back, of a 2x3 affine map."""
    linear = np.linalg.inv(affine[:, :2])
    return np.column_stack([linear, -linear @ affine[:, 2]])


def _own_places(field: FieldContent, channel: str, *, only_unmatched: bool) -> Array:
    found = field.tables["localizations"]
    own = found[found["channel"] == channel]
    if only_unmatched:
        matches = field.tables["matches"]
        matches = matches[matches["channel"] == channel]
        free = set(matches.loc[matches["dot_id"].isna(), "loc_id"])
        own = own[own["loc_id"].isin(free)]
    return np.column_stack([numbers(own, "x_px"), numbers(own, "y_px")])
