"""Fields photographed and localized, each kept in a file."""

import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_image import PhotonImage
from qdimage.localize.dots import localize
from qdimage.localize.options import LocalizeOptions
from qdimage.simulation.field import channels_of
from qdimage.simulation.recording import record
from turn_on_fields.draw import Case, draw
from turn_on_fields.photograph import photograph

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LocalizedChannel:
    """An EL channel; `true_photons_s` is each source's average over the stack."""

    voltage_v: float
    image: PhotonImage
    dots: Localizations
    true_photons_s: Array
    true_positions: Array


@dataclass(frozen=True)
class LocalizedField:
    """A field: its truth, in field px, and what was found in it."""

    case: Case
    kind: NDArray[np.str_]
    positions: Array
    dots: Localizations
    channels: tuple[LocalizedChannel, ...]


def localized(case: Case, folder: Path) -> LocalizedField:
    """Return the field of a case, from its file if there is one."""
    name = f"{case.density_per_um2:g}-{case.kind}-{case.index}.pickle"
    path = folder / name
    if path.exists():
        return pickle.loads(path.read_bytes())  # type: ignore[no-any-return]  # noqa: S301
    made = _localize(case)
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_bytes(pickle.dumps(made))
    partial.replace(path)
    return made


def _localize(case: Case) -> LocalizedField:
    field = draw(case)
    reference, *others = channels_of(case.options)
    dots = localize(photograph(record(field, reference)), options=LocalizeOptions())
    channels = []
    for channel in others:
        recording = record(field, channel)
        image = photograph(recording)
        found = localize(image, options=LocalizeOptions(), psf_sigma_px=dots.psf_sigma_px)
        channels.append(
            LocalizedChannel(
                channel.voltage_v or 0.0,
                image,
                found,
                recording.photons_s,
                recording.positions,
            )
        )
    scene = field.scene
    return LocalizedField(case, scene.kind, scene.positions, dots, tuple(channels))
