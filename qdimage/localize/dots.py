"""From a photon image to its dots."""

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.field_psf import FieldPsf, gaussian_psf
from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_image import PhotonImage
from qdimage.localize.field_psf import measured_psf
from qdimage.localize.filtering import near_mask
from qdimage.localize.fit import CHI_SQ, FLUX_ERR, LEVEL, RATIO, X_ERR, Y_ERR
from qdimage.localize.fitting import fit_spots
from qdimage.localize.motion import measured_motion
from qdimage.localize.options import LocalizeOptions
from qdimage.localize.rings import Rings, dominant, measured_rings
from qdimage.localize.scene import NO_SPOTS, Scene, Seen
from qdimage.localize.search import Found, search, settled
from qdimage.localize.shapes import Shapes, measured_shapes
from qdimage.localize.significance import TailTable
from qdimage.numerics.near_pairs import near_pairs

Array = NDArray[np.float64]

_FIRST_GUESS_PX = 1.2
_CROWDED_SIGMA, _ALONE_SIGMA = 4.0, 6.0
_RING_DEVIATE = 30.0
_POOR_CHI_SQ = 2.0
# Above as many dots as rings would be seen on, a profile without them is believed.
_ENOUGH_FOR_RINGS = 8


def localize(
    image: PhotonImage,
    *,
    options: LocalizeOptions,
    psf_sigma_px: float | None = None,
    psf: FieldPsf | None = None,
) -> Localizations:
    """Find the dots of an image, with a stated number of false alarms.

    Local maxima of the matched filter are fitted by maximum likelihood with the field's own image
    of a point, close dots together; a dot stays if noise alone would show fewer than
    `options.false_alarms_per_frame` peaks as significant in the whole image, or fewer than the
    share of false discoveries that the options allow.

    Parameters
    ----------
    image : PhotonImage
    options : LocalizeOptions
    psf_sigma_px : float, optional
        Expected width of a dot, used where the image has too few bright dots to measure it.
    psf : FieldPsf, optional
        The image of a point in another channel, used likewise.

    Returns
    -------
    Localizations
        In order of (y, x), in the frame of the stack's first frame.
    """
    given = options.psf_sigma_px
    guess = given or (psf.sigma_px if psf is not None else None) or psf_sigma_px or _FIRST_GUESS_PX
    expected = gaussian_psf(guess, "given" if given else "expected")
    scene = Scene(image, expected, options, np.empty((2, *image.mean.shape), np.float32))
    background = scene.background()
    seen = Seen(NO_SPOTS, 0.0)
    if given is None:
        measured, seen = measured_psf(scene, background, psf)
        scene = scene.with_psf(measured)
    tails = scene.tails(background)
    rings = _rings(scene, background, tails)
    return _finished(scene, *search(scene, rings, background, tails, seen), tails)


def _rings(scene: Scene, background: Array, tails: TailTable) -> Rings:
    """Rings of the bright dots that have no brighter one in reach."""
    if scene.psf.source == "width" and scene.psf.n_dots >= _ENOUGH_FOR_RINGS:
        return Rings(np.zeros(1), scene.sigma)
    found = scene.candidates(background, np.zeros(scene.shape), tails)
    fit = fit_spots(scene, found, background, sweeps=1, with_shape=True)
    chosen = dominant(fit.spots, scene.sigma)
    chosen &= ~measured_shapes(scene, fit.spots, fit.result).two_dots(scene.sigma)
    fit = fit_spots(scene, fit.spots[chosen], background, sweeps=1)
    left_over = scene.image.mean - background - fit.light
    left_over = np.where(scene.image.usable, left_over, np.nan)
    bright = (fit.result[:, RATIO] > _RING_DEVIATE) & ~scene.at_edge(fit.spots)
    return measured_rings(left_over, fit.spots[bright], scene.sigma)


def _finished(scene: Scene, found: Found, around: Array, tails: TailTable) -> Localizations:
    alarms = np.empty(0)
    if len(found.spots):
        found = settled(scene, found, around, tails)
        alarms = scene.false_alarms(tails, found.result)
        keep = alarms <= scene.allowed(alarms)
        found, alarms = found.of(keep), alarms[keep]
    order = np.lexsort((found.spots[:, 0], found.spots[:, 1]))
    found, alarms = found.of(order), alarms[order]
    spots, result = found.spots, found.result
    shapes = measured_shapes(scene, spots, result)
    motion = measured_motion(scene, spots, around, found.light)
    positions = spots[:, :2] - scene.image.offset_px
    return Localizations(
        x_px=positions[:, 0],
        y_px=positions[:, 1],
        x_err_px=result[:, X_ERR],
        y_err_px=result[:, Y_ERR],
        signal=spots[:, 2],
        signal_err=result[:, FLUX_ERR],
        background=result[:, LEVEL],
        sigma_px=_own_widths(scene, shapes),
        false_alarm_p=np.minimum(alarms, 1.0),
        flags=_flags(scene, found, shapes) | motion.is_moving * int(DotFlag.MOVING),
        psf_sigma_px=scene.sigma,
        psf=scene.psf,
        moved_px=motion.moved_px,
        moved_err_px=motion.moved_err_px,
    )


def _own_widths(scene: Scene, shapes: Shapes) -> Array:
    """Width of the Gaussian that each spot resembles, px."""
    square = scene.sigma**2 + shapes.added
    return np.asarray(np.sqrt(np.clip(square, (0.5 * scene.sigma) ** 2, (3 * scene.sigma) ** 2)))


def _flags(scene: Scene, found: Found, shapes: Shapes) -> NDArray[np.int64]:
    spots, result = found.spots, found.result
    flags = np.zeros(len(spots), np.int64)
    if len(spots) == 0:
        return flags
    reach = int(np.ceil(2 * scene.sigma))
    column = np.rint(spots[:, 0]).astype(int).clip(0, scene.shape[1] - 1)
    row = np.rint(spots[:, 1]).astype(int).clip(0, scene.shape[0] - 1)
    for mask, flag in (
        (scene.image.hot, DotFlag.HOT),
        (scene.image.saturated, DotFlag.SATURATED),
        (scene.image.cosmic, DotFlag.COSMIC),
    ):
        if mask.any():
            flags[near_mask(mask, row, column, reach)] |= flag
    start, _, _ = near_pairs(spots[:, :2], _CROWDED_SIGMA * scene.sigma)
    flags[np.diff(start) > 0] |= DotFlag.CROWDED
    at_edge = scene.at_edge(spots)
    flags[at_edge] |= DotFlag.EDGE
    flags[result[:, CHI_SQ] > _POOR_CHI_SQ] |= DotFlag.POOR_FIT
    flags[found.wide | shapes.wide(scene.sigma)] |= DotFlag.WIDE
    start, _, _ = near_pairs(spots[:, :2], _ALONE_SIGMA * scene.sigma)
    alone = (np.diff(start) == 0) & ~at_edge
    flags[shapes.out_of_focus(scene.sigma, alone)] |= DotFlag.OUT_OF_FOCUS
    flags[found.doublet | shapes.two_dots(scene.sigma)] |= DotFlag.DOUBLET
    return flags
