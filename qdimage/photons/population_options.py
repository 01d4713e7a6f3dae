"""Options of the population view."""

from qdimage.domain.options import Options, option


class PopulationOptions(Options):
    """What g2(0) of a population is held against."""

    limit_g2_0: float | None = option(
        None,
        "g2(0) that dots are compared with; without it the ratio of the declared quantum yields of "
        "biexciton and exciton, else the smallest g2(0) of the PL dots",
        "",
        gt=0,
        le=2,
    )
    limit_g2_0_err: float = option(0.0, "standard deviation of limit_g2_0", "", ge=0, le=1)
