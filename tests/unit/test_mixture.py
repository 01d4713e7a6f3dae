"""The mixture of dark and lit dots: shares, likelihoods of each dot, hostile numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from qdimage.match.mixture import FluxMixture, fit_mixture
from qdimage.match.mixture_kernels import likeliest_weights

F_MIN = 5.0


def fitted(
    flux: np.ndarray, err: float = 1.0, blanks: np.ndarray | None = None, f_min: float = F_MIN
) -> FluxMixture:
    if blanks is None:
        blanks = np.random.default_rng(200).standard_normal(400)
    return fit_mixture(
        np.asarray(flux, float),
        np.full(len(flux), err),
        blanks,
        np.ones(len(blanks)),
        np.zeros(len(blanks), bool),
        f_min_s=f_min,
    )


def drawn(
    rng: np.random.Generator, n: int, lit: float, median: float, spread: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Measured and true fluxes, unit errors."""
    true = np.where(rng.random(n) < lit, median * np.exp(spread * rng.standard_normal(n)), 0.0)
    return true + rng.standard_normal(n), true


ALL = np.ones((1, 3))
EVEN = np.full(3, 1 / 3)


def test_weights_of_a_known_mixture_are_recovered() -> None:
    rng = np.random.default_rng(201)
    place, weights = np.array([0.0, 4.0, 8.0]), np.array([0.5, 0.2, 0.3])
    data = rng.choice(place, 4000, p=weights) + rng.standard_normal(4000)
    found, _ = likeliest_weights(norm.pdf(data[:, np.newaxis], place, 1.0), ALL, np.ones(1), EVEN)
    # Standard deviation 0.008; 5 of them have odds of 1e-6.
    assert found == pytest.approx(weights, abs=0.04)


def test_a_component_that_explains_nothing_gets_no_weight() -> None:
    density = np.array([[1.0, 0.5, 1e-12], [0.3, 1.0, 1e-12], [0.9, 0.8, 1e-12]])
    found, value = likeliest_weights(density, ALL, np.ones(1), EVEN)
    # Between the first two the maximum is where the derivative vanishes.
    first = np.linspace(0, 1, 100001)
    line = np.log(np.outer(first, density[:, 0]) + np.outer(1 - first, density[:, 1])).sum(axis=1)
    assert found[2] < 1e-6
    assert found[0] == pytest.approx(first[line.argmax()], abs=1e-3)
    assert value == pytest.approx(line.max(), abs=1e-5)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
