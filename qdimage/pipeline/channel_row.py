"""The row of one channel in the table `channels`."""

from typing import Any

import numpy as np

from qdimage.domain.camera import CAMERA_KEYS
from qdimage.domain.experiment import ChannelTable, Experiment
from qdimage.domain.refusal import Failure
from qdimage.pipeline.channel import MeasuredChannel

# Of pixels without light, half lie below the bias.
_MOST_BELOW_BIAS = 0.95


def channel_row(
    experiment: Experiment,
    channel: ChannelTable,
    measured: MeasuredChannel | Failure,
    *,
    image_file: str,
) -> dict[str, Any]:
    """Say what a channel is, what was found in it, and where its calibration is from."""
    row: dict[str, Any] = {
        "device": experiment.device,
        "field": experiment.name,
        "channel": channel.name,
        "kind": channel.kind,
        "reference": channel == experiment.declared.reference,
        "voltage_v": channel.voltage_v,
        "stack": channel.stack,
    }
    if isinstance(measured, Failure):
        return row | {"status": "failed", "message": measured.reason}
    image, camera = measured.image, measured.image.camera
    height, width = measured.shape
    drift = image.drift_px[-1] - image.drift_px[0]
    return row | {
        "status": "ok",
        "stack_sha256": measured.stack_sha256,
        "image": image_file,
        "width_px": width,
        "height_px": height,
        "n_frames": image.n_frames,
        "exposure_s": image.exposure_s,
        "exposure_source": measured.exposure_source,
        "signal_unit": image.noise.unit,
        "psf_sigma_px": measured.dots.psf_sigma_px,
        "background_photons_px_s": float(np.median(image.mean[image.usable])) / image.exposure_s,
        "n_localizations": len(measured.dots),
        "n_hot": int(image.hot.sum()),
        "n_cosmic": int(image.cosmic.sum()),
        "n_saturated": int(image.saturated.sum()),
        "drift_x_px": float(drift[0]),
        "drift_y_px": float(drift[1]),
        **{key: _finite(getattr(camera, key)) for key in CAMERA_KEYS},
        "camera_sources": ";".join(f"{key}: {source}" for key, source in camera.sources.items()),
        "message": "; ".join(filter(None, (_missing_keys(measured), image.noise_message))),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def _missing_keys(measured: MeasuredChannel) -> str:
    camera, unit = measured.image.camera, measured.image.noise.unit
    needed = ("em_gain", "electrons_per_adu", "quantum_efficiency")
    missing = [key for key in needed if getattr(camera, key) is None]
    image = measured.image
    if np.mean(image.mean[image.usable] < 0) > _MOST_BELOW_BIAS and camera.bias_adu:
        return (
            f"nearly all pixels lie below bias_adu = {camera.bias_adu:g}, so that it is too high "
            "and the fluxes are wrong; correct it in [camera]"
        )
    if not missing:
        return ""
    return f"fluxes are in {unit}, since {', '.join(missing)} is not known; add it to [camera]"
