"""The name of a map says which terms its dots support."""

from collections import Counter

import numpy as np
import pytest
from dots import SHAPE, draw_pair, inside, localizations, similarity

from qdimage.domain.registration import Registration
from qdimage.domain.transform import Transform
from qdimage.registration.align import align
from qdimage.registration.options import RegisterOptions


def names(true: Transform, *, n_fields: int = 8, **drawn) -> Counter[str]:
    found: Counter[str] = Counter()
    for seed in range(n_fields):
        pair = draw_pair(np.random.default_rng([80, seed]), true, n_fixed=80, **drawn)
        answer = align(
            pair.moving,
            pair.fixed,
            moving_shape=SHAPE,
            fixed_shape=SHAPE,
            options=RegisterOptions(shear_prior=0.01),
        )
        assert isinstance(answer, Registration)
        found[answer.model] += 1
    return found


def sheared() -> Transform:
    plain = similarity((5.0, 3.0), 1.0)
    linear = plain.matrix[:, :2] @ np.array([[1.004, 0.003], [0.003, 0.996]])
    centre = (np.array(SHAPE) - 1) / 2
    constant = centre + np.array([5.0, 3.0]) - linear @ centre
    return Transform(
        np.column_stack([linear, constant]),
        0.0,
        plain.centre_px,
        plain.radius_px,
        np.zeros((7, 7)),
    )


@pytest.mark.parametrize(
    ("true", "name"),
    [
        (similarity((6.0, -4.0)), "translation"),
        (similarity((6.0, -4.0), 1.5), "rigid"),
        (similarity((6.0, -4.0), 1.5, 1.006), "similarity"),
        (similarity((6.0, -4.0), 1.5, 1.006, 1.5), "similarity+radial"),
        (similarity((6.0, -4.0), 90.0), "rigid"),
        (sheared(), "affine"),
    ],
)
def test_the_model_names_the_terms_of_the_true_map(true: Transform, name: str) -> None:
    # A term too much with odds of about 1 in 20 for each field: more than 2 of 8 in 1 of 170.
    found = names(true)
    assert found[name] >= 6, found


def test_few_dots_support_few_terms() -> None:
    found = names(similarity((6.0, -4.0), 1.5, 1.002), lit_share=0.2)
    assert all("affine" not in name for name in found)


def test_a_mirrored_field_is_no_translation() -> None:
    rng = np.random.default_rng(81)
    places = inside(256 * rng.random((40, 2)))
    mirrored = places * [-1.0, 1.0] + [SHAPE[1] - 1, 0.0]
    answer = align(
        localizations(mirrored),
        localizations(places + 0.1 * rng.standard_normal(places.shape)),
        moving_shape=SHAPE,
        fixed_shape=SHAPE,
        options=RegisterOptions(),
    )
    assert isinstance(answer, Registration)
    assert answer.model == "rigid"
