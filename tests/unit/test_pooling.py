"""Fractions of several fields together, and how much fields, devices and batches differ."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from qdimage.domain.fraction_pool import LevelSpread
from qdimage.domain.refusal import Refusal
from qdimage.domain.turn_on import TurnOn
from qdimage.match.binomial_normal import field_log_likelihoods
from qdimage.match.count_interval import fraction_interval
from qdimage.match.nested_variance import FieldCount, nested_spread
from qdimage.match.pooling import effective_counts, pool, pool_fractions

CONFIDENCE = 0.95


def part(n_lit: int, n_pl: int, chance: float = 0.0) -> TurnOn:
    fraction, low, high = fraction_interval(n_lit, n_pl, CONFIDENCE)
    share = n_lit / n_pl if n_pl else float("nan")
    return TurnOn(n_pl, n_lit, 1, 2, 3, 4, chance, fraction, low, high, share, 5, 6, chance / 2)


def test_the_pool_of_one_field_is_that_field() -> None:
    single = part(12, 40, 0.02)
    whole, pooled = pool([single], confidence=CONFIDENCE)
    assert vars(whole) == pytest.approx(vars(single))
    assert pooled.n_fields == 1
    assert np.isnan(pooled.between_sd)
    assert pooled.excess == 1.0


def test_counts_add_up_and_the_fraction_is_the_mean_of_fields() -> None:
    whole, pooled = pool([part(10, 20, 0.1), part(30, 60, 0.0), part(0, 0)], confidence=CONFIDENCE)
    assert (whole.n_pl, whole.n_lit, whole.n_el_only) == (80, 40, 3)
    assert (whole.n_edge, whole.n_outside, whole.n_unresolved) == (6, 9, 12)
    assert (whole.n_rejected, whole.n_faint) == (15, 18)
    assert whole.blend_share == pytest.approx(0.0125)
    assert whole.chance_share == pytest.approx(0.025)
    assert whole.extrapolated == pytest.approx(0.5)
    assert pooled.n_fields == 2
    assert whole.fraction == pytest.approx(0.5, abs=1e-3)


def test_the_pool_of_nothing_is_empty() -> None:
    for parts in ([], [part(0, 0), part(0, 0)]):
        whole, _ = pool(parts, confidence=CONFIDENCE)
        assert whole.n_pl == 0
        assert np.isnan([whole.fraction, whole.low, whole.high, whole.extrapolated]).all()


def test_an_interval_wider_than_counting_is_worth_fewer_dots() -> None:
    fraction, low, high = fraction_interval(30, 100, CONFIDENCE)
    assert effective_counts(100, fraction, low, high, CONFIDENCE) == pytest.approx((30, 100))
    lit, n = effective_counts(100, fraction, 2 * low - fraction, 2 * high - fraction, CONFIDENCE)
    assert (lit, n) == pytest.approx((7.5, 25))
    _, n = effective_counts(100, fraction, fraction - 0.01, fraction + 0.01, CONFIDENCE)
    assert n == 100


def test_many_fields_that_agree_are_pooled_nearly_as_one() -> None:
    pooled = pool_fractions(np.full(20, 25.0), np.full(20, 50.0), confidence=CONFIDENCE)
    _, low, high = fraction_interval(500, 1000, CONFIDENCE)
    assert pooled.fraction == pytest.approx(0.5, abs=1e-3)
    assert high - low <= pooled.high - pooled.low < 1.2 * (high - low)
    assert pooled.between_sd == 0.0
    assert 0 < pooled.between_sd_high < 0.08


def test_two_fields_that_agree_leave_more_open_than_their_dots() -> None:
    pooled = pool_fractions(np.full(2, 100.0), np.full(2, 200.0), confidence=CONFIDENCE)
    assert pooled.excess > 2
    assert pooled.low > 0.3
    assert pooled.high < 0.7


@pytest.mark.parametrize("lit", [0.0, 200.0])
def test_fields_without_a_lit_or_a_dark_dot_have_a_one_sided_interval(lit: float) -> None:
    pooled = pool_fractions(np.full(3, lit), np.full(3, 200.0), confidence=CONFIDENCE)
    assert pooled.fraction == (pooled.low if lit == 0 else pooled.high) == lit / 200
    assert 0.003 < pooled.high - pooled.low < 0.05
    assert np.isnan(pooled.between_sd)


def test_lit_and_dark_mirror_each_other() -> None:
    n = np.array([60.0, 80.0, 40.0])
    lit = np.array([6.0, 20.0, 9.0])
    one = pool_fractions(lit, n, confidence=CONFIDENCE)
    other = pool_fractions(n - lit, n, confidence=CONFIDENCE)
    assert one.fraction == pytest.approx(1 - other.fraction, abs=1e-6)
    assert one.low == pytest.approx(1 - other.high, abs=1e-6)
    assert one.between_sd == pytest.approx(other.between_sd, abs=1e-6)


def test_the_field_likelihood_is_the_integral() -> None:
    for lit, n, mean, sigma in ((3.0, 50.0, -1.0, 0.7), (0.0, 200.0, -3.0, 2.0), (9.5, 10.0, 0, 1)):

        def integrand(x: float, lit=lit, n=n, mean=mean, sigma=sigma) -> float:  # type: ignore[no-untyped-def]
            return float(np.exp(lit * x - n * np.log1p(np.exp(x))) * norm.pdf(x, mean, sigma))

        exact = quad(integrand, mean - 9 * sigma, mean + 9 * sigma, epsabs=0, limit=400)[0]
        found = field_log_likelihoods(*(np.array([v]) for v in (lit, n, float(mean), sigma)))
        assert found[0, 0] == pytest.approx(np.log(exact), abs=2e-4)


@pytest.mark.parametrize(("n_fields", "sigma"), [(3, 0.0), (3, 0.5), (8, 0.5)])
def test_the_pool_covers_the_mean_of_fields(n_fields: int, sigma: float) -> None:
    rng = np.random.default_rng([7, n_fields, int(10 * sigma)])
    n = np.full(n_fields, 60.0)
    hits, n_trials = 0, 120
    for _ in range(n_trials):
        share = expit(sigma * rng.standard_normal(n_fields))
        pooled = pool_fractions(rng.binomial(60, share).astype(float), n, confidence=CONFIDENCE)
        hits += pooled.low <= 0.5 <= pooled.high
    # At a true 0.92, fewer than 0.84 of 120 have odds of 0.3 %.
    assert hits / n_trials >= 0.84


def test_the_spread_of_fields_is_recovered() -> None:
    rng = np.random.default_rng(11)
    share = expit(0.6 * rng.standard_normal(60))
    pooled = pool_fractions(
        rng.binomial(80, share).astype(float), np.full(60, 80.0), confidence=CONFIDENCE
    )
    true = float(np.std(expit(0.6 * rng.standard_normal(200_000))))
    assert pooled.between_sd_low < true < pooled.between_sd_high
    assert pooled.between_sd == pytest.approx(true, rel=0.3)


def drawn(sizes: tuple[int, int, int], sigmas: tuple[float, float, float]) -> list[FieldCount]:
    rng = np.random.default_rng([13, *sizes])
    fields = []
    for b in range(sizes[0]):
        of_batch = sigmas[0] * rng.standard_normal()
        for d in range(sizes[1]):
            of_device = of_batch + sigmas[1] * rng.standard_normal()
            for f in range(sizes[2]):
                logit = of_device + sigmas[2] * rng.standard_normal()
                lit = float(rng.binomial(100, expit(logit)))
                fields.append(FieldCount(f"b{b}", f"d{d}", f"f{f}", lit, 100.0))
    return fields


def test_nested_spreads_are_told_apart() -> None:
    found = nested_spread(drawn((1, 12, 6), (0.0, 0.8, 0.2)), confidence=CONFIDENCE)
    device, field, batch = found["device"], found["field"], found["batch"]
    assert isinstance(device, LevelSpread)
    assert isinstance(field, LevelSpread)
    assert isinstance(batch, Refusal)
    assert (device.n_groups, field.n_groups) == (12, 72)
    assert device.sd_logit_low < 0.8 < device.sd_logit_high
    assert field.sd_logit_low < 0.2 < field.sd_logit_high
    assert field.sd_high < device.sd_low


def test_devices_of_one_field_each_have_no_spread_of_fields() -> None:
    found = nested_spread(drawn((1, 5, 1), (0.0, 0.5, 0.0)), confidence=CONFIDENCE)
    assert isinstance(found["device"], LevelSpread)
    assert isinstance(found["field"], Refusal)
    assert "two fields" in found["field"].reason


def test_a_single_field_has_no_spread_at_all() -> None:
    found = nested_spread(drawn((1, 1, 1), (0, 0, 0)), confidence=CONFIDENCE)
    assert all(isinstance(each, Refusal) for each in found.values())
