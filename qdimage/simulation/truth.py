"""The ground truth of an experiment, for whoever judges an analysis of it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.transform import Transform
from qdimage.simulation.field import Field
from qdimage.simulation.psf import gaussian_sigma_px
from qdimage.simulation.recording import Recording
from qdimage.simulation.scene import SOURCE_KINDS

Floats = NDArray[np.float64]

CONVENTIONS = {
    "coordinates": "x is the column, y the row; (0, 0) is the centre of the top-left pixel",
    "field frame": "the pixels of the PL stack at its first frame",
    "transform": "channel px to field px: q = M (p + radial_px |u|^2 u) + t with matrix = (M | t) "
    "and u = (p - centre_px) / radius_px, at the first frame of both stacks",
    "drift_px": "(x, y) of each frame minus the first, in the channel's own frame; a source is at "
    "its position plus the drift",
    "photons_s": "photons at the camera per second, averaged over the stack, blinking included; "
    "without the photons' own Poisson noise",
    "lit": "the source emitted in this stack",
    "in_frame": "the position at the first frame is inside the frame",
    "turn_on_voltage_v": "lowest voltage at which the source emits EL; null for never",
    "sigma_px": "standard deviation of the Gaussian, before integration over pixels, that fits the "
    "point-spread function best",
    "hot_pixels": "the same in every stack; dark electrons before multiplication",
    "cosmic_hits": "electrons before multiplication, in each pixel of the track; frames from 0",
    "sources": "in the order of their ids, also those outside every frame; kinds below",
    "photons": "time-tag files and histograms, of the source with the id; the light of a rate "
    "model, which is not tied to the camera's fluxes; lifetimes and yields are the dot's own",
    "counts_s": "of both detectors on average, without dark counts, dark times included",
    "emitted_photons_s": "counts_s over optics.collection_efficiency; where the counts were given, "
    "the rest of what the rate model emits does not leave the device",
    "spectra": "electrons of the line, and of Poly-TPD from 400 to 500 nm; the ratio is to the "
    "line's share from 600 to 660 nm; peak_ev is that of the light per eV",
    "g2_0": "of the dot's own light relative to the plateau, without dark counts and detectors; "
    "under pulses, of pulses far apart",
    "emitted_per_us": "photons of the dot's rate model while it is on",
    "on_fraction": "share of this file's time during which the dot was on, of a histogram on "
    "average; the plateau lies at its inverse where intervals are long",
    "kinds": SOURCE_KINDS,
}


def describe_field(field: Field, recordings: list[Recording]) -> dict[str, Any]:
    """Return the truth of one field, ready for JSON; the first recording, if any, is the PL."""
    if not recordings:
        return {}
    size, scene = field.options.experiment, field.scene
    inside = _in_frame(scene.positions, field)
    sources = [
        {
            "id": index + 1,
            "kind": str(scene.kind[index]),
            "x_px": round(float(scene.x_px[index]), 5),
            "y_px": round(float(scene.y_px[index]), 5),
            "in_frame": bool(inside[index]),
            "pl_photons_s": round(float(recordings[0].photons_s[index]), 3),
            "turn_on_voltage_v": _finite(scene.turn_on_voltage_v[index]),
        }
        for index in range(len(scene))
    ]
    return {
        "width_px": size.width_px,
        "height_px": size.height_px,
        "n_frames": size.n_frames,
        "exposure_s": size.exposure_s,
        "pixel_size_um": size.pixel_size_um,
        "sigma_px": round(gaussian_sigma_px(field.psf), 5),
        "hot_pixels": _hot_pixels(field),
        "sources": sources,
        "channels": {each.channel.name: _describe_channel(each) for each in recordings},
    }


def _describe_channel(recording: Recording) -> dict[str, Any]:
    inside = _in_frame(recording.positions, recording.field)
    positions, photons_s = recording.positions, recording.photons_s
    sources = [
        {
            "id": index + 1,
            "x_px": round(float(positions[index, 0]), 5),
            "y_px": round(float(positions[index, 1]), 5),
            "in_frame": bool(inside[index]),
            "photons_s": round(float(photons_s[index]), 3),
            "lit": bool(photons_s[index] > 0),
        }
        for index in range(len(positions))
    ]
    channel = recording.channel
    return {
        "kind": channel.kind,
        "voltage_v": channel.voltage_v,
        "stack": channel.stack,
        "transform": _describe_transform(recording.transform),
        "drift_px": np.round(recording.drift, 5).tolist(),
        "background_photons_px_s": _mean_background(recording),
        "cosmic_hits": [hit.describe() for hit in recording.cosmic_hits],
        "sources": sources,
    }


def _describe_transform(transform: Transform) -> dict[str, Any]:
    return {
        "matrix": transform.matrix.tolist(),
        "radial_px": transform.radial_px,
        "centre_px": list(transform.centre_px),
        "radius_px": transform.radius_px,
    }


def _mean_background(recording: Recording) -> float:
    exposure_s = recording.field.options.experiment.exposure_s
    return round(float(recording.background.mean()) / exposure_s, 5)


def _in_frame(positions: Floats, field: Field) -> NDArray[np.bool_]:
    size = field.options.experiment
    edge = np.array([size.width_px, size.height_px]) - 0.5
    return np.asarray(np.all((positions >= -0.5) & (positions < edge), axis=1))


def _hot_pixels(field: Field) -> list[dict[str, float]]:
    rows, columns = np.nonzero(field.hot_electrons_s)
    current = field.hot_electrons_s[rows, columns]
    return [
        {"x_px": int(x), "y_px": int(y), "electrons_s": round(float(electrons_s), 3)}
        for x, y, electrons_s in zip(columns, rows, current, strict=True)
    ]


def _finite(value: float) -> float | None:
    return round(float(value), 5) if np.isfinite(value) else None
