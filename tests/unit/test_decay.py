"""Lifetimes of simulated decays: recovered, with intervals that hold, or refused."""

import numpy as np
import pytest
from decays import PLACE_NS, simulated_decay

from qdimage.domain.decay import Decay, DecayFit, Estimate
from qdimage.domain.refusal import Refusal
from qdimage.photons.decay import fit_decay
from qdimage.photons.decay_options import DecayOptions
from qdimage.photons.decay_response import measured_response
from qdimage.photons.decay_yields import ratio_of_amplitudes, ratio_of_pairs

OPTIONS = DecayOptions()
TWO_FAST = {"lifetimes_ns": (0.7, 40.0), "shares": (0.1, 0.9)}
TWO_SLOW = {"lifetimes_ns": (4.0, 40.0), "shares": (0.2, 0.8)}
ONE = {"lifetimes_ns": (40.0,), "shares": (1.0,)}


def fitted(decay: Decay, **settings: object) -> DecayFit:
    settings = {"response_fwhm_ns": 0.5, **settings}
    found = fit_decay(decay, options=OPTIONS, **settings)
    assert isinstance(found, DecayFit), found
    return found


@pytest.mark.parametrize("period", [100.0, 400.0])
@pytest.mark.parametrize("shape", [TWO_FAST, TWO_SLOW, ONE], ids=["0.7+40", "4+40", "40"])
@pytest.mark.parametrize("n", [1e4, 1e6])
def test_lifetimes_and_their_number_are_recovered(
    shape: dict[str, tuple[float, ...]], period: float, n: float
) -> None:
    decay = simulated_decay(np.random.default_rng(17), n, period_ns=period, **shape)
    found = fitted(decay)
    assert len(found.components) == len(shape["lifetimes_ns"])
    for part, truth, share in zip(
        found.components, shape["lifetimes_ns"], shape["shares"], strict=True
    ):
        life = part.lifetime_ns
        # 3.8 standard deviations, of 36 numbers in all: 5e-3; the seed is fixed.
        assert abs(life.value - truth) < 1.9 * (life.high_95 - life.low_95)
        assert abs(part.share.value - share) <= 1.9 * (part.share.high_95 - part.share.low_95)
        assert life.low_95 < life.low_68 < life.value < life.high_68 < life.high_95
    assert found.pulse_ns == pytest.approx(PLACE_NS, abs=0.1)
    assert found.p_value > 1e-3
    assert found.flags == ()
    assert found.model.sum() == pytest.approx(decay.counts.sum(), rel=1e-3)


def test_mean_and_amplitudes_follow_from_lifetimes_and_shares() -> None:
    found = fitted(simulated_decay(np.random.default_rng(2), 1e5, **TWO_SLOW))
    lives = np.array([part.lifetime_ns.value for part in found.components])
    shares = np.array([part.share.value for part in found.components])
    assert shares.sum() == pytest.approx(1.0)
    assert found.mean_lifetime_ns.value == pytest.approx(float(shares @ lives))
    amplitudes = [part.amplitude.value for part in found.components]
    assert amplitudes == pytest.approx(list(shares / lives / np.sum(shares / lives)))
    # Shares of two mirror each other, and so do the ends of their intervals.
    fast, slow = (part.share for part in found.components)
    assert fast.low_95 == pytest.approx(1 - slow.high_95, abs=2e-3)
    assert fast.high_95 == pytest.approx(1 - slow.low_95, abs=2e-3)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng, hits, n = np.random.default_rng(23), np.zeros(2), 100
    for _ in range(n):
        decay = simulated_decay(rng, 3000, **ONE)
        life = fitted(decay, components=1).components[0].lifetime_ns
        hits += (life.low_68 <= 40 <= life.high_68, life.low_95 <= 40 <= life.high_95)
    # Binomial tails: fewer than 55 of 100 at 0.683, and fewer than 88 at 0.95, 4e-3 each.
    assert hits[0] >= 55
    assert hits[1] >= 88


def test_a_single_exponential_is_not_split() -> None:
    rng = np.random.default_rng(31)
    chosen = [
        len(fitted(simulated_decay(rng, 2000, bin_ns=0.4, **ONE)).components) for _ in range(25)
    ]
    # Measured rate of a false second exponential: below 1 %; three of 25 by chance: 2e-3.
    assert sum(number > 1 for number in chosen) <= 2


