"""A dot's headline results, from the rows of its files."""

from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]


def add_headlines(dots: Iterable[Row], photons: Sequence[Row]) -> None:
    """Add to each dot the g2(0) of the narrowest interval, of PL and of EL.

    The narrowest interval, never the smallest value: choosing among noisy values by their size
    would be choosing their errors.

    Parameters
    ----------
    dots, photons : rows of the tables `dots` and `photons`
        Of one field.
    """
    for dot in dots:
        own = [row for row in photons if row.get("dot_id") == dot["dot_id"]]
        for kind in ("pl", "el"):
            best = narrowest(row for row in own if row["kind"] == kind)
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


def narrowest(photons: Iterable[Row]) -> Row | None:
    """Return the row with the narrowest interval of g2(0), the first of equal ones."""
    answered = [row for row in photons if row["status"] == "ok"]
    if not answered:
        return None
    return min(answered, key=lambda row: float(row["g2_0_high"] - row["g2_0_low"]))
