"""Which figures a report has, and what their captions say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from qdimage.pipeline.names import field_folder, slug
from qdimage.reporting.content import Content, FieldContent
from qdimage.reporting.distance_figures import draw_distances
from qdimage.reporting.field_scatter import draw_devices, draw_fields
from qdimage.reporting.flux_figures import draw_el_flux, draw_pl_flux
from qdimage.reporting.g2_figures import draw_g2
from qdimage.reporting.light_figures import draw_decays, draw_spectra, draw_traces
from qdimage.reporting.micrographs import draw_micrographs
from qdimage.reporting.null_figures import draw_null
from qdimage.reporting.population_figures import draw_g2_voltage, draw_smallest
from qdimage.reporting.registration_figures import draw_registration
from qdimage.reporting.style import house_style, save
from qdimage.reporting.turn_on_figures import draw_turn_on
from qdimage.reporting.turn_on_map import draw_turn_on_map

FOLDER = "figures"
_WIDE_IN = 10.0


@dataclass(frozen=True)
class Picture:
    """A figure on disk.

    Attributes
    ----------
    stem : str
        File name without extension, in the folder `FOLDER`.
    name, caption : str
    wide : bool
        Whether it needs the whole width of a page.
    """

    stem: str
    name: str
    caption: str
    wide: bool


@dataclass(frozen=True)
class Pictures:
    """All figures of a report.

    Attributes
    ----------
    by_device, by_field : dict
        By device name and by field number.
    photons : dict
        Of time tags, by device name.
    of_run : list of Picture
        Of the time tags of all devices together.
    of_devices : list of Picture
        Of the fractions of all devices.
    """

    by_device: dict[str, list[Picture]]
    by_field: dict[int, list[Picture]]
    photons: dict[str, list[Picture]] = field(default_factory=dict)
    of_run: list[Picture] = field(default_factory=list)
    of_devices: list[Picture] = field(default_factory=list)


_DEVICE: tuple[tuple[str, str, str, Callable[[Content, str], Figure | None]], ...] = (
    (
        "turn_on",
        "Turn-on fraction",
        "Share of the PL-visible dots inside the overlap that are brighter in EL than F_min. "
        "Filled: all fields of the device with their interval; open: single fields. Numbers on "
        "top: lit dots / dots counted. Shaded: interval of the share that never falls, from all "
        "voltages together. The logistic curve is fitted to the fluxes of the dots; in brackets "
        "its intervals.",
        draw_turn_on,
    ),
    (
        "between_fields",
        "Scatter between fields",
        "The fraction of each field with its interval, beside the mean of all (line) with its own "
        "(dashed). Shaded, and on top with its interval: the standard deviation of the fields' "
        "true fractions, which is what is left of the scatter after counting.",
        draw_fields,
    ),
    (
        "el_flux",
        "EL flux",
        "EL flux at the camera of every PL-visible dot, measured at its mapped position whether "
        "or not it is seen there. A thin line joins the detections of one dot; triangles are "
        "95 % upper limits of dots that are not detected.",
        draw_el_flux,
    ),
    (
        "pl_flux",
        "PL flux of lit and dark dots",
        "PL flux of the counted dots, by whether they are brighter in EL than F_min at the highest "
        "voltage with a result. Triangles: medians.",
        draw_pl_flux,
    ),
    (
        "distances",
        "EL to PL distances",
        "Distance from each EL localization, mapped to the field, to the nearest PL dot; bins of "
        "equal width on a logarithmic axis. The line is what unrelated positions would give at "
        "the field's density of PL dots, added up over all localizations. Matches lie below the "
        "gate.",
        draw_distances,
    ),
    (
        "spectra",
        "Spectra",
        "Counts of each pixel against wavelength, without cosmic rays, and the fitted line in the "
        "dot band; peak and full width at half maximum per nm. Background beside the dot, errors "
        "and the comparison of EL with PL are in the table spectra.",
        draw_spectra,
    ),
)

_FIELD: tuple[tuple[str, str, str, Callable[[Content, FieldContent], Figure | None]], ...] = (
    (
        "micrographs",
        "Micrographs",
        "PL and EL mean images, each in its own camera frame and colour range. Circles are PL "
        "dots, mapped into the EL frame by the registration: white where brighter in EL than "
        "F_min, dashed where not, dotted where not counted. Squares are EL sources without a PL "
        "dot.",
        draw_micrographs,
    ),
    (
        "registration",
        "Registration residuals",
        "Mapped EL position minus PL position of the matched pairs, over the field (magnified) and "
        "all together; crosses are nearest neighbours that were not matched.",
        lambda _, field: draw_registration(field),
    ),
    (
        "turn_on_map",
        "Map of the turn-on voltage",
        "Every counted PL dot by the lowest voltage at which its EL is above F_min: it turns on "
        "between that voltage and the one below. Open: dark at all voltages. Ringed: not above "
        "F_min at a voltage above. Right: how many of each.",
        lambda _, field: draw_turn_on_map(field),
    ),
    (
        "null",
        "Null of the EL flux",
        "EL flux where no PL dot is (grey), measured by the same fit as at the PL dots (blue). "
        "Beyond the dashed line a dot of the usual error is lit: darkness is as rare there as the "
        "stated false-alarm probability. Dots beyond F_min count in the fraction.",
        lambda _, field: draw_null(field),
    ),
)


_PHOTONS: tuple[tuple[str, str, str, Callable[[Content, str], Figure | None]], ...] = (
    (
        "g2",
        "Correlation curves",
        "g2 of single dots relative to the plateau at long delays, without background correction; "
        "points join as many bins as hold some 100 coincidences. The diamond is g2(0) of the fit "
        "with its 68 % (thick) and 95 % interval, which holds whatever the shape of the dip. "
        "Dashed: the fitted rate model. Beneath: counts less fit in standard deviations.",
        draw_g2,
    ),
    (
        "g2_voltage",
        "g2(0) against voltage",
        "Each file with its 95 % interval; a thin line joins one dot's. Open diamonds: mean of the "
        "dots at a voltage, errors of measurement taken out. Dashed: the limit, with its own "
        "error.",
        draw_g2_voltage,
    ),
    (
        "traces",
        "Intensity traces",
        "Counts per second of both detectors, and the levels between change points of the photons' "
        "arrivals.",
        draw_traces,
    ),
    (
        "decays",
        "Decays",
        "Photons by their time after the pulse, and the fit of one or several exponentials with "
        "the response; the lifetime is that of the exponential with the most photons.",
        draw_decays,
    ),
)

_RUN: tuple[tuple[str, str, str, Callable[[Content], Figure | None]], ...] = (
    (
        "smallest_g2",
        "Smallest g2(0)",
        "The smallest measured g2(0) of EL beside those of PL, each dot once by the file of its "
        "narrowest interval, with 95 % intervals. Sorted noisy values lie too low at the left: "
        "the short bar is each dot's g2(0) given also what the other dots of its kind are like. "
        "Dashed: the limit, shaded its 95 % interval.",
        draw_smallest,
    ),
)

_TURN_ON_RUN: tuple[tuple[str, str, str, Callable[[Content], Figure | None]], ...] = (
    (
        "devices",
        "Devices",
        "The fraction of every device, of all its fields together, with its interval.",
        draw_devices,
    ),
)


def draw_pictures(content: Content) -> Pictures:
    """Draw every figure of a run as PNG and SVG."""
    folder = content.out / FOLDER
    folder.mkdir(exist_ok=True)
    by_device: dict[str, list[Picture]] = {}
    by_field: dict[int, list[Picture]] = {}
    photons: dict[str, list[Picture]] = {}
    with house_style():
        for number, device in enumerate(content.devices, start=1):
            prefix = f"device_{number:02d}_{slug(device)}"
            drawn = (
                (kind, name, caption, draw(content, device))
                for kind, name, caption, draw in _DEVICE
            )
            by_device[device] = _saved(drawn, folder, prefix)
            drawn = (
                (kind, name, caption, draw(content, device))
                for kind, name, caption, draw in _PHOTONS
            )
            photons[device] = _saved(drawn, folder, prefix)
        for field in content.fields:
            prefix = f"field_{field_folder(field.number, field.name)}"
            drawn = (
                (kind, name, caption, draw(content, field)) for kind, name, caption, draw in _FIELD
            )
            by_field[field.number] = _saved(drawn, folder, prefix)
        of_run = ((kind, name, caption, draw(content)) for kind, name, caption, draw in _RUN)
        run = _saved(of_run, folder, "run")
        of_devices = ((kind, name, text, draw(content)) for kind, name, text, draw in _TURN_ON_RUN)
        devices = _saved(of_devices, folder, "run")
    return Pictures(by_device, by_field, photons, run, devices)


def _saved(
    drawn: Iterable[tuple[str, str, str, Figure | None]], folder: Path, prefix: str
) -> list[Picture]:
    pictures = []
    for kind, name, caption, figure in drawn:
        if figure is None:
            continue
        stem = f"{prefix}_{kind}"
        save(figure, folder, stem)
        pictures.append(Picture(stem, name, caption, figure.get_figwidth() > _WIDE_IN))
    return pictures
