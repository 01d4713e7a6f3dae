"""Whether lifetimes and yields agree with each other. They are used as given in any case."""

from qdimage.rates.dot import DotParameters
from qdimage.rates.el import by_counting

# Counting holds for wave functions that do not change with the charge.
_TOLERATED_FACTOR = 1.5
_CHANNELS = {"negative_trion": 2, "positive_trion": 2, "biexciton": 4}


def contradictions(dot: DotParameters, *, charged: bool = True) -> tuple[str, ...]:
    """Say where a dot departs from the counting of carriers, each in one line with its numbers.

    A state of i electrons and j holes has i j radiative channels, the exciton one; its Auger rate
    is A- i(i-1)/2 j + A+ i j(j-1)/2, A- and A+ being those of the trions (Klimov, Annu. Rev.
    Condens. Matter Phys. 5, 285, 2014, doi:10.1146/annurev-conmatphys-031113-133900).

    Parameters
    ----------
    dot : DotParameters
    charged : bool
        Whether trions play a part.
    """
    found = [
        _channels(dot, name)
        for name in _CHANNELS
        if (charged or name == "biexciton") and dot.radiative_per_us("exciton") > 0
    ]
    if charged:
        found.append(_biexciton(dot))
    return tuple(each for each in found if each)


def _channels(dot: DotParameters, name: str) -> str:
    one, several = dot.radiative_per_us("exciton"), dot.radiative_per_us(name)
    expected = _CHANNELS[name] * one
    if expected / _TOLERATED_FACTOR <= several <= expected * _TOLERATED_FACTOR:
        return ""
    return (
        f"{name}: lifetime and yield give a radiative rate of {several:.4g} /us, "
        f"{several / one:.3g} times the exciton's {one:.4g} /us, where counting carriers expects "
        f"{_CHANNELS[name]} times; they are used as given"
    )


def _biexciton(dot: DotParameters) -> str:
    radiative, auger = by_counting((2, 2), dot)
    measured = dot.nonradiative_per_us("biexciton")
    agrees = auger / _TOLERATED_FACTOR <= measured <= auger * _TOLERATED_FACTOR
    if agrees or radiative + auger == 0.0:
        return ""
    qy, lifetime_ns = radiative / (radiative + auger), 1e3 / (radiative + auger)
    return (
        f"biexciton: the trions' Auger rates of {dot.nonradiative_per_us('negative_trion'):.4g} "
        f"and {dot.nonradiative_per_us('positive_trion'):.4g} /us would give it a yield of "
        f"{qy:.3g} and {lifetime_ns:.3g} ns by counting carriers, found {dot.biexciton_qy:.3g} and "
        f"{dot.biexciton_lifetime_ns:.3g} ns; they are used as given"
    )
