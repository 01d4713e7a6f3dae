"""Calls about cameras."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdimage.api.arguments import PathLike, Progress, camera_keys

if TYPE_CHECKING:
    from qdimage.pipeline.calibrate import Calibration
    from qdimage.pipeline.calibrate_inputs import StackSource


def calibrate(
    stacks: "StackSource | Sequence[StackSource]" = (),
    *,
    dark: "StackSource | Sequence[StackSource]" = (),
    flat: "StackSource | Sequence[StackSource]" = (),
    flat_without_gain: "StackSource | Sequence[StackSource]" = (),
    camera: Mapping[str, float] | PathLike | None = None,
    output: PathLike | None = None,
    roi_offset_px: tuple[float, float] = (0.0, 0.0),
    binning: int = 1,
    progress: Progress | None = None,
    **selection: Any,
) -> "Calibration":
    """Find a camera's bias, gain and noise from dark frames, flats or dots that hold still.

    What the stacks do not give is a `Refusal` in the answer that says why.

    Parameters
    ----------
    stacks : path, ndarray (t, y, x), or several
        Dark frames where the file's name says so, else light.
    dark, flat : the same
        Stacks that are known to be dark, or of light that holds still.
    flat_without_gain : the same
        Stacks of light without EM gain, at the same pre-amplifier setting.
    camera : mapping or path, optional
        What is known: ``em_gain`` (1 for off; else from the files' metadata),
        ``electrons_per_adu``, ``bias_adu``, ``saturation_adu``, ``quantum_efficiency``.
    output : path, optional
        Camera file to write where anything was found, with the bias map beside it.
    roi_offset_px, binning
        Of the stacks on the sensor, for the bias map.
    **selection
        ``channel_index``, ``frames``, ``frames_excluded`` of every file.

    Raises
    ------
    FormatError, ConfigurationError
        If a stack cannot be read, or the stacks are not of one camera setting.
    """
    from qdimage.pipeline.calibrate import calibrate_stacks
    from qdimage.pipeline.calibrate_inputs import Sources
    from qdimage.pipeline.calibrate_output import write_calibration

    keys, _ = camera_keys(camera)
    found = calibrate_stacks(
        Sources(_many(stacks), _many(dark), _many(flat), _many(flat_without_gain), selection),
        known=keys,
        progress=progress,
    )
    if output is not None and found.status == "ok":
        write_calibration(found, Path(output), bias_map_offset_px=roi_offset_px, binning=binning)
    return found


def _many(stacks: "StackSource | Sequence[StackSource]") -> "list[StackSource]":
    import numpy as np

    if isinstance(stacks, str | Path | np.ndarray):
        return [stacks]
    return list(stacks)


def draw_calibration(found: "Calibration", file: PathLike) -> None:
    """Draw what `calibrate` found into a file: variance against mean, and the histogram.

    Parameters
    ----------
    found : Calibration
    file : path
        ``.png`` or ``.svg``.

    Raises
    ------
    ConfigurationError
        If the file's name ends otherwise, or there is nothing to draw.
    """
    from qdimage.reporting.calibration_figures import write_figure

    write_figure(found, Path(file))
