"""The tables of the photon side: columns, units, meaning. The documentation is made from this."""

from qdimage.domain.table import MESSAGE, PLACE, STATUS, VOLTAGE, Table, integer, number, text

PHOTONS = Table(
    "photons",
    "a time-tag file",
    (
        *PLACE,
        integer("dot_id", "the dot at whose place it was taken; empty for none"),
        text("file", "time tags or histogram"),
        text("kind", "`pl` or `el`"),
        text("sample", "what was measured: `device`, `quartz`, any word"),
        VOLTAGE,
        text("mode", "`all pairs` or `start-stop`"),
        text("excitation", "`cw` or `pulsed`"),
        number("duration_s", "from the first photon to the last"),
        integer("counts_1", "photons of the first detector"),
        integer("counts_2", "photons of the second detector"),
        number("counts_s", "of both detectors together, each second"),
        number("emitted_photons_s", "counts_s over the collection efficiency"),
        number("g2_0", "dip or missing peak, deconvolved, relative to the plateau"),
        number("g2_0_low", "lower end of its 95 % interval"),
        number("g2_0_high", "upper end of its 95 % interval"),
        number("g2_0_low_68", "lower end of its 68 % interval"),
        number("g2_0_high_68", "upper end of its 68 % interval"),
        number("g2_0_rate_normalized", "the same relative to rates times time"),
        number("g2_0_uncorrected", "the bin at the centre, with no correction at all"),
        number("g2_0_uncorrected_err", "standard deviation of g2_0_uncorrected"),
        number("g2_0_background_corrected", "g2_0 without the dark counts' coincidences"),
        integer("dip_components", "exponentials of the best fit"),
        number("fastest_ns", "components faster than this are excluded from the interval"),
        integer("coincidences", "pairs in the whole curve"),
        number("bin_width_ns", "width of a bin"),
        number("rise_time_ns", "from zero delay to where all but 1/e has recovered"),
        number("delay_ns", "delay of the second detector"),
        number("background_fraction", "share of dark counts in all counts"),
        number("blinking_factor", "plateau relative to rates times time"),
        number("p_value", "goodness of fit"),
        STATUS,
        text("flags", "`poor_fit`: p_value below 0.001"),
        MESSAGE,
    ),
    ("file",),
)

PHOTON_TABLES = (PHOTONS,)
