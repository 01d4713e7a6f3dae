"""How honest the bound of chance is: ``./qd bench registration_chance``.

Lists of dots with nothing in common are registered with no bound at all. ``chance_p`` of the best
agreement claims that unrelated dots reach it with at most this probability, so of all pairs of
lists at most a share p may show a chance_p below p. ``--csv FILE`` keeps what is printed.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from registration_fields import points

from qdimage.domain.refusal import Refusal
from qdimage.registration.align import align
from qdimage.registration.options import RegisterOptions

Array = NDArray[np.float64]
Rng = np.random.Generator

LEVELS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
# Everything is accepted, so that every agreement shows its chance.
_NO_BOUND = RegisterOptions().model_copy(update={"max_chance_probability": 1.0})
_SHAPE = (points.SIDE, points.SIDE)


def chances(draw: Callable[[Rng, int], Array], n_pairs: int, rng: Rng) -> Array:
    """chance_p of pairs of unrelated lists; 1 where no dots agree at all."""
    found = np.ones(n_pairs)
    for k in range(n_pairs):
        moving, fixed = points.unrelated(rng, draw, False)
        answer = align(moving, fixed, moving_shape=_SHAPE, fixed_shape=_SHAPE, options=_NO_BOUND)
        if not isinstance(answer, Refusal):
            found[k] = answer.chance_p
    return found


def main() -> None:
    """Print the share of pairs below each level."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=400, help="of lists, of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", default=["uniform", "clustered"])
    parser.add_argument("--csv", type=Path)
    asked = parser.parse_args()
    lines = ["dots,chance_p,below,pairs"]
    for draw in [getattr(points, name) for name in asked.kinds]:
        found = chances(draw, asked.pairs, np.random.default_rng(asked.seed))
        for level in LEVELS:
            below = int(np.sum(found <= level))
            lines.append(f"{draw.__name__},{level:g},{below},{asked.pairs}")
            print(f"{draw.__name__:>10}  chance_p <= {level:<5g} {below:4d} of {asked.pairs}")
    if asked.csv is not None:
        asked.csv.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
