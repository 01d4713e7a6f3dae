"""Simulated pulses: the decay is the model's, and the file keeps it."""

from pathlib import Path

import numpy as np
import pytest
from time_tag_files import photons_in

from qdimage.errors import ConfigurationError
from qdimage.io.time_tags import open_photons
from qdimage.rates.decay import after_pulse, decay_from
from qdimage.rates.declaration import RateModel, Transition
from qdimage.rates.dot import DotParameters
from qdimage.rates.pl import pl_model
from qdimage.simulation.photon_options import PhotonStreamOptions
from qdimage.simulation.pulsed_stream import simulate_pulses
from qdimage.simulation.time_tags import write_time_tags

IDEAL = {
    "dark_counts_s": (0.0, 0.0),
    "dead_time_ns": 0.0,
    "jitter_fwhm_ns": 0.0,
    "afterpulse_probability": 0.0,
    "tick_ps": 64.0,
}
LADDER = ("0", "X", "XX")
DOT = DotParameters(exciton_lifetime_ns=20.0, biexciton_lifetime_ns=2.0, biexciton_qy=0.4)
MODEL = pl_model(DOT, pump_per_us=0.0)


def pulsed(seed: int = 1, *, model: RateModel = MODEL, **changes: object):
    pulses = {"ladder": LADDER, "pairs_per_pulse": 1.0, "period_ns": 250.0}
    options = {**IDEAL, "duration_s": 0.1, "detection_efficiency": 1.0}
    for key, value in changes.items():
        (options if key in PhotonStreamOptions.model_fields else pulses)[key] = value
    settings = PhotonStreamOptions(**options)
    return simulate_pulses(model, settings, np.random.default_rng(seed), **pulses)


def expected_decay(edges_ns: np.ndarray, mean: float = 1.0) -> np.ndarray:
    """Photons of one pulse in each bin, by the solved model."""
    decay = decay_from(MODEL, after_pulse(LADDER, mean))
    fine = np.linspace(edges_ns[:-1], edges_ns[1:], 5)
    rate = decay.rate_per_us(fine.ravel()).reshape(fine.shape)
    return np.diff(edges_ns) * 1e-3 * (np.array([1, 4, 2, 4, 1]) / 12 @ rate)


def test_a_written_decay_is_the_solved_model_s(tmp_path: Path) -> None:
    # Chi-square of 60 bins beyond 4.2 standard deviations: odds of 4e-5. Photons of one pulse go
    # into different bins mostly, and at most two of them.
    path = tmp_path / "a.ptu"
    write_time_tags(path, pulsed())
    stream = open_photons(path)
    assert stream.mode == "T3"
    assert stream.period_s == pytest.approx(250e-9, rel=1e-12)
    delay_ns = photons_in(stream).delay * stream.tick_s * 1e9
    edges = 0.064 * np.round(np.concatenate([np.arange(30), np.geomspace(30, 2000, 31)]))
    found = np.histogram(delay_ns, edges - 0.032)[0]
    expected = 4e5 * expected_decay(edges)
    chi_square = np.sum((found - expected) ** 2 / expected)
    assert abs(chi_square - found.size) < 4.2 * np.sqrt(2 * found.size)


def test_a_file_holds_the_photons_that_were_drawn(tmp_path: Path) -> None:
    stream = pulsed(jitter_fwhm_ns=0.3, pulse_delay_ns=10.0)
    counts = write_time_tags(tmp_path / "a.ptu", stream)
    drawn, read = photons_in(stream), photons_in(open_photons(tmp_path / "a.ptu"))
    np.testing.assert_array_equal(read.time, drawn.time)
    np.testing.assert_array_equal(read.delay, drawn.delay)
    np.testing.assert_array_equal(read.channel, drawn.channel)
    assert counts == np.bincount(drawn.channel).tolist()


