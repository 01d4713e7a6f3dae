"""Simulated spectra: errors against the Cramer-Rao bound, pulls, background of 1 %, contours.

The bound is numerical, from the Fisher information of the line that was simulated, with its shape,
on a straight baseline, all of them unknown and all pixels used; the variance of a pixel is that of
photons, doubled by a multiplying register, and read noise.

Run it by ``./qd bench spectra``; ``--draws N`` for other numbers of draws, ``--part`` for one part.
"""

import argparse
import math
import zlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstest

from qdimage.domain.refusal import Refusal
from qdimage.domain.spectrum_fit import LINE_MODELS, Bands, SpectrumFit
from qdimage.simulation.spectra import SpectrumTruth, line_shape, simulate_spectrum
from qdimage.spectra.compare import compared
from qdimage.spectra.fit import CleanSpectrum, clean, fit_spectrum
from qdimage.spectra.options import SpectrumOptions
from qdimage.spectra.shapes import SHAPES, in_pixels

Array = NDArray[np.float64]
Row = tuple[Array, Array]

TRUTH = SpectrumTruth(step_nm=0.7, pixels=560)
READ = replace(TRUTH, bias_counts=300.0, electrons_per_count=0.3, read_noise_e=3.0)
EM = replace(TRUTH, bias_counts=300.0, electrons_per_count=0.05, read_noise_e=40.0, em_gain=100.0)
COUNTS = (1e3, 1e4, 1e5, 1e6)
UNKNOWN = SpectrumOptions()
_CONTOURS, _REFITTED = 2, 5


@dataclass(frozen=True)
class Camera:
    """A detector, and what the analysis is told of it."""

    name: str
    truth: SpectrumTruth
    options: SpectrumOptions


CAMERAS = (
    Camera("photons", TRUTH, UNKNOWN),
    Camera(
        "read noise, given",
        READ,
        SpectrumOptions(electrons_per_count=0.3, read_noise_e=3.0, bias_counts=300.0),
    ),
    Camera("read noise, from scatter", READ, UNKNOWN),
    Camera(
        "EM gain, given",
        EM,
        SpectrumOptions(
            electrons_per_count=0.05,
            read_noise_e=0.4,
            bias_counts=300.0,
            excess_noise_squared=2.0,
        ),
    ),
    Camera("EM gain, from scatter", EM, UNKNOWN),
)


def bound(truth: SpectrumTruth) -> tuple[float, float]:
    """Return the least standard deviations of peak and width."""
    x = np.asarray(truth.first_nm + truth.step_nm * np.arange(truth.pixels), np.float64)
    width = np.full(x.shape, truth.step_nm)
    shape = line_shape(truth)

    def levels(parameters: Array) -> Array:
        counts, peak, fwhm, of_shape, first, last = parameters
        line = in_pixels(SHAPES[truth.model], x, width, peak, fwhm, of_shape)
        base = first + (last - first) * np.linspace(0, 1, x.size)
        return np.asarray(counts * line + base, np.float64)

    at = np.array([truth.counts, truth.peak_nm, truth.fwhm_nm, shape or 0.0, 0.0, 0.0])
    steps = np.array([1e-4 * truth.counts, 1e-3, 1e-3, 1e-4, 1e-3, 1e-3])
    free = [0, 1, 2, *([3] if shape is not None else []), 4, 5]
    slopes = np.array(
        [
            (levels(at + steps * (np.arange(6) == k)) - levels(at - steps * (np.arange(6) == k)))
            / (2 * steps[k])
            for k in free
        ]
    )
    excess = 2.0 if truth.em_gain > 1 else 1.0
    read = truth.frames * (truth.read_noise_e / truth.em_gain) ** 2
    variance = excess * levels(at) + read
    seen = variance > 1e-9
    information = (slopes[:, seen] / variance[seen]) @ slopes[:, seen].T
    scale = np.sqrt(np.diag(information))
    found = np.sqrt(np.diag(np.linalg.inv(information / np.outer(scale, scale)))) / scale
    return float(found[1]), float(found[2])


def seeds(truth: SpectrumTruth, draws: int) -> range:
    """Return seeds that no other truth of the study has, so that chance differs from row to row."""
    first = 1000 * (zlib.crc32(repr(truth).encode()) % 1_000_000)
    return range(first, first + draws)


def fitted(truth: SpectrumTruth, options: SpectrumOptions, seed: int) -> SpectrumFit | None:
    """Simulate and fit one spectrum; None where it was refused."""
    cleaned = cleaned_of(truth, options, seed)
    found = fit_spectrum(cleaned, options)
    return None if isinstance(found, Refusal) else found


def cleaned_of(truth: SpectrumTruth, options: SpectrumOptions, seed: int) -> CleanSpectrum:
    """Simulate and clean one spectrum."""
    spectrum = simulate_spectrum(truth, np.random.default_rng([20261126, seed]))
    cleaned = clean(spectrum, options)
    if isinstance(cleaned, Refusal):
        raise TypeError(cleaned.reason)
    return cleaned


def lines(draws: int) -> None:
    """Print errors over the bound and pulls, of each detector, line and number of counts."""
    _lines(draws, given=False)


