"""Options of matching and of the turn-on fraction."""

from qdimage.domain.options import Options, option


class MatchOptions(Options):
    """How lit dots are told from dark ones, and counted."""

    gate_probability: float = option(
        0.998, "share of true pairs that the matching distance lets through", "", gt=0.5, lt=1
    )
    false_alarm_probability: float = option(
        0.01, "share of dark places that are called lit", "", gt=0, lt=0.5
    )
    f_min_photons_s: float | None = option(
        None,
        "flux above which a dot counts in the fraction; else from the noise",
        "photons/s",
        gt=0,
    )
    f_min_sigma: float = option(
        5.0, "that flux in units of the run's widest noise at blank places", "sigma", gt=1
    )
    blank_places: int = option(
        1000, "places without a dot at which the same photometry is done", "", ge=50
    )
    unresolved_inflation: float = option(
        2.0, "growth of the flux error by neighbours from which a dot is unresolved", "", gt=1
    )
    faint_share: float = option(
        0.05, "a PL spot below this share of the field's median PL is not counted", "", ge=0, lt=1
    )
    isolation_um: float = option(
        1.0, "a dot is isolated without another dot inside this distance", "um", gt=0
    )
    place_distance_um: float = option(
        0.5, "largest distance of a dot from where time tags or a spectrum were taken", "um", gt=0
    )
    confidence: float = option(0.95, "confidence of the fraction's interval", "", gt=0.5, lt=1)
