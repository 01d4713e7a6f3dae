"""qdimage on a frame, and what its answers are worth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localization_frames.draw import KEYS, Frame, Spots, lattice, position_bound
from localization_frames.score import matches
from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.stack import Stack
from qdimage.image.options import ImageOptions
from qdimage.image.projection import photon_image
from qdimage.localize.dots import localize
from qdimage.localize.options import LocalizeOptions

Array = NDArray[np.float64]

WARNED = DotFlag.DOUBLET | DotFlag.WIDE | DotFlag.CROWDED | DotFlag.POOR_FIT
_PAIR_MATCH_PX = 1.5


def image_of(frame: Frame) -> PhotonImage:
    """The frame in photons, as the analysis makes it."""
    return photon_image(
        Stack.from_array(frame.adu[np.newaxis]),
        camera=KEYS,
        exposure_s=1.0,
        options=ImageOptions(),
        psf_sigma_px=frame.spots.expected_sigma_px,
    )


def located(frame: Frame, options: LocalizeOptions) -> Localizations:
    """The frame's dots; the width that the optics give is the first guess."""
    return localize(image_of(frame), options=options, psf_sigma_px=frame.spots.expected_sigma_px)


@dataclass(frozen=True)
class Accuracy:
    """Of isolated dots.

    Attributes
    ----------
    recall : float
    extra : float
        Dots per frame that are none.
    rms_over_bound : float
        Root mean square error of x and y over the Cramer-Rao bound.
    pulls, flux_pulls : float
        Standard deviations of error over stated error.
    bias, bias_err : float
        Mean flux over photons, less one, and its standard error.
    warned : float
        Share of dots that are flagged as doublets, crowded, wide or badly fitted.
    """

    recall: float
    extra: float
    rms_over_bound: float
    pulls: float
    flux_pulls: float
    bias: float
    bias_err: float
    warned: float


def accuracy(
    spots: Spots, photons: float, background: float, options: LocalizeOptions, n_frames: int
) -> Accuracy:
    """Measure frames of isolated dots."""
    rng = np.random.default_rng(3)
    errors, pulls, flux, flux_pulls, warned = [], [], [], [], []
    n_dots = n_extra = 0
    for _ in range(n_frames):
        frame = lattice(spots, photons, background, rng)
        dots = located(frame, options)
        of = matches(dots.positions, frame.positions)
        hit = of >= 0
        n_dots, n_extra = n_dots + len(frame.positions), n_extra + int(np.sum(~hit))
        off = dots.positions[hit] - frame.positions[of[hit]]
        errors.append(off)
        pulls.append(off / dots.position_err_px[hit])
        flux.append(dots.signal[hit] / photons - 1)
        flux_pulls.append((dots.signal[hit] - photons) / dots.signal_err[hit])
        warned.append((dots.flags[hit] & WARNED) > 0)
    excess = np.concatenate(flux)
    rms = float(np.sqrt(np.mean(np.vstack(errors) ** 2)))
    return Accuracy(
        len(excess) / n_dots,
        n_extra / n_frames,
        rms / position_bound(spots, photons, background),
        float(np.std(np.vstack(pulls))),
        float(np.std(np.concatenate(flux_pulls))),
        float(excess.mean()),
        float(excess.std() / np.sqrt(len(excess))),
        float(np.mean(np.concatenate(warned))),
    )


def pairs(
    spots: Spots,
    photons: float,
    background: float,
    apart_px: float,
    options: LocalizeOptions,
    n_frames: int,
) -> tuple[float, float]:
    """Return the shares of pairs of equal dots that are resolved, and flagged if not resolved."""
    rng = np.random.default_rng(4)
    resolved, flagged = [], []
    for _ in range(n_frames):
        frame = lattice(spots, photons, background, rng, pair_px=apart_px)
        dots = located(frame, options)
        of = matches(dots.positions, frame.positions, _PAIR_MATCH_PX)
        seen, warned = np.zeros((2, len(frame.positions)), bool)
        seen[of[of >= 0]] = True
        warned[of[of >= 0]] = (dots.flags[of >= 0] & WARNED) > 0
        first, second = seen.reshape(2, -1)
        resolved.append(first & second)
        flagged.append(warned.reshape(2, -1).any(axis=0) & ~(first & second))
    return float(np.mean(np.concatenate(resolved))), float(np.mean(np.concatenate(flagged)))
