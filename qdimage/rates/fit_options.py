"""Options of the fits of rate models."""

from typing import Literal

from qdimage.domain.options import Options, option


class RateFitOptions(Options):
    """Which model is fitted, and what is free."""

    coulomb: Literal["exp", "suppression", "enhancement", "linear", "sign", "none"] = option(
        "exp", "how a dot's charge changes injection"
    )
    coulomb_x: float = option(
        0.4628440106,
        "x of the law; the default gives the published weak limit 0.41 (k_X/k)(eta_BX/eta_X)",
        "",
        ge=-10,
        le=10,
    )
    coulomb_attraction: float = option(1.0, "law sign: factor of attracted carriers", "", ge=0)
    coulomb_repulsion: float = option(1.0, "law sign: factor of repelled carriers", "", ge=0)
    carriers: int = option(6, "most carriers; the published 15 states are 4", "", ge=2, le=12)
    overflow: Literal["recombine", "cap"] = option("recombine", "what a carrier too many does")
    count_trions: bool = option(True, "count photons of charged states")
    balanced: bool = option(False, "take electron and hole rate as equal")
    largest_rate_per_us: float = option(1e4, "largest rate searched", "1/us", gt=0, le=1e6)
    smallest_rate_per_us: float = option(1e-2, "smallest rate searched", "1/us", gt=0, le=1e6)
    largest_ratio: float = option(
        100.0, "largest ratio of electron and hole rate searched", "", gt=1, le=1e4
    )
    determined_within: float = option(
        10.0,
        "the rates of electrons and holes are given if the 95 % interval of their ratio spans less",
        "",
        gt=1,
    )
    max_delay_ns: float = option(10.0, "largest delay searched", "ns", ge=0, le=1e4)
    response_err: float = option(
        0.1, "standard error of a given response, relative; 0 holds it", "", ge=0, le=1
    )
    background_err: float = option(
        0.1, "standard error of the given background's share, relative; 0 holds it", "", ge=0, le=10
    )
    free_biexciton_yield: bool = option(
        True, "pl: fit the biexciton's quantum yield where it has no standard error"
    )
    pump_err: float = option(
        0.3,
        "pl: standard error of a pump rate from power density and cross-section, relative; 0 holds",
        "",
        ge=0,
        le=10,
    )
    count_rates: Literal["ignore", "compare", "fit"] = option(
        "compare", "what measured count rates are for"
    )
    count_rate_err: float = option(
        0.05, "standard error of a count rate, of focus and blinking, relative", "", gt=0, le=10
    )
    efficiency_err: float = option(
        0.2,
        "standard error of a given collection efficiency, relative; 0 holds it",
        "",
        ge=0,
        le=10,
    )
    rivals: bool = option(True, "compare with rival models")
