"""A camera's bias, gain and noise from dark frames, flats, or dots that hold still."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from qdimage.domain.calibration import Measured
from qdimage.domain.experiment import CameraKeys
from qdimage.domain.refusal import Refusal
from qdimage.image.dark_frames import BiasMap
from qdimage.image.photon_transfer import TransferLine
from qdimage.image.single_electrons import SingleElectrons
from qdimage.io.atomic import sha256
from qdimage.pipeline.calibrate_inputs import (
    Input,
    Sources,
    ceiling_of,
    check_alike,
    commanded_gain,
    joined,
    open_inputs,
)
from qdimage.pipeline.calibrate_parts import (
    DarkPart,
    LightPart,
    dark_electrons,
    flicker_warning,
    read_dark,
    read_light,
    transfer_line,
    uniform_electrons,
)
from qdimage.pipeline.calibrate_quantities import Evidence, Quantities, quantities

# What a file says of how it was taken, beside the camera's keys.
_STATED = ("exposure_s", "em_gain", "preamplifier_gain", "temperature_c", "binning")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Calibration:
    """What was found of a camera at one setting.

    Attributes
    ----------
    quantities : mapping of str to Measured or Refusal
        Each number with its error, or why there is none.
    message : str
        Why the gain is not known; empty where it is.
    warnings : tuple of str
    stacks : tuple of mapping
        What was read: file, role, frames, mean_adu, saturated_share, sha256.
    bias : BiasMap or None
        From dark frames.
    line, line_without_gain : TransferLine, Refusal or None
        Variance against mean; the second of stacks without EM gain.
    electrons : SingleElectrons, Refusal or None
        The histogram of frames that are dark, or nearly.
    quantum_efficiency : float or None
        As given.
    ceiling_adu : float
    """

    quantities: Mapping[str, Measured | Refusal]
    message: str
    warnings: tuple[str, ...]
    stacks: tuple[Mapping[str, Any], ...]
    bias: BiasMap | None
    line: TransferLine | Refusal | None
    line_without_gain: TransferLine | Refusal | None
    electrons: SingleElectrons | Refusal | None
    quantum_efficiency: float | None
    ceiling_adu: float

    @property
    def can_be_drawn(self) -> bool:
        """Whether a line or a histogram was fitted."""
        is_line = isinstance(self.line, TransferLine)
        return is_line or isinstance(self.electrons, SingleElectrons)

    @property
    def status(self) -> str:
        """``ok`` where anything was measured, else ``refused``."""
        found = any(isinstance(each, Measured) for each in self.quantities.values())
        return "ok" if found else "refused"


def calibrate_stacks(
    sources: Sources,
    *,
    known: CameraKeys,
    progress: Progress | None = None,
) -> Calibration:
    """Find what the stacks give of a camera.

    Parameters
    ----------
    sources : Sources
    known : CameraKeys
        What is known: ``em_gain`` (1 for off), ``electrons_per_adu``, ``bias_adu``,
        ``saturation_adu``, ``quantum_efficiency``.
    progress : callable, optional

    Raises
    ------
    FormatError, ConfigurationError
        If a stack cannot be read, or the stacks are not of one setting.
    """
    with ExitStack() as opened:
        inputs = open_inputs(sources, opened)
        check_alike(inputs)
        gain, gain_source = commanded_gain(inputs, known)
        reader = _Reader(inputs, known, progress)
        dark = reader.dark()
        inputs = reader.inputs
        lights, number = reader.lights("light", dark), len(inputs)
        without_gain = reader.lights("light without EM gain", None)
        line = _line(lights, dark) if lights or dark is None else None
        off = _line(without_gain, None) if without_gain else None
        electrons, is_dark = _electrons(inputs, lights, dark, line, gain)
        evidence = Evidence(
            dark=dark,
            line=line,
            line_without_gain=off,
            electrons=electrons,
            electrons_are_dark=is_dark,
            known=known,
            commanded_gain=gain,
            gain_source=gain_source,
            light_mean_adu=_only_mean(lights),
            n_stacks=number,
        )
        answer = quantities(evidence, refit=dark_electrons)
    return _answer(answer, reader, evidence)


class _Reader:
    """Reads the stacks in turn, and keeps what is to be said of each."""

    def __init__(
        self, inputs: Sequence[Input], known: CameraKeys, progress: Progress | None
    ) -> None:
        self.inputs = list(inputs)
        self.known = known
        self.progress = progress
        self.n_done = 0
        self.rows: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self.ceiling_adu = float("inf")

    def dark(self) -> DarkPart | None:
        """Read all dark frames together."""
        self.inputs = [self._judged(each) for each in self.inputs]
        chosen = [each for each in self.inputs if each.role == "dark"]
        if not chosen:
            return None
        stack = joined([each.stack for each in chosen])
        part = read_dark(stack, ceiling_adu=ceiling_of(stack, self.known))
        for each in chosen:
            self._row(each, part.bias.level_adu, 0.0)
        return part

    def _judged(self, each: Input) -> Input:
        """Do not believe a file's name where its noise grows with the light."""
        if each.role != "dark" or not each.is_guessed:
            return each
        part = read_light(
            each.stack, ceiling_adu=ceiling_of(each.stack, self.known), pattern=None, number=0
        )
        if isinstance(part, Refusal) or isinstance(transfer_line([part], None), Refusal):
            return each
        self.warnings.append(
            f"{each.stack.source}: the name says dark, but there is light in it, which it is taken "
            "for"
        )
        return replace(each, role="light")

    def lights(self, role: str, dark: DarkPart | None) -> list[tuple[Input, LightPart | Refusal]]:
        """Read the stacks of a role, one after the other."""
        pattern = dark.bias.pattern_adu if dark is not None else None
        found: list[tuple[Input, LightPart | Refusal]] = []
        for each in self.inputs:
            if each.role != role:
                continue
            ceiling = ceiling_of(each.stack, self.known)
            part = read_light(each.stack, ceiling_adu=ceiling, pattern=pattern, number=len(found))
            found.append((each, part))
            if isinstance(part, Refusal):
                self.warnings.append(part.reason)
                self._row(each, None, None)
                continue
            self.ceiling_adu = min(self.ceiling_adu, part.ceiling_adu)
            self._row(each, part.mean_adu, part.saturated_share)
            flicker = flicker_warning(each.stack.source, part)
            self.warnings += [flicker] if flicker else []
        return found

    def _row(self, each: Input, mean_adu: float | None, saturated: float | None) -> None:
        self.rows.append(
            {
                "file": each.path.name if each.path is not None else each.stack.source,
                "role": each.role,
                "role_from": "file name" if each.is_guessed else "given",
                "n_frames": each.stack.shape[0],
                "mean_adu": mean_adu,
                "saturated_share": saturated,
                **{key: each.stack.metadata.get(key) for key in _STATED},
                "acquired_at": _date(each.stack.metadata.get("acquired_at_s")),
                "sha256": sha256(each.path) if each.path is not None else None,
            }
        )
        self.n_done += 1
        if self.progress is not None:
            self.progress(each.stack.source, self.n_done, len(self.inputs))


