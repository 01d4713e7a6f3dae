"""Options of series over voltages."""

from qdimage.domain.options import Options, option


class SeriesOptions(Options):
    """From which voltage on there is light, and what of the current is a leak."""

    false_alarm_probability: float = option(
        0.01,
        "probability that a series of dark voltages is given a turn-on, all of them together",
        "",
        gt=0,
        lt=0.5,
    )
    leak_window_v: float = option(
        1.0, "voltages up to this, of either sign, are tried for the ohmic part", "V", gt=0
    )
