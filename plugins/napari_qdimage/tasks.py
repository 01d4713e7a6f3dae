"""What the plugin computes in a child process, beyond single calls of qdimage."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import qdimage
from qdimage import steps
from qdimage.errors import QdimageError

if TYPE_CHECKING:
    import pandas as pd

    from qdimage.config import AnalysisOptions
    from qdimage.domain.camera import Camera
    from qdimage.domain.curation import FieldKey, JudgedPlace
    from qdimage.domain.experiment import Experiment
    from qdimage.domain.refusal import Refusal
    from qdimage.pipeline.field import RegisteredField
    from qdimage.pipeline.landmarks import Pin
    from qdimage.pipeline.registration import Registered

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class MeanImage:
    """A channel's mean image, as a finished run keeps it.

    Attributes
    ----------
    image : ndarray, shape (y, x)
        In `unit` per pixel and second, NaN where not usable.
    unit : str
    camera : Camera
        What the conversion used, and where each key is from.
    """

    image: Any
    unit: str
    camera: "Camera"


def try_pins(
    experiment: "Experiment",
    field: "RegisteredField | None",
    channel: str,
    pins: "Sequence[Pin]",
    *,
    options: "AnalysisOptions",
    progress: Progress,
) -> "tuple[RegisteredField, Registered | Refusal]":
    """Put pins to the test, and register the field before where that was not done yet."""
    if field is None:
        field = steps.register_field(experiment, options=options, progress=progress)
    answer = steps.register_by_pins(field, channel, pins, options=options.register)
    return field, answer


def mean_images(
    experiment: "Experiment", *, options: "AnalysisOptions", progress: Progress
) -> dict[str, MeanImage | str]:
    """Reduce every channel's stack; a line of text stands for one that failed."""
    channels = experiment.declared.channels
    found: dict[str, MeanImage | str] = {}
    for done, channel in enumerate(channels):
        progress(f"Mean image of {channel.name}", done, len(channels))
        try:
            read, _ = steps.read_channel(experiment, channel, options=options)
        except (QdimageError, OSError) as error:
            found[channel.name] = str(error)
            continue
        image = np.where(read.usable, read.mean, np.nan) / read.exposure_s
        found[channel.name] = MeanImage(image, read.noise.unit, read.camera)
    return found


def turn_on_after(
    tables: "Mapping[str, pd.DataFrame]",
    judged: "Mapping[FieldKey, Mapping[int, JudgedPlace]]",
) -> "pd.DataFrame":
    """Return `turn_on` of a run's tables as the decisions leave it."""
    return qdimage.curate(tables, judged)["turn_on"]
