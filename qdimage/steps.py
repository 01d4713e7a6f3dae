"""The steps of an analysis one at a time, for a program that shows each, such as the napari plugin.

Each is what `qdimage.run` does at that place.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

# As in qdimage.api, a short call does not wait for numba and pandas.
if TYPE_CHECKING:
    import pandas as pd

    from qdimage.config import AnalysisOptions
    from qdimage.domain.camera import Camera
    from qdimage.domain.experiment import ChannelTable, Experiment
    from qdimage.domain.localizations import Localizations
    from qdimage.domain.photon_image import PhotonImage
    from qdimage.domain.refusal import Refusal
    from qdimage.domain.stack import Stack
    from qdimage.localize.options import LocalizeOptions
    from qdimage.pipeline.declare import FoundStack
    from qdimage.pipeline.field import RegisteredField
    from qdimage.pipeline.landmarks import Pin
    from qdimage.pipeline.registration import Registered
    from qdimage.registration.options import RegisterOptions

Progress = Callable[[str, int, int], None]
PathLike = str | os.PathLike[str]


def find_stacks(folder: PathLike) -> "list[FoundStack]":
    """Return the stacks of a folder that has no ``experiment.toml``, as far as they explain it.

    Raises
    ------
    FormatError
        If there is no such folder, or it holds neither stacks nor time tags.
    """
    from qdimage.pipeline.declare import find_stacks

    return find_stacks(Path(folder))


def set_channel_keys(path: PathLike, channel: str, keys: Mapping[str, Any]) -> None:
    """Write keys of one channel into an ``experiment.toml``, whose comments and order stay.

    Parameters
    ----------
    path : path
        The ``experiment.toml``.
    channel : str
        Name of the channel.
    keys : mapping
        Key to value, such as ``{"voltage_v": 2.4}``; None takes the key away.

    Raises
    ------
    FormatError, ConfigurationError
        If the file cannot be read, a value is not allowed, or the file has to be changed by hand.
    """
    from qdimage.io.experiment_edit import set_channel_keys

    set_channel_keys(Path(path), channel, keys)


def open_stack(path: PathLike) -> "Stack":
    """Open a stack of its own; no frame is read before it is asked for.

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    from qdimage.io import open_stack

    return open_stack(Path(path))


def is_image_file(path: PathLike) -> bool:
    """Return whether a file of spectra, which ``.sif`` may be, holds frames of an image.

    Raises
    ------
    FormatError
        If it is no ``.sif`` file, though its name says so.
    """
    from qdimage.io.sif import holds_images

    return Path(path).suffix.lower() == ".sif" and holds_images(Path(path))


def open_channel(experiment: "Experiment", channel: "ChannelTable") -> "Stack":
    """Open the stack of a channel; no frame is read before it is asked for.

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    from qdimage.io import open_stack

    return open_stack(
        experiment.folder / channel.stack,
        channel_index=channel.channel_index,
        frames=channel.frames,
        frames_excluded=channel.frames_excluded,
    )


def channel_camera(
    experiment: "Experiment", channel: "ChannelTable", metadata: Mapping[str, float]
) -> "Camera":
    """Return what is known of a channel's camera before its frames are read, and from where.

    Parameters
    ----------
    metadata : mapping
        Of the channel's stack.
    """
    from qdimage.pipeline.camera import channel_camera

    return channel_camera(experiment, channel, metadata)


def nominal_affine(channel: "ChannelTable", reference: "ChannelTable") -> Any:
    """Return the (2, 3) map from channel px to reference px that binning and offset state."""
    import numpy as np

    from qdimage.pipeline.frames import nominal_map

    stated = nominal_map(channel, reference)
    return np.column_stack([stated.scale * np.eye(2), stated.offset])


def read_channel(
    experiment: "Experiment", channel: "ChannelTable", *, options: "AnalysisOptions"
) -> tuple["PhotonImage", float | None]:
    """Reduce a channel's stack to its mean image, and say how wide its dots should be.

    Returns
    -------
    PhotonImage
    float or None
        Width of a dot in px that the optics give.

    Raises
    ------
    FormatError, ConfigurationError
        If the stack cannot be read, or its exposure is not known.
    """
    from qdimage.pipeline.channel import read_channel

    read = read_channel(experiment, channel, options=options.image)
    return read.image, read.expected_psf_sigma_px


def localize(
    image: "PhotonImage", *, options: "LocalizeOptions", psf_sigma_px: float | None = None
) -> "Localizations":
    """Find the dots of an image.

    Parameters
    ----------
    image : PhotonImage
    options : LocalizeOptions
    psf_sigma_px : float, optional
        Expected width of a dot, used where the image has too few bright dots to measure it.
    """
    from qdimage.localize.dots import localize

    return localize(image, options=options, psf_sigma_px=psf_sigma_px)


def register_field(
    experiment: "Experiment", *, options: "AnalysisOptions", progress: Progress | None = None
) -> "RegisteredField":
    """Localize and register every channel of a field.

    Parameters
    ----------
    experiment : Experiment
        With at least one channel.
    options : AnalysisOptions
    progress : callable, optional
        Called as ``progress(what, done, total)``.
    """
    from qdimage.pipeline.field import register_field

    total, done = len(experiment.declared.channels), 0

    def count(what: str) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(what, done, total)

    return register_field(experiment, options=options, progress=count)


def register_by_pins(
    field: "RegisteredField", channel: str, pins: "Sequence[Pin]", *, options: "RegisterOptions"
) -> "Registered | Refusal":
    """Put pairs of places that a person set to the test that every registration has to pass.

    Parameters
    ----------
    field : RegisteredField
    channel : str
        Name of the EL channel.
    pins : sequence of (x_channel, y_channel, x_field, y_field)
        At least three, in px.
    options : RegisterOptions

    Raises
    ------
    ConfigurationError
        If there are too few pins, or the channel could not be measured.
    """
    from qdimage.pipeline.landmarks import register_by_pins

    return register_by_pins(field, channel, pins, options=options)


def registration_table(field: "RegisteredField") -> "pd.DataFrame":
    """Return a row for each EL channel of a registered field, as a run writes it."""
    from qdimage.pipeline.registered_rows import registration_table

    return registration_table(field)


def localization_table(field: "RegisteredField") -> "pd.DataFrame":
    """Return a row for each dot of each channel of a registered field, as a run writes it."""
    from qdimage.pipeline.registered_rows import localization_table

    return localization_table(field)
