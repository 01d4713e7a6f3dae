"""One channel: from its file to its image and its dots."""

from dataclasses import dataclass

import numpy as np

from qdimage.config import AnalysisOptions
from qdimage.errors import ConfigurationError
from qdimage.image.projection import photon_image
from qdimage.io import open_stack
from qdimage.io.atomic import sha256
from qdimage.localize.dots import localize
from qdimage.model.experiment import ChannelTable, Experiment
from qdimage.model.localizations import Localizations
from qdimage.model.photon_image import PhotonImage
from qdimage.model.stack import Stack
from qdimage.pipeline.camera import DECLARED, METADATA, channel_camera

# A Gaussian resembles the Airy pattern's centre with sigma = 0.21 wavelength / NA (Zhang, Zerubia
# and Olivo-Marin, Appl. Opt. 46, 1819, 2007); a real objective is a little worse.
_SIGMA_OVER_WAVELENGTH = 0.25


@dataclass(frozen=True)
class MeasuredChannel:
    """A channel's image and dots, and what the file said.

    Attributes
    ----------
    image : PhotonImage
    dots : Localizations
    stack_sha256 : str
    exposure_source : str
    pixel_size_um : float or None
        From the file's metadata.
    """

    image: PhotonImage
    dots: Localizations
    stack_sha256: str
    exposure_source: str
    pixel_size_um: float | None

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.image.mean.shape
        return height, width


def measure_channel(
    experiment: Experiment,
    channel: ChannelTable,
    *,
    options: AnalysisOptions,
    psf_sigma_px: float | None,
) -> MeasuredChannel:
    """Read a channel's stack and localize its dots.

    Parameters
    ----------
    psf_sigma_px : float or None
        Expected width of a dot in this channel's pixels; from the optics where None.

    Raises
    ------
    FormatError, ConfigurationError
        If the stack cannot be read, or its exposure is not known.
    """
    path = experiment.folder / channel.stack
    with open_stack(
        path,
        channel_index=channel.channel_index,
        frames=channel.frames,
        frames_excluded=channel.frames_excluded,
    ) as stack:
        exposure_s, source = channel_exposure(experiment, channel, stack)
        expected = psf_sigma_px or expected_psf_sigma_px(experiment, channel, stack)
        image = photon_image(
            stack,
            camera=channel_camera(experiment, channel, stack.metadata),
            exposure_s=exposure_s,
            options=options.image,
            psf_sigma_px=expected,
        )
        pixel_size_um = stack.metadata.get("pixel_size_um")
    dots = localize(image, options=options.localize, psf_sigma_px=expected)
    return MeasuredChannel(image, dots, sha256(path), source, pixel_size_um)


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
