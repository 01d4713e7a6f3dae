"""What the report shows, in order.

To add a section, write a function that returns its blocks (see `blocks`) and name it here in one
line, in the tuple of the level that it is about: the run, a device, a field. What is shown of a
single dot is listed in `dot_charts` in the same way.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import ParamSpec

from qdimage.reporting import pictures
from qdimage.reporting.answers import headline
from qdimage.reporting.blocks import Block, Part, Section
from qdimage.reporting.comparison import comparison_blocks
from qdimage.reporting.content import Content, FieldContent
from qdimage.reporting.curve_words import device_curves, spread_rows
from qdimage.reporting.field_rows import field_rows
from qdimage.reporting.photon_answers import photon_part
from qdimage.reporting.pmma_words import series_grid, window_grid
from qdimage.reporting.series_answers import efficiency_grid, flux_blocks, iv_grid, turn_on_grid
from qdimage.reporting.spectrum_words import spectra_grid

P = ParamSpec("P")


def _figures(*kinds: pictures.FigureKind[P]) -> Callable[P, Iterable[Block]]:
    def show(*args: P.args, **kwargs: P.kwargs) -> Iterator[Block]:
        return (kind.of(*args, **kwargs) for kind in kinds)

    return show


def _devices(content: Content) -> Iterator[Block]:
    yield pictures.DEVICES.of(content)
    spread = spread_rows(content)
    if spread:
        yield Part("spread.html", {"rows": spread})


def _populations(content: Content) -> Iterator[Block]:
    yield pictures.SMALLEST_G2.of(content)
    photons = photon_part(content)
    if photons is not None and photons.populations:
        yield Part("populations.html", {"photons": photons})


def _turn_on(content: Content, device: str) -> Iterator[Block]:
    found = headline(content, device)
    if not found.rows:
        return
    yield Part("turn_on.html", {"headline": found})
    yield pictures.TURN_ON.of(content, device)
    yield pictures.BETWEEN_FIELDS.of(content, device)
    curves = device_curves(content, device)
    if curves:
        yield Part("turn_on_curves.html", {"rows": curves})


def _rates(content: Content, device: str) -> Iterator[Block]:
    photons = photon_part(content, device)
    if photons is not None and photons.rates:
        yield Part("rates.html", {"rows": photons.rates})


def _files(content: Content, device: str) -> Iterator[Block]:
    photons = photon_part(content, device)
    if photons is not None:
        yield Part("photon_files.html", {"photons": photons})


def _series(content: Content, device: str) -> Iterator[Block]:
    yield from (each.of(content, device) for each in (pictures.EL_SERIES, pictures.BANDS))
    grid = turn_on_grid(content, device)
    if grid is not None:
        yield grid
    yield pictures.PHOTON_FLUX.of(content, device)
    yield from flux_blocks(content, device)


def _current(content: Content, device: str) -> Iterator[Block]:
    yield pictures.IV.of(content, device)
    for grid in (iv_grid(content, device), efficiency_grid(content, device)):
        if grid is not None:
            yield grid


def _field(content: Content, field: FieldContent) -> Iterator[Block]:
    yield Part("field.html", {"field": field_rows(field)})
    yield pictures.MICROGRAPHS.of(content, field)
    yield pictures.REGISTRATION.of(content, field)
    yield pictures.TURN_ON_MAP.of(content, field)
    yield pictures.NULL.of(content, field)


def _areas(content: Content) -> Iterator[Block]:
    yield pictures.PMMA.of(content)
    for grid in (window_grid(content), series_grid(content)):
        if grid is not None:
            yield grid


def _spectra(content: Content, device: str) -> Iterator[Block]:
    yield pictures.SPECTRA.of(content, device)
    yield pictures.EL_OVER_PL.of(content, device)
    grid = spectra_grid(content, device)
    if grid is not None:
        yield grid


RUN_SECTIONS: tuple[Section[[Content]], ...] = (
    Section("publication", "Beside the publication", comparison_blocks),
    Section("devices", "Devices", _devices),
    Section("populations", "Single-photon emission", _populations),
    Section("areas", "Areas under PMMA", _areas),
)

DEVICE_SECTIONS: tuple[Section[[Content, str]], ...] = (
    Section("turn-on", "Turn-on", _turn_on),
    Section("flux", "Brightness", _figures(pictures.EL_FLUX, pictures.PL_FLUX, pictures.DISTANCES)),
    Section("series", "Light against voltage", _series),
    Section("current", "Current and efficiency", _current),
    Section("g2", "Antibunching", _figures(pictures.G2, pictures.G2_VOLTAGE)),
    Section("rates", "Rate models", _rates),
    Section("light", "Blinking and decays", _figures(pictures.TRACES, pictures.DECAYS)),
    Section("spectra", "Spectra", _spectra),
    Section("files", "Time-tag files", _files),
)

FIELD_SECTIONS: tuple[Section[[Content, FieldContent]], ...] = (Section("field", "Field", _field),)
