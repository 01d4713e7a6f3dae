"""Single bright pixels that no mask caught, in the same places of both channels."""

from dataclasses import replace

import numpy as np
from dots import SIGMA_PX, field_errors, inside, similarity, spot_image, uniform

from qdimage.domain.localizations import Localizations
from qdimage.domain.refusal import Refusal
from qdimage.domain.registration import Registration
from qdimage.localize.dots import localize
from qdimage.localize.options import LocalizeOptions
from qdimage.registration.align import align
from qdimage.registration.options import RegisterOptions

SHAPE = (160, 160)


def seen(rng: np.random.Generator, dots: np.ndarray, hot: np.ndarray) -> Localizations:
    image = spot_image(dots, rng.uniform(60, 150, len(dots)), rng=rng, shape=SHAPE)
    mean = image.mean.copy()
    mean[hot[:, 1], hot[:, 0]] += 5.0
    found = localize(replace(image, mean=mean), options=LocalizeOptions(), psf_sigma_px=SIGMA_PX)
    assert len(found) > len(dots) + 0.5 * len(hot)
    return found


def registered(moving: Localizations, fixed: Localizations) -> Registration | Refusal:
    return align(moving, fixed, moving_shape=SHAPE, fixed_shape=SHAPE, options=RegisterOptions())


def test_warm_pixels_do_not_register_two_fields() -> None:
    rng = np.random.default_rng(3)
    hot = rng.integers(5, 155, (40, 2))
    pair = [seen(rng, uniform(rng, 25, SHAPE), hot) for _ in range(2)]
    assert isinstance(registered(*pair), Refusal)


def test_warm_pixels_do_not_hold_a_field_at_the_identity() -> None:
    rng = np.random.default_rng(4)
    hot = rng.integers(5, 155, (40, 2))
    true = similarity((6.0, -4.0), 1.0, shape=SHAPE)
    dots = uniform(rng, 25, SHAPE)
    lit = inside(true.inverse(dots[:18]), SHAPE)
    found = registered(seen(rng, lit, hot), seen(rng, dots, hot))
    assert isinstance(found, Registration)
    assert np.median(field_errors(found.transform, true, SHAPE)) < 0.2
