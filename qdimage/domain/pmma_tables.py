"""Tables of areas under different thicknesses of PMMA: light, and where it is background-free."""

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

_PMMA = number("pmma_nm", "thickness of the device's PMMA; empty where it is not declared")
_LIMIT = number(
    "most_background", "ratio of the bands up to which an area counts as background-free"
)
_LEAST = number("least_dots", "dot band over background band below which dots count as vanished")

PMMA_SERIES = Table(
    "pmma_series",
    "a spectrum of an area: its light per area and exposure, for a thickness and a voltage",
    (
        *PLACE,
        _PMMA,
        text("kind", "`pl` or `el`"),
        VOLTAGE,
        text("file", "the spectrum"),
        number("area_mm2", "as declared"),
        number("exposure_s", "of all frames"),
        STATUS,
        text(
            "light",
            "`dots`: of dots, the background not above the limit; `dots_and_background`; "
            "`dots_undecided`: of dots, the background may be above or below; `background`: the "
            "dots vanished, no line or one surely below least_dots; `dark`: neither is seen",
        ),
        boolean("dots_seen", "a line stands out in the dot band"),
        boolean("background_seen", "light in the background band, by a p-value below 0.001"),
        number("line_counts_s_mm2", "below the line in the dot band"),
        number("line_err_counts_s_mm2", "standard deviation of line_counts_s_mm2"),
        number("dot_band_counts_s_mm2", "in the dot band, the detector's floor taken off"),
        number("dot_band_err_counts_s_mm2", "standard deviation of dot_band_counts_s_mm2"),
        number("dot_band_upper_counts_s_mm2", "one-sided 95 % limit"),
        number("background_band_counts_s_mm2", "in the background band, the floor taken off"),
        number("background_band_err_counts_s_mm2", "standard deviation"),
        number("background_band_upper_counts_s_mm2", "one-sided 95 % limit"),
        number("background_ratio", "background band over dot band"),
        number("background_ratio_low", "lower end of its 95 % interval"),
        number("background_ratio_high", "upper end of its 95 % interval"),
        number("background_ratio_upper", "one-sided 95 % limit"),
        _LIMIT,
        _LEAST,
        MESSAGE,
    ),
    ("pmma_nm", "kind", "voltage_v", "file"),
)

PMMA_WINDOWS = Table(
    "pmma_windows",
    "a thickness of PMMA: between which voltages EL of areas is that of dots alone",
    (
        *PLACE,
        _PMMA,
        integer("n_spectra", "of EL, with an answer"),
        integer("n_voltages", "at which they were taken"),
        integer("n_undecided", "voltages inside the window at which the background is undecided"),
        STATUS,
        text(
            "finding",
            "`window`: background-free there; `always_background`: with dots comes background; "
            "`dots_vanished`: they did at every voltage with light; `dark`: no light",
        ),
        number(
            "dots_from_low_v",
            "highest voltage below the next at which dots are not seen or vanished",
        ),
        number("dots_from_high_v", "lowest voltage at which dots are seen and did not vanish"),
        number("peak_ev", "photon energy of the dots' EL, of the spectrum with the smallest error"),
        number("peak_err_ev", "standard deviation of peak_ev"),
        number("sub_bandgap_v", "peak_ev less the middle of the interval in which dots begin"),
        number("sub_bandgap_low_v", "at least: less dots_from_high_v, 95 % of the energy"),
        number("sub_bandgap_high_v", "at most: less dots_from_low_v, 95 % of the energy"),
        number("free_from_low_v", "highest voltage below the window known to be outside it"),
        number("free_from_high_v", "lowest voltage known to be background-free"),
        number("free_to_low_v", "highest voltage known to be background-free"),
        number(
            "free_to_high_v",
            "lowest voltage above the window known to be outside it; empty where none is",
        ),
        number("most_dots_share", "95 % limit of the dot band over the background where vanished"),
        _LIMIT,
        _LEAST,
        MESSAGE,
    ),
    ("pmma_nm",),
)

PMMA_TABLES = (PMMA_SERIES, PMMA_WINDOWS)
