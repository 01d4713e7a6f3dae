"""The parts of a calibration: pairs of frames, the line through groups, the histogram's shape."""

from dataclasses import replace

import numpy as np
import pytest
from emccd import Emccd, spots
from hypothesis import given, settings
from hypothesis import strategies as st

import qdimage
from qdimage.domain.calibration import Measured
from qdimage.domain.refusal import Refusal
from qdimage.domain.stack import Stack
from qdimage.image import pair_statistics as pairs
from qdimage.image.em_histogram import DifferenceHistogram, density
from qdimage.image.photon_transfer import TransferLine, TransferPoints, fit_transfer

SHAPE = (64, 80)


def still_field(seed: int, n_frames: int = 60) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return Emccd().still(2.0 + spots(SHAPE, 30, 1500.0, rng).sum(axis=0), n_frames, rng)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_statistics_do_not_depend_on_the_size_of_blocks(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    stack = Stack.from_array(still_field(1, 21))
    whole = pairs.pair_statistics(stack, ceiling_adu=65535)
    monkeypatch.setattr(pairs, "chunk_frames", lambda _: size)
    parts = pairs.pair_statistics(stack, ceiling_adu=65535)
    assert parts.n_pairs == whole.n_pairs == (5, 5)
    for name in ("mean", "variance", "largest", "covariance", "slow"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-9, atol=1e-6)


def test_frames_are_read_in_blocks_and_never_all_at_once() -> None:
    frames = np.random.default_rng(2).integers(0, 4000, (64, 512, 512)).astype(np.uint16)
    stack, asked = Stack.from_array(frames), []

    def read(start: int, stop: int) -> np.ndarray:
        asked.append(stop - start)
        return frames[start:stop]

    pairs.pair_statistics(replace(stack, reader=read), ceiling_adu=65535)
    assert sum(asked) == 2 * len(frames)
    assert max(asked) <= 8


@settings(max_examples=4, deadline=None)
@given(factor=st.sampled_from([1, 2, 5]), offset=st.integers(0, 3000), axis=st.integers(0, 3))
def test_a_scaled_shifted_and_turned_stack_has_the_scaled_gain(
    factor: int, offset: int, axis: int
) -> None:
    frames = still_field(3)
    turned = {0: frames, 1: frames[:, ::-1], 2: frames[:, :, ::-1], 3: frames.swapaxes(1, 2)}[axis]
    changed = turned.astype(np.float64) * factor + offset
    answers = [
        qdimage.calibrate(each, camera={"em_gain": 300.0}).quantities["adu_per_photoelectron"]
        for each in (frames.astype(np.float64), changed)
    ]
    first, second = answers
    assert isinstance(first, Measured)
    assert isinstance(second, Measured)
    assert second.value == pytest.approx(factor * first.value, rel=1e-3)


def points_on(variance: np.ndarray, mean: np.ndarray) -> TransferPoints:
    n = len(mean)
    moments = np.column_stack([(0.3 * variance) ** 2, np.full(n, 1.0), np.zeros(n)])
    return TransferPoints(
        mean=mean,
        variance=variance,
        sorted_by=mean,
        covariance=np.zeros(n),
        covariance_err=np.full(n, 1e-3),
        n_pixels=np.full(n, 4000),
        moments=moments,
        stack=np.zeros(n, np.int64),
    )


MEAN = np.linspace(200.0, 2000.0, 15)


def test_points_on_a_line_give_the_line() -> None:
    line = fit_transfer(points_on(14.0 + 48.0 * (MEAN - 190.0), MEAN))
    assert isinstance(line, TransferLine)
    assert line.slope_adu == pytest.approx(48.0)
    assert line.intercept_adu2 == pytest.approx(14.0 - 48.0 * 190.0)
    assert not line.is_cut


def test_a_variance_that_grows_faster_than_the_mean_is_refused() -> None:
    found = fit_transfer(points_on(48.0 * (MEAN - 190.0) * (1 + (MEAN - 200.0) / 1800.0), MEAN))
    assert isinstance(found, Refusal)
    assert "blinks" in found.reason


def test_a_register_that_saturates_is_used_below_its_bend() -> None:
    variance = 14.0 + 48.0 * (np.minimum(MEAN, 1400.0) - 190.0)
    line = fit_transfer(points_on(variance, MEAN))
    assert isinstance(line, TransferLine)
    assert line.is_cut
    assert line.linear_to_adu <= 1500.0
    assert line.slope_adu == pytest.approx(48.0, rel=0.03)


def test_light_shared_by_neighbours_is_refused() -> None:
    points = points_on(14.0 + 48.0 * (MEAN - 190.0), MEAN)
    shared = replace(points, covariance=0.1 * 48.0 * (MEAN - 190.0))
    found = fit_transfer(shared)
    assert isinstance(found, Refusal)
    assert "neighbours" in found.reason


def histogram(*, rounded: bool = False) -> DifferenceHistogram:
    width = 1.0
    centres = width * (np.arange(8001) - 4000.0)
    return DifferenceHistogram(centres, np.zeros(8001), width, rounded)


@pytest.mark.parametrize("electrons", [0.0, 0.01, 1.0])
@pytest.mark.parametrize("rounded", [False, True])
def test_the_histogram_has_the_moments_of_its_parts(electrons: float, rounded: bool) -> None:
    shape = histogram(rounded=rounded)
    share = density(shape, read_noise_adu=4.0, adu_per_electron=25.0, electrons=electrons)
    assert share.sum() == pytest.approx(1.0, abs=1e-9)
    np.testing.assert_allclose(share, share[::-1], atol=1e-15)
    square = share @ shape.difference_adu**2
    # Rounding adds 1/12 for each frame; bins of the width of an integer add none to it.
    own = 2 / 12 if rounded else 1 / 12
    assert square == pytest.approx(2 * (16.0 + 2 * electrons * 625.0) + own, rel=1e-6)


def test_electrons_of_the_register_have_smaller_outputs() -> None:
    settings_of = {"read_noise_adu": 4.0, "adu_per_electron": 25.0, "electrons": 0.01}
    shape = histogram()
    plain = density(shape, **settings_of)
    more = density(shape, **settings_of, in_register=0.05)
    gained = more - plain
    size = np.abs(shape.difference_adu)
    middle, far = gained[(size > 20) & (size < 60)].sum(), gained[size > 150].sum()
    assert more.sum() == pytest.approx(1.0, abs=1e-9)
    assert middle > 50 * far > 0
