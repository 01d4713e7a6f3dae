"""Stacks outside an experiment: localize one, register one to another."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.config import AnalysisOptions
from qdimage.domain.experiment import CameraFileKeys, CameraKeys, ChannelTable
from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.refusal import Refusal
from qdimage.domain.stack import Stack
from qdimage.errors import ConfigurationError
from qdimage.image.projection import photon_image
from qdimage.io import open_stack
from qdimage.localize.dots import localize
from qdimage.pipeline.camera import file_map, layered_camera, with_even_bias
from qdimage.pipeline.registration import Found, Registered, register_channels

StackSource = Path | str | NDArray[Any]


@dataclass(frozen=True)
class LocatedStack:
    """A stack's image and its dots.

    Attributes
    ----------
    name : str
        The file's name without its suffix, or "array".
    image : PhotonImage
    dots : Localizations
    pixel_size_um : float or None
        From the file's metadata.
    """

    name: str
    image: PhotonImage
    dots: Localizations
    pixel_size_um: float | None

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.image.mean.shape
        return height, width


def locate_stack(
    source: StackSource,
    *,
    camera: CameraKeys,
    camera_source: str,
    exposure_s: float | None,
    options: AnalysisOptions,
    psf_sigma_px: float | None = None,
    selection: Mapping[str, Any] | None = None,
) -> LocatedStack:
    """Localize the dots of a stack.

    Parameters
    ----------
    source : path or ndarray, shape (t, y, x) or (y, x)
    camera : CameraKeys
        Keys that are known; they win over the file's metadata.
    camera_source : str
        Where they are from.
    exposure_s : float or None
        Of one frame; from the file's metadata where None.
    options : AnalysisOptions
    psf_sigma_px : float, optional
        Expected width of a dot.
    selection : mapping, optional
        ``channel_index``, ``frames``, ``frames_excluded`` as in `qdimage.io.open_stack`.

    Raises
    ------
    FormatError
        If the stack cannot be read.
    ConfigurationError
        If the exposure is not known.
    """
    with read_image(
        source,
        camera=camera,
        camera_source=camera_source,
        exposure_s=exposure_s,
        options=options,
        psf_sigma_px=psf_sigma_px,
        selection=selection,
    ) as (name, stack, image):
        pixel_size_um = stack.metadata.get("pixel_size_um")
    dots = localize(image, options=options.localize, psf_sigma_px=psf_sigma_px)
    return LocatedStack(name, image, dots, pixel_size_um)


@contextmanager
def read_image(
    source: StackSource,
    *,
    camera: CameraKeys,
    camera_source: str,
    exposure_s: float | None,
    options: AnalysisOptions,
    psf_sigma_px: float | None,
    selection: Mapping[str, Any] | None,
) -> Iterator[tuple[str, Stack, PhotonImage]]:
    """Open a stack, give its name, itself without its bias's pattern, and its image.

    Parameters, errors as `locate_stack`.
    """
    name, stack = _opened(source, selection or {})
    with stack:
        exposure = stack.metadata.get("exposure_s") if exposure_s is None else exposure_s
        if exposure is not None and exposure <= 0:
            raise ConfigurationError(
                f"{stack.source}: found an exposure of {exposure:g} s, expected more than 0; "
                "correct it"
            )
        if exposure is None:
            raise ConfigurationError(
                f"{stack.source}: the exposure is not known; give it with --exposure-s"
            )
        bias_map = None
        if isinstance(camera, CameraFileKeys):
            bias_map = file_map(Path(camera_source), camera)
        even, completed = with_even_bias(
            stack, layered_camera([(camera_source, camera)], stack.metadata), bias_map
        )
        image = photon_image(
            even,
            camera=completed,
            exposure_s=exposure,
            options=options.image,
            psf_sigma_px=psf_sigma_px,
        )
        yield name, even, image


def _opened(source: StackSource, selection: Mapping[str, Any]) -> tuple[str, Stack]:
    if isinstance(source, np.ndarray):
        if selection:
            raise ConfigurationError("found a choice of frames for an array; slice the array")
        return "array", Stack.from_array(source)
    return Path(source).stem, open_stack(source, **selection)


def register_stacks(
    pl: LocatedStack, el: LocatedStack, *, options: AnalysisOptions
) -> Registered | Refusal:
    """Return the transform from the EL stack's pixels to the PL stack's, or why there is none."""
    reference = ChannelTable(name="PL", kind="pl", stack="-")
    channel = ChannelTable(name="EL", kind="el", stack="-", voltage_v=0.0)
    answers = register_channels(
        {"EL": (channel, Found(el.dots, el.shape))},
        (reference, Found(pl.dots, pl.shape)),
        options=options.register,
    )
    return answers["EL"]
