"""Numbers and units as a reader expects them."""

import math
from collections.abc import Sequence

NOTHING = "\N{EN DASH}"
_MINUS, _TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PLAIN_RANGE = (1e-3, 1e6)


def number(value: float | None, digits: int = 3) -> str:
    """Format with that many significant digits, without an exponent where it stays short."""
    if value is None or math.isnan(value):
        return NOTHING
    if value == 0 or math.isinf(value):
        return f"{value:g}".replace("inf", "∞")
    if _PLAIN_RANGE[0] <= abs(value) < _PLAIN_RANGE[1]:
        rounded = float(f"{value:.{digits}g}")
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
        return f"{rounded:.{decimals}f}".replace("-", _MINUS)
    mantissa, exponent = f"{value:.{max(0, digits - 2)}e}".split("e")
    return f"{mantissa} {_TIMES} 10{str(int(exponent)).translate(_SUPERSCRIPT)}".replace(
        "-", _MINUS
    )


def percent(fraction: float | None) -> str:
    """Format a fraction in percent with one decimal, without the sign."""
    if fraction is None or math.isnan(fraction):
        return NOTHING
    return f"{100 * fraction:.1f}"


def volts(voltage_v: float | None) -> str:
    """Format a voltage with its unit."""
    if voltage_v is None or math.isnan(voltage_v):
        return "no voltage"
    return f"{voltage_v:g} V"


def flux_unit(signal_units: Sequence[str]) -> str:
    """Return the unit of a flux, from what the channels count."""
    if not signal_units:
        return "photons/s"
    return " or ".join(f"{unit}/s" for unit in signal_units)


def pixel_flux_unit(signal_unit: str) -> str:
    """Return the unit of a pixel's flux."""
    return f"{signal_unit or 'photons'}/px/s"


def count(n: int, noun: str) -> str:
    """Return the number with its noun, in the plural where it is not 1."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def round_down(value: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is not larger than a value > 0."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in (1, 2, 5) if step * power <= value * (1 + 1e-9))
