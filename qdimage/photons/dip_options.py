"""Options of g2 at zero delay."""

from qdimage.domain.options import Options, option


class DipOptions(Options):
    """What the dip of a correlation curve may look like."""

    max_components: int = option(
        4,
        "signed exponentials that the dip may be made of; the fourth where three are needed",
        "",
        ge=1,
        le=4,
    )
    fastest_ns: float = option(
        1.0,
        "fastest component; without a bound the value at zero delay is not determined",
        "ns",
        gt=0,
        le=100,
    )
    max_delay_ns: float = option(
        10.0, "largest delay between the channels that is searched", "ns", ge=0, le=1e4
    )
    rising: bool = option(
        False, "assume that the curve does not fall from zero delay on; narrower intervals"
    )
