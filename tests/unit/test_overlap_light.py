"""All light of a channel within the field, and what lies between its sources."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from qdimage.domain.camera import Camera, NoiseModel
from qdimage.domain.overlap_light import OverlapLight
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.transform import Transform
from qdimage.match.overlap_light import overlap_light

SHAPE, N_FRAMES, EXPOSURE_S, SIGMA_PX = (96, 128), 25, 0.1, 1.3
DOTS = np.array([[20.0, 30.0], [70.0, 50.0], [100.0, 20.0]])
FLUX_S, BACKGROUND_PX_S, CLOCK = 4000.0, 3.0, 0.02


def _image(
    seed: int, *, defects: float = 0.0, wings: float = 0.0, flux_s: float = FLUX_S
) -> PhotonImage:
    """Mean of frames of three dots on an even background, Poisson noise doubled.

    A dot is Gaussian but for a share of its light, which falls with the third power of the
    distance beyond four times the Gaussian's width.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    level = np.full(SHAPE, BACKGROUND_PX_S * EXPOSURE_S + CLOCK)
    for px, py in DOTS:
        spot = np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * SIGMA_PX**2))
        level += (1 - wings) * flux_s * EXPOSURE_S * spot / (2 * np.pi * SIGMA_PX**2)
        far = np.hypot(x - px, y - py) / (4 * SIGMA_PX)
        tail = np.where(far > 1, np.maximum(far, 1.0) ** -3.0, 0.0)
        level += wings * flux_s * EXPOSURE_S * tail / (2 * np.pi * (4 * SIGMA_PX) ** 2)
    # A gamma number of mean m and variance 2 m / n stands for n frames behind an EM register.
    mean = rng.gamma(level * N_FRAMES / 2, 2 / N_FRAMES)
    usable = rng.random(SHAPE) >= defects
    empty = np.zeros(SHAPE, bool)
    return PhotonImage(
        mean=np.where(usable, mean, 0.0),
        n_samples=np.where(usable, N_FRAMES, 0).astype(np.int32),
        usable=usable,
        hot=~usable,
        saturated=empty,
        cosmic=empty,
        drift_px=np.zeros((N_FRAMES, 2)),
        offset_px=np.zeros(2),
        noise=NoiseModel("photons", 1.0, 2.0, 0.0, CLOCK),
        camera=Camera(),
        n_frames=N_FRAMES,
        exposure_s=EXPOSURE_S,
    )


def _light(
    image: PhotonImage, shift_px: tuple[float, float] = (0.0, 0.0), flux_s: float = FLUX_S
) -> OverlapLight:
    matrix = np.array([[1.0, 0.0, shift_px[0]], [0.0, 1.0, shift_px[1]]])
    return overlap_light(
        image,
        Transform.from_matrix(matrix),
        field_shape=SHAPE,
        sources_px=DOTS,
        flux_s=np.full(len(DOTS), flux_s),
        sigma_px=SIGMA_PX,
        signal_per_adu=0.05,
        zero="bias_adu",
    )


def test_total_and_background_are_covered() -> None:
    """300 images; of a 95 % interval 269 to 297 hold the truth with odds of 0.9999."""
    n = SHAPE[0] * SHAPE[1]
    truth = n * BACKGROUND_PX_S + len(DOTS) * FLUX_S
    found = [_light(_image(seed)) for seed in range(300)]
    low, high = binom.interval(0.9999, 300, 0.95)
    total = sum(abs(each.total_s - truth) < 1.96 * each.total_err_s for each in found)
    background = sum(
        abs(each.background_px_s - BACKGROUND_PX_S) < 1.96 * each.background_px_err_s
        for each in found
    )
    assert low <= total <= high
    # Boxes of the frame add what they differ by, so that this error is rather too large.
    assert low <= background


def test_wings_of_bright_dots_are_no_background() -> None:
    """They would raise the level between the dots by more than itself; all but the farthest go."""
    bright_s = 1e5
    images = [_image(seed, wings=0.15, flux_s=bright_s) for seed in range(20)]
    found = np.array([_light(each, flux_s=0.85 * bright_s).background_px_s for each in images])
    raised = 0.15 * len(DOTS) * bright_s / (SHAPE[0] * SHAPE[1])
    assert raised > BACKGROUND_PX_S
    assert found.mean() == pytest.approx(BACKGROUND_PX_S, abs=0.1 * raised)


def test_only_the_field_counts() -> None:
    whole, part = _light(_image(1)), _light(_image(1), shift_px=(28.0, -10.0))
    assert whole.n_pixels == SHAPE[0] * SHAPE[1]
    # Columns 100 on and rows up to 9 lie outside, and with them a dot at (100, 20).
    assert part.n_pixels == (SHAPE[0] - 10) * (SHAPE[1] - 28)
    # The dot at (100, 20) lies on the border: half of it counts.
    assert whole.counted_s == pytest.approx(3 * FLUX_S, rel=1e-3)
    assert part.counted_s == pytest.approx(2.35 * FLUX_S, abs=0.15 * FLUX_S)
    expected = part.n_pixels * BACKGROUND_PX_S + 2 * FLUX_S
    assert part.total_s == pytest.approx(expected, abs=4 * part.total_err_s + 0.55 * FLUX_S)


def test_defects_are_made_up_for_by_the_others() -> None:
    found = _light(_image(2, defects=0.2))
    n = SHAPE[0] * SHAPE[1]
    truth = n * BACKGROUND_PX_S + len(DOTS) * FLUX_S
    # Which pixels of three dots are lost moves the sum beside its noise.
    assert found.total_s == pytest.approx(truth, rel=0.05)
    assert found.background_px_s == pytest.approx(BACKGROUND_PX_S, abs=0.3)


def test_an_estimated_bias_says_nothing_of_the_level() -> None:
    image = _image(3)
    found = overlap_light(
        image,
        Transform.from_matrix(np.eye(3)[:2]),
        field_shape=SHAPE,
        sources_px=DOTS,
        flux_s=np.full(len(DOTS), FLUX_S),
        sigma_px=SIGMA_PX,
        signal_per_adu=0.05,
        zero=None,
    )
    assert np.isnan([found.total_s, found.background_px_s]).all()
    assert "bias_adu was estimated" in found.message


def test_one_adu_of_bias_is_stated() -> None:
    image = _image(4)
    found = _light(image)
    lower = _light(replace(image, mean=image.mean + 0.05))
    assert lower.total_s - found.total_s == pytest.approx(found.per_adu_s)


def test_a_frame_full_of_sources_has_nothing_between() -> None:
    image = _image(5)
    y, x = np.mgrid[0 : SHAPE[0] : 4, 0 : SHAPE[1] : 4]
    found = overlap_light(
        image,
        Transform.from_matrix(np.eye(3)[:2]),
        field_shape=SHAPE,
        sources_px=np.column_stack([x.ravel(), y.ravel()]).astype(float),
        flux_s=np.zeros(x.size),
        sigma_px=SIGMA_PX,
        signal_per_adu=0.05,
        zero="bias_adu",
    )
    assert found.n_free == 0
    assert np.isnan(found.background_px_s)
    assert np.isfinite(found.total_s)
