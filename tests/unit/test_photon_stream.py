"""Simulated time tags: the light is the model's, and the detectors do what their options say."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from time_tag_files import photons_in

from qdimage.io.time_tags import open_photons
from qdimage.photons.correlate import correlate, correlate_between, start_stop
from qdimage.rates.coulomb import exponential
from qdimage.rates.declaration import RateModel, Transition
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.pl import pl_model
from qdimage.rates.solution import solve
from qdimage.simulation.photon_options import PhotonStreamOptions
from qdimage.simulation.photon_stream import simulate_photons
from qdimage.simulation.ptu_writer import writing_ptu

IDEAL = {
    "dark_counts_s": (0.0, 0.0),
    "dead_time_ns": 0.0,
    "jitter_fwhm_ns": 0.0,
    "afterpulse_probability": 0.0,
}
DARK = RateModel(("only",), ())


def drawn(model: RateModel, seed: int = 1, **options: object):
    settings = PhotonStreamOptions(**{**IDEAL, **options})
    return simulate_photons(model, settings, np.random.default_rng(seed))


def poisson_light(rate_per_us: float) -> RateModel:
    return RateModel(("only",), (Transition("only", "only", rate_per_us, 1.0, "light"),))


MODELS = {
    "PL": pl_model(DotParameters(), pump_per_us=10.0),
    "EL": el_model(
        DotParameters(),
        electron_per_us=25.0,
        hole_per_us=25.0,
        coulomb=exponential(0.46284401059920),
        carriers=4,
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_drawn_jumps_have_the_g2_and_the_rate_of_the_solved_model(name: str) -> None:
    # Chi-square of 60 bins beyond 4.2 standard deviations: odds of 4e-5 for each model; the rate
    # beyond 5 standard errors: less than 1e-6 (bunched light would widen it; here it is narrower).
    truth = solve(MODELS[name])
    stream = drawn(MODELS[name], duration_s=0.2, detection_efficiency=1.0)
    edges = np.round(np.concatenate([np.arange(0, 20, 1), np.arange(20, 225, 5)]) * 250)
    curve = correlate_between(stream, edges_ticks=edges.astype(np.int64)[:61])
    lags = np.linspace(curve.edges_ns[:-1], curve.edges_ns[1:], 5)
    weights = np.array([1, 4, 2, 4, 1]) / 12
    expected = curve.accidentals * (weights @ truth.g2(lags.ravel()).reshape(lags.shape))
    chi_square = np.sum((curve.counts - expected) ** 2 / expected)
    assert abs(chi_square - 60) < 4.2 * np.sqrt(120)
    n = curve.counts_1 + curve.counts_2
    assert abs(n - truth.intensity_per_us * 2e5) < 5 * np.sqrt(n)


def test_efficiency_and_beam_splitter_share_out_the_light() -> None:
    # Odds of failing by chance: 6e-7 for each of two counts (five standard deviations).
    stream = drawn(poisson_light(1.0), duration_s=1.0, detection_efficiency=0.2, first_share=0.3)
    for found, expected in zip(
        np.bincount(photons_in(stream).channel), (60_000, 140_000), strict=True
    ):
        assert abs(found - expected) < 5 * np.sqrt(expected)


def test_dark_counts_need_no_light() -> None:
    # Odds of failing by chance: 6e-7 for each of two counts (five standard deviations).
    stream = drawn(DARK, dark_counts_s=(400.0, 900.0), duration_s=10.0)
    for found, expected in zip(np.bincount(photons_in(stream).channel), (4000, 9000), strict=True):
        assert abs(found - expected) < 5 * np.sqrt(expected)


def test_a_detector_is_blind_after_a_count() -> None:
    # A detector blind for 50 ns counts r / (1 + 50 r). Odds of failing by chance below 6e-7: its
    # counts spread less than Poisson's.
    stream = drawn(
        poisson_light(10.0), duration_s=0.05, detection_efficiency=1.0, dead_time_ns=50.0
    )
    photons = photons_in(stream)
    for detector in range(2):
        time = photons.time[photons.channel == detector]
        assert np.diff(time).min() * 0.004 >= 50 - 0.004
        expected = 5e-3 / (1 + 50 * 5e-3) * 5e7
        assert abs(time.size - expected) < 5 * np.sqrt(expected)


def test_afterpulses_follow_counts_of_the_same_detector() -> None:
    # Each count begets 0.1 others: 1 / 0.9 in all. Odds of failing by chance: 6e-7.
    options = {"duration_s": 100.0, "dark_counts_s": (2000.0, 0.0), "dead_time_ns": 30.0}
    stream = drawn(DARK, afterpulse_probability=0.1, afterpulse_delay_ns=40.0, **options)
    n = photons_in(stream).time.size
    assert abs(n - 2e5 / 0.9) < 5 * np.sqrt(2e5 * 1.4)
    # From one count to the next, so that afterpulses of afterpulses stay out of it.
    curve = start_stop(stream, bin_ticks=250, n_bins=400, first=0, second=0)
    assert curve.counts[:30].sum() == 0
    # A mean delay of 40 ns: a share of 1 - 1/e within the next 40 ns; dark counts are some 160.
    share = curve.counts[30:70].sum() / curve.counts[30:].sum()
    assert abs(share - (1 - np.exp(-1))) < 5 * np.sqrt(0.25 / 2e4) + 0.007


def test_jitter_widens_what_was_simultaneous() -> None:
    # Two photons in the same instant on two detectors: their delay has twice the variance.
    both = RateModel(("a", "b"), (Transition("a", "b", 0.1, 1.0), Transition("b", "a", 1e6, 1.0)))
    stream = drawn(
        both,
        duration_s=2.0,
        detection_efficiency=1.0,
        jitter_fwhm_ns=1.0,
        cable_delay_ns=20.0,
    )
    curve = correlate(stream, bin_ticks=10, n_bins=1000)
    near = np.abs(curve.lag_ns - 20) < 4
    n = curve.counts[near].sum()
    mean = np.average(curve.lag_ns[near], weights=curve.counts[near])
    spread = np.sqrt(np.average((curve.lag_ns[near] - mean) ** 2, weights=curve.counts[near]))
    sigma = np.sqrt(2) / 2.354820045
    # Odds of failing by chance: 6e-7 each; the few accidentals widen it by less than 0.005.
    assert abs(mean - 20) < 5 * sigma / np.sqrt(n)
    assert abs(spread - sigma) < 5 * sigma / np.sqrt(2 * n) + 0.01


def test_dark_intervals_take_the_light_and_leave_the_dark_counts() -> None:
    # Odds of failing by chance: 6e-7 for each of two counts.
    options = PhotonStreamOptions(
        **{**IDEAL, "dark_counts_s": (1e4, 0.0)}, duration_s=1.0, detection_efficiency=1.0
    )
    stream = simulate_photons(
        poisson_light(1.0),
        options,
        np.random.default_rng(5),
        dark_ns=np.array([0.0, 0.5e9, 0.9e9, 1e9]),
    )
    photons = photons_in(stream)
    lit = photons.time[photons.channel == 1] * 4e-12
    assert lit.min() > 0.5
    assert lit.max() < 0.9
    assert abs(lit.size - 200_000) < 5 * np.sqrt(2e5)
    others = photons.time[photons.channel == 0] * 4e-12
    dark = (others < 0.5).sum() + (others >= 0.9).sum()
    assert abs(dark - 6000) < 5 * np.sqrt(6000)


def test_one_seed_gives_one_stream() -> None:
    one, same, other = (
        photons_in(drawn(MODELS["PL"], seed, duration_s=0.01, jitter_fwhm_ns=0.3))
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.time, same.time)
    np.testing.assert_array_equal(one.channel, same.channel)
    assert not np.array_equal(one.time, other.time)


def test_only_the_named_lines_reach_the_detectors() -> None:
    options = PhotonStreamOptions(**IDEAL, duration_s=0.01, detection_efficiency=1.0)
    model = pl_model(DotParameters(biexciton_qy=1.0), pump_per_us=10.0)
    n = [
        photons_in(
            simulate_photons(model, options, np.random.default_rng(3), lines=lines)
        ).time.size
        for lines in (["X"], ["XX"], None)
    ]
    # Odds of failing by chance: below 1e-6, the spread being that of three counts.
    assert 0 < n[1] < n[0]
    assert abs(n[0] + n[1] - n[2]) < 5 * np.sqrt(2 * n[2])


def test_an_emitter_that_goes_dark_ends_the_light() -> None:
    bleaching = RateModel(("on", "off"), (Transition("on", "off", 1.0, 1.0),))
    stream = drawn(bleaching, duration_s=1.0, detection_efficiency=1.0, warm_up_us=0.0)
    assert photons_in(stream).time.size == 1


def test_a_stream_that_is_written_and_read_is_the_same(tmp_path: Path) -> None:
    stream = drawn(MODELS["EL"], duration_s=0.1, jitter_fwhm_ns=0.35)
    path = tmp_path / "a.ptu"
    with writing_ptu(path, record_type="PicoHarp T2", tick_s=stream.tick_s) as writer:
        for block in stream.reader():
            writer.append(block.time, block.channel)
    written, read = photons_in(stream), photons_in(open_photons(path))
    np.testing.assert_array_equal(read.time, written.time)
    np.testing.assert_array_equal(read.channel, written.channel)


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_s": 0},
        {"detection_efficiency": 1.1},
        {"tick_ps": 0},
        {"dead_time_ns": float("nan")},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        PhotonStreamOptions(**wrong)
