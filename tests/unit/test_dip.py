"""g2 at zero delay: recovery, intervals, refusals."""

import dataclasses

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.g2_zero import G2Zero
from qdimage.domain.refusal import Refusal
from qdimage.numerics.hull import hull
from qdimage.photons.dip import NO_DIP_CHANCE, POOR_P, Plateau, g2_zero, rise_time_ns
from qdimage.photons.dip_options import DipOptions
from qdimage.rates.coulomb import exponential
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.pl import pl_model
from qdimage.rates.solution import solve

EDGES = np.arange(-500.0, 500.1, 0.5)
OPTIONS = DipOptions()


def exponential_means(
    tau: float, g2_0: float, centre: float = 0.0, edges: np.ndarray = EDGES
) -> np.ndarray:
    """Exact bin means without response."""
    lags = edges - centre
    integral = np.sign(lags) * tau * (1 - np.exp(-np.abs(lags) / tau))
    return 1 - (1 - g2_0) * np.diff(integral) / np.diff(edges)


def curve(counts: np.ndarray, level: float, edges: np.ndarray = EDGES) -> G2Curve:
    accidentals = np.full(len(counts), level)
    return G2Curve(edges, np.asarray(counts, np.int64), accidentals, 60.0, 1000, 1000)


def found(data: G2Curve, options: DipOptions = OPTIONS, **arguments: object) -> G2Zero:
    result = g2_zero(data, options=options, **arguments)  # type: ignore[arg-type]
    assert isinstance(result, G2Zero), result
    return result


def drawn(seed: int = 1, level: float = 50.0, g2_0: float = 0.1, tau: float = 25.0) -> G2Curve:
    means = level * exponential_means(tau, g2_0)
    return curve(np.random.default_rng(seed).poisson(means), level)


@pytest.mark.parametrize("g2_0", [0.0, 0.2, 0.6])
def test_exact_two_level_data_give_their_value(g2_0: float) -> None:
    result = found(curve(np.rint(1e5 * exponential_means(20.0, g2_0, 0.3)), 1e5))
    assert result.value == pytest.approx(g2_0, abs=2e-4)
    assert result.low_95 <= g2_0 <= result.high_95
    assert result.delay_ns == pytest.approx(0.3, abs=1e-3)
    assert result.rise_time_ns == pytest.approx(20.0, rel=1e-2)
    assert result.plateau == pytest.approx(1.0, abs=1e-3)
    assert result.components == 1


def test_levels_scale_out_and_make_the_blinking_factor() -> None:
    data = drawn()
    bright = dataclasses.replace(data, accidentals=data.accidentals / 2.5)
    one, other = found(data), found(bright)
    assert other.value == pytest.approx(one.value, abs=1e-4)
    assert other.high_95 == pytest.approx(one.high_95, abs=1e-3)
    assert other.blinking_factor == pytest.approx(2.5 * one.blinking_factor, rel=1e-4)
    assert other.rate_normalized == pytest.approx(2.5 * one.rate_normalized, abs=1e-3)
    assert other.uncorrected == pytest.approx(one.uncorrected, rel=1e-4)


def test_a_channel_delay_moves_the_centre_and_nothing_else() -> None:
    data = drawn()
    moved = dataclasses.replace(data, edges_ns=data.edges_ns + 5.0)
    one, other = found(data), found(moved)
    assert other.delay_ns == pytest.approx(one.delay_ns + 5.0, abs=1e-3)
    assert (other.value, other.low_95, other.high_95) == pytest.approx(
        (one.value, one.low_95, one.high_95), abs=2e-3
    )


def test_exchanging_the_detectors_mirrors_the_delay() -> None:
    data = drawn()
    mirrored = dataclasses.replace(data, counts=data.counts[::-1].copy())
    one, other = found(data), found(mirrored)
    assert other.delay_ns == pytest.approx(-one.delay_ns, abs=1e-2)
    assert other.value == pytest.approx(one.value, abs=2e-3)


def test_a_given_delay_is_kept() -> None:
    assert found(drawn(), delay_ns=0.25).delay_ns == 0.25


def test_intervals_are_nested_and_positive() -> None:
    for seed in range(5):
        result = found(drawn(seed, level=5.0, g2_0=0.02))
        assert 0 <= result.low_95 <= result.low_68 <= result.value
        assert result.value <= result.high_68 <= result.high_95


def test_background_is_taken_out() -> None:
    result = found(drawn(), signal_shares=(0.9, 0.8))
    assert 1 - result.background_corrected == pytest.approx((1 - result.value) / 0.72)
    assert 1 - result.background_corrected_high == pytest.approx((1 - result.high_95) / 0.72)


def test_the_centre_bin_is_reported_as_it_is() -> None:
    data = drawn()
    result = found(data, delay_ns=0.25)
    middle = len(data.counts) // 2
    expected = data.counts[middle] / (result.plateau * data.accidentals[middle])
    assert result.uncorrected == pytest.approx(expected)
    assert result.coincidences == data.counts.sum()


def test_a_known_plateau_makes_up_for_a_short_curve() -> None:
    edges = np.arange(-60.0, 60.1, 0.5)
    means = exponential_means(80.0, 0.1, edges=edges)
    data = curve(np.random.default_rng(2).poisson(1000 * means), 1000.0, edges)
    refused = g2_zero(data, options=OPTIONS)
    assert isinstance(refused, Refusal)
    assert "plateau" in refused.reason
    result = found(data, plateau=Plateau(1.0, 0.01))
    assert result.plateau == pytest.approx(1.0, abs=0.03)
    assert result.low_95 <= 0.1 <= result.high_95


