"""Options of fluorescence decays."""

from qdimage.domain.options import Options, option


class DecayOptions(Options):
    """How decays are fitted and judged."""

    max_components: int = option(
        3, "exponentials that are tried where their number is not given", "", ge=1, le=3
    )
    least_counts: int = option(200, "photons below which no decay is fitted", "", ge=50, le=10**6)
    pile_up_counts_per_pulse: float = option(
        0.03, "photons for each pulse above which early ones hide later ones", "", gt=0, le=1
    )
    longest_periods: float = option(
        3.0, "longest lifetime that is tried, in periods", "", ge=0.5, le=10
    )
