"""All light of a registered EL channel, from its image and the field's dots."""

import numpy as np

from qdimage.domain.matches import Matches
from qdimage.domain.overlap_light import OverlapLight
from qdimage.domain.photometry import ForcedPhotometry
from qdimage.domain.transform import Transform
from qdimage.image.calibration import ESTIMATED, adu_to_signal
from qdimage.match.overlap_light import overlap_light
from qdimage.pipeline.channel import MeasuredChannel


def channel_light(
    measured: MeasuredChannel,
    fixed: MeasuredChannel,
    transform: Transform,
    matches: Matches,
    photometry: ForcedPhotometry,
) -> OverlapLight:
    """Sum the light of a channel over the field.

    Parameters
    ----------
    measured, fixed : MeasuredChannel
        The EL channel and the reference.
    transform : Transform
        Channel px to field px.
    matches : Matches
        Of the channel's dots to the PL dots.
    photometry : ForcedPhotometry
        At the PL dots.
    """
    # What was matched to a PL dot is that dot's light already.
    alone = np.where(matches.alone, measured.dots.signal / measured.image.exposure_s, 0.0)
    source = measured.image.camera.sources.get("bias_adu", "")
    zero = None if source == ESTIMATED else f"bias_adu ({source})" if source else "bias_adu"
    return overlap_light(
        measured.image,
        transform,
        field_shape=fixed.shape,
        sources_px=np.vstack([transform.inverse(fixed.dots.positions), measured.dots.positions]),
        flux_s=np.concatenate([photometry.flux_s, alone]),
        sigma_px=measured.dots.psf_sigma_px,
        signal_per_adu=adu_to_signal(measured.image.camera),
        zero=zero,
    )