def test_a_held_share_is_held_and_the_best_of_its_kind(share: float) -> None:
    density = np.random.default_rng(202).random((40, 3)) + 0.05
    held = np.vstack([ALL, [0.0, 0.5, 1.0]])
    # All weights with that share lie on a line, which is searched.
    line = np.array(
        [[1 - share - m / 2, m, share - m / 2] for m in np.linspace(0, 2 * share, 20001)]
    )
    line = line[np.all(line >= 0, axis=1)]
    start = line[len(line) // 2]
    found, value = likeliest_weights(density, held, np.array([1.0, share]), start)
    assert found.sum() == pytest.approx(1)
    assert held[1] @ found == pytest.approx(share)
    assert value == pytest.approx(np.log(line @ density.T).sum(axis=1).max(), abs=1e-4)


def test_the_share_is_unbiased_where_dots_are_near_f_min() -> None:
    rng = np.random.default_rng(203)
    off, inside, trials = [], 0, 150
    for _ in range(trials):
        lit = rng.uniform(0.2, 0.9)
        flux, _ = drawn(rng, 80, lit, 1.8 * F_MIN)
        found = fitted(flux)
        share = lit * float(norm.sf(np.log(1 / 1.8) / 0.5))
        off.append(found.fraction - share)
        inside += found.low <= share <= found.high
    # Standard error of the mean 0.0045, of the coverage 0.02: beyond have odds of 1 % and 1e-3.
    assert abs(np.mean(off)) < 0.0125
    assert inside / trials > 0.88


def test_dots_far_from_f_min_are_counted() -> None:
    flux = np.concatenate([np.full(12, 60.0), np.zeros(28)])
    found = fitted(flux)
    assert found.fraction == pytest.approx(0.3, abs=1e-3)
    # The mid-P interval of 12 in 40.
    assert (found.low, found.high) == pytest.approx((0.1747, 0.4540), abs=3e-3)
    assert np.all((found.above_density > found.below_density) == (flux > F_MIN))


def test_the_likelihoods_of_a_dot_are_calibrated() -> None:
    rng = np.random.default_rng(204)
    flux, true = drawn(rng, 4000, 0.6, 1.5 * F_MIN)
    found = fitted(flux)
    above = found.fraction * found.above_density
    probability = above / (above + (1 - found.fraction) * found.below_density)
    for low, high in ((0.05, 0.3), (0.3, 0.7), (0.7, 0.95)):
        within = (probability > low) & (probability < high)
        n, right = int(within.sum()), float(np.mean(true[within] > F_MIN))
        # 4 standard errors: odds of 1e-4; and 0.03 for the brightness law's own error.
        assert n > 50
        assert right == pytest.approx(probability[within].mean(), abs=2.0 / np.sqrt(n) + 0.03)


@pytest.mark.parametrize("n", [1, 2, 10, 100])
def test_bright_dots_emit(n: int) -> None:
    found = fitted(30 + np.random.default_rng(116).standard_normal(n))
    assert found.lit_probability.min() > 0.98
    assert found.extrapolated > 0.98


def test_the_probability_that_a_dot_emits_is_calibrated() -> None:
    rng = np.random.default_rng(118)
    parts = [drawn(rng, 150, 0.5, 4.0, 0.6) for _ in range(40)]
    p = np.concatenate([fitted(flux).lit_probability for flux, _ in parts])
    emits = np.concatenate([true > 0 for _, true in parts])
    # Each bin holds some hundred dots: counting alone gives 0.03. Dots fainter than twice the
    # error are not told from dark ones, which is why the edges are generous.
    for low, high in ((0.0, 0.1), (0.1, 0.4), (0.4, 0.7), (0.7, 0.9), (0.9, 1.01)):
        within = (p >= low) & (p < high)
        assert within.sum() > 50
        assert np.mean(emits[within]) == pytest.approx(np.mean(p[within]), abs=0.15)
    assert np.mean(p) == pytest.approx(0.5, abs=0.06)


def test_a_dot_that_was_not_measured_has_no_probability() -> None:
    found = fitted(np.array([np.nan, 40.0, 0.0]))
    assert np.isnan(found.lit_probability).tolist() == [True, False, False]


def test_what_blank_places_show_is_not_taken_for_dots() -> None:
    rng = np.random.default_rng(205)
    other = np.where(rng.random(800) < 0.06, 30.0, 0.0)
    places = other + rng.standard_normal(800)
    found = fitted(places[400:], blanks=places[:400])
    # 0.06 of both, so 0 +- 0.017: 3 of them have odds of 0.1 %.
    assert found.fraction < 0.05
    assert found.low == 0.0


def test_more_emit_than_are_bright() -> None:
    rng = np.random.default_rng(206)
    for median in (0.8, 2.0, 10.0):
        flux, true = drawn(rng, 300, 0.6, median * F_MIN)
        found = fitted(flux)
        assert found.fraction <= found.extrapolated <= 1
        # Dots down to twice the error are discernible; standard deviation 0.03.
        assert found.extrapolated == pytest.approx(np.mean(true > 2.0), abs=0.12)


def test_only_ratios_of_fluxes_matter() -> None:
    flux, _ = drawn(np.random.default_rng(207), 50, 0.5, 2 * F_MIN)
    blanks = np.random.default_rng(208).standard_normal(400)
    one = fitted(flux, blanks=blanks)
    occupied = np.zeros(400, bool)
    other = fit_mixture(
        1e3 * flux, np.full(50, 1e3), 1e3 * blanks, np.full(400, 1e3), occupied, f_min_s=1e3 * F_MIN
    )
    assert (other.fraction, other.low, other.high) == pytest.approx(
        (one.fraction, one.low, one.high), abs=1e-4
    )
    ratio = one.above_density / one.below_density
    assert other.above_density / other.below_density == pytest.approx(ratio, rel=1e-2)


@pytest.mark.parametrize("flux", [np.full(10, 50.0), np.zeros(10), np.full(1, 5.0)])
def test_all_or_none_bright_leaves_an_interval(flux: np.ndarray) -> None:
    found = fitted(flux)
    assert 0 <= found.low <= found.fraction <= found.high <= 1
    assert found.high - found.low > 0.1


def test_without_measured_dots_or_f_min_nothing_is_said() -> None:
    for found in (
        fitted(np.empty(0)),
        fitted(np.full(3, np.nan)),
        fitted(np.ones(3), f_min=np.nan),
    ):
        assert np.isnan([found.fraction, found.low, found.high, found.extrapolated]).all()
        assert np.all(found.above_density == found.below_density)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=30),
    st.lists(st.floats(-1e3, 1e5), max_size=60),
    st.floats(0.01, 1e4),
    st.floats(1e-3, 1e3),
)
def test_any_numbers_leave_an_answer_in_order(
    flux: list[float], blanks: list[float], f_min: float, err: float
) -> None:
    found = fitted(np.array(flux), err, np.array(blanks), f_min)
    assert len(found.above_density) == len(found.below_density) == len(flux)
    if np.isfinite(flux).any():
        values = np.array([found.low, found.fraction, found.high, found.extrapolated])
        assert np.all((values >= 0) & (values <= 1 + 1e-9))
        assert found.low <= found.fraction + 1e-4
        assert found.fraction <= found.high + 1e-4
        assert found.fraction <= found.extrapolated + 1e-9
        densities = np.concatenate([found.below_density, found.above_density])
        assert np.all(np.isfinite(densities) & (densities >= 0))
