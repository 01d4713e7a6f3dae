"""The tables of light against voltage: columns, units, meaning."""

from qdimage.domain.table import (
    MESSAGE,
    PLACE,
    STATUS,
    VOLTAGE,
    Table,
    boolean,
    integer,
    number,
    text,
)

EL_SERIES = Table(
    "el_series",
    "an EL channel, and the sum of a device's fields at a voltage (field = `all`): all its light",
    (
        *PLACE,
        text("channel", "name of the channel"),
        VOLTAGE,
        STATUS,
        number("area_um2", "that the channel shows of the field, defects included"),
        integer("n_pixels", "of the channel in that area"),
        number("integrated_photons_s", "light from the whole area"),
        number("integrated_photons_err_s", "standard deviation, that of the zero included"),
        number("dots_photons_s", "of all PL dots there: their forced fluxes, less blank places'"),
        number("dots_photons_err_s", "standard deviation of dots_photons_s"),
        integer("n_dots", "PL dots of that sum; rejected ones are left out"),
        integer("n_not_measured", "PL dots in the area whose flux is not known"),
        number("el_only_photons_s", "of localizations without a PL dot"),
        integer("n_el_only", "localizations of that sum"),
        number(
            "spot_share",
            "share of all sources' light that forced fluxes count, of the field at all voltages; "
            "the rest lies in wings of spots and in sources that were not found",
        ),
        number("spot_share_err", "standard deviation of spot_share"),
        number("background_photons_s", "what lies between the dots, extended over the whole area"),
        number("background_photons_err_s", "standard deviation, that of the zero included"),
        number("background_photons_px_s", "the same of a pixel"),
        number("between_share", "share of the area from which the background was taken"),
        number("dots_p", "of dots_photons_s, or more, by chance where the dots are dark"),
        number("background_p", "of background_photons_s by chance; empty without a dark channel"),
        number("integrated_p", "of integrated_photons_s by chance; empty likewise"),
        text("zero", "what stands for no light: a channel at 0 V, or the camera's bias"),
        number("per_adu_photons_s", "change of the integrated light if the bias is 1 ADU lower"),
        integer("n_fields", "of a sum"),
        text("signal_unit", "what fluxes count: `photons`; `photoelectrons`, `ADU`"),
        MESSAGE,
    ),
    ("voltage_v", "channel"),
)

BAND_SERIES = Table(
    "band_series",
    "an EL spectrum of a dot or area: its two bands against voltage",
    (
        *PLACE,
        text("scope", "`dot` or `area`"),
        integer("dot_id", "the dot; empty for an area"),
        VOLTAGE,
        text("file", "the spectrum"),
        number("exposure_s", "of all frames"),
        number("dot_band_counts_s", "in the dot band, the detector's floor taken off"),
        number("dot_band_low_counts_s", "lower end of its 95 % interval"),
        number("dot_band_high_counts_s", "upper end of its 95 % interval"),
        number("dot_band_p", "of so much light there by chance where there is none"),
        number("background_band_counts_s", "in the background band, the floor taken off"),
        number("background_band_low_counts_s", "lower end of its 95 % interval"),
        number("background_band_high_counts_s", "upper end of its 95 % interval"),
        number("background_band_p", "of so much light there by chance where there is none"),
        number("background_ratio", "background band over dot band"),
        number("background_ratio_low", "lower end of its 95 % interval"),
        number("background_ratio_high", "upper end of its 95 % interval"),
        STATUS,
        MESSAGE,
    ),
    ("scope", "dot_id", "voltage_v", "file"),
)

PHOTON_FLUX = Table(
    "photon_flux",
    "a dot on the photon counters beside the camera's flux of it at the same voltage; and the "
    "dots of a device together (field = `all`)",
    (
        *PLACE,
        integer("dot_id", "the dot; empty for the device"),
        text("file", "time tags or histogram"),
        text("kind", "`pl` or `el`"),
        VOLTAGE,
        number("counts_s", "of both detectors, without dead time and dark counts"),
        number("counts_err_s", "standard deviation, blinking included where a trace tells"),
        number("emitted_photons_s", "counts_s over collection_efficiency"),
        number("emitted_photons_err_s", "standard deviation of emitted_photons_s"),
        number("counts_p", "of so many counts by chance where there are dark counts alone"),
        text("channel", "EL channel at the same voltage"),
        number("camera_photons_s", "flux of the dot at the camera"),
        number("camera_photons_err_s", "its standard deviation"),
        number(
            "camera_emitted_photons_s",
            "that over camera_collection_efficiency, and over el_series' spot_share where known",
        ),
        number("camera_emitted_photons_err_s", "its standard deviation"),
        number("ratio", "emitted photons, counters over camera; 1 where the arms agree"),
        number("ratio_low", "lower end of its 95 % interval"),
        number("ratio_high", "upper end of its 95 % interval"),
        boolean("agrees", "the interval of the ratio holds 1; empty where it is too wide to tell"),
        integer("n_dots", "of a device: dots with a ratio"),
        number("spread", "of a device: standard deviation of the logarithm from dot to dot"),
        STATUS,
        MESSAGE,
    ),
    ("dot_id", "kind", "voltage_v", "file"),
)

LIGHT_TURN_ON = Table(
    "light_turn_on",
    "a series of light over voltages: between which two of them it sets in",
    (
        *PLACE,
        text("source", "`camera`, `spectra` or `counters`"),
        text(
            "light",
            "`dots`, `background` or `integrated` of a field; `dot_band` or `background_band` of "
            "spectra; `counts` of a dot",
        ),
        text("scope", "`field`, `dot` or `area`"),
        integer("dot_id", "the dot; empty for a field or an area"),
        STATUS,
        integer("n_voltages", "at which it was measured"),
        number("turn_on_low_v", "highest voltage below at which it is not seen; empty for none"),
        number("turn_on_high_v", "lowest voltage at which it is seen"),
        number("threshold_p", "probability by chance up to which light counts as seen"),
        MESSAGE,
    ),
    ("source", "scope", "dot_id", "light"),
)

LIGHT_TABLES = (EL_SERIES, BAND_SERIES, PHOTON_FLUX, LIGHT_TURN_ON)
