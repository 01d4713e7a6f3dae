"""Which spectra are taken, of dots and of areas."""

from typing import Literal

from qdimage.domain.options import option
from qdimage.simulation.group import Group


class SpectrumFileOptions(Group):
    """Spectra of single dots and of large areas, as counts against wavelength."""

    n_dots: int = option(
        0, "dots of a field with a spectrum in EL and one in PL, the first of the ranking", ge=0
    )
    el_voltage_v: float = option(2.6, "voltage of the dots' EL spectra", "V")
    dot_counts: float = option(2e5, "electrons below a dot's line", "electrons", ge=1, le=1e8)
    line: Literal["gaussian", "lorentzian", "voigt", "asymmetric"] = option(
        "gaussian", "shape of a dot's line"
    )
    peak_nm: float = option(629.4, "median peak of the dots", "nm", gt=0)
    peak_spread_nm: float = option(3.0, "standard deviation of the dots' peaks", "nm", ge=0)
    fwhm_nm: float = option(24.0, "full width of a dot's line at half maximum", "nm", gt=0)
    pl_background: float = option(
        0.3, "Poly-TPD light from 400 to 500 nm in PL, relative to the dot's line", ge=0
    )
    el_background: float = option(0.0, "the same in EL of a dot", ge=0)
    area_voltages_v: tuple[float, ...] = option((), "voltages of EL spectra of an area", "V")
    area_mm2: float = option(1.0, "that area", "mm^2", gt=0)
    area_fwhm_nm: float = option(26.0, "full width of the line of all its dots", "nm", gt=0)
    area_counts: float = option(
        1e6, "electrons below that line at `area_at_v`", "electrons", ge=0, le=1e8
    )
    area_at_v: float = option(2.6, "voltage at which the area's light is stated", "V")
    area_rise_v: float = option(
        0.15, "increase of the voltage that multiplies the dots' light by e", "V", gt=0
    )
    area_background_counts: float = option(
        0.0, "electrons of Poly-TPD from 400 to 500 nm at `area_at_v`", "electrons", ge=0, le=1e8
    )
    area_background_rise_v: float = option(
        0.15, "increase of the voltage that multiplies that light by e", "V", gt=0
    )
    area_background_from_v: float = option(0.0, "voltage below which there is none of it", "V")
    exposure_s: float = option(10.0, "exposure of each spectrum", "s", gt=0)
    first_nm: float = option(380.0, "wavelength of the first pixel", "nm", gt=0)
    step_nm: float = option(0.7, "wavelength from pixel to pixel", "nm", gt=0)
    pixels: int = option(520, "pixels of the detector", ge=100, le=10000)
    read_noise_e: float = option(3.0, "read noise of a pixel", "electrons", ge=0)
    bias_counts: float = option(100.0, "output without light", "counts", ge=0)
