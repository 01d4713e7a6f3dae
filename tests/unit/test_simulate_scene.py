"""Emitters: where they are, how bright, and from which voltage they are lit."""

import numpy as np
import pytest
from scipy.stats import chi2, kstest, norm

from qdimage.simulation.options import SimulateOptions
from qdimage.simulation.scene import (
    DEFECT,
    DOT,
    PL_DARK,
    UNRELATED,
    draw_scene,
    el_background,
    el_photons_s,
    excitation,
    pl_background,
    pl_photons_s,
)

MARGIN_PX = 30.0
SIGMAS = 5.0  # odds of a comparison failing by chance: 1 in 1.7 million
ODDS = 1e-6  # of a p-value below it


def options_with(**groups):
    return SimulateOptions.model_validate(groups)


def crowd(seed=0, **groups):
    """A scene of about fifty thousand emitters."""
    scene = {"density_per_um2": 50.0, "defect_density_per_um2": 5.0}
    options = options_with(**{"scene": scene, **groups})
    return draw_scene(options, MARGIN_PX, np.random.default_rng(seed)), options


def area_um2(options):
    side_px = 255 + 2 * MARGIN_PX
    return (side_px * options.experiment.pixel_size_um) ** 2


def test_the_defaults_are_those_of_the_paper():
    options = SimulateOptions()
    assert options.scene.density_per_um2 == 0.1
    assert options.el.turn_on_median_v == 2.4
    assert options.psf.numerical_aperture == 1.46
    assert options.psf.emission_nm == 630
    assert options.el.background_photons_px_s == 0
    assert options.pl.background_photons_px_s > 0
    assert all(1.9 <= voltage <= 2.8 for voltage in options.experiment.voltages_v)


def test_the_number_of_dots_is_poisson_of_the_stated_density():
    options = SimulateOptions()
    rng = np.random.default_rng(1)
    kinds = [draw_scene(options, MARGIN_PX, rng).kind for _ in range(400)]
    dots = np.array([np.isin(kind, (DOT, PL_DARK)).sum() for kind in kinds])
    mean = options.scene.density_per_um2 * area_um2(options)
    assert abs(dots.mean() - mean) < SIGMAS * np.sqrt(mean / len(dots))
    dispersion = (dots.size - 1) * dots.var(ddof=1) / dots.mean()
    assert ODDS < chi2(dots.size - 1).cdf(dispersion) < 1 - ODDS


def test_the_dots_are_scattered_evenly_and_independently():
    scene, _ = crowd()
    edges = np.linspace(-MARGIN_PX, 255 + MARGIN_PX, 21)
    counts, *_ = np.histogram2d(scene.y_px, scene.x_px, [edges, edges])
    assert counts.sum() == len(scene)
    dispersion = (counts.size - 1) * counts.var(ddof=1) / counts.mean()
    assert ODDS < chi2(counts.size - 1).cdf(dispersion) < 1 - ODDS
    for place in (scene.x_px, scene.y_px):
        uniform = (place + MARGIN_PX) / (255 + 2 * MARGIN_PX)
        assert kstest(uniform, "uniform").pvalue > ODDS
    assert abs(np.corrcoef(scene.x_px, scene.y_px)[0, 1]) < SIGMAS / np.sqrt(len(scene))


def test_emitters_are_in_order_of_y_and_kind_says_nothing_of_place():
    scene, _ = crowd()
    assert np.all(np.diff(scene.y_px) >= 0)
    dark = scene.y_px[scene.kind == PL_DARK]
    assert kstest((dark + MARGIN_PX) / (255 + 2 * MARGIN_PX), "uniform").pvalue > ODDS


def test_the_shares_of_dark_dots_and_defects_are_as_stated():
    scene, options = crowd()
    dots = np.isin(scene.kind, (DOT, PL_DARK)).sum()
    dark = (scene.kind == PL_DARK).sum()
    assert abs(dark - 0.05 * dots) < SIGMAS * np.sqrt(0.05 * 0.95 * dots)
    defects = options.scene.defect_density_per_um2 * area_um2(options)
    assert abs((scene.kind == DEFECT).sum() - defects) < SIGMAS * np.sqrt(defects)


def test_brightness_is_log_normal_in_pl_and_in_el():
    scene, options = crowd(el={"minimum_photons_s": 0.0})
    bright = scene.pl_photons_s[scene.kind == DOT]
    scaled = np.log(bright / options.pl.median_photons_s) / options.pl.spread
    assert kstest(scaled, "norm").pvalue > ODDS
    scaled = np.log(scene.onset_photons_s / options.el.onset_photons_s) / options.el.spread
    assert kstest(scaled, "norm").pvalue > ODDS


def test_pl_shows_only_its_dots():
    scene, options = crowd()
    shown = pl_photons_s(scene, options) > 0
    assert np.array_equal(shown, scene.kind == DOT)


def test_no_emitter_is_fainter_at_its_onset_than_the_least():
    scene, options = crowd(el={"spread": 2.0})
    assert scene.onset_photons_s.min() == options.el.minimum_photons_s


