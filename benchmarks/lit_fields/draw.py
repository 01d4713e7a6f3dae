"""Fields under stated conditions, all else drawn at random; photographed, localized, kept."""

import pickle
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.camera import Camera
from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.stack import Stack
from qdimage.image.options import ImageOptions
from qdimage.image.projection import photon_image
from qdimage.localize.dots import localize
from qdimage.localize.options import LocalizeOptions
from qdimage.simulation.field import Field, channels_of, draw_field
from qdimage.simulation.options import SimulateOptions
from qdimage.simulation.recording import Recording, record

Floats = NDArray[np.float64]

_ONSET_S = {"any": (50.0, 5000.0), "dim": (50.0, 200.0), "bright": (5000.0, 20000.0)}
_BACKGROUND_PX_S = {"any": (0.0, 10.0, 100.0), "dim": (100.0,), "bright": (0.0, 10.0, 100.0)}
_CAMERA_KEYS = (
    "bias_adu",
    "electrons_per_adu",
    "em_gain",
    "quantum_efficiency",
    "read_noise_e",
    "clock_induced_charge_e",
    "saturation_adu",
)


@dataclass(frozen=True)
class Condition:
    """What is stated; the rest is drawn anew for every field.

    Attributes
    ----------
    density_per_um2 : float
    psf : str
        "gaussian", "airy" or "defocused".
    defocus_nm : float
    brightness : str
        "any", "dim" (under strong background) or "bright".
    law : str
        Of the brightness: "log-normal", "exponential" or "two kinds".
    light : str
        "even"; "vignetted", a third of the light in the corners; "gradient", a background that
        grows fivefold from left to right.
    """

    density_per_um2: float
    psf: str = "gaussian"
    defocus_nm: float = 200.0
    brightness: str = "any"
    law: str = "log-normal"
    light: str = "even"

    @property
    def name(self) -> str:
        """What differs from the usual."""
        psf = f"defocus-{self.defocus_nm:.0f}nm" if self.psf == "defocused" else self.psf
        other = (self.brightness, self.law, self.light)
        usual = ("any", "log-normal", "even")
        return " ".join([psf, *(a for a, b in zip(other, usual, strict=True) if a != b)])


@dataclass(frozen=True)
class Case:
    """One EL channel and the PL list; the truth is in the channel's pixels."""

    image: PhotonImage
    dots: Localizations
    found: Localizations
    emitters: Floats
    flux_s: Floats


def case(condition: Condition, index: int, side_px: int, folder: Path) -> Case:
    """Return a field of a condition, from its file if there is one."""
    name = f"{condition.name}-{condition.density_per_um2:g}-{side_px}-{index}".replace(" ", "-")
    path = folder / f"{name}.pickle"
    if path.exists():
        return pickle.loads(path.read_bytes())  # type: ignore[no-any-return]  # noqa: S301
    made = _make(condition, index, side_px)
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_bytes(pickle.dumps(made))
    partial.replace(path)
    return made


def _make(condition: Condition, index: int, side_px: int) -> Case:
    rng = np.random.default_rng([index, crc32(condition.name.encode())])
    options = _options(condition, side_px, rng)
    field = _field(condition, draw_field(f"field-{index}", options=options, seed=index), rng)
    reference, channel = channels_of(options)
    dots = localize(_photographed(record(field, reference)), options=LocalizeOptions())
    recording = _lit(condition, record(field, channel))
    el = _photographed(recording)
    found = localize(el, options=LocalizeOptions(), psf_sigma_px=dots.psf_sigma_px)
    return Case(el, dots, found, recording.positions, recording.photons_s)


def _options(condition: Condition, side_px: int, rng: np.random.Generator) -> SimulateOptions:
    low, high = np.log(_ONSET_S[condition.brightness])
    onset = float(np.exp(rng.uniform(low, high)))
    background = float(rng.choice(_BACKGROUND_PX_S[condition.brightness]))
    if condition.light != "even":
        background = 100.0
    return SimulateOptions.model_validate(
        {
            "experiment": {
                "voltages_v": [float(rng.uniform(2.2, 2.6))],
                "width_px": side_px,
                "height_px": side_px,
            },
            "scene": {"density_per_um2": condition.density_per_um2},
            "el": {
                "onset_photons_s": onset,
                "minimum_photons_s": onset / 3,
                "background_photons_px_s": background,
            },
            "blinking": {"on_fraction": float(rng.uniform(0.5, 0.98))},
            "psf": {"kind": condition.psf, "defocus_nm": condition.defocus_nm},
        }
    )


def _field(condition: Condition, field: Field, rng: np.random.Generator) -> Field:
    """Give the sources the brightness that the condition's law says."""
    onset = field.scene.onset_photons_s
    if condition.law == "exponential":
        onset = field.options.el.onset_photons_s * rng.exponential(1.0, len(onset))
    elif condition.law == "two kinds":
        onset = np.where(rng.random(len(onset)) < 1 / 3, onset / 8, onset)
    return replace(field, scene=replace(field.scene, onset_photons_s=onset))


def _lit(condition: Condition, recording: Recording) -> Recording:
    """Let light fall off, or its background rise, across the frame."""
    height, width = recording.background.shape
    rows, columns = np.mgrid[:height, :width].astype(float)
    if condition.light == "gradient":
        rise = 1.0 + 4.0 * columns / width
        return replace(recording, background=recording.background * rise / 3.0)
    if condition.light == "vignetted":
        sources = _fall_off(recording.positions[:, 0], recording.positions[:, 1], width, height)
        everywhere = _fall_off(columns, rows, width, height)
        return replace(
            recording,
            photons=recording.photons * sources[:, np.newaxis],
            background=recording.background * everywhere,
        )
    return recording


def _fall_off(x: Floats, y: Floats, width: int, height: int) -> Floats:
    distance_sq = ((x - width / 2) / width) ** 2 + ((y - height / 2) / height) ** 2
    return np.asarray(3.0 ** (-2.0 * distance_sq))


def _photographed(recording: Recording) -> PhotonImage:
    """The photon image of a channel, its camera as an experiment file would declare it."""
    options = recording.field.options
    return photon_image(
        Stack.from_array(np.stack(list(recording.frames())), recording.channel.name),
        camera=Camera(**{key: getattr(options.camera, key) for key in _CAMERA_KEYS}),
        exposure_s=options.experiment.exposure_s,
        options=ImageOptions(),
    )
