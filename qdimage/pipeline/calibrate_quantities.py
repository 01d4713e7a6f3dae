"""From a line, a histogram and dark frames to the numbers of a camera, each with its error."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qdimage.domain.calibration import Measured
from qdimage.domain.experiment import CameraKeys
from qdimage.domain.refusal import Refusal
from qdimage.image.photon_transfer import TransferLine
from qdimage.image.single_electrons import SingleElectrons
from qdimage.pipeline.calibrate_parts import DarkPart

Answer = Measured | Refusal
Refit = Callable[[DarkPart, tuple[float, float]], SingleElectrons | Refusal]

_REGISTER_STAGES = 536
_ASSUMED_GAIN = 300.0
_AGREE_SIGMA = 3.0
_COMMANDED_OFF = 0.1
# Half of what is not rounded away: below, integers hide the noise.
_SMALLEST_NOISE_ADU = 0.4
# Charge that no histogram tells apart shifts the bias, and widens the noise, by no more than this
# share of the noise.
_HIDDEN_SHIFT, _HIDDEN_WIDTH = 0.02, 0.015


@dataclass(frozen=True)
class Evidence:
    """What the numbers are made from.

    Attributes
    ----------
    dark : DarkPart or None
    line, line_without_gain : TransferLine, Refusal or None
    electrons : SingleElectrons, Refusal or None
    electrons_are_dark : bool
        Those of the histogram arose without light.
    known : CameraKeys
    commanded_gain : float or None
        1 for off.
    gain_source : str
    light_mean_adu : float or None
        Of the only stack of light.
    n_stacks : int
    """

    dark: DarkPart | None
    line: TransferLine | Refusal | None
    line_without_gain: TransferLine | Refusal | None
    electrons: SingleElectrons | Refusal | None
    electrons_are_dark: bool
    known: CameraKeys
    commanded_gain: float | None
    gain_source: str
    light_mean_adu: float | None
    n_stacks: int


@dataclass(frozen=True)
class Quantities:
    """The numbers, what to warn of, and the histogram's last fit."""

    values: dict[str, Answer]
    message: str
    warnings: list[str]
    electrons: SingleElectrons | Refusal | None


def quantities(evidence: Evidence, *, refit: Refit) -> Quantities:
    """Return every number that the evidence gives, and a reason for every other.

    Parameters
    ----------
    evidence : Evidence
    refit : callable
        Fits the dark histogram again with the output of an electron known from the line.
    """
    warnings: list[str] = []
    electrons = evidence.electrons
    is_on = _is_on(evidence, warnings)
    tail = _from_tail(electrons)
    line = _from_line(evidence, is_on)
    gain = _combined(tail, line, warnings)
    unseen = evidence.dark is not None and is_on and isinstance(electrons, Refusal)
    if unseen and evidence.dark is not None and isinstance(gain, Measured):
        electrons = refit(evidence.dark, (gain.value, gain.err))
    sensitivity, em_gain = _shared_out(evidence, gain, is_on, warnings)
    read_noise = _read_noise(evidence, electrons, is_on, warnings)
    values: dict[str, Answer] = {
        "bias_adu": _bias(evidence, electrons, is_on, warnings),
        "bias_pattern_adu": _pattern(evidence),
        "adu_per_photoelectron": gain,
        "variance_slope_adu": _slope(evidence.line),
        "excess_noise_factor_sq": _excess(evidence, tail, is_on, sensitivity),
        "electrons_per_adu": sensitivity,
        "em_gain": em_gain,
        "read_noise_adu": read_noise,
        "read_noise_e": _in_electrons(read_noise, sensitivity),
        "clock_induced_charge_e": _charge(evidence, electrons, is_on),
    }
    message = gain.reason if isinstance(gain, Refusal) else ""
    return Quantities(values, message, warnings, electrons)


def _is_on(evidence: Evidence, warnings: list[str]) -> bool | None:
    """Whether the EM gain was on; None where nobody says so and nothing shows it."""
    if evidence.commanded_gain is not None:
        return evidence.commanded_gain > 1
    if isinstance(evidence.electrons, SingleElectrons):
        warnings.append(
            "the EM gain is taken to be on, since the histogram has the tail of single electrons; "
            "state it with --em-gain"
        )
        return True
    return None


def _from_tail(electrons: SingleElectrons | Refusal | None) -> Measured | None:
    if not isinstance(electrons, SingleElectrons):
        return None
    err = math.sqrt(electrons.covariance[1, 1])
    return _logarithmic(electrons.adu_per_electron, err, "single electrons in the histogram")


def _logarithmic(value: float, relative_err: float, method: str) -> Measured:
    reach = math.exp(1.959964 * relative_err)
    return Measured(value, value * relative_err, value / reach, value * reach, method)


def _slope(line: TransferLine | Refusal | None) -> Answer:
    if isinstance(line, TransferLine):
        return Measured.normal(
            line.slope_adu, line.slope_err_adu, "photon transfer", quantile=line.quantile
        )
    return line if line is not None else Refusal("there is no stack of light; add flats")