def test_assuming_a_rise_narrows_the_interval() -> None:
    free, rising = (
        [found(drawn(seed, 20.0), DipOptions(rising=flag)) for seed in range(6)]
        for flag in (False, True)
    )
    widths = [
        np.median([each.high_95 - each.low_95 for each in results]) for results in (free, rising)
    ]
    assert widths[1] < 0.9 * widths[0]
    assert all(each.low_95 <= 0.1 <= each.high_95 for each in rising)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (dataclasses.replace(drawn(), counts_2=0), "second detector"),
        (dataclasses.replace(drawn(), counts_1=0), "first detector"),
        (drawn(level=0.01), "coincidences"),
        (curve(np.full(10, 100), 100.0, np.arange(11.0) - 5), "10 bins"),
        (curve(np.full(100, 100), 100.0, np.arange(101.0)), "both sides"),
        (dataclasses.replace(drawn(), accidentals=np.zeros(2000)), "duration"),
    ],
)
def test_what_cannot_be_answered_is_refused(data: G2Curve, word: str) -> None:
    refused = g2_zero(data, options=OPTIONS)
    assert isinstance(refused, Refusal)
    assert word in refused.reason


@pytest.mark.parametrize("delay_ns", [0.0, None])
def test_light_without_a_dip_gives_one_and_says_so(delay_ns: float | None) -> None:
    rng = np.random.default_rng(4)
    results = [found(curve(rng.poisson(100.0, 2000), 100.0), delay_ns=delay_ns) for _ in range(8)]
    # At most one in a hundred shows a dip by chance, and one in twenty misses the truth: more than
    # one and three of eight have odds of 0.3 and 0.04 %.
    assert sum(each.dip_chance <= NO_DIP_CHANCE for each in results) <= 1
    assert sum(not each.low_95 <= 1.0 <= each.high_95 for each in results) <= 3
    assert np.mean([each.value for each in results]) == pytest.approx(1.0, abs=0.25)


def test_a_dip_is_told_from_chance() -> None:
    assert found(drawn(level=5.0)).dip_chance < 1e-6


def test_a_dip_that_exponentials_do_not_describe_is_read_near_its_centre() -> None:
    # Nothing at all within 10 ns, and a corner there.
    lags = np.abs(EDGES[1:] + EDGES[:-1]) / 2
    means = np.where(lags < 10, 0.0, 1 - np.exp(-np.maximum(lags - 10, 0.0) / 20))
    result = found(curve(np.random.default_rng(3).poisson(200 * means), 200.0))
    assert result.p_value < POOR_P
    assert result.low_95 == 0.0
    assert result.high_95 < 0.1


def test_the_goodness_of_fit_sees_a_wrong_bin() -> None:
    data = drawn(level=200.0)
    spoiled = data.counts.copy()
    spoiled[1100:1110] += 300
    assert found(data).p_value > 1e-3
    assert found(dataclasses.replace(data, counts=spoiled)).p_value < 1e-6


def truth(name: str) -> tuple[float, np.ndarray]:
    """g2(0) and bin means of a rate model, without response."""
    dot = DotParameters()
    if name == "pl":
        light = solve(pl_model(dot, pump_per_us=25.0))
    else:
        law = exponential(0.46284401059920)
        light = solve(
            el_model(dot, electron_per_us=25.0, hole_per_us=25.0, coulomb=law, carriers=4)
        )
    lags = np.concatenate([np.arange(0.0, 5.0, 0.1), np.geomspace(5.0, 500.0, 80)])
    spline = CubicSpline(lags, light.g2(lags)).antiderivative()
    integral = np.sign(EDGES) * spline(np.abs(EDGES))
    return light.g2_0, np.diff(integral) / np.diff(EDGES)


@pytest.mark.parametrize("name", ["pl", "el"])
@pytest.mark.parametrize("level", [5.0, 100.0])
def test_intervals_cover_the_truth_of_rate_models(name: str, level: float) -> None:
    g2_0, means = truth(name)
    rng = np.random.default_rng(11)
    results = [found(curve(rng.poisson(level * means), level)) for _ in range(24)]
    # If 95 % and 68 % are covered, fewer than 19 and 9 of 24 have odds of 0.1 and 0.1 %.
    assert sum(each.low_95 <= g2_0 <= each.high_95 for each in results) >= 19
    assert sum(each.low_68 <= g2_0 <= each.high_68 for each in results) >= 9
    assert all(each.p_value > 1e-5 for each in results)
    # Slow components must not carry the plateau away.
    assert np.median([abs(each.plateau - 1) for each in results]) < 0.03
    assert all(abs(each.plateau - 1) < 0.5 for each in results)


def test_the_hull_of_a_parabola_is_exact() -> None:
    nodes = np.linspace(-1.0, 2.0, 7)
    assert hull(nodes, 4 * (nodes - 0.5) ** 2, 3.0) == pytest.approx(
        (0.5 - np.sqrt(0.75), 0.5 + np.sqrt(0.75))
    )


def test_the_hull_spans_separate_parts_and_stops_at_the_bounds() -> None:
    nodes = np.arange(6.0)
    assert hull(nodes, np.array([0.0, 9.0, 9.0, 1.0, 9.0, 9.0]), 4.0) == pytest.approx((0.0, 3.5))


def test_the_rise_time_of_one_exponential_is_its_own() -> None:
    assert rise_time_ns(np.array([0.0, 0.3, 0.0, np.log(12.0)]), 1) == pytest.approx(12.0, rel=1e-3)