def _date(seconds: float | None) -> str | None:
    """Seconds since 1970 as a date; the file's clock may be of any zone."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(" ", "seconds")


def _line(
    lights: Sequence[tuple[Input, LightPart | Refusal]], dark: DarkPart | None
) -> TransferLine | Refusal:
    parts = [part for _, part in lights if isinstance(part, LightPart)]
    if lights and not parts:
        refusal = lights[0][1]
        return refusal if isinstance(refusal, Refusal) else transfer_line(parts, dark)
    return transfer_line(parts, dark)


def _electrons(
    inputs: Sequence[Input],
    lights: Sequence[tuple[Input, LightPart | Refusal]],
    dark: DarkPart | None,
    line: TransferLine | Refusal | None,
    gain: float | None,
) -> tuple[SingleElectrons | Refusal | None, bool]:
    """Fit the histogram of dark frames, or of the only stack where it is nearly dark."""
    if gain == 1:
        return None, False
    if dark is not None:
        return dark_electrons(dark), True
    if isinstance(line, TransferLine) or len(lights) != 1:
        return None, False
    only, part = lights[0]
    if isinstance(part, Refusal):
        return None, False
    return uniform_electrons(only.stack, part), False


def _only_mean(lights: Sequence[tuple[Input, LightPart | Refusal]]) -> float | None:
    parts = [part for _, part in lights if isinstance(part, LightPart)]
    return parts[0].mean_adu if len(parts) == 1 else None


def _answer(answer: Quantities, reader: _Reader, evidence: Evidence) -> Calibration:
    dark = evidence.dark
    return Calibration(
        quantities=answer.values,
        message=answer.message,
        warnings=(*reader.warnings, *answer.warnings),
        stacks=tuple(reader.rows),
        bias=dark.bias if dark is not None else None,
        line=evidence.line,
        line_without_gain=evidence.line_without_gain,
        electrons=answer.electrons,
        quantum_efficiency=evidence.known.quantum_efficiency,
        ceiling_adu=reader.ceiling_adu,
    )