def test_three_exponentials_are_told_apart_when_photons_are_many() -> None:
    shape = {"lifetimes_ns": (0.7, 5.0, 40.0), "shares": (0.1, 0.2, 0.7)}
    found = fitted(simulated_decay(np.random.default_rng(3), 1e6, **shape))
    lives = [part.lifetime_ns.value for part in found.components]
    assert lives == pytest.approx([0.7, 5.0, 40.0], rel=0.05)
    assert found.evidence[2] == 0
    assert found.evidence[1] > 100


@pytest.mark.parametrize("place", [-3.0, 0.0, 0.2, 50.0, 99.9])
def test_the_place_of_the_pulse_does_not_matter(place: float) -> None:
    rng = np.random.default_rng(5)
    decay = simulated_decay(rng, 1e5, period_ns=100.0, place_ns=place, **ONE)
    life = fitted(decay).components[0].lifetime_ns
    assert abs(life.value - 40) < 1.9 * (life.high_95 - life.low_95)


def test_a_window_shorter_than_the_period_is_enough() -> None:
    decay = simulated_decay(np.random.default_rng(6), 2e5, window_ns=65.0, **ONE)
    life = fitted(decay).components[0].lifetime_ns
    assert abs(life.value - 40) < 1.9 * (life.high_95 - life.low_95)
    assert life.err < 0.6


def test_without_a_period_the_decay_is_taken_as_faded() -> None:
    decay = simulated_decay(np.random.default_rng(7), 1e5, **ONE)
    alone = Decay(decay.edges_ns, decay.counts)
    found = fitted(alone)
    assert found.flags == ("period_missing",)
    assert found.components[0].lifetime_ns.value == pytest.approx(40, rel=0.02)


def skewed(rng: np.random.Generator, n: int) -> np.ndarray:
    """A response that is no Gaussian: a peak with a tail."""
    tail = rng.random(n) < 0.3
    return rng.normal(0, 0.15, n) + np.where(tail, rng.exponential(1.0, n), 0.0)


def measured(rng: np.random.Generator, place: float = 3.0) -> Decay:
    times = np.concatenate([place + skewed(rng, 200_000), rng.uniform(0, 400, 8000)]) % 400
    edges = np.arange(8001) * 0.05
    return Decay(edges, np.histogram(times, edges)[0], 400.0)


@pytest.mark.parametrize("place", [3.0, 0.0, 200.0], ids=["early", "across the end", "late"])
def test_a_measured_response_is_used_as_it_is(place: float) -> None:
    rng = np.random.default_rng(8)
    response = measured_response(measured(rng, place))
    assert not isinstance(response, Refusal)
    assert np.sum(response.density_per_ns * np.diff(response.edges_ns)) == pytest.approx(1.0)
    n = 200_000
    late = np.where(rng.random(n) < 0.1, rng.exponential(1.5, n), rng.exponential(40, n))
    times = np.concatenate([9.0 + skewed(rng, n) + late, rng.uniform(0, 400, 4000)]) % 400
    edges = np.arange(4001) * 0.1
    decay = Decay(edges, np.histogram(times, edges)[0], 400.0)
    found = fitted(decay, response=response, response_fwhm_ns=None)
    assert found.response == "measured"
    lives = [part.lifetime_ns.value for part in found.components]
    assert lives == pytest.approx([1.5, 40.0], rel=0.06)
    assert found.pulse_ns == pytest.approx(9.0 - place, abs=0.1) or found.pulse_ns == pytest.approx(
        9.0 - place - 400, abs=0.1
    )
    assert found.p_value > 1e-3
    # A Gaussian in its place cannot describe the rise, and the fit says so.
    assert "poor_fit" in fitted(decay, components=2).flags


def test_a_faint_response_is_refused() -> None:
    edges = np.arange(101) * 0.1
    assert isinstance(measured_response(Decay(edges, np.ones(100, np.int64))), Refusal)


def test_without_any_response_its_width_is_fitted_and_flagged() -> None:
    found = fitted(simulated_decay(np.random.default_rng(9), 1e5, **ONE), response_fwhm_ns=None)
    assert found.flags == ("irf_missing",)
    assert found.response_fwhm_ns == pytest.approx(0.5, abs=0.1)
    sharp = simulated_decay(np.random.default_rng(9), 1e5, fwhm_ns=1e-6, **ONE)
    found = fitted(sharp, response_fwhm_ns=0.0)
    assert (found.response, found.response_fwhm_ns) == ("none", 0.0)
    assert found.components[0].lifetime_ns.value == pytest.approx(40, rel=0.02)


