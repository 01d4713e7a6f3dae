"""The report as one self-contained HTML file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from qdimage.domain.colours import EL_STOPS, PL_STOPS
from qdimage.domain.flags import FLAG_MEANING, flag_names
from qdimage.reporting.blocks import Grid, Part, Words
from qdimage.reporting.content import Content
from qdimage.reporting.curve_words import two_decimals, with_interval
from qdimage.reporting.dot_documents import dot_documents
from qdimage.reporting.dot_subjects import subjects
from qdimage.reporting.dot_table import MOST_ROWS, dot_table, table_json
from qdimage.reporting.drawn import FOLDER, Picture
from qdimage.reporting.embedding import Embedded, embedded
from qdimage.reporting.origins import channel_rows, options_of_run
from qdimage.reporting.pages import Pages
from qdimage.reporting.photon_answers import below_sentence
from qdimage.reporting.troubles import find_warnings
from qdimage.reporting.words import count, number, percent, volts

_TEMPLATES = Path(__file__).parent / "templates"
_MANY_TROUBLES = 12


def render(content: Content, pages: Pages) -> str:
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
    environment.filters.update(script_json=script_json)
    environment.tests.update(
        words=lambda block: isinstance(block, Words),
        grid=lambda block: isinstance(block, Grid),
        picture=lambda block: isinstance(block, Picture),
        part=lambda block: isinstance(block, Part),
    )
    environment.globals.update(count=count, embed=_embed(content.out), folder=FOLDER)
    return environment.get_template("report.html").render(_context(content, pages))


def script_json(value: Any) -> Markup:
    """Return JSON that can stand in a script element, whatever its texts say."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  nothing is left in it that HTML would read


def _context(content: Content, pages: Pages) -> dict[str, Any]:
    found = subjects(content)
    table = dot_table(content, found)
    flags = {flag_names(flag): meaning for flag, meaning in FLAG_MEANING.items()}
    documents, heads = dot_documents(content, found[:MOST_ROWS])
    return {
        "record": content.record,
        "pages": pages,
        "warnings": find_warnings(content),
        "many_troubles": _MANY_TROUBLES,
        "has_photons": any(page.photons for page in pages.devices),
        "fields": [
            {
                "device": field.device,
                "name": field.name,
                "record": field.record,
                "channels": channel_rows(field),
            }
            for field in content.fields
        ],
        "n_subjects": len(found),
        "n_files": sum(subject.dot is None for subject in found),
        "most_rows": MOST_ROWS,
        "table": table_json(table),
        "documents": documents,
        "heads": {"fields": heads, "maps": {"pl": PL_STOPS, "el": EL_STOPS}, "flags": flags},
        "flags": flags,
        "options": options_of_run(content),
        "method": _method(content),
    }


def _embed(out: Path) -> Callable[..., Embedded]:
    def embed(picture: Picture, *, thumbnail: bool = False) -> Embedded:
        if picture.packed is not None and not thumbnail:
            return picture.packed
        return embedded(out / FOLDER / picture.file, thumbnail=thumbnail)

    return embed


def _method(content: Content) -> dict[str, Any]:
    """Options that the methods paragraph names, as in the first field; {} where not recorded."""
    options = content.fields[0].record.get("options", {}) if content.fields else {}
    stages = ("image", "localize", "register", "match")
    return options if all(isinstance(options.get(stage), dict) for stage in stages) else {}
