"""The map from field px to stage um through places that somebody clicked in both."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution
from scipy.stats import norm, t

from qdimage.domain.refusal import Refusal
from qdimage.domain.stage_map import StageMap

Array = NDArray[np.float64]
Model = Literal["similarity", "affine"]

_PARAMETERS = {"similarity": 4, "affine": 6}
_FEWEST = 3
# Pairs whose narrow extent is below this share of the long one lie on a line.
_FLATTEST = 1e-3
_ODD_CHANCE = 0.01
_ONE_SIGMA = float(norm.cdf(1.0))


@dataclass(frozen=True)
class OddOne:
    """The pair that does not fit the others: its index, and how far it is off."""

    index: int
    distance_um: float
    chance_p: float


def fit_stage_map(
    field_px: Array, stage_um: Array, *, model: Model, place_err_um: float | None = None
) -> StageMap | Refusal:
    """Fit a map by least squares.

    The errors follow from the scatter of the pairs, widened as Student's t asks for so that one
    of them holds the truth as often as one standard deviation does; or from `place_err_um`.

    Parameters
    ----------
    field_px, stage_um : ndarray, shape (n, 2)
        At least three pairs.
    model : {"similarity", "affine"}
        A similarity may be mirrored.
    place_err_um : float, optional
        Standard error of each coordinate of a place on the stage.
    """
    if len(field_px) < _FEWEST:
        return Refusal(
            f"found {len(field_px)} pairs, expected at least {_FEWEST} that do not lie on a line"
        )
    for points, where in ((field_px, "field"), (stage_um, "stage")):
        if _is_flat(points):
            return Refusal(
                f"the pairs lie on a line or in one place on the {where}, expected a triangle; "
                "click places far apart in both directions"
            )
    dof = 2 * len(field_px) - _PARAMETERS[model]
    if place_err_um is None and dof == 0:
        return Refusal(
            "three pairs leave nothing to see the error of an affine map by; give a fourth, the "
            "error of a click, or fit a similarity"
        )
    best = min((_solved(field_px, stage_um, basis) for basis in _bases(model)), key=lambda s: s[2])
    matrix, unit_covariance, squares = best
    err = place_err_um
    if err is None:
        err = float(np.sqrt(squares / dof) * t.ppf(_ONE_SIGMA, dof))
    rms = float(np.sqrt(squares / len(field_px))) if dof else float("nan")
    return StageMap(matrix, err**2 * unit_covariance, model, len(field_px), rms)


def odd_one_out(field_px: Array, stage_um: Array, *, model: Model) -> OddOne | None:
    """Return the pair without which the others agree much better; None if there is no such.

    Each pair is left out in turn; by how much the sum of squares falls is judged by an F test,
    with the number of pairs tried taken into account.
    """
    n = len(field_px)
    dof = 2 * n - _PARAMETERS[model] - 2
    if dof < 1 or n <= _FEWEST:
        return None
    whole = fit_stage_map(field_px, stage_um, model=model, place_err_um=1.0)
    if isinstance(whole, Refusal):
        return None
    total = n * whole.rms_um**2
    found = []
    for index in range(n):
        others = np.arange(n) != index
        fitted = fit_stage_map(field_px[others], stage_um[others], model=model, place_err_um=1.0)
        if isinstance(fitted, Refusal):
            continue
        left = _squares(fitted, field_px[others], stage_um[others])
        ratio = np.inf if left == 0 else (total - left) / 2 / (left / dof)
        chance = min(n * float(f_distribution.sf(ratio, 2, dof)), 1.0)
        off = fitted.apply(field_px[[index]])[0] - stage_um[index]
        found.append(OddOne(index, float(np.hypot(*off)), chance))
    worst = min(found, key=lambda each: (each.chance_p, -each.distance_um), default=None)
    return worst if worst is not None and worst.chance_p < _ODD_CHANCE else None


def _squares(fitted: StageMap, field_px: Array, stage_um: Array) -> float:
    return float(np.sum((fitted.apply(field_px) - stage_um) ** 2))


def _is_flat(points: Array) -> bool:
    extents = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(extents[1] <= _FLATTEST * extents[0])


def _bases(model: Model) -> list[Array]:
    """Linear maps from a model's parameters to the six of an affine map."""
    if model == "affine":
        return [np.eye(6)]
    bases = []
    for sign in (1.0, -1.0):
        basis = np.zeros((6, 4))
        basis[0, 0], basis[1, 1], basis[2, 2] = 1.0, -sign, 1.0
        basis[3, 1], basis[4, 0], basis[5, 3] = 1.0, sign, 1.0
        bases.append(basis)
    return bases


def _solved(field_px: Array, stage_um: Array, basis: Array) -> tuple[Array, Array, float]:
    """Matrix, its covariance for unit errors, and the sum of squares."""
    # About the pairs' own middle, so that large stage coordinates cost no digits.
    middle, place = field_px.mean(axis=0), stage_um.mean(axis=0)
    row = np.column_stack([field_px - middle, np.ones(len(field_px))])
    design = np.zeros((len(row), 2, 6))
    design[:, 0, :3], design[:, 1, 3:] = row, row
    design = design.reshape(-1, 6) @ basis
    values = (stage_um - place).ravel()
    solution, *_ = np.linalg.lstsq(design, values, rcond=None)
    squares = float(np.sum((design @ solution - values) ** 2))
    covariance = basis @ np.linalg.inv(design.T @ design) @ basis.T
    back = np.eye(6)
    for start in (0, 3):
        back[start + 2, start : start + 2] = -middle
    parameters = back @ (basis @ solution)
    parameters[[2, 5]] += place
    return parameters.reshape(2, 3), back @ covariance @ back.T, squares
