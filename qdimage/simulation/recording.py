"""One channel of one field: what happens during its stack, and the frames that show it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.transform import Transform
from qdimage.errors import ConfigurationError
from qdimage.numerics.random import generator
from qdimage.simulation.blinking import on_fractions
from qdimage.simulation.camera import expose
from qdimage.simulation.defects import CosmicHit, deposit, draw_cosmic_hits
from qdimage.simulation.field import Channel, Field
from qdimage.simulation.geometry import draw_drift, shifted
from qdimage.simulation.render import render_spots
from qdimage.simulation.scene import (
    el_background,
    el_photons_s,
    pl_background,
    pl_photons_s,
)

Floats = NDArray[np.float64]

IDENTITY = Transform.from_matrix(np.eye(2, 3))

_MOST_PHOTONS = 1e12


@dataclass(frozen=True)
class Recording:
    """What a stack shows.

    Attributes
    ----------
    field : Field
    channel : Channel
    transform : Transform
        Channel pixels to field pixels, at the first frame.
    positions : ndarray, shape (n, 2)
        (x, y) of each emitter in the channel's own frame, at the first frame.
    drift : ndarray, shape (t, 2)
        (x, y) displacement of each frame from the first.
    photons : ndarray, shape (n, t)
        Mean photons of each emitter in each frame, blinking included.
    background : ndarray, shape (y, x)
        Mean photons of each pixel in a frame, without the emitters.
    cosmic_hits : list of CosmicHit
    """

    field: Field
    channel: Channel
    transform: Transform
    positions: Floats
    drift: Floats
    photons: Floats
    background: Floats
    cosmic_hits: list[CosmicHit]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(t, y, x)."""
        height, width = self.background.shape
        return self.photons.shape[1], height, width

    @property
    def photons_s(self) -> Floats:
        """Flux of each emitter at the camera, averaged over the stack."""
        return np.asarray(self.photons.mean(axis=1) / self.field.options.experiment.exposure_s)

    def mean_photons(self, frame: int) -> Floats:
        """Mean photons of each pixel in one frame, before the camera."""
        spots = render_spots(
            self.positions + self.drift[frame],
            self.photons[:, frame],
            shape=self.background.shape,
            psf=self.field.psf,
        )
        return self.background + spots

    def frames(self) -> Iterator[NDArray[np.uint16]]:
        """Yield the frames in ADU; each call yields the same ones."""
        field = self.field
        rng = generator(field.seed, field.name, self.channel.name, "camera")
        for frame in range(self.shape[0]):
            yield expose(
                self.mean_photons(frame),
                camera=field.options.camera,
                rng=rng,
                dark_e=field.hot_electrons_s * field.options.experiment.exposure_s,
                deposited_e=deposit(self.cosmic_hits, frame, self.background.shape),
            )


def record(field: Field, channel: Channel) -> Recording:
    """Draw what happens during one channel's stack.

    Raises
    ------
    ConfigurationError
        If an emitter or the background is brighter than any number of photons can be drawn for.
    """
    options, size = field.options, field.options.experiment
    rng = generator(field.seed, field.name, channel.name, "events")
    transform = IDENTITY
    if channel.voltage_v is not None:
        transform = shifted(field.el_to_field, options.geometry, rng)
    on = on_fractions(
        len(field.scene),
        n_frames=size.n_frames,
        exposure_s=size.exposure_s,
        options=options.blinking,
        rng=rng,
    )
    shape = (size.height_px, size.width_px)
    return Recording(
        field,
        channel,
        transform,
        transform.inverse(field.scene.positions),
        draw_drift(size.n_frames, options.geometry.drift_px, rng),
        _in_a_frame(_photons_s, field, channel)[:, np.newaxis] * on,
        _in_a_frame(_background, field, channel),
        draw_cosmic_hits(size.n_frames, shape, options.defects, rng),
    )


def _in_a_frame(
    light_s: Callable[[Field, Channel], Floats], field: Field, channel: Channel
) -> Floats:
    """Photons of each emitter or pixel in one exposure."""
    with np.errstate(over="ignore"):
        photons = field.options.experiment.exposure_s * light_s(field, channel)
    if np.any(photons > _MOST_PHOTONS):
        raise ConfigurationError(
            f"{channel.name}: found {photons.max():.3g} photons in a frame, expected at most "
            f"{_MOST_PHOTONS:.0e}; lower the brightness or the exposure, or raise el.rise_v "
            "and el.background_rise_v"
        )
    return photons


def _photons_s(field: Field, channel: Channel) -> Floats:
    if channel.voltage_v is None:
        return pl_photons_s(field.scene, field.options)
    return el_photons_s(field.scene, channel.voltage_v, field.options.el)


def _background(field: Field, channel: Channel) -> Floats:
    if channel.voltage_v is None:
        return pl_background(field.options)
    return el_background(channel.voltage_v, field.options)