def test_the_excitation_is_a_gaussian_about_its_offset_peak():
    options = options_with(pl={"illumination_sigma_um": 5.0, "illumination_offset_um": 2.0})
    centre = np.array([127.5])
    peak = centre + 2.0 / 0.107
    sigma_px = 5.0 / 0.107
    assert excitation(peak, centre, options) == pytest.approx(1)
    for x, y in ((peak + sigma_px, centre), (peak, centre - sigma_px)):
        assert excitation(x, y, options) == pytest.approx(np.exp(-0.5))
    assert excitation(peak + sigma_px, centre + sigma_px, options) == pytest.approx(np.exp(-1))


def test_the_layer_glows_where_it_is_excited():
    options = options_with(
        pl={"illumination_sigma_um": 5.0}, experiment={"width_px": 100, "height_px": 60}
    )
    layer = pl_background(options)
    assert layer.shape == (60, 100)
    y_px, x_px = np.indices(layer.shape).astype(float)
    assert np.allclose(layer, 100.0 * excitation(x_px, y_px, options))
    brightest = np.unravel_index(np.argmax(layer), layer.shape)
    assert brightest == (29, round(49.5 + 2 / 0.107))
    assert layer.min() < 0.8 * layer.max()


def test_dots_are_excited_as_the_layer_is():
    scene, options = crowd()
    inside = (scene.kind == DOT) & (np.abs(scene.x_px - 127.5) < 127)
    inside &= np.abs(scene.y_px - 127.5) < 127
    columns = np.rint(scene.x_px[inside]).astype(int)
    rows = np.rint(scene.y_px[inside]).astype(int)
    layer = pl_background(options)[rows, columns] / options.pl.background_photons_px_s
    dots = pl_photons_s(scene, options)[inside] / scene.pl_photons_s[inside]
    assert np.allclose(dots, layer, rtol=0.01)


@pytest.mark.parametrize("voltage_v", [1.9, 2.1, 2.2, 2.3, 2.4, 2.6, 2.8])
def test_the_lit_fraction_follows_the_normal_turn_on_law(voltage_v):
    scene, options = crowd(seed=2)
    lit = el_photons_s(scene, voltage_v, options.el) > 0
    for kinds, median_v in (((DOT, PL_DARK), 2.4), ((DEFECT,), 2.2)):
        chosen = lit[np.isin(scene.kind, kinds)]
        fraction = norm.cdf((voltage_v - median_v) / options.el.turn_on_spread_v)
        standard_error = np.sqrt(fraction * (1 - fraction) / chosen.size)
        # One emitter more, for the normal law of a rare event.
        assert abs(chosen.mean() - fraction) < SIGMAS * standard_error + 1 / chosen.size


def test_about_half_of_the_dots_are_lit_at_the_papers_voltage():
    scene, options = crowd(seed=3)
    lit = el_photons_s(scene, 2.4, options.el)[scene.kind == DOT] > 0
    assert abs(lit.mean() - 0.5) < SIGMAS * np.sqrt(0.25 / lit.size)


def test_el_rises_exponentially_above_the_turn_on_voltage():
    scene, options = crowd()
    el = options.el
    low, high = (el_photons_s(scene, voltage_v, el) for voltage_v in (2.4, 2.55))
    both = (low > 0) & (high > 0)
    assert np.allclose(high[both] / low[both], np.exp(0.15 / el.rise_v))
    assert np.all(high >= low)
    at_onset = low[np.isclose(scene.turn_on_voltage_v, 2.4, atol=1e-3) & (low > 0)]
    assert at_onset.size > 0
    assert at_onset.min() >= el.minimum_photons_s


def test_an_unlit_device_emits_nothing_under_voltage():
    scene, options = crowd(el={"unlit": True, "background_photons_px_s": 50.0})
    assert not el_photons_s(scene, 10.0, options.el).any()
    assert not el_background(10.0, options).any()
    assert pl_photons_s(scene, options).any()


def test_unrelated_el_comes_from_a_second_set_of_emitters():
    scene, options = crowd(el={"unrelated": True})
    lit = el_photons_s(scene, 10.0, options.el) > 0
    assert set(scene.kind[lit]) == {UNRELATED}
    assert lit.sum() == (scene.kind == UNRELATED).sum()
    assert lit.sum() == np.isin(scene.kind, (DOT, PL_DARK)).sum()
    assert not pl_photons_s(scene, options)[lit].any()


def test_the_el_background_is_off_unless_asked_for_and_rises_with_voltage():
    assert not el_background(2.8, SimulateOptions()).any()
    options = options_with(el={"background_photons_px_s": 100.0, "background_rise_v": 0.2})
    low, high = el_background(2.4, options), el_background(2.6, options)
    assert np.all(low == 100.0)
    assert np.allclose(high, 100.0 * np.e)


def test_no_density_gives_an_empty_scene():
    scene, options = crowd(scene={"density_per_um2": 0.0, "defect_density_per_um2": 0.0})
    assert len(scene) == 0
    assert scene.positions.shape == (0, 2)
    assert el_photons_s(scene, 2.4, options.el).shape == (0,)
