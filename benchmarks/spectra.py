"""Simulated spectra: errors against the Cramer-Rao bound, pulls, and a background of 1 %.

The bound is that of a Gaussian line on no background whose photons are all seen: sigma / sqrt(N) of
the peak and fwhm / sqrt(2 N) of the width. A camera's read noise is not in it, so with a camera it
is reached only where read noise is small beside the light.

Run it by ``./qd bench spectra``; ``--draws N`` for other numbers of draws.
"""

import argparse
import math
from dataclasses import replace

import numpy as np

from qdimage.domain.refusal import Refusal
from qdimage.domain.spectrum_fit import Bands, SpectrumFit
from qdimage.simulation.spectra import SpectrumTruth, simulate_spectrum
from qdimage.spectra.fit import clean, fit_spectrum
from qdimage.spectra.options import SpectrumOptions

OPTIONS = SpectrumOptions()
TRUTH = SpectrumTruth()
CAMERA = replace(TRUTH, bias_counts=300.0, electrons_per_count=0.3, read_noise_e=3.0)
CASES = {
    "photons, no background": TRUTH,
    "photons, 1 % background": replace(TRUTH, background=0.01),
    "camera, unknown gain and bias": CAMERA,
}
COUNTS = (1e3, 1e4, 1e5, 1e6)


def fitted(truth: SpectrumTruth, seed: int) -> SpectrumFit | None:
    """Simulate and fit one spectrum; None where it was refused."""
    spectrum = simulate_spectrum(truth, np.random.default_rng([20261126, seed]))
    cleaned = clean(spectrum, OPTIONS)
    if isinstance(cleaned, Refusal):
        return None
    found = fit_spectrum(cleaned, OPTIONS)
    return None if isinstance(found, Refusal) else found


def report(truth: SpectrumTruth, draws: int) -> None:
    """Print what so many spectra of one truth gave."""
    found = [each for seed in range(draws) if (each := fitted(truth, seed)) is not None]
    if not found:
        print(f"{truth.counts:9.0e}  all refused")
        return
    peak = np.array([[each.line.peak_nm.value, each.line.peak_nm.err] for each in found])
    width = np.array([[each.line.fwhm_nm.value, each.line.fwhm_nm.err] for each in found])
    sigma = truth.fwhm_nm / math.sqrt(8 * math.log(2))
    bounds = sigma / math.sqrt(truth.counts), truth.fwhm_nm / math.sqrt(2 * truth.counts)
    cells = []
    for values, right, bound in (
        (peak, truth.peak_nm, bounds[0]),
        (width, truth.fwhm_nm, bounds[1]),
    ):
        off = values[:, 0] - right
        cells += [f"{np.sqrt(np.mean(off**2)) / bound:6.3f}", f"{np.std(off / values[:, 1]):6.3f}"]
    other = sum(each.line.model != truth.model for each in found)
    bands = [each.bands for each in found if isinstance(each.bands, Bands)]
    inside = np.mean([each.low <= truth.background <= each.high for each in bands])
    below = np.mean([truth.background <= each.upper for each in bands])
    seen = np.mean([each.low > 0 for each in bands])
    upper = np.median([each.upper for each in bands])
    print(
        f"{truth.counts:9.0e}  {'  '.join(cells)}  {other:4d} of {len(found)}  {inside:6.3f}  "
        f"{below:6.3f}  {seen:6.3f}  {upper:8.5f}  {draws - len(found)}"
    )


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=300)
    draws = parser.parse_args().draws
    for name, truth in CASES.items():
        print(f"\n{name}")
        print(
            "   counts  peak/CRB pull  width/CRB pull  other lines  interval   limit    seen  "
            "median limit  refused"
        )
        for counts in COUNTS:
            report(replace(truth, counts=counts), draws)


if __name__ == "__main__":
    main()