def given_lines(draws: int) -> None:
    """Print the same where the kind of the line is known."""
    _lines(draws, given=True)


def _lines(draws: int, *, given: bool) -> None:
    for camera in CAMERAS:
        print(f"\n{camera.name}")
        print(
            "line         counts  peak: rms/CRB  pull    width: rms/CRB  pull    "
            "other line  refused"
        )
        for model in LINE_MODELS:
            for counts in COUNTS:
                truth = replace(camera.truth, model=model, counts=counts)
                told = {"model": model} if given else {}
                options = camera.options.model_copy(update=told)
                print(f"{model:11s} {counts:7.0e}  {_errors(truth, options, draws)}")


def _errors(truth: SpectrumTruth, options: SpectrumOptions, draws: int) -> str:
    tried = [fitted(truth, options, seed) for seed in seeds(truth, draws)]
    found = [each.line for each in tried if each is not None]
    if len(found) < draws / 2:
        return f"{draws - len(found)} of {draws} refused"
    cells = []
    for name, right, least in zip(
        ("peak_nm", "fwhm_nm"), (truth.peak_nm, truth.fwhm_nm), bound(truth), strict=True
    ):
        values = np.array([getattr(each, name).value for each in found])
        errs = np.array([getattr(each, name).err for each in found])
        off = values - right
        rms, pull = math.sqrt(np.mean(off**2)), float(np.std(off / errs))
        cells.append(f"{rms / least:13.3f} {pull:6.3f}   ")
    other = sum(each.model != truth.model for each in found)
    return f"{'  '.join(cells)} {other:4d} of {len(found)}  {draws - len(found):4d}"


def backgrounds(draws: int) -> None:
    """Print how often intervals hold and a background of 1 %, or of none, is seen."""
    for camera in CAMERAS:
        print(f"\n{camera.name}")
        print("background  counts  in interval  below limit  seen   median limit")
        for background in (0.0, 0.01):
            for counts in COUNTS:
                truth = replace(camera.truth, counts=counts, background=background)
                options = camera.options.model_copy(update={"model": "gaussian"})
                tried = [fitted(truth, options, seed) for seed in seeds(truth, draws)]
                bands = [
                    each.bands
                    for each in tried
                    if each is not None and isinstance(each.bands, Bands)
                ]
                inside = np.mean([each.low <= background <= each.high for each in bands])
                below = np.mean([background <= each.upper for each in bands])
                seen = np.mean([each.low > 0 for each in bands])
                limit = np.median([each.upper for each in bands])
                print(
                    f"{background:10.2f} {counts:7.0e}  {inside:11.3f}  {below:11.3f} "
                    f"{seen:6.3f}  {limit:12.5f}"
                )


def contours(draws: int) -> None:
    """Print the shares of contour p-values of spectra of one line below 0.01, 0.05, 0.5."""
    print("\nline         counts of EL, PL  p < 0.01  p < 0.05  p < 0.5  uniform: p")
    for camera in (CAMERAS[0], CAMERAS[2]):
        print(camera.name)
        for model in LINE_MODELS:
            for counts in ((3e3, 1e4), (3e4, 1e5), (1e6, 1e6)):
                el = replace(camera.truth, model=model, counts=counts[0])
                pl = replace(
                    el, counts=counts[1], background=0.3, first_nm=381.3, step_nm=0.55, pixels=680
                )
                found = _contours(el, pl, camera, _CONTOURS * draws)
                print(f"{model:11s} {counts[0]:7.0e} {counts[1]:7.0e}  {found}")


def _contours(el: SpectrumTruth, pl: SpectrumTruth, camera: Camera, draws: int) -> str:
    options = camera.options.model_copy(update={"model": el.model})
    p_values: list[float] = []
    fits: list[SpectrumFit] = []
    for count, seed in enumerate(seeds(el, draws)):
        drawn = [cleaned_of(truth, options, 2 * seed + k) for k, truth in enumerate((el, pl))]
        # The line's place and width change little from draw to draw, and take most of the time; the
        # noise found from scatter does change.
        if count % _REFITTED == 0 or fits[0].noise.source == "scatter":
            new = [fit_spectrum(each, options) for each in drawn]
            fits = [each for each in new if isinstance(each, SpectrumFit)]
            if len(fits) < len(new):
                return "no line"
        parts = [
            (each.wavelength_nm, each.counts, fit.noise, fit.line)
            for each, fit in zip(drawn, fits, strict=True)
        ]
        p_value = compared(parts[0], parts[1]).p_value
        p_values += [] if p_value is None else [p_value]
    shares = "  ".join(f"{np.mean(np.array(p_values) < level):8.3f}" for level in (0.01, 0.05, 0.5))
    return f"{shares}  {kstest(p_values, 'uniform').pvalue:8.3f}"


PARTS = {
    "lines": lines,
    "given_lines": given_lines,
    "backgrounds": backgrounds,
    "contours": contours,
}


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--part", choices=sorted(PARTS))
    given = parser.parse_args()
    for name, part in PARTS.items():
        if given.part in (None, name):
            part(given.draws)


if __name__ == "__main__":
    main()
