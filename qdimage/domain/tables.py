"""Every table that a run writes: columns, units, meaning. The documentation is made from this."""

from dataclasses import dataclass
from typing import Literal

from qdimage.units import unit_of

Kind = Literal["text", "number", "integer", "boolean"]


@dataclass(frozen=True)
class Column:
    """One column: its name (which ends in its unit), the kind of its values, what it means."""

    name: str
    kind: Kind
    meaning: str

    @property
    def unit(self) -> str:
        """The unit, from the name; "" for text, counts and pure numbers."""
        return unit_of(self.name) if self.kind == "number" else ""


@dataclass(frozen=True)
class Table:
    """One table: file name without extension, what a row is, its columns, its own sort keys."""

    name: str
    row: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in the order in which they are written."""
        return tuple(column.name for column in self.columns)


def _text(name: str, meaning: str) -> Column:
    return Column(name, "text", meaning)


def _number(name: str, meaning: str) -> Column:
    return Column(name, "number", meaning)


def _integer(name: str, meaning: str) -> Column:
    return Column(name, "integer", meaning)


def _boolean(name: str, meaning: str) -> Column:
    return Column(name, "boolean", meaning)


_PLACE = (
    _text("device", "device that the field belongs to; fractions are pooled by it"),
    _text("field", "name of the field; `all` in pooled rows"),
)
_CHANNEL = _text("channel", "name of the channel in experiment.toml")
_VOLTAGE = _number("voltage_v", "voltage applied to the device")
_STATUS = _text("status", "`ok`, `refused` (the data do not support an answer) or `failed`")
_MESSAGE = _text("message", "why it was refused, failed, or what to know about the row")
_SIGNAL_UNIT = _text(
    "signal_unit",
    "what fluxes count: `photons`; `photoelectrons` without QE; `ADU` without gain",
)

CHANNELS = Table(
    "channels",
    "a declared channel, PL or EL",
    (
        *_PLACE,
        _CHANNEL,
        _text("kind", "`pl` or `el`"),
        _boolean("reference", "the PL channel whose pixels are the field frame"),
        _VOLTAGE,
        _STATUS,
        _text("stack", "file, relative to its experiment.toml"),
        _text("stack_sha256", "hash of that file"),
        _text("image", "mean image of the stack, in `signal_unit` per pixel and second"),
        _integer("width_px", "columns of a frame"),
        _integer("height_px", "rows of a frame"),
        _integer("n_frames", "frames that were used"),
        _number("exposure_s", "exposure of a frame"),
        _text("exposure_source", "where the exposure is from"),
        _SIGNAL_UNIT,
        _number("psf_sigma_px", "standard deviation of the field's Gaussian spot"),
        _number("background_photons_px_s", "median flux of a pixel"),
        _integer("n_localizations", "dots found"),
        _integer("n_hot", "hot pixels, left out"),
        _integer("n_cosmic", "pixels hit by a cosmic ray, the hit left out"),
        _integer("n_saturated", "saturated pixels, left out"),
        _number("drift_x_px", "column of the last frame's dots minus that of the first's"),
        _number("drift_y_px", "the same for the row"),
        _number("bias_adu", "camera output without light"),
        _number("electrons_per_adu", "electrons at the output for one ADU"),
        _number("em_gain", "gain of the multiplication register"),
        _number("quantum_efficiency", "photoelectrons for each photon"),
        _number("read_noise_e", "read noise at the output"),
        _number("clock_induced_charge_e", "clock-induced electrons for each pixel and frame"),
        _number("saturation_adu", "value from which a pixel counts as saturated"),
        _text("camera_sources", "where each camera key is from, `key: source` joined by `;`"),
        _MESSAGE,
    ),
    ("kind", "voltage_v", "channel"),
)

LOCALIZATIONS = Table(
    "localizations",
    "a dot found in one channel",
    (
        *_PLACE,
        _CHANNEL,
        _integer("loc_id", "counts from 1 in order of (y, x) within the channel"),
        _number("x_px", "column, in the channel's own frame"),
        _number("y_px", "row, in the channel's own frame"),
        _number("x_err_px", "standard deviation of x_px"),
        _number("y_err_px", "standard deviation of y_px"),
        _number("x_um", "x_px times the size of the channel's pixel"),
        _number("y_um", "y_px times the size of the channel's pixel"),
        _number("photons_s", "flux measured by the fit, averaged over the stack"),
        _number("photons_err_s", "standard deviation of photons_s"),
        _number("background_photons_px_s", "flux per pixel under the dot"),
        _number("sigma_px", "standard deviation of the fitted Gaussian spot"),
        _number(
            "false_alarm_p",
            "expected number of noise peaks in the frame at least as significant, at most 1",
        ),
        _text("flags", "reasons to look twice, joined by `;`"),
        _SIGNAL_UNIT,
    ),
    ("channel", "loc_id"),
)

REGISTRATION = Table(
    "registration",
    "an EL channel",
    (
        *_PLACE,
        _CHANNEL,
        _VOLTAGE,
        _STATUS,
        _text("model", "kind of the map: `affine+radial`, `manual`"),
        _number("m00", "affine map from channel px to field px, row x, times x"),
        _number("m01", "row x, times y"),
        _number("m02", "row x, constant"),
        _number("m10", "row y, times x"),
        _number("m11", "row y, times y"),
        _number("m12", "row y, constant"),
        _number("radial_px", "radial displacement at the frame's corner, beside the affine map"),
        _text("shared_from", "channel whose transform was used; empty for its own"),
        _integer("n_inliers", "pairs of EL and PL dots that the transform rests on"),
        _number("rms_px", "root mean square distance of these pairs"),
        _number("chance_p", "probability that unrelated dots agree as well, all searched included"),
        _number("overlap_fraction", "share of the field that the channel shows"),
        _integer("n_localizations", "dots found in the channel"),
        _MESSAGE,
    ),
    ("voltage_v", "channel"),
)

DOTS = Table(
    "dots",
    "a PL dot",
    (
        *_PLACE,
        _integer("dot_id", "counts from 1 in order of (y, x) within the field"),
        _number("x_px", "column, field frame"),
        _number("y_px", "row, field frame"),
        _number("x_err_px", "standard deviation of x_px"),
        _number("y_err_px", "standard deviation of y_px"),
        _number("x_um", "x_px times the pixel size"),
        _number("y_um", "y_px times the pixel size"),
        _number("stage_x_um", "stage coordinate by stage_from_px"),
        _number("stage_y_um", "stage coordinate by stage_from_px"),
        _number("pl_photons_s", "PL flux at the camera"),
        _number("pl_photons_err_s", "standard deviation of pl_photons_s"),
        _boolean("isolated", "no other PL dot inside the isolation distance"),
        _number("g2_floor", "g2(0) of an ideal single dot with neighbours' light in the pinhole"),
        _number("turn_on_voltage_v", "middle of the interval below"),
        _number(
            "turn_on_voltage_low_v",
            "highest voltage, below the first, at which it is not brighter than F_min",
        ),
        _number("turn_on_voltage_high_v", "lowest voltage at which it is brighter than F_min"),
        _text("flags", "reasons to look twice, joined by `;`"),
        _boolean("accepted", "kept for the population; a person's choice in curation.json"),
        _text("note", "a person's note in curation.json"),
        _number("pl_g2_0", "PL g2(0) of the narrowest interval"),
        _number("pl_g2_0_low", "lower end of its 95 % interval"),
        _number("pl_g2_0_high", "upper end of its 95 % interval"),
        _text("pl_g2_0_file", "file that it came from"),
        _number("el_g2_0", "EL g2(0) of the narrowest interval"),
        _number("el_g2_0_low", "lower end of its 95 % interval"),
        _number("el_g2_0_high", "upper end of its 95 % interval"),
        _text("el_g2_0_file", "file that it came from"),
        _number("el_g2_0_voltage_v", "voltage of that file"),
        _number("pl_peak_nm", "PL emission peak"),
        _number("el_peak_nm", "EL emission peak"),
        _number("pl_fwhm_nm", "full width at half maximum of the PL peak"),
        _number("el_fwhm_nm", "full width at half maximum of the EL peak"),
        _number("injection_rate_per_us", "geometric mean of the fitted electron and hole rates"),
        _number("lifetime_ns", "PL lifetime"),
        _SIGNAL_UNIT,
    ),
    ("dot_id",),
)

DOT_CHANNELS = Table(
    "dot_channels",
    "a PL dot in an EL channel",
    (
        *_PLACE,
        _integer("dot_id", "the PL dot, as in dots"),
        _CHANNEL,
        _VOLTAGE,
        _STATUS,
        _number(
            "photons_s", "EL flux at the dot's mapped position, seen or not (forced photometry)"
        ),
        _number("photons_err_s", "standard deviation, widened to what blank places show"),
        _number("photons_upper_s", "95 % upper limit of the flux"),
        _boolean("lit", "false_alarm_p is at most the option match.false_alarm_probability"),
        _number("lit_probability", "probability that the dot emits, given its flux and the field"),
        _number("false_alarm_p", "probability that a dark place shows this flux or more"),
        _integer("loc_id", "the EL localization matched to the dot; empty for none"),
        _number("distance_px", "distance of that localization after registration"),
        _text("flags", "reasons to look twice, joined by `;`"),
        _SIGNAL_UNIT,
    ),
    ("voltage_v", "channel", "dot_id"),
)

TURN_ON = Table(
    "turn_on",
    "an EL channel; and the pool of a device at a voltage (field = `all`)",
    (
        *_PLACE,
        _CHANNEL,
        _VOLTAGE,
        _STATUS,
        _integer("n_pl", "PL dots that the fraction is about: the denominator"),
        _integer("n_lit", "of these, those brighter in EL than f_min_photons_s"),
        _integer("n_el_only", "EL localizations without a PL dot"),
        _integer("n_pl_dark", "PL dots of the denominator that are not lit"),
        _integer("n_edge", "PL dots too close to the border, not counted in n_pl"),
        _integer("n_outside", "PL dots outside the overlap, not counted in n_pl"),
        _integer("n_unresolved", "PL dots too close to another, not counted in n_pl"),
        _number("chance_matches", "lit dots expected by chance, from blank places"),
        _number("f_min_photons_s", "flux above which a dot counts; one for the whole run"),
        _number("fraction", "share of PL-visible dots brighter in EL than f_min_photons_s"),
        _number("fraction_low", "lower end of its interval"),
        _number("fraction_high", "upper end of its interval"),
        _number("confidence", "of that interval"),
        _number("fraction_extrapolated", "share that emits at all; a model's answer"),
        _SIGNAL_UNIT,
        _MESSAGE,
    ),
    ("voltage_v", "channel"),
)

MATCHES = Table(
    "matches",
    "an EL localization of a registered channel, beside the nearest PL dot",
    (
        *_PLACE,
        _CHANNEL,
        _VOLTAGE,
        _integer("loc_id", "the EL localization, as in localizations"),
        _number("x_px", "column, mapped to the field frame"),
        _number("y_px", "row, mapped to the field frame"),
        _integer("nearest_dot_id", "the nearest PL dot"),
        _number("residual_x_px", "mapped position minus that dot's, x"),
        _number("residual_y_px", "mapped position minus that dot's, y"),
        _number("distance_px", "distance to that dot"),
        _number("gate_px", "distance within which the errors of both allow a match"),
        _integer("dot_id", "the PL dot matched one to one; empty for an EL-only source"),
        _number("chance_density_per_px2", "PL dots for each square pixel of the overlap"),
    ),
    ("voltage_v", "channel", "loc_id"),
)

PHOTONS = Table(
    "photons",
    "a time-tag file",
    (
        *_PLACE,
        _integer("dot_id", "the dot at whose place it was taken; empty for none"),
        _text("file", "time tags or histogram"),
        _text("kind", "`pl` or `el`"),
        _text("sample", "what was measured: `device`, `quartz`, any word"),
        _VOLTAGE,
        _text("mode", "`all pairs` or `start-stop`"),
        _text("excitation", "`cw` or `pulsed`"),
        _number("duration_s", "from the first photon to the last"),
        _integer("counts_1", "photons of the first detector"),
        _integer("counts_2", "photons of the second detector"),
        _number("counts_s", "of both detectors together, each second"),
        _number("emitted_photons_s", "counts_s over the collection efficiency"),
        _number("g2_0", "dip or missing peak, deconvolved, relative to the plateau"),
        _number("g2_0_low", "lower end of its 95 % interval"),
        _number("g2_0_high", "upper end of its 95 % interval"),
        _number("g2_0_low_68", "lower end of its 68 % interval"),
        _number("g2_0_high_68", "upper end of its 68 % interval"),
        _number("g2_0_rate_normalized", "the same relative to rates times time"),
        _number("g2_0_uncorrected", "the bin at the centre, with no correction at all"),
        _number("g2_0_uncorrected_err", "standard deviation of g2_0_uncorrected"),
        _number("g2_0_background_corrected", "g2_0 without the dark counts' coincidences"),
        _integer("dip_components", "exponentials of the best fit"),
        _number("fastest_ns", "components faster than this are excluded from the interval"),
        _integer("coincidences", "pairs in the whole curve"),
        _number("bin_width_ns", "width of a bin"),
        _number("rise_time_ns", "from zero delay to where all but 1/e has recovered"),
        _number("delay_ns", "delay of the second detector"),
        _number("background_fraction", "share of dark counts in all counts"),
        _number("blinking_factor", "plateau relative to rates times time"),
        _number("p_value", "goodness of fit"),
        _STATUS,
        _text("flags", "`poor_fit`: p_value below 0.001"),
        _MESSAGE,
    ),
    ("file",),
)

IMAGE_TABLES = (CHANNELS, LOCALIZATIONS, REGISTRATION, MATCHES, DOTS, DOT_CHANNELS, TURN_ON)
