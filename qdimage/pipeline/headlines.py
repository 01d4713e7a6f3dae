"""A dot's headline results, from the rows of its files."""

from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]


def add_headlines(
    dots: Iterable[Row], photons: Sequence[Row], lifetimes: Sequence[Row] = ()
) -> None:
    """Add to each dot the g2(0) of the narrowest interval, of PL and of EL, and its PL lifetime.

    The narrowest interval, never the smallest value: choosing among noisy values by their size
    would be choosing their errors.

    Parameters
    ----------
    dots, photons, lifetimes : rows of the tables of these names
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
        decay = narrowest(
            (
                row
                for row in lifetimes
                if row.get("dot_id") == dot["dot_id"] and row["kind"] == "pl"
            ),
            ("lifetime_low_ns", "lifetime_high_ns"),
        )
        if decay is not None:
            dot["lifetime_ns"] = decay["lifetime_ns"]


def narrowest(rows: Iterable[Row], ends: tuple[str, str] = ("g2_0_low", "g2_0_high")) -> Row | None:
    """Return the row with the narrowest interval, the first of equal ones; None without any."""
    low, high = ends
    answered = [row for row in rows if row["status"] == "ok"]
    if not answered:
        return None
    return min(answered, key=lambda row: float(row[high] - row[low]))
