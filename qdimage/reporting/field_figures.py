"""The figures of fields, which take longest of a report: drawn one field beside the other."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from qdimage.pipeline.names import field_folder
from qdimage.pipeline.places import Place
from qdimage.reporting.blocks import Drawing
from qdimage.reporting.content import Content, FieldContent
from qdimage.reporting.drawn import FOLDER, Draw, Picture, draw_into
from qdimage.reporting.embedding import embedded
from qdimage.reporting.sections import FIELD_SECTIONS
from qdimage.reporting.troubles import needs_a_look

Progress = Callable[[str, int, int], None]

MOST_WITH_PICTURES = 12


def field_prefix(field: FieldContent) -> str:
    """Return what the names of a field's figures begin with."""
    return f"field_{field_folder(field.number, field.name)}"


def fields_with_pictures(content: Content) -> set[int]:
    """Return the numbers of the fields whose figures the file holds: those with warnings first."""
    ordered = sorted(content.fields, key=lambda field: not needs_a_look(field))
    return {field.number for field in ordered[:MOST_WITH_PICTURES]}


def draw_fields_at(place: Place, content: Content, progress: Progress | None) -> Draw:
    """Return what draws all figures: those of fields at a place, the others in this process.

    Parameters
    ----------
    place : Place
        Of this machine, since figures are written where they are drawn.
    content : Content
    progress : callable or None
        Called as ``progress(what, done, total)`` after each field.
    """
    here = draw_into(content.out)
    on_page = fields_with_pictures(content)
    started = {
        field_prefix(field): (
            field.name,
            place.start(partial(_draw_field, content.out, field, field.number in on_page)),
        )
        for field in content.fields
    }
    pictures: dict[str, dict[str, Picture | None]] = {}

    def draw(drawing: Drawing, prefix: str) -> Picture | None:
        if prefix not in started:
            return here(drawing, prefix)
        if prefix not in pictures:
            name, answer = started[prefix]
            pictures[prefix] = answer()
            if progress is not None:
                progress(f"{name}, figures", len(pictures), len(started))
        return pictures[prefix][drawing.kind]

    return draw


def _draw_field(out: Path, field: FieldContent, on_page: bool) -> dict[str, Picture | None]:
    """Draw a field's figures, and return them by their kind, packed where the page holds them."""
    alone = Content(out, {}, (field,), field.tables)
    draw = draw_into(out)
    blocks = (block for section in FIELD_SECTIONS for block in section.show(alone, field))
    pictures = {
        block.kind: draw(block, field_prefix(field))
        for block in blocks
        if isinstance(block, Drawing)
    }
    if not on_page:
        return pictures
    return {kind: each and _packed(out, each) for kind, each in pictures.items()}


def _packed(out: Path, picture: Picture) -> Picture:
    return replace(picture, packed=embedded(out / FOLDER / picture.file))