def test_pulses_give_the_model_s_photons_and_pairs() -> None:
    # Two photons of one pulse: g2(0) of the solved model. Odds of failing by chance: 6e-7 each.
    decay = decay_from(MODEL, after_pulse(LADDER, 1.0))
    photons = photons_in(pulsed())
    n_pulses, per_pulse = 400_000, np.bincount(photons.time, minlength=400_000)
    mean = n_pulses * decay.photons_per_pulse
    assert abs(per_pulse.sum() - mean) < 5 * np.sqrt(2 * mean)
    n_pairs = n_pulses * decay.g2_0 * decay.photons_per_pulse**2 / 2
    assert abs((per_pulse == 2).sum() - n_pairs) < 5 * np.sqrt(n_pairs)
    assert per_pulse.max() == 2


def test_what_has_not_decayed_climbs_with_the_next_pulse() -> None:
    # A dark exciton that lives as long as 50 periods, and a biexciton that gives all the light at
    # once. Were each pulse to begin anew, 0.5 % of them would give a photon.
    dot = DotParameters(
        exciton_lifetime_ns=5000.0, exciton_qy=0.0, biexciton_lifetime_ns=0.1, biexciton_qy=1.0
    )
    model = pl_model(dot, pump_per_us=0.0)
    stream = pulsed(model=model, period_ns=100.0, pairs_per_pulse=0.1, duration_s=0.01)
    stays, some = np.exp(-0.02), 1 - np.exp(-0.1)
    waiting = stays * some / (1 - stays + stays * some)
    expected = 1e5 * (waiting * some + (1 - waiting) * (1 - 1.1 * np.exp(-0.1)))
    # Odds of failing by chance: below 6e-7; excitons that wait bunch the photons a little.
    assert abs(photons_in(stream).time.size - expected) < 5 * np.sqrt(2 * expected)


def test_a_period_need_not_be_a_whole_number_of_ticks() -> None:
    stream = pulsed(period_ns=250.01, pulse_delay_ns=20.0, duration_s=1.0, pairs_per_pulse=0.05)
    photons = photons_in(stream)
    assert stream.period_s == pytest.approx(250.01e-9)
    # What is left after a whole period comes before the next pulse: exp(-12.5) of it.
    assert (photons.delay < int(20.0 / 0.064)).mean() < 1e-3
    assert photons.delay.max() <= 250.01 / 0.064
    early = photons.delay[photons.time < 1_000_000], photons.delay[photons.time > 3_000_000]
    # The same distribution at both ends. Odds of failing by chance: 6e-7.
    means = [each.mean() for each in early]
    error = np.hypot(*(each.std() / np.sqrt(each.size) for each in early))
    assert abs(means[0] - means[1]) < 5 * error


def test_a_full_buffer_within_a_pulse_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = photons_in(pulsed(duration_s=0.001, seed=4))
    monkeypatch.setattr("qdimage.simulation.pulsed_stream._PIECE", 7)
    pieces = photons_in(pulsed(duration_s=0.001, seed=4))
    np.testing.assert_array_equal(pieces.time, whole.time)
    np.testing.assert_array_equal(pieces.delay, whole.delay)


def test_darkness_takes_the_light_and_leaves_the_dark_counts() -> None:
    # Odds of failing by chance: 6e-7.
    stream = pulsed(dark_ns=np.array([0.0, 1e8]), dark_counts_s=(1e5, 0.0))
    photons = photons_in(stream)
    assert not photons.channel.any()
    assert abs(photons.time.size - 1e4) < 5 * 100


def test_a_state_beside_the_ladder_absorbs_nothing() -> None:
    model = RateModel(
        ("0", "X", "trap"),
        (Transition("0", "trap", 1e6), Transition("X", "0", 1e3, 1.0)),
    )
    assert photons_in(pulsed(model=model, ladder=("0", "X"))).time.size <= 1


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"ladder": ()}, "found the ladder []"),
        ({"ladder": ("0", "Y")}, "found the ladder ['0', 'Y']"),
        ({"period_ns": 0.05}, "expected more than a tick"),
        ({"period_ns": float("nan")}, "expected more than a tick"),
        ({"period_ns": float("inf")}, "expected more than a tick"),
        ({"pairs_per_pulse": 0.0}, "found 0.0 pairs"),
        ({"pairs_per_pulse": float("nan")}, "found nan pairs"),
    ],
)
def test_pulses_that_make_no_sense_are_refused(wrong: dict[str, object], found: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        pulsed(**wrong)
    assert found in str(caught.value)
    assert "\n" not in str(caught.value)
