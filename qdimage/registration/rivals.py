"""Other transforms under which the same dots agree: the sign of a regular pattern."""

from dataclasses import replace

import numpy as np

from qdimage.registration.candidates import Candidate, likely_range, refine_from
from qdimage.registration.options import RegisterOptions
from qdimage.registration.points import Points
from qdimage.registration.search import starting_points
from qdimage.registration.significance import chance_probability

_N_DISPLACED = 12


def strongest_rival(
    best: Candidate, candidates: list[Candidate], a: Points, b: Points
) -> tuple[float, Candidate]:
    """Return the candidate that chance explains least by pairs which are not the best one's."""
    own = set(map(tuple, best.found.pairs.tolist()))
    judged = []
    for each in candidates:
        other = np.array([tuple(pair) not in own for pair in each.found.pairs.tolist()], bool)
        pairs = each.pairs.chosen(other)
        judged.append(chance_probability(each.found.transform, pairs, a, b, each.prior))
    first = int(np.argmin(judged))
    return judged[first], candidates[first]


def displaced(best: Candidate, a: Points, b: Points, options: RegisterOptions) -> list[Candidate]:
    """Return refined displacements of the best transform, also beyond the range.

    A pattern that is wider than the range repeats only there.
    """
    transform = best.found.transform
    mapped = Points(transform.apply(a.positions), a.variance, a.index, a.width, a.height)
    reach = max(b.width, b.height) / 2
    starts = starting_points(
        mapped, b, max_shift_px=reach, max_rotation_rad=0.0, scale_prior=0.0, n_best=_N_DISPLACED
    )
    within = replace(likely_range(b, options), shift_px=reach)
    matrices = []
    for start in starts:
        matrix = transform.matrix.copy()
        matrix[:, 2] += start[:, 2]
        matrices.append(matrix)
    return [refine_from(matrix, a, b, within, options) for matrix in matrices]
