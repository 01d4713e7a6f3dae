"""One channel: from its file to its image and its dots."""

from dataclasses import dataclass

import numpy as np

from qdimage.config import AnalysisOptions
from qdimage.domain.experiment import ChannelTable, Experiment
from qdimage.domain.field_psf import FieldPsf
from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.stack import Stack
from qdimage.errors import ConfigurationError
from qdimage.image.options import ImageOptions
from qdimage.image.projection import photon_image
from qdimage.io import open_stack
from qdimage.io.atomic import sha256
from qdimage.localize.dots import localize
from qdimage.pipeline.camera import (
    DECLARED,
    METADATA,
    channel_camera,
    channel_map,
    with_even_bias,
)

# A Gaussian resembles the Airy pattern's centre with sigma = 0.21 wavelength / NA (Zhang, Zerubia
# and Olivo-Marin, Appl. Opt. 46, 1819, 2007); a real objective is a little worse.
_SIGMA_OVER_WAVELENGTH = 0.25


@dataclass(frozen=True)
class ChannelImage:
    """A channel's image, and what its file said.

    Attributes
    ----------
    image : PhotonImage
    exposure_source : str
    pixel_size_um : float or None
        From the file's metadata.
    expected_psf_sigma_px : float or None
        Width of a dot as far as it is known before dots are looked at.
    """

    image: PhotonImage
    exposure_source: str
    pixel_size_um: float | None
    expected_psf_sigma_px: float | None


@dataclass(frozen=True)
class MeasuredChannel(ChannelImage):
    """A channel's image and its dots.

    Attributes
    ----------
    dots : Localizations
    stack_sha256 : str
    """

    dots: Localizations
    stack_sha256: str

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.image.mean.shape
        return height, width


def read_channel(
    experiment: Experiment,
    channel: ChannelTable,
    *,
    options: ImageOptions,
    psf_sigma_px: float | None = None,
) -> ChannelImage:
    """Read a channel's stack and reduce it to an image.

    Parameters
    ----------
    psf_sigma_px : float, optional
        Expected width of a dot in this channel's pixels; from the optics where None.

    Raises
    ------
    FormatError, ConfigurationError
        If the stack cannot be read, or its exposure is not known.
    """
    with open_stack(
        experiment.folder / channel.stack,
        channel_index=channel.channel_index,
        frames=channel.frames,
        frames_excluded=channel.frames_excluded,
    ) as stack:
        exposure_s, source = channel_exposure(experiment, channel, stack)
        expected = psf_sigma_px or expected_psf_sigma_px(experiment, channel, stack)
        even, camera = with_even_bias(
            stack,
            channel_camera(experiment, channel, stack.metadata),
            channel_map(experiment),
            origin_px=channel.roi_offset_px,
            binning=channel.binning,
        )
        image = photon_image(
            even,
            camera=camera,
            exposure_s=exposure_s,
            options=options,
            psf_sigma_px=expected,
        )
        return ChannelImage(image, source, stack.metadata.get("pixel_size_um"), expected)


def measure_channel(
    experiment: Experiment,
    channel: ChannelTable,
    *,
    options: AnalysisOptions,
    psf: FieldPsf | None,
) -> MeasuredChannel:
    """Read a channel's stack and localize its dots.

    Parameters and errors as those of `read_channel`; `psf` is the image of a point in another
    channel, in this channel's pixels, for want of bright dots in this one.
    """
    width = None if psf is None else psf.sigma_px
    read = read_channel(experiment, channel, options=options.image, psf_sigma_px=width)
    dots = localize(
        read.image,
        options=options.localize,
        psf_sigma_px=read.expected_psf_sigma_px,
        psf=psf,
    )
    return MeasuredChannel(
        read.image,
        read.exposure_source,
        read.pixel_size_um,
        read.expected_psf_sigma_px,
        dots,
        sha256(experiment.folder / channel.stack),
    )


def channel_exposure(
    experiment: Experiment, channel: ChannelTable, stack: Stack
) -> tuple[float, str]:
    """Return the exposure of a frame and where it is from.

    Raises
    ------
    ConfigurationError
        If neither the declaration nor the file states it.
    """
    if channel.exposure_s is not None:
        return channel.exposure_s, DECLARED
    if "exposure_s" in stack.metadata:
        return float(stack.metadata["exposure_s"]), METADATA
    raise ConfigurationError(
        f"{experiment.path}: channel {channel.name!r} has no exposure_s and its file states none; "
        "add exposure_s, the exposure of one frame in seconds"
    )


def channel_pixel_um(
    experiment: Experiment, channel: ChannelTable, metadata_um: float | None
) -> float | None:
    """Return the sample-plane size of a channel's pixel, binning included; None if not known.

    Parameters
    ----------
    metadata_um : float or None
        Of a pixel of the file, as it states it.
    """
    declared = experiment.declared.experiment.pixel_size_um
    return declared * channel.binning if declared is not None else metadata_um


def expected_psf_sigma_px(
    experiment: Experiment, channel: ChannelTable, stack: Stack
) -> float | None:
    """Return the width of a dot that the optics give; None where they are not known."""
    optics = experiment.declared.optics
    pixel_um = channel_pixel_um(experiment, channel, stack.metadata.get("pixel_size_um"))
    if optics.numerical_aperture is None or optics.emission_nm is None or not pixel_um:
        return None
    sigma_um = _SIGMA_OVER_WAVELENGTH * optics.emission_nm / 1e3 / optics.numerical_aperture
    return float(np.clip(sigma_um / pixel_um, 0.5, 5.0))
