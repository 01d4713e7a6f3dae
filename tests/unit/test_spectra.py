"""Lines, bands and comparisons of spectra: simulate, analyse, recover."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from qdimage.domain.refusal import Refusal
from qdimage.domain.spectrum import Spectrum
from qdimage.domain.spectrum_fit import LINE_MODELS, BandLight, Bands, Light, SpectrumFit
from qdimage.simulation.spectra import SpectrumTruth, dark_spectrum, simulate_spectrum
from qdimage.spectra.compare import compared
from qdimage.spectra.fit import CleanSpectrum, clean, fit_spectrum, measure_light
from qdimage.spectra.options import SpectrumOptions
from qdimage.spectra.shapes import SHAPES, in_pixels

OPTIONS = SpectrumOptions()
CAMERA = SpectrumTruth(
    counts=3e4, bias_counts=300.0, electrons_per_count=0.3, read_noise_e=5.0, frames=1
)


def cleaned(spectrum: Spectrum, options: SpectrumOptions = OPTIONS) -> CleanSpectrum:
    found = clean(spectrum, options)
    assert isinstance(found, CleanSpectrum)
    return found


def fitted(spectrum: Spectrum, options: SpectrumOptions = OPTIONS) -> SpectrumFit:
    found = fit_spectrum(cleaned(spectrum, options), options)
    assert isinstance(found, SpectrumFit), found
    return found


def replace_options(options: SpectrumOptions, **changed: object) -> SpectrumOptions:
    return SpectrumOptions.model_validate(options.model_dump() | changed)


def bands(found: SpectrumFit) -> Bands:
    assert isinstance(found.bands, Bands), found.bands
    return found.bands


@pytest.mark.parametrize("model", LINE_MODELS)
def test_a_line_holds_one_count_and_has_its_peak_and_width(model: str) -> None:
    peak, fwhm, shape = 630.0, 20.0, 0.4
    x = np.linspace(peak - 4e4, peak + 4e4, 8_000_001)
    line = SHAPES[model](x, peak, fwhm, shape)
    assert np.sum(line) * (x[1] - x[0]) == pytest.approx(1.0, abs=1e-3)
    assert x[np.argmax(line)] == pytest.approx(peak, abs=0.02)
    above = x[line >= line.max() / 2]
    assert np.ptp(above) == pytest.approx(fwhm, rel=2e-3)


def test_an_asymmetric_line_becomes_a_gaussian_without_a_step() -> None:
    x = np.linspace(590, 670, 801)
    straight = SHAPES["gaussian"](x, 630.0, 20.0, 0.0)
    for skew in (1e-5, 2e-4, -2e-4):
        bent = SHAPES["asymmetric"](x, 630.0, 20.0, skew)
        np.testing.assert_allclose(bent, straight, rtol=2e-2, atol=1e-12)


def test_pixels_share_a_line_narrower_than_they_are() -> None:
    x = np.arange(600.0, 660.0)
    shared = in_pixels(SHAPES["gaussian"], x, np.ones_like(x), 630.3, 1.2, 0.0)
    assert shared.sum() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("model", ["gaussian", "lorentzian", "asymmetric"])
def test_the_line_that_was_simulated_is_chosen_and_recovered(model: str) -> None:
    truth = SpectrumTruth(counts=2e5, model=model, fwhm_nm=16.0)
    line = fitted(simulate_spectrum(truth, np.random.default_rng(5))).line
    assert line.model == model
    # Four standard deviations: one seed in 8,000 would fail.
    assert abs(line.peak_nm.value - 630) < 4 * line.peak_nm.err
    assert abs(line.fwhm_nm.value - 16) < 4 * line.fwhm_nm.err
    assert line.p_value > 1e-3
    if model == "asymmetric":
        assert line.shape is not None
        assert line.shape.value == pytest.approx(0.3, abs=0.02)


def test_a_voigt_is_told_from_both_its_parts() -> None:
    truth = SpectrumTruth(counts=4e5, model="voigt", fwhm_nm=12.0)
    line = fitted(simulate_spectrum(truth, np.random.default_rng(6))).line
    assert line.model == "voigt"
    assert line.fwhm_nm.value == pytest.approx(12.0, rel=0.02)


def test_errors_are_those_of_repetition_and_of_the_bound() -> None:
    truth = SpectrumTruth(counts=5e3, pixels=500, step_nm=0.8)
    options = SpectrumOptions(model="gaussian")
    found = [
        fitted(simulate_spectrum(truth, np.random.default_rng([7, seed])), options).line
        for seed in range(100)
    ]
    peaks = np.array([(each.peak_nm.value - 630) / each.peak_nm.err for each in found])
    widths = np.array([(each.fwhm_nm.value - 20) / each.fwhm_nm.err for each in found])
    # 100 draws: 7 % of scatter; three such either way.
    assert 0.8 < peaks.std() < 1.2
    assert 0.8 < widths.std() < 1.2
    sigma = 20 / math.sqrt(8 * math.log(2))
    assert np.median([each.peak_nm.err for each in found]) == pytest.approx(
        sigma / math.sqrt(5e3), rel=0.05
    )
    assert np.median([each.fwhm_nm.err for each in found]) == pytest.approx(
        20 / math.sqrt(2 * 5e3), rel=0.1
    )


def test_in_energy_the_peak_lies_to_the_red_by_the_jacobian() -> None:
    line = fitted(
        simulate_spectrum(SpectrumTruth(counts=1e6), np.random.default_rng(8)),
        SpectrumOptions(model="gaussian"),
    ).line
    # Of exp(-(x - p)^2 / 2 s^2) x^2 the maximum solves x (x - p) = 2 s^2.
    sigma = line.fwhm_nm.value / math.sqrt(8 * math.log(2))
    peak = line.peak_nm.value
    moved = (peak + math.sqrt(peak**2 + 8 * sigma**2)) / 2
    assert line.peak_ev.value == pytest.approx(1239.84198 / moved, abs=2e-6)
    assert line.peak_ev.err == pytest.approx(line.peak_nm.err * 1239.84 / peak**2, rel=0.02)
    assert line.fwhm_ev.value == pytest.approx(1239.84 * line.fwhm_nm.value / peak**2, rel=0.01)


def test_the_scatter_tells_gain_and_bias() -> None:
    truth = replace(CAMERA, counts=3e5)
    found = [
        cleaned(simulate_spectrum(truth, np.random.default_rng([9, seed]))).noise
        for seed in range(10)
    ]
    assert {each.source for each in found} == {"scatter"}
    assert np.mean([each.counts_per_electron for each in found]) == pytest.approx(3.33, rel=0.25)
    # The variance at the baseline is that of read noise.
    at_bias = np.mean([each.variance(np.array([300.0]))[0] for each in found])
    assert at_bias == pytest.approx((5 / 0.3) ** 2, rel=0.15)
    poisson = cleaned(simulate_spectrum(SpectrumTruth(), np.random.default_rng(9))).noise
    assert (poisson.source, poisson.counts_per_electron, poisson.offset_counts) == ("poisson", 1, 0)


def test_a_known_camera_needs_no_scatter_and_fits_well() -> None:
    options = SpectrumOptions(
        electrons_per_count=0.3, read_noise_e=5.0, bias_counts=300.0, model="gaussian"
    )
    found = [
        fitted(simulate_spectrum(CAMERA, np.random.default_rng([10, seed])), options)
        for seed in range(20)
    ]
    assert found[0].noise.source == "given"
    pulls = [(each.line.peak_nm.value - 630) / each.line.peak_nm.err for each in found]
    assert np.std(pulls) < 1.6
    assert np.mean([each.line.p_value for each in found]) == pytest.approx(0.5, abs=0.25)
    assert np.mean([each.line.counts.value for each in found]) == pytest.approx(1e5, rel=0.01)
    # The bias is known, so that no dark stretch has to tell it.
    without = replace_options(options, floor="zero")
    known = bands(fitted(simulate_spectrum(CAMERA, np.random.default_rng(10)), without))
    assert known.floor_counts == pytest.approx(0.0, abs=1e-6)
    assert abs(known.background.value) < 4 * known.background.err


def test_a_multiplying_camera_shows_its_noise() -> None:
    camera = SpectrumTruth(
        counts=1e4,
        step_nm=0.7,
        pixels=560,
        bias_counts=300.0,
        electrons_per_count=0.05,
        read_noise_e=40.0,
        em_gain=100.0,
    )
    found = [
        fitted(simulate_spectrum(camera, np.random.default_rng([12, seed]))) for seed in range(10)
    ]
    # The excess noise of the register doubles the counts of an electron.
    slopes = [each.noise.counts_per_electron * 0.05 / 2 for each in found]
    assert np.median(slopes) == pytest.approx(1.0, abs=0.2)
    pulls = [(each.line.fwhm_nm.value - camera.fwhm_nm) / each.line.fwhm_nm.err for each in found]
    # Chi-square of 10: beyond 2.96 once in 10,000.
    assert np.sum(np.square(pulls)) < 35.6


@pytest.mark.parametrize("frames", [1, 5])
def test_cosmic_rays_leave_no_trace(frames: int) -> None:
    truth = replace(CAMERA, frames=frames)
    struck = replace(truth, cosmic_rays=4)
    found = fitted(simulate_spectrum(struck, np.random.default_rng(11)))
    assert cleaned(simulate_spectrum(struck, np.random.default_rng(11))).n_cosmic >= 4
    assert abs(found.line.peak_nm.value - 630) < 4 * found.line.peak_nm.err
    assert abs(bands(found).background.value) < 4 * bands(found).background.err


def test_a_sharp_line_is_no_cosmic_ray() -> None:
    truth = SpectrumTruth(counts=1e5, fwhm_nm=2.0)
    found = cleaned(simulate_spectrum(truth, np.random.default_rng(12)))
    assert found.n_cosmic == 0
    line = fitted(simulate_spectrum(truth, np.random.default_rng(12))).line
    assert line.fwhm_nm.value == pytest.approx(2.0, rel=0.02)


def test_a_background_of_a_hundredth_is_found_or_bounded() -> None:
    with_it = SpectrumTruth(counts=2e4, background=0.01)
    found = [
        bands(fitted(simulate_spectrum(with_it, np.random.default_rng([13, seed]))))
        for seed in range(25)
    ]
    # 200 counts over next to nothing: every one is found, and 95 % of the intervals hold the truth.
    assert all(each.low > 0 for each in found)
    assert sum(each.low <= 0.01 <= each.high for each in found) >= 20
    without = [
        bands(
            fitted(simulate_spectrum(replace(with_it, background=0), np.random.default_rng(seed)))
        )
        for seed in range(10)
    ]
    assert all(each.low == 0 and each.upper < 0.01 for each in without)


def test_a_dim_spectrum_bounds_its_background_by_every_dark_pixel() -> None:
    # Ten counts of background: chance leaves fewer than three, which are not seen, in 3 of 1,000.
    dim = SpectrumTruth(counts=1e3, background=0.01)
    options = SpectrumOptions(model="gaussian")
    found = [
        bands(fitted(simulate_spectrum(dim, np.random.default_rng([19, seed])), options))
        for seed in range(15)
    ]
    assert sum(each.low > 0 for each in found) >= 13


def test_light_between_the_bands_leaves_the_floor_alone() -> None:
    truth = replace(CAMERA, counts=1e5, background=0.3)
    options = SpectrumOptions(model="gaussian", background_high_nm=460.0)
    # Half of the background's emission lies beyond its band, in what is searched for the floor.
    found = [
        bands(fitted(simulate_spectrum(truth, np.random.default_rng([20, seed])), options))
        for seed in range(5)
    ]
    assert np.mean([each.floor_counts for each in found]) == pytest.approx(300, abs=3)


def test_a_bias_is_no_background() -> None:
    found = [
        bands(fitted(simulate_spectrum(CAMERA, np.random.default_rng([14, seed]))))
        for seed in range(20)
    ]
    # One in twenty would be a false alarm; more than five in twenty has odds of 3e-4.
    assert sum(each.low > 0 for each in found) <= 5
    assert all(each.floor_counts == pytest.approx(300, abs=6) for each in found)


def test_a_dark_takes_the_bias_off_and_brings_its_noise() -> None:
    variances = []
    for seed in range(12):
        generator = np.random.default_rng([15, seed])
        dark = dark_spectrum(CAMERA, generator)
        spectrum = simulate_spectrum(CAMERA, generator)
        found = clean(spectrum, OPTIONS, dark)
        assert isinstance(found, CleanSpectrum)
        assert found.counts[:200].mean() == pytest.approx(0, abs=8)
        variances.append(found.noise.variance(np.zeros(1))[0])
    # Read noise of both; each is known to 8 %, their mean to 2.3 %.
    assert np.mean(variances) == pytest.approx(2 * (5 / 0.3) ** 2, rel=0.1)
    fit = fit_spectrum(found, OPTIONS)
    assert isinstance(fit, SpectrumFit)
    assert abs(fit.line.peak_nm.value - 630) < 4 * fit.line.peak_nm.err
    other = replace(dark, wavelength_nm=dark.wavelength_nm + 1)
    assert isinstance(clean(spectrum, OPTIONS, other), Refusal)


def darkened(spectrum: Spectrum, per_s: np.ndarray, bias: float, seed: int) -> Spectrum:
    """Add a dark current in counts, known pixel by pixel, and a bias to every frame."""
    assert spectrum.exposure_s is not None
    generator = np.random.default_rng(seed)
    each = spectrum.exposure_s / len(spectrum.frames)
    return replace(
        spectrum, frames=spectrum.frames + bias + generator.poisson(per_s * each, (1, per_s.size))
    )


def dark_of(per_s: np.ndarray, bias: float, exposure_s: float, seed: int) -> Spectrum:
    x = simulate_spectrum(SpectrumTruth(counts=1.0), np.random.default_rng(0)).wavelength_nm
    nothing = Spectrum(Path("dark.csv"), x, np.zeros((1, x.size)), exposure_s=exposure_s)
    return darkened(nothing, per_s, bias, seed)


def test_a_dark_of_another_exposure_is_scaled_and_its_noise_with_it() -> None:
    per_s = np.full(1000, 40.0)
    truth = SpectrumTruth(counts=2e4)
    options = SpectrumOptions(model="gaussian", floor="zero")
    pulls, ratios = [], []
    for seed in range(30):
        # A spectrum of 1 s and a dark of 0.25 s, so that the dark's noise is 4 times its own light.
        spectrum = darkened(
            simulate_spectrum(truth, np.random.default_rng([22, seed])), per_s, 0.0, seed
        )
        found = clean(spectrum, options, dark_of(per_s, 0.0, 0.25, 100 + seed))
        assert isinstance(found, CleanSpectrum)
        assert found.noise.variance(np.zeros(1))[0] == pytest.approx(40 + 16 * 10, rel=0.05)
        fit = fit_spectrum(found, options)
        assert isinstance(fit, SpectrumFit)
        pulls.append((fit.line.peak_nm.value - 630) / fit.line.peak_nm.err)
        light = measure_light(found, fit, options)
        assert isinstance(light, BandLight)
        ratios.append(light.background.counts.value / light.background.counts.err)
    # Standard deviations of 30 draws lie within 0.62 and 1.38 but for odds of 1e-3 either way.
    assert 0.62 < np.std(pulls) < 1.38
    assert 0.62 < np.std(ratios) < 1.38
    assert abs(np.mean(ratios)) < 4 / math.sqrt(30)


def test_a_known_bias_is_not_scaled_by_exposure() -> None:
    per_s = np.full(1000, 40.0)
    spectrum = darkened(
        simulate_spectrum(SpectrumTruth(counts=2e4), np.random.default_rng(23)), per_s, 500.0, 1
    )
    dark = dark_of(per_s, 500.0, 0.5, 2)
    known = SpectrumOptions(electrons_per_count=1.0, bias_counts=500.0, floor="zero")
    found = clean(spectrum, known, dark)
    assert isinstance(found, CleanSpectrum)
    assert found.counts[:200].mean() == pytest.approx(0, abs=2)
    # Unknown, the bias leaves a pedestal, which the floor takes off, and which is said.
    unknown = clean(spectrum, OPTIONS, dark)
    assert isinstance(unknown, CleanSpectrum)
    assert "bias" in unknown.warning
    fit = fit_spectrum(unknown, OPTIONS)
    assert isinstance(fit, SpectrumFit)
    assert abs(fit.line.peak_nm.value - 630) < 4 * fit.line.peak_nm.err
    assert abs(bands(fit).background.value) < 4 * bands(fit).background.err
    refused = clean(spectrum, SpectrumOptions(floor="zero"), dark)
    assert isinstance(refused, Refusal)
    assert "bias_counts" in refused.reason


def test_pixels_hot_in_the_dark_are_left_out() -> None:
    per_s = np.full(1000, 5.0)
    per_s[[250, 625, 640]] = 3000.0
    spectrum = darkened(
        simulate_spectrum(SpectrumTruth(counts=2e4), np.random.default_rng(24)), per_s, 0.0, 3
    )
    found = clean(spectrum, OPTIONS, dark_of(per_s, 0.0, 1.0, 4))
    assert isinstance(found, CleanSpectrum)
    assert found.hit[[250, 625, 640]].all()
    assert found.hit.sum() < 8
    fit = fit_spectrum(found, OPTIONS)
    assert isinstance(fit, SpectrumFit)
    assert abs(fit.line.peak_nm.value - 630) < 4 * fit.line.peak_nm.err


@pytest.mark.parametrize("tail_nm", [0.0, 40.0])
def test_light_of_the_background_alone_is_measured_without_a_line(tail_nm: float) -> None:
    truth = SpectrumTruth(counts=1.0, background=2e5, background_tail_nm=tail_nm)
    for camera in (truth, replace(truth, bias_counts=300.0, electrons_per_count=0.3)):
        found = cleaned(simulate_spectrum(camera, np.random.default_rng(25)))
        answer = fit_spectrum(found, OPTIONS)
        assert isinstance(answer, Refusal)
        light = measure_light(found, answer, OPTIONS)
        assert isinstance(light, BandLight)
        assert light.background.p_value < 1e-6
        assert light.dot.upper < 0.05 * light.background.counts.value
        assert light.dot.upper > light.dot.counts.value


def test_limits_of_a_band_hold_as_often_as_they_say() -> None:
    def light(background: float, seed: int) -> Light:
        truth = SpectrumTruth(counts=1.0, background=background, pixels=700)
        found = cleaned(simulate_spectrum(truth, np.random.default_rng([26, seed])))
        dark = np.random.default_rng([27, seed]).poisson(20.0, 700)
        measured = measure_light(replace(found, counts=found.counts + dark), Refusal(""), OPTIONS)
        assert isinstance(measured, BandLight)
        return measured.background

    # Of 150 draws of 5 %, 16 or more and none have odds of 4e-3 and 5e-4.
    below = sum(light(200.0, seed).upper < 200 for seed in range(150))
    by_chance = sum(light(0.0, seed).p_value < 0.05 for seed in range(150))
    assert 0 < below <= 15
    assert 0 < by_chance <= 15


def test_spectra_of_one_line_agree_and_of_two_do_not() -> None:
    def part(truth: SpectrumTruth, seed: int) -> tuple:
        spectrum = simulate_spectrum(truth, np.random.default_rng([16, seed]))
        options = SpectrumOptions(model="gaussian")
        each = cleaned(spectrum)
        return each.wavelength_nm, each.counts, each.noise, fitted(spectrum, options).line

    el = SpectrumTruth(counts=2e4)
    # On other pixels, brighter, with a background.
    pl = SpectrumTruth(counts=5e4, background=0.3, first_nm=381.3, step_nm=0.55, pixels=700)
    same = [compared(part(el, seed), part(pl, seed + 100)) for seed in range(12)]
    p_values = np.array([each.p_value for each in same])
    assert (p_values < 0.05).sum() <= 3
    assert p_values.mean() == pytest.approx(0.5, abs=0.25)
    assert all(each.similarity is not None and each.similarity > 0.995 for each in same)
    assert np.std([each.shift_nm.value / each.shift_nm.err for each in same]) < 1.6
    other = compared(part(el, 1), part(replace(pl, peak_nm=631.5), 101))
    assert other.p_value is not None
    assert other.p_value < 1e-4
    assert other.shift_nm.value == pytest.approx(-1.5, abs=4 * other.shift_nm.err)
    assert other.shift_ev.value > 0
    moved = compared(part(el, 1), part(replace(pl, peak_nm=640.0), 101))
    assert moved.similarity is not None
    # Two Gaussians 10 nm apart overlap by exp(-(10 / 2 sigma)^2), sigma 8.49 nm.
    assert moved.similarity == pytest.approx(math.exp(-((10 / (2 * 8.49)) ** 2)), abs=0.05)
    wide = compared(part(el, 1), part(replace(pl, fwhm_nm=22.0), 101))
    assert wide.width_ratio.value == pytest.approx(20 / 22, abs=4 * wide.width_ratio.err)
    far = compared(part(el, 1), part(replace(pl, peak_nm=655.0, fwhm_nm=5.0), 101))
    assert far.p_value is None or far.p_value < 1e-4


def test_contours_are_judged_by_how_well_the_noise_is_known() -> None:
    options = SpectrumOptions(model="gaussian")
    el = replace(CAMERA, counts=2e4, pixels=560, step_nm=0.7)
    p_values, errs = [], []
    for seed in range(24):
        parts = []
        for index in range(2):
            each = cleaned(simulate_spectrum(el, np.random.default_rng([28, seed, index])))
            fit = fit_spectrum(each, options)
            assert isinstance(fit, SpectrumFit)
            parts.append((each.wavelength_nm, each.counts, fit.noise, fit.line))
            errs.append(fit.noise.relative_err)
        p_values.append(compared(*parts).p_value)
    # Found from scatter to a tenth or two. Of 24 draws of 5 %, six or more have odds of 1e-3.
    assert 0.02 < np.median(errs) < 0.5
    assert np.sum(np.array(p_values) < 0.05) <= 5
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.2)


def test_a_tail_of_the_background_bends_the_baseline_and_not_the_line() -> None:
    truth = SpectrumTruth(counts=1e5, background=1.0, background_tail_nm=50.0)
    straight = SpectrumOptions(model="gaussian", baseline_order=1)
    bent = SpectrumOptions(model="gaussian")
    pulls: dict[int, list[float]] = {1: [], 2: []}
    for seed in range(8):
        spectrum = simulate_spectrum(truth, np.random.default_rng([29, seed]))
        for options in (straight, bent):
            width = fitted(spectrum, options).line.fwhm_nm
            pulls[options.baseline_order].append((width.value - 20) / width.err)
    # Means of eight have a deviation of 0.35.
    assert np.mean(pulls[1]) < -2
    assert abs(np.mean(pulls[2])) < 1.4


def test_no_line_is_refused_and_not_invented() -> None:
    nothing = SpectrumTruth(counts=1e4, background=2.0, peak_nm=500.0)
    generator = np.random.default_rng(17)
    found = [
        fit_spectrum(cleaned(simulate_spectrum(nothing, generator)), OPTIONS) for _ in range(5)
    ]
    assert all(isinstance(each, Refusal) for each in found)
    dark = [fit_spectrum(cleaned(dark_spectrum(CAMERA, generator)), OPTIONS) for _ in range(20)]
    assert all(isinstance(each, Refusal) for each in dark)


def test_bands_that_are_not_covered_are_refused_alone() -> None:
    truth = SpectrumTruth(first_nm=560.0, pixels=400)
    found = fitted(simulate_spectrum(truth, np.random.default_rng(18)))
    assert isinstance(found.bands, Refusal)
    assert "background band" in found.bands.reason
    blue = SpectrumTruth(first_nm=380.0, pixels=300, peak_nm=450)
    answer = fit_spectrum(cleaned(simulate_spectrum(blue, np.random.default_rng(18))), OPTIONS)
    assert isinstance(answer, Refusal)
    assert "dot_low_nm" in answer.reason


def test_a_line_outside_the_band_is_no_line_at_its_end() -> None:
    truth = SpectrumTruth(counts=1e5, peak_nm=590.0)
    found = cleaned(simulate_spectrum(truth, np.random.default_rng(21)))
    answer = fit_spectrum(found, OPTIONS)
    assert isinstance(answer, Refusal)
    assert "at the end" in answer.reason


def test_light_of_zero_everywhere_is_refused() -> None:
    x = np.linspace(380, 780, 1000)
    for level in (0.0, 1000.0):
        spectrum = Spectrum(Path("a.csv"), x, np.full((1, 1000), level))
        assert isinstance(fit_spectrum(cleaned(spectrum), OPTIONS), Refusal)


def test_bands_rise() -> None:
    with pytest.raises(ValidationError, match="let it rise"):
        SpectrumOptions(dot_low_nm=700.0)
