"""Light in the dot's band and in the background's, and the ratio of the two with its limits."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from qdimage.domain.refusal import Refusal
from qdimage.domain.spectrum_fit import Bands, Line, Measured, Noise
from qdimage.spectra.options import SpectrumOptions

Array = NDArray[np.float64]

# Falls of the log-likelihood's double: 95 % two-sided, 95 % one-sided.
_TWO_SIDED, _ONE_SIDED = 3.841459, 2.705543
_STRETCH_NM, _LEAST_STRETCH = 20.0, 20
_LEAST_PIXELS = 5
# In standard deviations.
_AGREE = 2.0
_FAR_FWHMS = 2.0
_LEAST = 1e-9
_MOST_RATIO = 1e6
_ROUNDS = 100


def bands_of(
    wavelength_nm: Array, counts: Array, noise: Noise, line: Line | None, options: SpectrumOptions
) -> Bands | Refusal:
    """Measure both bands and their ratio.

    The floor of the detector is the level of the darkest stretches outside both bands and the line.
    Which are darkest is decided by the even pixels for the odd ones, and by the odd ones for the
    even, so that the choice does not make the floor too low.

    Parameters
    ----------
    wavelength_nm, counts : ndarray, shape (n,)
        Counts without cosmic rays.
    noise : Noise
    line : Line or None
    options : SpectrumOptions
    """
    scaled = noise.scaled(counts)
    dot = _inside(wavelength_nm, options.dot_low_nm, options.dot_high_nm)
    back = _inside(wavelength_nm, options.background_low_nm, options.background_high_nm)
    for name, band in (("dot", dot), ("background", back)):
        if not _covered(wavelength_nm, band, name, options):
            return Refusal(
                f"the spectrum from {wavelength_nm[0]:.0f} to {wavelength_nm[-1]:.0f} nm does not "
                f"cover the {name} band; set spectrum.{name}_low_nm and {name}_high_nm"
            )
    dark = np.zeros_like(dot)
    if options.floor == "measured":
        found = _darkest(wavelength_nm, scaled, ~(dot | back) & _far(wavelength_nm, line))
        if found is None:
            return Refusal(
                "found no dark stretch outside both bands for the detector's floor; subtract a "
                "dark spectrum and set spectrum.floor to zero"
            )
        dark = found
    # Without a stretch the floor is known: no counts.
    fixed = None if dark.any() else -noise.offset_counts / noise.counts_per_electron
    counted = _Counted(scaled, dot, back, dark, fixed)
    return _bands(counted, noise)


class _Counted:
    """Sums of scaled counts in both bands and in the dark stretch, and how many pixels each has."""

    def __init__(
        self,
        scaled: Array,
        dot: NDArray[np.bool_],
        back: NDArray[np.bool_],
        dark: NDArray[np.bool_],
        fixed: float | None,
    ) -> None:
        self.sums = np.array([float(scaled[each].sum()) for each in (dot, back, dark)])
        self.pixels = np.array([float(each.sum()) for each in (dot, back, dark)])
        self.fixed = fixed

    @property
    def floor(self) -> float:
        """Level of a pixel without light."""
        return self.fixed if self.fixed is not None else self.sums[2] / self.pixels[2]

    def profile(self, ratio: float) -> float:
        """Largest log-likelihood for a ratio of background to dot, over dot and floor."""
        floor = max(self.floor, _LEAST)
        net = self.sums[:2].sum() - floor * self.pixels[:2].sum()
        state = np.array([max(net / (1 + ratio), 1.0), floor])
        # Levels are linear in (dot, floor).
        slopes = np.array([[1.0, self.pixels[0]], [ratio, self.pixels[1]], [0.0, self.pixels[2]]])
        used = slice(0, 3 if self.fixed is None else 2)
        free = slice(0, 2 if self.fixed is None else 1)
        value = self._value(slopes, state, used)
        for _ in range(_ROUNDS):
            levels = np.maximum(slopes @ state, _LEAST)[used]
            part = slopes[used, free]
            score = part.T @ (self.sums[used] / levels - 1)
            information = (part.T / levels) @ part
            step = np.linalg.lstsq(information, score, rcond=None)[0]
            length = 1.0
            while length > 1e-6:
                trial = state.copy()
                trial[free] = np.maximum(state[free] + length * step, _LEAST)
                new = self._value(slopes, trial, used)
                if new >= value:
                    break
                length /= 3
            else:
                break
            gain, state, value = new - value, trial, new
            if gain < 1e-10 * max(abs(value), 1.0):
                break
        return value

    def _value(self, slopes: Array, state: Array, used: slice) -> float:
        levels = np.maximum(slopes @ state, _LEAST)[used]
        return float(np.sum(self.sums[used] * np.log(levels) - levels))


def _bands(counted: _Counted, noise: Noise) -> Bands | Refusal:
    scale, floor = noise.counts_per_electron, counted.floor
    net = counted.sums[:2] - floor * counted.pixels[:2]
    of_floor = 0.0
    if counted.fixed is None:
        of_floor = max(counted.sums[2], 1.0) / counted.pixels[2] ** 2
    err = np.sqrt(np.maximum(counted.sums[:2], 1.0) + of_floor * counted.pixels[:2] ** 2)
    dot, back = (
        Measured(float(scale * v), float(scale * e)) for v, e in zip(net, err, strict=True)
    )
    if net[0] < 3 * err[0]:
        return Refusal(
            f"found {dot.value:.0f} +- {dot.err:.0f} counts in the dot band, too few for a ratio; "
            "expose longer"
        )
    ratio = float(max(net[1] / net[0], 0.0))
    best = counted.profile(ratio)
    fall = 2 * (best - counted.profile(0.0))
    return Bands(
        dot=dot,
        background=back,
        floor_counts=float(scale * floor + noise.offset_counts),
        ratio=float(net[1] / net[0]),
        low=_end(counted, ratio, best, _TWO_SIDED, -1),
        high=_end(counted, ratio, best, _TWO_SIDED, 1),
        upper=_end(counted, ratio, best, _ONE_SIDED, 1),
        p_value=float(norm.sf(np.sign(net[1]) * np.sqrt(max(fall, 0.0)))),
    )


def _end(counted: _Counted, ratio: float, best: float, fall: float, sign: int) -> float:
    """Where the profile has fallen so far, to one side of the ratio."""

    def above(value: float) -> float:
        return fall - 2 * (best - counted.profile(value))

    if sign < 0:
        return 0.0 if ratio <= 0 or above(0.0) >= 0 else float(brentq(above, 0.0, ratio, xtol=1e-9))
    far = max(2 * ratio, 1e-4)
    while above(far) > 0 and far < _MOST_RATIO:
        far *= 2
    return float(brentq(above, ratio, far, xtol=1e-9)) if above(far) < 0 else np.inf


def _inside(x: Array, low: float, high: float) -> NDArray[np.bool_]:
    return np.asarray((x >= low) & (x <= high))


def _covered(x: Array, band: NDArray[np.bool_], name: str, options: SpectrumOptions) -> bool:
    """Whether pixels reach over most of a band."""
    low, high = (getattr(options, f"{name}_{end}_nm") for end in ("low", "high"))
    return int(band.sum()) >= _LEAST_PIXELS and float(np.ptp(x[band])) >= 0.5 * (high - low)


def _far(x: Array, line: Line | None) -> NDArray[np.bool_]:
    if line is None:
        return np.ones(x.shape, bool)
    return np.asarray(np.abs(x - line.peak_nm.value) > _FAR_FWHMS * line.fwhm_nm.value)


def _darkest(x: Array, scaled: Array, allowed: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Pixels of the darkest stretches, odd ones where even ones say so, and the other way round.

    None where there is no stretch.
    """
    stretch = ((x - x[0]) // _STRETCH_NM).astype(int)
    even = np.arange(x.size) % 2 == 0
    dark = np.zeros_like(allowed)
    for half in (even, ~even):
        parts = [allowed & (stretch == index) for index in np.unique(stretch[allowed])]
        parts = [each for each in parts if int(each.sum()) >= _LEAST_STRETCH]
        if not parts:
            return None
        for each in _as_dark_as_can_be(parts, half, scaled):
            dark |= each & ~half
    return dark


def _as_dark_as_can_be(
    parts: list[NDArray[np.bool_]], half: NDArray[np.bool_], scaled: Array
) -> list[NDArray[np.bool_]]:
    """The darkest stretch, and those that agree with it within their errors."""
    parts = sorted(parts, key=lambda each: float(scaled[each & half].mean()))
    chosen, total, pixels = [parts[0]], 0.0, 0.0
    for each in parts:
        n, counts = float((each & half).sum()), float(scaled[each & half].sum())
        if pixels:
            level = max(total / pixels, 0.0)
            spread = np.sqrt(level * n * (1 + n / pixels) + 1)
            if counts - n * level > _AGREE * spread:
                break
            chosen.append(each)
        total, pixels = total + counts, pixels + n
    return chosen
