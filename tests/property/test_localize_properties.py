"""What must not change the dots: where the frame begins, which way it lies, the frames' order."""

import numpy as np
from frames import EMCCD, SIGMA_PX, Scene, image_of
from hypothesis import given, settings
from hypothesis import strategies as st

from qdimage.domain.localizations import Localizations
from qdimage.localize.dots import localize
from qdimage.localize.options import LocalizeOptions

SIDE = 64
MARGIN = 16
OPTIONS = LocalizeOptions(psf_sigma_px=SIGMA_PX)


@st.composite
def dot_stacks(draw: st.DrawFn) -> np.ndarray:
    """Frames with a few dots well inside and apart, on background that goes on."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_dots = draw(st.integers(0, 6))
    cell = np.column_stack(np.unravel_index(rng.permutation(9)[:n_dots], (3, 3)))
    positions = MARGIN + 16 + 16 * cell + rng.uniform(-4, 4, (n_dots, 2))
    photons = rng.uniform(800, 3000, n_dots)
    background = draw(st.sampled_from([0.1, 2.0, 20.0]))
    side = SIDE + 2 * MARGIN
    return Scene(positions, photons, background, shape=(side, side)).record(3, rng)


def dots_of(frames: np.ndarray) -> Localizations:
    return localize(image_of(np.ascontiguousarray(frames), EMCCD.keys), options=OPTIONS)


def bright(dots: Localizations) -> np.ndarray:
    """Rows (x, y, flux, x error) far above the threshold, where no small change can lose them."""
    rows = np.column_stack([dots.positions, dots.signal, dots.x_err_px])
    return rows[dots.signal > 12 * dots.signal_err]


def same(first: np.ndarray, second: np.ndarray, tolerance: float) -> bool:
    """Whether two lists hold the same dots, up to a share of their position errors."""
    if len(first) != len(second):
        return False
    order = [rows[np.lexsort((rows[:, 0], np.rint(rows[:, 1])))] for rows in (first, second)]
    distance = np.abs(order[0][:, :2] - order[1][:, :2])
    return bool(np.all(distance <= tolerance * order[0][:, 3:]))


@settings(max_examples=20)
@given(dot_stacks(), st.integers(-MARGIN, MARGIN), st.integers(-MARGIN, MARGIN))
def test_dots_move_with_the_frame_by_whole_pixels(frames: np.ndarray, dx: int, dy: int) -> None:
    inner = slice(MARGIN, MARGIN + SIDE)
    plain = dots_of(frames[:, inner, inner])
    moved = dots_of(frames[:, MARGIN + dy : MARGIN + dy + SIDE, MARGIN + dx : MARGIN + dx + SIDE])
    here, there = bright(plain), bright(moved) + np.array([dx, dy, 0, 0])
    low_x, high_x = max(0, dx) + 6, SIDE - 7 + min(0, dx)
    low_y, high_y = max(0, dy) + 6, SIDE - 7 + min(0, dy)

    def common(rows: np.ndarray) -> np.ndarray:
        x, y = rows[:, 0], rows[:, 1]
        return rows[(x > low_x) & (x < high_x) & (y > low_y) & (y < high_y)]

    # The boxes of the background lie differently: a small part of an error may be theirs.
    assert same(common(here), common(there), 0.2)


@settings(max_examples=10)
@given(dot_stacks())
def test_a_transposed_frame_has_transposed_dots(frames: np.ndarray) -> None:
    plain, turned = bright(dots_of(frames)), bright(dots_of(frames.transpose(0, 2, 1)))
    assert same(plain, turned[:, [1, 0, 2, 3]], 0.02)


@settings(max_examples=10)
@given(dot_stacks())
def test_a_mirrored_frame_has_mirrored_dots(frames: np.ndarray) -> None:
    plain, mirrored = bright(dots_of(frames)), bright(dots_of(frames[:, :, ::-1]))
    mirrored[:, 0] = frames.shape[2] - 1 - mirrored[:, 0]
    assert same(plain, mirrored, 0.02)


@settings(max_examples=10)
@given(dot_stacks(), st.permutations([0, 1, 2]))
def test_the_order_of_a_few_frames_does_not_matter(frames: np.ndarray, order: list[int]) -> None:
    assert same(bright(dots_of(frames)), bright(dots_of(frames[order])), 1e-3)


@settings(max_examples=10)
@given(dot_stacks())
def test_the_same_frames_give_the_same_bytes(frames: np.ndarray) -> None:
    first, second = dots_of(frames), dots_of(frames)
    for name, value in vars(first).items():
        np.testing.assert_array_equal(value, getattr(second, name), err_msg=name)
