"""The pages of the report: what the run shows, and each device with its fields."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from qdimage.pipeline.names import slug
from qdimage.reporting.answers import Headline, headline
from qdimage.reporting.blocks import Drawing
from qdimage.reporting.content import Content, FieldContent
from qdimage.reporting.drawn import Draw, DrawnBlock, DrawnSection, Picture, drawn
from qdimage.reporting.field_figures import MOST_WITH_PICTURES, field_prefix, fields_with_pictures
from qdimage.reporting.photon_answers import PhotonHeadline, photon_headline
from qdimage.reporting.sections import DEVICE_SECTIONS, FIELD_SECTIONS, RUN_SECTIONS
from qdimage.reporting.troubles import needs_a_look


@dataclass(frozen=True)
class FieldPart:
    """A field on the page of its device."""

    number: int
    name: str
    needs_a_look: bool
    blocks: tuple[DrawnBlock, ...]

    @property
    def anchor(self) -> str:
        """Where links to it lead."""
        return f"field-{self.number}"


@dataclass(frozen=True)
class DevicePage:
    """The page of a device.

    Attributes
    ----------
    number : int
        From 1.
    headline : Headline
    photons : PhotonHeadline or None
        None where it has no time tags.
    sections : tuple of DrawnSection
    fields : tuple of FieldPart
    """

    number: int
    name: str
    headline: Headline
    photons: PhotonHeadline | None
    sections: tuple[DrawnSection, ...]
    fields: tuple[FieldPart, ...]

    @property
    def anchor(self) -> str:
        """Where links to it lead."""
        return f"device-{self.number}"

    @property
    def face(self) -> Picture | None:
        """The figure that stands for it on the first page; None without any in the file."""
        blocks = (block for section in self.sections for block in section.blocks)
        return next((b for b in blocks if isinstance(b, Picture) and b.embedded), None)


@dataclass(frozen=True)
class Pages:
    """All that the report shows of a run and its devices.

    Attributes
    ----------
    run : tuple of DrawnSection
    devices : tuple of DevicePage
    n_without_pictures : int
        Fields whose figures are only on disk.
    """

    run: tuple[DrawnSection, ...]
    devices: tuple[DevicePage, ...]
    n_without_pictures: int


def make_pages(content: Content, draw: Draw) -> Pages:
    """Return the pages of a run, their figures drawn by `draw`."""
    run = [
        DrawnSection(f"overview-{each.key}", each.title, drawn(each.show(content), draw, "run"))
        for each in RUN_SECTIONS
    ]
    shown = fields_with_pictures(content)
    devices = tuple(
        _device(content, number, name, draw, shown)
        for number, name in enumerate(content.devices, start=1)
    )
    return Pages(_filled(run), devices, len(content.fields) - len(shown))


def _filled(sections: Iterable[DrawnSection]) -> tuple[DrawnSection, ...]:
    return tuple(section for section in sections if section.blocks)


def _device(
    content: Content, number: int, name: str, draw: Draw, with_pictures: set[int]
) -> DevicePage:
    prefix = f"device_{number:02d}_{slug(name)}"
    kept = draw if number <= MOST_WITH_PICTURES else _on_disk(draw)
    sections = [
        DrawnSection(
            f"device-{number}-{each.key}", each.title, drawn(each.show(content, name), kept, prefix)
        )
        for each in DEVICE_SECTIONS
    ]
    fields = tuple(
        _field(content, field, draw if field.number in with_pictures else _on_disk(draw))
        for field in content.fields
        if field.device == name
    )
    photons = photon_headline(content, name) if len(content.of_device("photons", name)) else None
    return DevicePage(number, name, headline(content, name), photons, _filled(sections), fields)


def _field(content: Content, field: FieldContent, draw: Draw) -> FieldPart:
    prefix = field_prefix(field)
    blocks = (block for each in FIELD_SECTIONS for block in each.show(content, field))
    return FieldPart(
        field.number, field.name, needs_a_look(field), tuple(drawn(blocks, draw, prefix))
    )


def _on_disk(draw: Draw) -> Draw:
    def only_named(drawing: Drawing, prefix: str) -> Picture | None:
        picture = draw(drawing, prefix)
        return None if picture is None else replace(picture, embedded=False)

    return only_named