def _from_line(evidence: Evidence, is_on: bool | None) -> Answer:
    slope = _slope(evidence.line)
    if isinstance(slope, Refusal):
        return slope
    if is_on is None:
        return Refusal(
            f"the slope of variance against mean is {slope.value:.4g} ADU, which is the ADU for "
            "each photoelectron without EM gain and twice that with it; say which with --em-gain "
            "(1 for off)"
        )
    if not is_on:
        return slope
    # A register of stages has a little less than F^2 = 2; both ends are within 1.4 of this error.
    missing = 1.0 - _register_excess(evidence.commanded_gain or _ASSUMED_GAIN) / 2.0
    unsure = slope.value / 2 * missing / math.sqrt(2)
    line = evidence.line
    quantile = line.quantile if isinstance(line, TransferLine) else 1.96
    return Measured.normal(
        slope.value / 2,
        math.hypot(slope.err / 2, unsure),
        "photon transfer with F^2 = 2",
        quantile=quantile,
    )


def _register_excess(gain: float) -> float:
    """F^2 of a register of many stages (Robbins and Hadwen, IEEE Trans. Electron Dev. 50, 1227)."""
    return float(2 * (gain - 1) * gain ** (-1 - 1 / _REGISTER_STAGES) + 1 / gain)


def _combined(tail: Measured | None, line: Answer, warnings: list[str]) -> Answer:
    """Average the gains of histogram and line where they agree; the histogram's else."""
    if tail is None:
        return line
    if isinstance(line, Refusal):
        return tail
    distance = abs(tail.value - line.value) / math.hypot(tail.err, line.err)
    if distance > _AGREE_SIGMA:
        warnings.append(
            f"the histogram gives {tail.value:.4g} ADU for each photoelectron and the line of "
            f"variance against mean {line.value:.4g} ({distance:.1f} standard deviations apart); "
            "the histogram's is kept, since it assumes no excess noise"
        )
        return tail
    weights = np.array([tail.err**-2, line.err**-2])
    value = float(np.average([tail.value, line.value], weights=weights))
    err = float(weights.sum() ** -0.5)
    return _logarithmic(value, err / value, "photon transfer and single electrons")


def _shared_out(
    evidence: Evidence, gain: Answer, is_on: bool | None, warnings: list[str]
) -> tuple[Answer, Answer]:
    """Return electrons for each ADU and EM gain, whose ratio alone is measured."""
    known = evidence.known.electrons_per_adu
    commanded = evidence.commanded_gain
    off = _slope(evidence.line_without_gain) if evidence.line_without_gain is not None else None
    if isinstance(off, Measured):
        sensitivity = _reciprocal(off, "photon transfer without EM gain")
    elif known is not None:
        sensitivity = Measured(known, 0.0, known, known, "given")
    elif isinstance(gain, Refusal):
        return (off if off is not None else gain), gain
    elif is_on is False:
        one = Measured(1.0, 0.0, 1.0, 1.0, evidence.gain_source)
        return _reciprocal(gain, gain.method), one
    elif commanded is not None:
        sensitivity = _reciprocal(gain, f"EM gain ({evidence.gain_source}) over ADU").times(
            commanded
        )
        return sensitivity, Measured(commanded, 0.0, commanded, commanded, evidence.gain_source)
    else:
        reason = Refusal(
            "only the ratio of EM gain and electrons for each ADU is measured; state --em-gain or "
            "--electrons-per-adu, or add flats without EM gain"
        )
        return reason, reason
    if isinstance(gain, Refusal):
        return sensitivity, gain
    measured = _product(gain, sensitivity)
    if commanded is not None and abs(measured.value / commanded - 1) > _COMMANDED_OFF:
        warnings.append(
            f"the EM gain is {measured.value:.4g} +- {measured.err:.2g}, though {commanded:g} was "
            "set"
        )
    return sensitivity, measured


def _reciprocal(value: Measured, method: str) -> Measured:
    relative = value.err / value.value
    low = 1 / value.high
    high = 1 / value.low if value.low > 0 else math.inf
    return Measured(1 / value.value, relative / value.value, low, high, method)


def _product(first: Measured, second: Measured) -> Measured:
    relative = math.hypot(first.err / first.value, second.err / second.value)
    return _logarithmic(first.value * second.value, relative, first.method)


def _bias(
    evidence: Evidence,
    electrons: SingleElectrons | Refusal | None,
    is_on: bool | None,
    warnings: list[str],
) -> Answer:
    dark, known = evidence.dark, evidence.known.bias_adu
    seen = electrons if isinstance(electrons, SingleElectrons) else None
    charge, charge_err = _mean_charge(seen)
    if dark is not None:
        if isinstance(electrons, Refusal):
            warnings.append("the bias includes clock-induced charge, which was not told apart")
        hidden = _HIDDEN_SHIFT * math.sqrt(dark.variance_adu2) if seen is None and is_on else 0.0
        err = math.hypot(dark.bias.level_err_adu, charge_err, hidden)
        return Measured.normal(dark.bias.level_adu - charge, err, "dark frames")
    if known is not None:
        return Measured(known, 0.0, known, known, "given")
    if seen is not None and evidence.light_mean_adu is not None:
        return Measured.normal(
            evidence.light_mean_adu - charge, charge_err, "mean without the histogram's electrons"
        )
    return Refusal(
        "without dark frames the bias cannot be told from light that is everywhere; add dark frames"
    )