def test_trouble_is_flagged() -> None:
    rng = np.random.default_rng(10)
    slow = {"lifetimes_ns": (80.0,), "shares": (1.0,)}
    near = simulated_decay(rng, 1e5, period_ns=100.0, **slow)
    assert "lifetime_near_period" in fitted(near).flags
    endless = {"lifetimes_ns": (600.0,), "shares": (1.0,)}
    faint = simulated_decay(rng, 1e5, period_ns=100.0, **endless)
    assert "lifetime_at_limit" in fitted(faint).flags
    prompt = {"lifetimes_ns": (0.1, 40.0), "shares": (0.3, 0.7)}
    assert "lifetime_below_response" in fitted(simulated_decay(rng, 1e5, **prompt)).flags
    one = simulated_decay(rng, 1e4, **ONE)
    crowded = Decay(one.edges_ns, one.counts, one.period_ns, pulses=1e5)
    assert fitted(crowded).flags == ("pile_up",)


def test_what_is_no_decay_is_refused() -> None:
    rng = np.random.default_rng(11)
    few = fit_decay(simulated_decay(rng, 100, **ONE), options=OPTIONS)
    assert isinstance(few, Refusal)
    assert "too_few_counts" in few.reason
    edges = np.arange(1001) * 0.1
    flat = fit_decay(Decay(edges, rng.poisson(20.0, 1000), 100.0), options=OPTIONS)
    assert isinstance(flat, Refusal)
    assert "background" in flat.reason
    one_bin = np.zeros(1000, np.int64)
    one_bin[5] = 1000
    assert isinstance(fit_decay(Decay(edges, one_bin, 100.0), options=OPTIONS), Refusal)
    coarse = simulated_decay(rng, 1e4, bin_ns=50.0, **ONE)
    assert isinstance(fit_decay(coarse, options=OPTIONS), Refusal)
    wide = simulated_decay(rng, 1e4, **ONE)
    assert isinstance(fit_decay(wide, response_fwhm_ns=200.0, options=OPTIONS), Refusal)


@pytest.mark.parametrize("excitations", [0.3, 1.5])
@pytest.mark.parametrize("ratio", [0.07, 0.5])
def test_the_yield_is_that_of_simulated_cascades(excitations: float, ratio: float) -> None:
    """Pulses, excitons, a biexciton that decays into an exciton; no likelihood of ours."""
    rng, n = np.random.default_rng(12), 2_000_000
    excitons = rng.poisson(excitations, n)
    hit = excitons[excitons > 0]
    fast = np.where(hit > 1, rng.exponential(1.0, hit.size), 0.0)
    slow = fast + rng.exponential(40.0, hit.size)
    seen = (hit > 1) & (rng.random(hit.size) < ratio)
    times = (
        PLACE_NS + rng.normal(0, 0.2, hit.size + seen.sum()) + np.concatenate([slow, fast[seen]])
    )
    edges = np.arange(4001) * 0.1
    decay = Decay(edges, np.histogram(times % 400, edges)[0], 400.0)
    found = ratio_of_amplitudes(fitted(decay, response_fwhm_ns=0.471, components=2), excitations)
    assert not isinstance(found, Refusal)
    # 3.8 standard deviations, four times: 6e-4.
    assert abs(found.ratio.value - ratio) < 1.9 * (found.ratio.high_95 - found.ratio.low_95)
    assert found.ratio.err < 0.35 * ratio
    # The same pulses' pairs, counted: both photons of a pulse, over photons squared.
    both, photons = seen.sum(), hit.size + seen.sum()
    g2_0 = 2 * both * n / photons**2
    err = g2_0 / np.sqrt(both)
    pairs = Estimate(g2_0, g2_0 - err, g2_0 + err, g2_0 - 2 * err, g2_0 + 2 * err)
    by_pairs = ratio_of_pairs(pairs, excitations).ratio
    assert abs(by_pairs.value - ratio) < 3.8 * by_pairs.err
    weak = ratio_of_pairs(pairs).ratio.value
    assert weak == pytest.approx(g2_0)


def test_the_yield_needs_two_exponentials() -> None:
    found = fitted(simulated_decay(np.random.default_rng(13), 1e4, **ONE))
    assert isinstance(ratio_of_amplitudes(found, 0.1), Refusal)
