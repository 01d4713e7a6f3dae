"""CPU time of a 512 x 512 px field from its localizations to its fraction, for one voltage.

Registration, forced photometry (with its blank places) and statistics (the null, `lit`, limits,
the fraction with its interval) apart, each the median of several fields, the seconds of all
threads added up (OPENBLAS_NUM_THREADS=1 spares them waiting for each other). What numba compiles
is kept on disk; the first field of all is not counted.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from lit_fields.draw import Case, Condition, case
from lit_fields.judge import MATCH, REGISTER, measured

from qdimage.domain.matches import Matches
from qdimage.domain.photometry import ForcedPhotometry
from qdimage.domain.refusal import Refusal
from qdimage.domain.transform import Transform
from qdimage.match.lit import dark_null, null_width_s, upper_limit, widened_error
from qdimage.match.turn_on import turn_on_fraction
from qdimage.registration.align import align

DENSITIES = (0.05, 0.1, 0.3, 0.5)
SIDE_PX = 512


def registered(case: Case) -> Transform:
    """The transform of a channel."""
    shape = (SIDE_PX, SIDE_PX)
    fit = align(case.found, case.dots, moving_shape=shape, fixed_shape=shape, options=REGISTER)
    if isinstance(fit, Refusal):
        raise SystemExit(f"a field that all is measured with was refused: {fit.reason}")
    return fit.transform


def judged(case: Case, matches: Matches, photometry: ForcedPhotometry) -> None:
    """All that follows from the fluxes."""
    null = dark_null(photometry.blanks)
    err = widened_error(photometry, null)
    null.false_alarm(photometry.flux_s / photometry.err_s)
    upper_limit(photometry.flux_s, err)
    f_min_s = MATCH.f_min_sigma * null_width_s(photometry.blanks, null)
    turn_on_fraction(case.dots, matches, photometry, f_min_s=f_min_s, confidence=MATCH.confidence)


def timed(task: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """CPU seconds of a call, and its answer."""
    begin = process_time()
    answer = task(*arguments)
    return process_time() - begin, answer


def seconds(case: Case) -> tuple[float, float, float]:
    """CPU seconds of registration, photometry and statistics."""
    registration, transform = timed(registered, case)
    photometry, (matches, fluxes) = timed(measured, case, transform)
    statistics, _ = timed(judged, case, matches, fluxes)
    return registration, photometry, statistics


def main() -> None:
    """Print a line for each density."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=5)
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "qdimage-bench-lit"
    )
    asked = parser.parse_args()
    seconds(case(Condition(DENSITIES[0]), 0, SIDE_PX, asked.folder))
    print("1/um2  PL dots  EL dots  registration  photometry  statistics  together (s)")
    for density in DENSITIES:
        fields = [case(Condition(density), k, SIDE_PX, asked.folder) for k in range(asked.fields)]
        parts = np.median([seconds(each) for each in fields], axis=0)
        n_pl, n_el = (
            np.median([len(getattr(each, name)) for each in fields]) for name in ("dots", "found")
        )
        print(
            f"{density:5.2f} {n_pl:8.0f} {n_el:8.0f} {parts[0]:13.2f} {parts[1]:11.2f} "
            f"{parts[2]:11.2f} {parts.sum():9.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
