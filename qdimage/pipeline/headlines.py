"""A dot's headline results, from the rows of its files."""

from collections.abc import Iterable, Sequence
from typing import Any

from qdimage.domain.population import is_doubtful

Row = dict[str, Any]


def add_headlines(
    dots: Iterable[Row],
    photons: Sequence[Row],
    lifetimes: Sequence[Row] = (),
    rate_fits: Sequence[Row] = (),
) -> None:
    """Add to each dot its g2(0) of PL and of EL, its PL lifetime and its injection rate.

    Each is that of the narrowest interval, never the smallest value: choosing among noisy values
    by their size would be choosing their errors.

    Parameters
    ----------
    dots, photons, lifetimes, rate_fits : rows of the tables of these names
        Of one field.
    """
    for dot in dots:
        for kind in ("pl", "el"):
            best = narrowest(_of_dot(photons, dot, kind), "g2_0_low", "g2_0_high")
            if best is None:
                continue
            dot |= {
                f"{kind}_g2_0": best["g2_0"],
                f"{kind}_g2_0_low": best["g2_0_low"],
                f"{kind}_g2_0_high": best["g2_0_high"],
                f"{kind}_g2_0_file": best["file"],
            }
            if kind == "el":
                dot["el_g2_0_voltage_v"] = best["voltage_v"]
        decays = _of_dot(lifetimes, dot, "pl")
        if (best := narrowest(decays, "lifetime_low_ns", "lifetime_high_ns")) is not None:
            dot["lifetime_ns"] = best["lifetime_ns"]
        fits, name = _of_dot(rate_fits, dot, "el"), "injection_rate"
        if (best := narrowest(fits, f"{name}_low_per_us", f"{name}_high_per_us")) is not None:
            dot["injection_rate_per_us"] = best["injection_rate_per_us"]


def _of_dot(rows: Iterable[Row], dot: Row, kind: str) -> list[Row]:
    return [row for row in rows if row.get("dot_id") == dot["dot_id"] and row["kind"] == kind]


def narrowest(rows: Iterable[Row], low: str, high: str) -> Row | None:
    """Return the row with the narrowest interval, the first of equal ones; None without any.

    Rows do not count whose flags say that the description does not hold.
    """
    answered = [row for row in rows if row["status"] == "ok" and not is_doubtful(row.get("flags"))]
    if not answered:
        return None
    return min(answered, key=lambda row: float(row[high] - row[low]))
