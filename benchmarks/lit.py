"""How often darkness is called lit, how much light is called dark, and how honest the limits are.

Fields are drawn over brightness, voltage and blinking under stated conditions, photographed and
localized by the stages themselves, and kept in a folder; registration, photometry and decision are
done anew. False alarms, at a nominal 1 %, are those of dark PL dots, and of blank places that the
null was not learned from, without EL-only sources nearby. Dark dots with such a source beside them
that are called lit are contamination, a share of all dark dots.
"""

import argparse
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
from lit_fields.draw import Condition, case
from lit_fields.judge import Judged, judged
from numpy.typing import NDArray

DENSITIES = (0.05, 0.1, 0.3, 0.5)
# Side of a field and number of fields, by density per um^2: some thousand dark dots.
SIZES = {0.05: (512, 30), 0.1: (512, 20), 0.3: (256, 16), 0.5: (256, 10)}
CONDITIONS = (
    *(Condition(density) for density in DENSITIES),
    *(Condition(density, "airy") for density in DENSITIES),
    *(Condition(density, "defocused") for density in DENSITIES),
    *(Condition(d, "defocused", defocus) for defocus, d in product((300.0, 400.0), (0.1, 0.3))),
    *(Condition(d, brightness=each) for each, d in product(("dim", "bright"), (0.1, 0.3))),
    *(Condition(d, law=each) for each, d in product(("exponential", "two kinds"), (0.1, 0.3))),
    *(Condition(d, light=each) for each, d in product(("vignetted", "gradient"), (0.1, 0.3))),
)
_HEAD = (
    "1/um2 condition             fields  dark  false alarms   blank  false alarms  contam.  power "
    "null/nominal  limits hold: dark  dim  flux"
)


def share(selected: NDArray[np.bool_]) -> str:
    """A share in per cent with its standard error, by the number counted."""
    n = len(selected)
    if n == 0:
        return "      -      "
    error = np.sqrt(max(float(selected.sum()), 1.0)) / n
    return f"{100 * selected.mean():5.2f} +- {100 * error:4.2f}"


def line(condition: Condition, fields: list[Judged]) -> str:
    """The figures of a condition."""
    dark, free, lit, true_s, flux, upper, blanks = (
        np.concatenate([getattr(one, name) for one in fields])
        for name in ("dark", "free", "lit", "true_s", "flux_s", "upper_s", "blanks_lit")
    )
    bright = true_s > np.concatenate([np.full(len(one.dark), one.f_min_s) for one in fields])
    dim = ~dark & ~bright
    contaminated = np.sum(lit & dark & ~free) / max(dark.sum(), 1)
    widening = [one.widening for one in fields]
    limits = upper[dim] >= true_s[dim]
    return (
        f"{condition.density_per_um2:5.2f} {condition.name:23s} {len(fields):4d} "
        f"{np.sum(dark & free):6d} {share(lit[dark & free])} {len(blanks):7d} {share(blanks)} "
        f"{100 * contaminated:8.2f} {_mean(100 * lit[bright]):6.1f}  "
        f"{np.median(widening):5.2f} ({np.max(widening):5.2f}) "
        f"{_mean(100 * (upper[dark & free] >= 0)):16.1f} "
        f"{_mean(100 * limits):5.1f} {_mean(flux[bright] / true_s[bright]):5.2f}"
    )


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def main() -> None:
    """Print a line for each condition."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=float, default=1.0, help="times the usual number")
    parser.add_argument("--densities", type=float, nargs="+", default=list(DENSITIES))
    parser.add_argument("--only", default="", help="conditions whose name contains this")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "qdimage-bench-lit"
    )
    asked = parser.parse_args()
    print(_HEAD)
    for condition in CONDITIONS:
        if condition.density_per_um2 not in asked.densities or asked.only not in condition.name:
            continue
        side_px, n = SIZES[condition.density_per_um2]
        indices = range(max(1, round(asked.fields * n)))
        fields = [judged(case(condition, index, side_px, asked.folder)) for index in indices]
        print(line(condition, [one for one in fields if one is not None]), flush=True)


if __name__ == "__main__":
    main()
