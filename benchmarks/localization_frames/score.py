"""Found against true positions: Jaccard index, matches, the best threshold in hindsight."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Array = NDArray[np.float64]

MATCH_PX = 2.0


def matches(found: Array, true: Array, within_px: float = MATCH_PX) -> NDArray[np.int64]:
    """For each found position the true one it is the nearest free one of, or -1.

    Pairs are made in the order of their distance, one to one.
    """
    answer = np.full(len(found), -1)
    if len(found) == 0 or len(true) == 0:
        return answer
    near = cKDTree(found).sparse_distance_matrix(cKDTree(true), within_px, output_type="coo_matrix")
    taken = np.zeros(len(true), bool)
    for k in np.argsort(near.data, kind="stable"):
        if answer[near.row[k]] < 0 and not taken[near.col[k]]:
            answer[near.row[k]] = near.col[k]
            taken[near.col[k]] = True
    return answer


def jaccard(found: Array, true: Array) -> float:
    """Matched over all: found, missed and false ones."""
    hits = int(np.sum(matches(found, true) >= 0))
    return hits / max(len(found) + len(true) - hits, 1)


def best_jaccard(found: Array, score: Array, true: Array, n_thresholds: int = 60) -> float:
    """The largest Jaccard index that a threshold of the score gives, chosen with the truth."""
    if len(found) == 0:
        return 0.0
    order = np.argsort(-score, kind="stable")
    numbers = np.unique(np.geomspace(10, len(found), n_thresholds).astype(int))
    numbers = numbers[(numbers > 0.3 * len(true)) & (numbers < 2.5 * len(true))]
    return max((jaccard(found[order[:n]], true) for n in numbers), default=0.0)


def isolated(positions: Array, apart_px: float, side_px: int) -> NDArray[np.bool_]:
    """Whether a dot has no other nearer than that, and no border."""
    distance, _ = cKDTree(positions).query(positions, k=2)
    inside = np.all((positions > apart_px) & (positions < side_px - 1 - apart_px), axis=1)
    return np.asarray((distance[:, 1] > apart_px) & inside)
