"""The ``experiment.toml`` of a simulated field."""

from typing import Any

from qdimage.io.documents import format_toml
from qdimage.simulation.field import Channel
from qdimage.simulation.measurements import Measurement
from qdimage.simulation.options import SimulateOptions
from qdimage.simulation.time_tags import declare_time_tags


def format_declaration(
    name: str,
    *,
    number: int,
    channels: list[Channel],
    measurements: list[Measurement],
    options: SimulateOptions,
) -> str:
    """Declare a field as its experimenter would; ``number`` counts the fields from 0."""
    what, optics = options.experiment, options.optics
    document: dict[str, Any] = {
        "contract": 1,
        "experiment": {
            "name": name,
            "device": what.device,
            "batch": what.batch,
            "sample": what.sample,
            "pixel_size_um": what.pixel_size_um,
        },
        "device": {"pmma_nm": what.pmma_nm},
        "camera": options.camera.model_dump(mode="json"),
        "optics": {
            "numerical_aperture": options.psf.numerical_aperture,
            "emission_nm": options.psf.emission_nm,
            "collection_efficiency": optics.collection_efficiency,
            "camera_collection_efficiency": optics.camera_collection_efficiency,
            "pinhole_um": optics.pinhole_um,
            "stage_from_px": [
                [what.pixel_size_um, 0.0, number * optics.field_distance_um],
                [0.0, what.pixel_size_um, 0.0],
            ],
            "stage_z_um": 0.0,
        },
        "channels": [
            _declare_channel(channel, order, what.exposure_s)
            for order, channel in enumerate(channels, start=1)
        ],
        **declare_time_tags(options, measurements),
    }
    return format_toml(document)


def _declare_channel(channel: Channel, order: int, exposure_s: float) -> dict[str, Any]:
    return {
        "name": channel.name,
        "kind": channel.kind,
        "voltage_v": channel.voltage_v,
        "stack": channel.stack,
        "exposure_s": exposure_s,
        "order": order,
    }
