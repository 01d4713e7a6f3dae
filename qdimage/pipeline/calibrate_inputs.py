"""Stacks of one camera setting, and what each is a picture of."""

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.experiment import CameraKeys
from qdimage.domain.stack import Stack
from qdimage.errors import ConfigurationError, FormatError
from qdimage.image.calibration import default_ceiling_adu
from qdimage.io import open_stack

Role = Literal["dark", "light", "light without EM gain"]
StackSource = Path | str | NDArray[Any]

_DARK_NAME = re.compile(r"(dark|bias|offset|shutter|closed)", re.IGNORECASE)
_FEWEST_FRAMES = 2
_ONE_OF_EACH = {"binning": "binning", "preamplifier_gain": "pre-amplifier gain"}


@dataclass(frozen=True)
class Input:
    """A stack and what it shows.

    Attributes
    ----------
    stack : Stack
    role : str
    path : pathlib.Path or None
        None for an array.
    is_guessed : bool
        The role is from the file's name.
    """

    stack: Stack
    role: Role
    path: Path | None
    is_guessed: bool


@dataclass(frozen=True)
class Sources:
    """What to calibrate from.

    Attributes
    ----------
    stacks : sequence
        Paths or arrays: dark where the file's name says so, else of light.
    darks, lights, lights_without_gain : sequence
        Paths or arrays whose kind is known.
    selection : mapping
        ``channel_index``, ``frames``, ``frames_excluded`` of every file.
    """

    stacks: Sequence[StackSource] = ()
    darks: Sequence[StackSource] = ()
    lights: Sequence[StackSource] = ()
    lights_without_gain: Sequence[StackSource] = ()
    selection: Mapping[str, Any] = field(default_factory=dict)


def open_inputs(sources: Sources, opened: ExitStack) -> list[Input]:
    """Open every stack; `opened` closes them.

    Raises
    ------
    FormatError
        If one cannot be read, or has one frame only.
    ConfigurationError
        If there is none.
    """
    inputs = []
    groups: tuple[tuple[Sequence[StackSource], Role | None], ...] = (
        (sources.stacks, None),
        (sources.darks, "dark"),
        (sources.lights, "light"),
        (sources.lights_without_gain, "light without EM gain"),
    )
    for group, role in groups:
        for source in group:
            path, stack = _opened(source, sources.selection)
            opened.enter_context(stack)
            if stack.shape[0] < _FEWEST_FRAMES:
                raise FormatError(
                    f"{stack.source}: found one frame, expected at least two, since noise is the "
                    "difference of frames; record more"
                )
            inputs.append(Input(stack, role or _guessed(path), path, role is None))
    if not inputs:
        raise ConfigurationError("found no stack, expected at least one; name a stack to read")
    return inputs


def _opened(source: StackSource, selection: Mapping[str, Any]) -> tuple[Path | None, Stack]:
    if isinstance(source, np.ndarray):
        return None, Stack.from_array(source)
    return Path(source), open_stack(source, **selection)


def _guessed(path: Path | None) -> Role:
    return "dark" if path is not None and _DARK_NAME.match(path.stem) else "light"


def commanded_gain(inputs: Sequence[Input], known: CameraKeys) -> tuple[float | None, str]:
    """Return the EM gain that was set, and where that is from.

    Raises
    ------
    ConfigurationError
        If the stacks were taken with several.
    """
    if known.em_gain is not None:
        return known.em_gain, "given"
    stated = {
        each.stack.metadata["em_gain"]
        for each in inputs
        if "em_gain" in each.stack.metadata and each.role != "light without EM gain"
    }
    if len(stated) > 1:
        listed = ", ".join(f"{gain:g}" for gain in sorted(stated))
        raise ConfigurationError(
            f"found stacks of different EM gains ({listed}), expected one setting; calibrate each "
            "gain on its own"
        )
    return (stated.pop(), "file metadata") if stated else (None, "")


def ceiling_of(stack: Stack, known: CameraKeys) -> float:
    """Return the value from which a pixel counts as saturated, as far as it is known."""
    return known.saturation_adu or default_ceiling_adu(stack.dtype)


def check_alike(inputs: Sequence[Input]) -> None:
    """Refuse frames of different sizes, binnings or pre-amplifier gains.

    Raises
    ------
    ConfigurationError
    """
    first = inputs[0].stack
    for each in inputs[1:]:
        if each.stack.shape[1:] != first.shape[1:]:
            raise ConfigurationError(
                f"{each.stack.source}: found frames of {_size(each.stack)} pixels, those of "
                f"{first.source} have {_size(first)}; calibrate one region of interest at a time"
            )
        for key, what in _ONE_OF_EACH.items():
            values = [each.stack.metadata.get(key), first.metadata.get(key)]
            if None not in values and values[0] != values[1]:
                raise ConfigurationError(
                    f"{each.stack.source}: found a {what} of {values[0]:g}, that of {first.source} "
                    f"is {values[1]:g}; calibrate one setting at a time"
                )


def _size(stack: Stack) -> str:
    return f"{stack.shape[2]} x {stack.shape[1]}"


def joined(stacks: Sequence[Stack]) -> Stack:
    """Return several stacks of one shape as one; pairs of frames do not span two of them."""
    if len(stacks) == 1:
        return stacks[0]
    even = [stack.shape[0] - stack.shape[0] % 2 for stack in stacks]
    starts = np.concatenate([[0], np.cumsum(even)])

    def read(start: int, stop: int) -> NDArray[Any]:
        parts = []
        for stack, first, length in zip(stacks, starts, even, strict=False):
            low, high = max(start - first, 0), min(stop - first, length)
            if low < high:
                parts.append(stack.reader(int(low), int(high)))
        return np.concatenate(parts)

    kind = np.result_type(*(stack.dtype for stack in stacks))
    shape = (int(starts[-1]), *stacks[0].shape[1:])
    return Stack(", ".join(stack.source for stack in stacks), shape, kind, read)