def _mean_charge(electrons: SingleElectrons | None) -> tuple[float, float]:
    """Mean ADU of the histogram's electrons in a pixel, and its error."""
    if electrons is None:
        return 0.0, 0.0
    charge = electrons.adu_per_electron * electrons.electrons
    variance = electrons.covariance[1:, 1:].sum()
    return charge, charge * math.sqrt(max(float(variance), 0.0))


def _pattern(evidence: Evidence) -> Answer:
    if evidence.dark is None:
        return Refusal("the bias of each pixel needs dark frames; add them")
    bias = evidence.dark.bias
    spread, err = bias.pattern_sd_adu, bias.pattern_err_adu
    return Measured.normal(spread, err / math.sqrt(bias.pattern_adu.size / 2), "dark frames")


def _excess(
    evidence: Evidence, tail: Measured | None, is_on: bool | None, sensitivity: Answer
) -> Answer:
    """F^2 = slope over ADU for each photoelectron, where the latter is known without the slope."""
    slope = _slope(evidence.line)
    if is_on is False:
        return Refusal("without EM gain there is no excess noise: F^2 = 1")
    if isinstance(slope, Refusal):
        return slope
    if tail is not None:
        return _ratio(slope, tail, "slope over single electrons")
    commanded = evidence.commanded_gain
    independent = evidence.line_without_gain is not None or evidence.known.electrons_per_adu
    if isinstance(sensitivity, Measured) and commanded is not None and independent:
        single = _reciprocal(sensitivity, "").times(commanded)
        return _ratio(slope, single, "slope over EM gain as set and electrons for each ADU")
    return Refusal(
        "excess noise needs the output of single electrons beside the slope; add dark frames with "
        "EM gain on, or flats without EM gain"
    )


def _ratio(first: Measured, second: Measured, method: str) -> Measured:
    relative = math.hypot(first.err / first.value, second.err / second.value)
    return _logarithmic(first.value / second.value, relative, method)


def _read_noise(
    evidence: Evidence,
    electrons: SingleElectrons | Refusal | None,
    is_on: bool | None,
    warnings: list[str],
) -> Answer:
    if isinstance(electrons, SingleElectrons):
        err = math.sqrt(electrons.covariance[0, 0])
        return _resolved(_logarithmic(electrons.read_noise_adu, err, "core of the histogram"))
    dark = evidence.dark
    if dark is not None:
        if is_on is not False:
            warnings.append(
                "the read noise includes clock-induced charge, which was not told apart"
            )
        sigma = math.sqrt(dark.variance_adu2)
        err = dark.variance_err_adu2 / (2 * sigma) if sigma > 0 else math.inf
        if is_on:
            err = math.hypot(err, _HIDDEN_WIDTH * sigma)
        return _resolved(Measured.normal(sigma, err, "dark frames"))
    line, bias = evidence.line, evidence.known.bias_adu
    if isinstance(line, TransferLine) and bias is not None:
        variance = line.intercept_adu2 + line.slope_adu * bias
        err = math.sqrt(
            max(
                line.intercept_err_adu2**2
                + (bias * line.slope_err_adu) ** 2
                + 2 * bias * line.slope_intercept,
                0.0,
            )
        )
        if variance > 2 * err:
            sigma = math.sqrt(variance)
            return Measured.normal(sigma, err / (2 * sigma), "photon transfer at the bias")
        return Refusal("the read noise is too small beside the noise of light; add dark frames")
    return Refusal("the read noise needs dark frames, or --bias-adu beside a photon transfer")


def _resolved(noise: Measured) -> Answer:
    if noise.value < _SMALLEST_NOISE_ADU:
        return Refusal(
            f"the read noise of {noise.value:.2g} ADU is hidden by the rounding to whole ADU; use "
            "a higher pre-amplifier gain"
        )
    return noise


def _in_electrons(read_noise: Answer, sensitivity: Answer) -> Answer:
    if isinstance(read_noise, Refusal):
        return read_noise
    if isinstance(sensitivity, Refusal):
        return sensitivity
    return _product(read_noise, sensitivity)


def _charge(
    evidence: Evidence, electrons: SingleElectrons | Refusal | None, is_on: bool | None
) -> Answer:
    if is_on is False:
        return Refusal("without EM gain single electrons are hidden in the read noise")
    if electrons is None:
        return Refusal("clock-induced charge needs dark frames with EM gain on; add them")
    if isinstance(electrons, Refusal):
        return electrons
    if not evidence.electrons_are_dark:
        return Refusal(
            f"found {electrons.electrons:.3g} electrons in a pixel and frame, of light or "
            "clock-induced; say that the frames are dark with --dark"
        )
    err = math.sqrt(electrons.covariance[2, 2])
    return _logarithmic(electrons.electrons, err, "single electrons in dark frames")
