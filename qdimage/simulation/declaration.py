"""The ``experiment.toml`` of a simulated field."""

import tomllib
from collections.abc import Mapping
from typing import Any

from qdimage.io.documents import format_toml
from qdimage.simulation.options import SimulateOptions
from qdimage.simulation.recording import Recording


def format_declaration(
    name: str,
    *,
    number: int,
    recordings: list[Recording],
    further: Mapping[str, Any],
    options: SimulateOptions,
) -> str:
    """Declare a field as its experimenter would.

    Parameters
    ----------
    name : str
    number : int
        Of the field, from 0.
    recordings : list of Recording
        Its stacks.
    further : mapping
        Tables of what else was measured.
    options : SimulateOptions
    """
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
            _declare_channel(each, order, options) for order, each in enumerate(recordings, start=1)
        ],
        **further,
        **_analysis(options),
    }
    return format_toml(document)


def _analysis(options: SimulateOptions) -> dict[str, Any]:
    stages: dict[str, dict[str, Any]] = {}
    for each in options.experiment.analysis:
        name, _, value = each.partition("=")
        stage, _, key = name.partition(".")
        stages.setdefault(stage, {})[key] = tomllib.loads(f"value = {value}")["value"]
    return {"analysis": stages} if stages else {}


def _declare_channel(recording: Recording, order: int, options: SimulateOptions) -> dict[str, Any]:
    channel = recording.channel
    known = options.geometry.declared and channel.kind == "el"
    return {
        "name": channel.name,
        "kind": channel.kind,
        "voltage_v": channel.voltage_v,
        "stack": channel.stack,
        "exposure_s": options.experiment.exposure_s,
        "order": order,
        "transform": recording.transform.matrix.tolist() if known else None,
    }
