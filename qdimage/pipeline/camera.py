"""The camera of one channel: each key from the most specific place that states it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.camera import CAMERA_KEYS, Camera
from qdimage.domain.experiment import CameraFileKeys, CameraKeys, ChannelTable, Experiment
from qdimage.domain.stack import Stack
from qdimage.errors import QdimageError
from qdimage.image.bias_map import cut_pattern, without_pattern
from qdimage.image.calibration import default_ceiling_adu
from qdimage.io.bias_map_file import read_bias_map
from qdimage.io.camera_file import read_camera_file

DECLARED, METADATA = "experiment.toml", "file metadata"


def channel_camera(
    experiment: Experiment, channel: ChannelTable, metadata: Mapping[str, float]
) -> Camera:
    """Return a channel's camera: the channel's keys, ``[camera]``, its file, the stack's metadata.

    Parameters
    ----------
    experiment : Experiment
    channel : ChannelTable
    metadata : mapping
        Of the stack.
    """
    declared = experiment.declared.camera
    layers = [(DECLARED, channel), (DECLARED, declared)]
    if declared.file:
        layers.append((declared.file, read_camera_file(experiment.folder / declared.file)))
    return layered_camera(layers, metadata)


def layered_camera(
    layers: Sequence[tuple[str, CameraKeys]], metadata: Mapping[str, float]
) -> Camera:
    """Return the camera whose keys come from the first layer (origin, keys) that states them."""
    values: dict[str, float] = {}
    sources: dict[str, str] = {}
    for key in CAMERA_KEYS:
        stated = [(source, getattr(layer, key)) for source, layer in layers]
        stated.append((METADATA, metadata.get(key)))
        for source, value in stated:
            if value is not None:
                values[key], sources[key] = float(value), source
                break
    return Camera(**values, sources=sources)


def channel_map(experiment: Experiment) -> tuple[Path, CameraFileKeys] | None:
    """Return the bias map of an experiment and the keys beside its name; None for none."""
    declared = experiment.declared.camera
    if declared.bias_map:
        return experiment.folder / declared.bias_map, declared
    if declared.file:
        path = experiment.folder / declared.file
        return file_map(path, read_camera_file(path))
    return None


def camera_files(experiment: Experiment) -> list[str | None]:
    """Return the names of the files that an experiment's camera is read from."""
    declared = experiment.declared.camera
    try:
        found = channel_map(experiment)
    except QdimageError:  # the channel says so when it is read
        found = None
    return [declared.file, str(found[0]) if found is not None else None]


def file_map(path: Path, keys: CameraFileKeys) -> tuple[Path, CameraFileKeys] | None:
    """Return the bias map that a camera file names, and the file's keys; None for none."""
    return (path.parent / keys.bias_map, keys) if keys.bias_map else None


def with_even_bias(
    stack: Stack,
    camera: Camera,
    bias_map: tuple[Path, CameraFileKeys] | None,
    *,
    origin_px: tuple[float, float] = (0.0, 0.0),
    binning: int = 1,
) -> tuple[Stack, Camera]:
    """Return the stack without the bias's pattern, and its camera.

    Parameters
    ----------
    stack : Stack
    camera : Camera
    bias_map : (path, keys) or None
        As `channel_map` gives it.
    origin_px : (float, float)
        (x, y) of the stack's first pixel on the sensor.
    binning : int

    Raises
    ------
    FormatError, CalibrationError
        If the map cannot be read, or does not cover the stack.
    """
    if bias_map is None:
        return stack, camera
    path, keys = bias_map
    bias = read_bias_map(path)
    level = keys.bias_adu if keys.bias_adu is not None else float(np.median(bias))
    pattern: NDArray[np.float64] = cut_pattern(
        bias - level,
        map_origin_px=keys.bias_map_offset_px,
        map_binning=keys.bias_map_binning,
        shape=(stack.shape[1], stack.shape[2]),
        origin_px=origin_px,
        binning=binning,
        source=str(path),
    )
    sources = dict(camera.sources)
    if camera.bias_adu is None:
        sources["bias_adu"] = path.name
        camera = replace(camera, bias_adu=level)
    if camera.saturation_adu is None:
        sources["saturation_adu"] = "default"
        camera = replace(camera, saturation_adu=default_ceiling_adu(stack.dtype))
    sources["bias_map"] = path.name
    ceiling = camera.saturation_adu if camera.saturation_adu is not None else float("inf")
    return (
        without_pattern(stack, pattern, ceiling_adu=ceiling),
        replace(camera, sources=sources),
    )
