"""The camera of one channel: each key from the most specific place that states it."""

from collections.abc import Mapping

from qdimage.domain.camera import CAMERA_KEYS, Camera
from qdimage.domain.experiment import CameraKeys, ChannelTable, Experiment
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


def layered_camera(layers: list[tuple[str, CameraKeys]], metadata: Mapping[str, float]) -> Camera:
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
