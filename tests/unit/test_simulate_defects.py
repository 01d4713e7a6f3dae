"""Hot pixels and cosmic rays."""

import numpy as np
import pytest
from scipy.stats import chi2, kstest

from qdimage.simulation.defects import deposit, draw_cosmic_hits, draw_hot_pixels
from qdimage.simulation.options import DefectOptions

SHAPE = (90, 120)
SIGMAS = 5.0  # odds of a comparison failing by chance: 1 in 1.7 million
ODDS = 1e-6  # of a p-value below it


def hits_of(n_frames=2000, seed=0, **options):
    return draw_cosmic_hits(n_frames, SHAPE, DefectOptions(**options), np.random.default_rng(seed))


def test_the_stated_share_of_pixels_is_hot_with_log_normal_currents():
    options = DefectOptions(hot_pixel_fraction=0.2)
    hot = draw_hot_pixels((500, 400), options, np.random.default_rng(1))
    share = np.mean(hot > 0)
    assert abs(share - 0.2) < SIGMAS * np.sqrt(0.2 * 0.8 / hot.size)
    scaled = np.log(hot[hot > 0] / options.hot_pixel_electrons_s) / options.hot_pixel_spread
    assert kstest(scaled, "norm").pvalue > ODDS


def test_no_pixel_is_hot_where_none_shall_be():
    options = DefectOptions(hot_pixel_fraction=0)
    assert not draw_hot_pixels(SHAPE, options, np.random.default_rng(1)).any()


def test_cosmic_rays_are_poisson_in_time_and_even_over_the_frame():
    hits = hits_of(cosmic_rays_per_frame=1.5, cosmic_track_px=0.0)
    counts = np.bincount([hit.frame for hit in hits], minlength=2000)
    assert len(counts) == 2000
    assert abs(counts.mean() - 1.5) < SIGMAS * np.sqrt(1.5 / counts.size)
    dispersion = (counts.size - 1) * counts.var(ddof=1) / counts.mean()
    assert ODDS < chi2(counts.size - 1).cdf(dispersion) < 1 - ODDS
    places = np.concatenate([hit.pixels for hit in hits])
    for axis, length in ((0, SHAPE[1]), (1, SHAPE[0])):
        uniform = (places[:, axis] + 0.5) / length
        error = np.sqrt(1 / 12 / len(places))
        assert abs(uniform.mean() - 0.5) < SIGMAS * error
        assert set(places[:, axis]) == set(range(length))


def test_the_charge_is_uniform_in_its_logarithm():
    hits = hits_of(cosmic_rays_per_frame=1.0, cosmic_track_px=0.0)
    total = np.array([hit.electrons.sum() for hit in hits])
    assert kstest(np.log10(total) - 3, "uniform").pvalue > ODDS


def test_tracks_are_connected_stay_in_the_frame_and_are_as_long_as_stated():
    hits = hits_of(cosmic_rays_per_frame=1.0, cosmic_track_px=3.0)
    lengths = []
    for hit in hits:
        assert np.all(hit.pixels >= 0)
        assert np.all(hit.pixels < [SHAPE[1], SHAPE[0]])
        assert len(np.unique(hit.pixels, axis=0)) == len(hit.pixels) > 0
        assert np.all(hit.electrons > 0)
        lengths.append(np.hypot(*np.ptp(hit.pixels, axis=0)))
        for pixel in hit.pixels if len(hit.pixels) > 1 else ():
            gap = np.abs(hit.pixels - pixel).max(axis=1)
            assert np.sort(gap)[1] == 1
    # The frame's border shortens some tracks, rounding to pixels changes each.
    assert 2.3 < np.mean(lengths) < 3.5


def test_charge_is_lost_only_beyond_the_border():
    electrons = {"cosmic_electrons_min": 5000.0, "cosmic_electrons_max": 5000.0}
    hits = hits_of(cosmic_rays_per_frame=1.0, **electrons)
    total = np.array([hit.electrons.sum() for hit in hits])
    reaches_border = np.array(
        [np.any((hit.pixels == 0) | (hit.pixels == [SHAPE[1] - 1, SHAPE[0] - 1])) for hit in hits]
    )
    assert total[~reaches_border] == pytest.approx(5000)
    assert total.max() == pytest.approx(5000)
    assert total[reaches_border].min() < 4900


def test_a_frame_holds_the_charge_of_its_own_hits():
    hits = hits_of(n_frames=5, seed=3, cosmic_rays_per_frame=4.0)
    images = [deposit(hits, frame, SHAPE) for frame in range(5)]
    for frame, image in enumerate(images):
        own = [hit for hit in hits if hit.frame == frame]
        assert image.sum() == pytest.approx(sum(hit.electrons.sum() for hit in own))
        for hit in own:
            x, y = hit.pixels.T
            assert np.all(image[y, x] >= hit.electrons)
    assert not deposit([], 0, SHAPE).any()


def test_a_hit_is_described_in_plain_numbers():
    hit = hits_of(cosmic_rays_per_frame=1.0)[0]
    described = hit.describe()
    assert described["frame"] == hit.frame
    assert len(described["x_px"]) == len(described["y_px"]) == len(described["electrons"])
    assert described["x_px"] == hit.pixels[:, 0].tolist()
    assert np.allclose(described["electrons"], hit.electrons, atol=0.5)
    assert all(type(electrons) is int for electrons in described["electrons"])
