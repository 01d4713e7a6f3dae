"""The report as one self-contained HTML file."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from qdimage.domain.flags import FLAG_MEANING, flag_names
from qdimage.reporting.answers import headlines
from qdimage.reporting.content import Content, FieldContent, Row, rows_of
from qdimage.reporting.curve_words import device_curves, spread_rows, two_decimals, with_interval
from qdimage.reporting.dot_table import MOST_ROWS, dot_table
from qdimage.reporting.origins import channel_rows, options_of_run
from qdimage.reporting.photon_answers import below_sentence, photon_part
from qdimage.reporting.pictures import FOLDER, Picture, Pictures
from qdimage.reporting.troubles import find_warnings, needs_a_look
from qdimage.reporting.words import count, number, percent, volts

_TEMPLATES = Path(__file__).parent / "templates"
MOST_FIELDS_WITH_PICTURES = 12
_MANY_TROUBLES = 12


def render(content: Content, pictures: Pictures) -> str:
    """Return the report's HTML."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, percent=percent, volts=volts, below=below_sentence)
    environment.filters.update(between=with_interval, two_decimals=two_decimals)
    environment.globals.update(count=count, data_uri=_data_uri(content.out), folder=FOLDER)
    return environment.get_template("report.html").render(_context(content, pictures))


def _context(content: Content, pictures: Pictures) -> dict[str, Any]:
    chosen = _with_pictures(content)
    return {
        "record": content.record,
        "headlines": headlines(content),
        "warnings": find_warnings(content),
        "many_troubles": _MANY_TROUBLES,
        "device_pictures": pictures.by_device,
        "devices_pictures": pictures.of_devices,
        "curves": {device: device_curves(content, device) for device in content.devices},
        "spread": spread_rows(content),
        "photons": photon_part(content),
        "photon_pictures": pictures.photons,
        "run_pictures": pictures.of_run,
        "fields": [_field(field, pictures, field.number in chosen) for field in content.fields],
        "n_without_pictures": len(content.fields) - len(chosen),
        "dots": dot_table(content),
        "most_rows": MOST_ROWS,
        "flags": [(flag_names(flag), meaning) for flag, meaning in FLAG_MEANING.items()],
        "options": options_of_run(content),
        "method": _method(content),
    }


def _data_uri(out: Path) -> Any:
    def uri(picture: Picture) -> str:
        data = (out / FOLDER / f"{picture.stem}.png").read_bytes()
        return "data:image/png;base64," + base64.b64encode(data).decode("ascii")

    return uri


def _with_pictures(content: Content) -> set[int]:
    """Numbers of the fields whose figures the file holds: those with warnings first."""
    ordered = sorted(content.fields, key=lambda field: not needs_a_look(field))
    return {field.number for field in ordered[:MOST_FIELDS_WITH_PICTURES]}


def _field(field: FieldContent, pictures: Pictures, with_pictures: bool) -> dict[str, Any]:
    return {
        "number": field.number,
        "device": field.device,
        "name": field.name,
        "record": field.record,
        "pixel_um": field.pixel_um,
        "n_dots": len(field.tables["dots"]),
        "channels": channel_rows(field),
        "el": _el_rows(field),
        "pictures": pictures.by_field[field.number],
        "with_pictures": with_pictures,
        "needs_a_look": needs_a_look(field),
    }


def _el_rows(field: FieldContent) -> list[Row]:
    """EL channels in order of voltage, with what three tables say about each."""
    registration = {row["channel"]: row for row in rows_of(field.tables["registration"])}
    turn_on = {row["channel"]: row for row in rows_of(field.tables["turn_on"])}
    rows = [
        {
            "channel": row,
            "registration": registration.get(row["channel"]),
            "turn_on": turn_on.get(row["channel"]),
        }
        for row in channel_rows(field)
        if row["kind"] == "el"
    ]
    return rows


def _method(content: Content) -> dict[str, Any]:
    """Options that the methods paragraph names, as in the first field; {} where not recorded."""
    options = content.fields[0].record.get("options", {}) if content.fields else {}
    stages = ("image", "localize", "register", "match")
    return options if all(isinstance(options.get(stage), dict) for stage in stages) else {}
