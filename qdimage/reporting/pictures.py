"""Which figures a report has, and what their captions say."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, ParamSpec

from matplotlib.figure import Figure

from qdimage.reporting.blocks import Drawing
from qdimage.reporting.content import Content, FieldContent
from qdimage.reporting.distance_figures import draw_distances
from qdimage.reporting.field_scatter import draw_devices, draw_fields
from qdimage.reporting.flux_figures import draw_el_flux, draw_pl_flux
from qdimage.reporting.g2_figures import draw_g2
from qdimage.reporting.iv_figures import draw_iv
from qdimage.reporting.light_figures import draw_decays, draw_spectra, draw_traces
from qdimage.reporting.micrographs import draw_micrographs
from qdimage.reporting.null_figures import draw_null
from qdimage.reporting.pmma_figures import draw_pmma
from qdimage.reporting.population_figures import draw_g2_voltage, draw_smallest
from qdimage.reporting.registration_figures import draw_registration
from qdimage.reporting.series_figures import draw_bands, draw_el_series, draw_photon_flux
from qdimage.reporting.spectrum_pair_figures import draw_pairs
from qdimage.reporting.turn_on_figures import draw_turn_on
from qdimage.reporting.turn_on_map import draw_turn_on_map

P = ParamSpec("P")


@dataclass(frozen=True)
class FigureKind(Generic[P]):
    """A kind of figure.

    Attributes
    ----------
    kind : str
        Ends the names of its files.
    name, caption : str
    draw : callable
        Returns the figure, or None where there is nothing to draw.
    """

    kind: str
    name: str
    caption: str
    draw: Callable[P, Figure | None]

    def of(self, *args: P.args, **kwargs: P.kwargs) -> Drawing:
        """Return the figure of a run, a device or a field, not drawn yet."""
        return Drawing(self.kind, self.name, self.caption, lambda: self.draw(*args, **kwargs))


def _of_field(
    draw: Callable[[FieldContent], Figure | None],
) -> Callable[[Content, FieldContent], Figure | None]:
    return lambda _, field: draw(field)


DEVICES = FigureKind(
    "devices",
    "Devices",
    "The fraction of every device, of all its fields together, with its interval.",
    draw_devices,
)

SMALLEST_G2 = FigureKind(
    "smallest_g2",
    "Smallest g2(0)",
    "The smallest measured g2(0) of EL beside those of PL, each dot once by the file of its "
    "narrowest interval, with 95 % intervals. Sorted noisy values lie too low at the left: "
    "the short bar is each dot's g2(0) given also what the other dots of its kind are like. "
    "Dashed: the limit, shaded its 95 % interval.",
    draw_smallest,
)

TURN_ON = FigureKind(
    "turn_on",
    "Turn-on fraction",
    "Share of the PL-visible dots inside the overlap that are brighter in EL than F_min. "
    "Filled: all fields of the device with their interval; open: single fields. Numbers on "
    "top: lit dots / dots counted. Shaded: interval of the share that never falls, from all "
    "voltages together. The logistic curve is fitted to the fluxes of the dots; in brackets "
    "its intervals.",
    draw_turn_on,
)

BETWEEN_FIELDS = FigureKind(
    "between_fields",
    "Scatter between fields",
    "The fraction of each field with its interval, beside the mean of all (line) with its own "
    "(dashed). Shaded, and on top with its interval: the standard deviation of the fields' "
    "true fractions, which is what is left of the scatter after counting.",
    draw_fields,
)

EL_FLUX = FigureKind(
    "el_flux",
    "EL flux",
    "EL flux at the camera of every PL-visible dot, measured at its mapped position whether "
    "or not it is seen there. A thin line joins the detections of one dot; triangles are "
    "95 % upper limits of dots that are not detected.",
    draw_el_flux,
)

PL_FLUX = FigureKind(
    "pl_flux",
    "PL flux of lit and dark dots",
    "PL flux of the counted dots, by whether they are brighter in EL than F_min at the highest "
    "voltage with a result. Triangles: medians.",
    draw_pl_flux,
)

DISTANCES = FigureKind(
    "distances",
    "EL to PL distances",
    "Distance from each EL localization, mapped to the field, to the nearest PL dot; bins of "
    "equal width on a logarithmic axis. The line is what unrelated positions would give at "
    "the field's density of PL dots, added up over all localizations. Matches lie below the "
    "gate.",
    draw_distances,
)

G2 = FigureKind(
    "g2",
    "Correlation curves",
    "g2 of single dots relative to the plateau at long delays, without background correction; "
    "points join as many bins as hold some 100 coincidences. The diamond is g2(0) of the fit "
    "with its 68 % (thick) and 95 % interval, which holds whatever the shape of the dip. "
    "Dashed: the fitted rate model. Beneath: counts less fit in standard deviations.",
    draw_g2,
)

G2_VOLTAGE = FigureKind(
    "g2_voltage",
    "g2(0) against voltage",
    "Each file with its 95 % interval; a thin line joins one dot's. Open diamonds: mean of the "
    "dots at a voltage, errors of measurement taken out. Dashed: the limit, with its own "
    "error.",
    draw_g2_voltage,
)

TRACES = FigureKind(
    "traces",
    "Intensity traces",
    "Counts per second of both detectors, and the levels between change points of the photons' "
    "arrivals.",
    draw_traces,
)

DECAYS = FigureKind(
    "decays",
    "Decays",
    "Photons by their time after the pulse, and the fit of one or several exponentials with "
    "the response; the lifetime is that of the exponential with the most photons.",
    draw_decays,
)

SPECTRA = FigureKind(
    "spectra",
    "Spectra",
    "Counts of each pixel against wavelength, without cosmic rays, and the fitted line in the "
    "dot band; peak and full width at half maximum per nm. Background beside the dot, errors "
    "and the comparison of EL with PL are in the table spectra.",
    draw_spectra,
)

EL_SERIES = FigureKind(
    "el_series",
    "EL of the whole area",
    "Light of the overlap for each square micrometre, all fields together (thin: single fields): "
    "all of it, the forced fluxes of the PL dots, and what lies between the dots, extended over "
    "the whole area. Bars: 95 % intervals; triangles: 95 % limits where nothing is seen.",
    draw_el_series,
)

BANDS = FigureKind(
    "bands",
    "Dot band and background band",
    "Counts each second in both bands of the spectra of one dot or area against voltage, the "
    "detector's floor taken off, with 95 % intervals; triangles are limits where the band is "
    "dark. Shaded: the light of the band sets in between these voltages.",
    draw_bands,
)

PHOTON_FLUX = FigureKind(
    "photon_flux",
    "Photons emitted by single dots",
    "Counts without dead time and dark counts over the collection efficiency (filled), and the "
    "camera's flux of the same dot over that of the camera (open), with 95 % intervals; a line "
    "joins one dot's.",
    draw_photon_flux,
)

IV = FigureKind(
    "iv",
    "Current, light, efficiency",
    "Left: current of each sweep (solid rising, dashed falling), readings in compliance as "
    "crosses, dotted the ohmic leak. Middle: photons emitted against the current of the device. "
    "Right: photons emitted in an area for each electron that passes it, the current spread "
    "evenly over the device; bars: 95 % intervals between the currents of the sweeps.",
    draw_iv,
)

MICROGRAPHS = FigureKind(
    "micrographs",
    "Micrographs",
    "PL and EL mean images, each in its own camera frame and colour range. Circles are PL "
    "dots, mapped into the EL frame by the registration: white where brighter in EL than "
    "F_min, dashed where not, dotted where not counted. Squares are EL sources without a PL "
    "dot.",
    draw_micrographs,
)

REGISTRATION = FigureKind(
    "registration",
    "Registration residuals",
    "Mapped EL position minus PL position of the matched pairs, over the field (magnified) and "
    "all together; crosses are nearest neighbours that were not matched.",
    _of_field(draw_registration),
)

TURN_ON_MAP = FigureKind(
    "turn_on_map",
    "Map of the turn-on voltage",
    "Every counted PL dot by the lowest voltage at which its EL is above F_min: it turns on "
    "between that voltage and the one below. Open: dark at all voltages. Ringed: not above "
    "F_min at a voltage above. Right: how many of each.",
    _of_field(draw_turn_on_map),
)

NULL = FigureKind(
    "null",
    "Null of the EL flux",
    "EL flux where no PL dot is (grey), measured by the same fit as at the PL dots (blue). "
    "Beyond the dashed line a dot of the usual error is lit: darkness is as rare there as the "
    "stated false-alarm probability. Dots beyond F_min count in the fraction.",
    _of_field(draw_null),
)

PMMA = FigureKind(
    "pmma",
    "Areas under PMMA",
    "EL of areas for each thickness of PMMA. Left: the spectrum at the highest voltage, its "
    "highest counts as 1. Right: light per area and second of the dot band and of the background "
    "band against voltage, on a logarithmic axis; open triangles are 95 % limits of light that is "
    "not seen. Shaded: background-free; paler: it begins or ends somewhere there.",
    draw_pmma,
)

EL_OVER_PL = FigureKind(
    "el_over_pl",
    "EL over PL",
    "EL and PL spectra of the same dot, each scaled to its fitted line. Shift is EL less PL, width "
    "the ratio EL over PL; p is the probability of contours as different by chance where both are "
    "the same up to brightness and a straight baseline.",
    draw_pairs,
)
