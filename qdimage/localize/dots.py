"""From a photon image to its dots: search, fit, test, and search again in what is left."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d, maximum_filter
from scipy.spatial import cKDTree

from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_image import PhotonImage
from qdimage.localize.candidates import find_candidates
from qdimage.localize.fit import MAX_TOGETHER, fit_all
from qdimage.localize.options import LocalizeOptions
from qdimage.localize.rings import Rings, dominant, may_be_ring, measured_rings, outshone
from qdimage.localize.significance import (
    TailTable,
    deviate_for_noise_peaks,
    expected_noise_peaks,
    tail_table,
)
from qdimage.numerics.background import smooth_background
from qdimage.numerics.psf import add_spots, spot_profile

Array = NDArray[np.float64]

_FIRST_GUESS_PX = 1.2
_TOGETHER_SIGMA = 4.0
_REACH_SIGMA = 3.5
_SWEEPS = 3
_MERGE_SIGMA = 0.7
_EDGE_SIGMA = 2.5
_DETERMINED_SIGMA = 3.0
_PERMISSIVE = 0.7
_RING_DEVIATE = 30.0
_ROUNDS_FOR_RINGS = 2
_WIDTH_DEVIATE = 12.0
_WIDTH_CLEAR_SIGMA = 6.0
_MIN_WIDTH_DOTS = 3
_MAX_WIDTH_DOTS = 150
# However small its error, one dot's width says no more than this about the others'.
_WIDTH_SCATTER = 0.03
_WIDTH_ROUNDS = 4
_WIDE_RATIO = 1.2
_WIDE_SIGMA = 5.0
_POOR_CHI_SQ = 2.0


@dataclass(frozen=True)
class _Scene:
    """What a search works on."""

    image: PhotonImage
    sigma: float

    @property
    def reach(self) -> int:
        return int(np.ceil(_REACH_SIGMA * self.sigma)) + 1


def localize(
    image: PhotonImage, *, options: LocalizeOptions, psf_sigma_px: float | None = None
) -> Localizations:
    """Find the dots of an image, with a stated number of false alarms.

    trackpy proposes local maxima of the matched filter; a maximum-likelihood fit of
    pixel-integrated Gaussians, close dots together, gives position, flux and errors; a dot stays
    if noise alone would show fewer than `options.false_alarms_per_frame` peaks as significant in
    the whole image.

    Parameters
    ----------
    image : PhotonImage
    options : LocalizeOptions
    psf_sigma_px : float, optional
        Expected width of a dot, used where the image has too few bright dots to measure it.

    Returns
    -------
    Localizations
        In order of (y, x), in the frame of the stack's first frame.
    """
    guess = options.psf_sigma_px or psf_sigma_px or _FIRST_GUESS_PX
    scene = _Scene(image, guess)
    if options.psf_sigma_px is None:
        scene = _Scene(image, _measured_width(scene, options))
    return _finish(scene, options, *_search(scene, options))


def _background(scene: _Scene, options: LocalizeOptions, spots: Array) -> Array:
    """Background map of the image without the spots."""
    light = np.zeros_like(scene.image.mean)
    add_spots(light, spots[:, 0], spots[:, 1], spots[:, 2], scene.sigma, 2 * scene.reach)
    return smooth_background(
        scene.image.mean,
        scene.image.n_samples,
        box_px=options.background_box_px,
        variance_slope=scene.image.variance_slope,
        read_variance=scene.image.read_variance,
        light=light,
    )


def _signal_to_noise(scene: _Scene, background: Array, light: Array) -> tuple[Array, Array]:
    """Matched filter of what is left, and the flux that it corresponds to, at every pixel."""
    weight = scene.image.weight(background + light)
    profile = spot_profile(scene.sigma, scene.reach)
    left_over = weight * (scene.image.mean - background - light)
    numerator = correlate1d(
        correlate1d(left_over, profile, 0, mode="constant"), profile, 1, mode="constant"
    )
    square = profile**2
    information = correlate1d(
        correlate1d(weight, square, 0, mode="constant"), square, 1, mode="constant"
    )
    information = np.maximum(information, np.finfo(float).tiny)
    return numerator / np.sqrt(information), numerator / information


def _tails(scene: _Scene, background: Array) -> TailTable:
    return tail_table(
        scene.image.noise,
        n_frames=scene.image.n_frames,
        psf_sigma_px=scene.sigma,
        lowest=float(background.min()),
        highest=2.0 * float(background.max()),
    )


def _search(scene: _Scene, options: LocalizeOptions) -> tuple[Array, Array, TailTable]:
    """Return fitted spots (n, 3), what surrounds them, and the tails that judged them.

    Each round adds what the spots so far leave over, their rings included.
    """
    spots = np.empty((0, 3))
    around = _background(scene, options, spots)
    tails = _tails(scene, around)
    rings = _rings(scene, options, around, tails)
    for _ in range(options.max_rounds + (_ROUNDS_FOR_RINGS if rings.visible else 0)):
        found = _new_spots(scene, options, spots, around, tails)
        found = found[~outshone(found, spots, scene.sigma)]
        if rings.visible:
            # A dim source beside a bright one waits until the bright one's rings are taken off.
            found = found[~may_be_ring(found, scene.sigma)]
        if len(found) == 0:
            break
        spots, result = _fit(scene, np.vstack([spots, found]), around, sweeps=1)
        alarms = _false_alarms(scene, tails, result)
        spots = spots[alarms <= options.false_alarms_per_frame]
        if rings.visible or not rings.known:
            spots = spots[~outshone(spots, spots, scene.sigma)]
        around = _background(scene, options, spots) + rings.light(_shape(scene), spots)
    return spots, around, tails


def _shape(scene: _Scene) -> tuple[int, int]:
    height, width = scene.image.mean.shape
    return height, width


def _rings(scene: _Scene, options: LocalizeOptions, background: Array, tails: TailTable) -> Rings:
    """Rings of the bright dots that have no brighter one in reach."""
    found = _new_spots(scene, options, np.empty((0, 3)), background, tails)
    found = found[dominant(found, scene.sigma)]
    spots, result = _fit(scene, found, background, sweeps=1)
    light = np.zeros_like(background)
    add_spots(light, spots[:, 0], spots[:, 1], spots[:, 2], scene.sigma, 2 * scene.reach)
    left_over = np.where(scene.image.usable, scene.image.mean - background - light, np.nan)
    bright = (result[:, 6] > _RING_DEVIATE) & ~_at_edge(scene, spots)
    return measured_rings(left_over, spots[bright], scene.sigma)


def _new_spots(
    scene: _Scene, options: LocalizeOptions, spots: Array, background: Array, tails: TailTable
) -> Array:
    """Candidates (x, y, flux) in what the spots leave over."""
    light = np.zeros_like(background)
    add_spots(light, spots[:, 0], spots[:, 1], spots[:, 2], scene.sigma, 2 * scene.reach)
    ratio, flux = _signal_to_noise(scene, background, light)
    ratio = tails.normal_deviate(ratio, background + light)
    threshold = deviate_for_noise_peaks(
        options.false_alarms_per_frame,
        n_pixels=int(scene.image.usable.sum()),
        psf_sigma_px=scene.sigma,
    )
    positions = find_candidates(ratio, threshold=threshold - _PERMISSIVE, psf_sigma_px=scene.sigma)
    if len(positions) == 0:
        return np.empty((0, 3))
    column = np.clip(np.rint(positions[:, 0]).astype(int), 0, flux.shape[1] - 1)
    row = np.clip(np.rint(positions[:, 1]).astype(int), 0, flux.shape[0] - 1)
    candidates = np.column_stack([positions, maximum_filter(flux, 3)[row, column]])
    return np.asarray(candidates[candidates[:, 2] > 0])


def _neighbours(
    spots: Array, nearest: float, farthest: float, most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Neighbours between two distances as compressed rows (start, index), nearest first."""
    pairs = cKDTree(spots[:, :2]).query_pairs(farthest, output_type="ndarray").astype(np.int64)
    pairs = np.vstack([pairs, pairs[:, ::-1]])
    distance = np.hypot(*(spots[pairs[:, 0], :2] - spots[pairs[:, 1], :2]).T)
    order = np.lexsort((pairs[:, 1], distance, pairs[:, 0]))
    pairs, distance = pairs[order], distance[order]
    first = np.searchsorted(pairs[:, 0], np.arange(len(spots)))
    rank = np.arange(len(pairs)) - first[pairs[:, 0]]
    together = (distance <= nearest) & (rank < most)
    chosen = together if farthest == nearest else ~together
    count = np.bincount(pairs[chosen, 0], minlength=len(spots))
    return np.concatenate([[0], np.cumsum(count)]).astype(np.int64), pairs[chosen, 1].copy()


def _fit(
    scene: _Scene,
    spots: Array,
    background: Array,
    *,
    sweeps: int = _SWEEPS,
    with_sigma: bool = False,
) -> tuple[Array, Array]:
    """Fit all spots; those that ran away or met another are dropped. Returns spots and results."""
    spots = spots.copy()
    start = spots[:, :2].copy()
    result = np.empty((0, 9))
    close = _TOGETHER_SIGMA * scene.sigma
    for _ in range(sweeps):
        before = spots.copy()
        result = fit_all(
            scene.image.mean,
            scene.image.n_samples.astype(np.float64),
            background,
            spots,
            np.lexsort((spots[:, 0], -spots[:, 2])),
            *_neighbours(spots, close, close, MAX_TOGETHER),
            *_neighbours(spots, close, 3.0 * scene.reach, MAX_TOGETHER),
            scene.sigma,
            with_sigma,
            scene.image.variance_slope,
            scene.image.read_variance,
            scene.image.least_level,
            scene.reach,
        )
        if np.abs(spots[:, :2] - before[:, :2]).max(initial=0.0) < 0.01:
            break
    keep = _still_apart(scene, spots, start)
    return spots[keep], result[keep]


def _fit_determined(scene: _Scene, spots: Array, background: Array) -> tuple[Array, Array]:
    """Fit all spots; among neighbours only those that the others cannot replace stay."""
    spots, result = _fit(scene, spots, background)
    for _ in range(_SWEEPS):
        keep = _determined(scene, spots, result)
        if keep.all():
            break
        spots, result = _fit(scene, spots[keep], background)
    return spots, result


def _determined(scene: _Scene, spots: Array, result: Array) -> NDArray[np.bool_]:
    """Spots to keep: of neighbours whose joint fit leaves a flux open, the dimmest goes."""
    keep = np.ones(len(spots), bool)
    near = cKDTree(spots[:, :2]).query_ball_point(spots[:, :2], _TOGETHER_SIGMA * scene.sigma)
    weak = spots[:, 2] < _DETERMINED_SIGMA * result[:, 2]
    for index in np.argsort(spots[:, 2], kind="stable"):
        keep[index] = not weak[index] or len(near[index]) == 1 or not keep[near[index]].all()
    return keep


def _still_apart(scene: _Scene, spots: Array, start: Array) -> NDArray[np.bool_]:
    height, width = scene.image.mean.shape
    keep = np.isfinite(spots).all(axis=1)
    keep &= np.hypot(*(spots[:, :2] - start).T) < 2.0 * scene.sigma + 1.0
    keep &= np.all((spots[:, :2] > -0.5) & (spots[:, :2] < [width - 0.5, height - 0.5]), axis=1)
    for a, b in sorted(cKDTree(spots[:, :2]).query_pairs(_MERGE_SIGMA * scene.sigma)):
        if keep[a] and keep[b]:
            keep[a if spots[a, 2] < spots[b, 2] else b] = False
    return np.asarray(keep)


def _false_alarms(scene: _Scene, tails: TailTable, result: Array) -> Array:
    """Expected number of noise peaks at least as significant as each spot."""
    return expected_noise_peaks(
        tails.normal_deviate(result[:, 6], result[:, 7]),
        n_pixels=int(scene.image.usable.sum()),
        psf_sigma_px=scene.sigma,
    )


def _measured_width(scene: _Scene, options: LocalizeOptions) -> float:
    """Width of the field's bright, solitary dots; the guess where there are too few."""
    sigma = scene.sigma
    background = _background(scene, options, np.empty((0, 3)))
    for _ in range(_WIDTH_ROUNDS):
        trial = _Scene(scene.image, sigma)
        spots = _new_spots(trial, options, np.empty((0, 3)), background, _tails(trial, background))
        if len(spots) < _MIN_WIDTH_DOTS:
            return sigma
        spots = spots[_solitary(trial, spots)]
        spots = spots[np.argsort(-spots[:, 2], kind="stable")][:_MAX_WIDTH_DOTS]
        if len(spots) < _MIN_WIDTH_DOTS:
            return sigma
        spots, result = _fit(trial, spots, background, sweeps=1, with_sigma=True)
        # A ring between two dots may look significant and yet fit a spot without light.
        clear = (result[:, 6] > _WIDTH_DEVIATE) & (result[:, 5] > 0)
        clear &= spots[:, 2] > _WIDTH_DEVIATE * result[:, 2]
        if clear.sum() < _MIN_WIDTH_DOTS:
            return sigma
        variance = result[clear, 5] ** 2 + (_WIDTH_SCATTER * sigma) ** 2
        updated = _weighted_median(result[clear, 4], 1.0 / variance)
        if abs(updated - sigma) < 0.02 * sigma:
            return updated
        sigma = updated
    return sigma


def _solitary(scene: _Scene, spots: Array) -> NDArray[np.bool_]:
    distance, _ = cKDTree(spots[:, :2]).query(spots[:, :2], k=2)
    return np.asarray((distance[:, 1] > _WIDTH_CLEAR_SIGMA * scene.sigma) & ~_at_edge(scene, spots))


def _weighted_median(values: Array, weights: Array) -> float:
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, 0.5 * cumulative[-1])])


def _at_edge(scene: _Scene, spots: Array) -> NDArray[np.bool_]:
    height, width = scene.image.mean.shape
    margin = _EDGE_SIGMA * scene.sigma
    x, y = spots[:, 0], spots[:, 1]
    return np.asarray(
        (x < margin) | (y < margin) | (x > width - 1 - margin) | (y > height - 1 - margin)
    )


def _finish(
    scene: _Scene, options: LocalizeOptions, spots: Array, background: Array, tails: TailTable
) -> Localizations:
    if len(spots):
        spots, result = _fit_determined(scene, spots, background)
        alarms = _false_alarms(scene, tails, result)
        keep = alarms <= options.false_alarms_per_frame
        spots, result, alarms = spots[keep], result[keep], alarms[keep]
    else:
        result, alarms = np.empty((0, 9)), np.empty(0)
    width, width_err = _own_widths(scene, spots, background)
    flags = _flags(scene, spots, result, width, width_err)
    order = np.lexsort((spots[:, 0], spots[:, 1]))
    spots, result = spots[order], result[order]
    positions = spots[:, :2] - scene.image.offset_px
    return Localizations(
        x_px=positions[:, 0],
        y_px=positions[:, 1],
        x_err_px=result[:, 0],
        y_err_px=result[:, 1],
        signal=spots[:, 2],
        signal_err=result[:, 2],
        background=result[:, 7],
        sigma_px=width[order],
        false_alarm_p=np.minimum(alarms[order], 1.0),
        flags=flags[order],
        psf_sigma_px=scene.sigma,
    )


def _own_widths(scene: _Scene, spots: Array, background: Array) -> tuple[Array, Array]:
    """Each spot's own width and its error, position and flux free as well."""
    width, error = np.full(len(spots), scene.sigma), np.zeros(len(spots))
    if len(spots) == 0:
        return width, error
    fitted, result = _fit(scene, spots, background, sweeps=1, with_sigma=True)
    if len(fitted) == 0:
        return width, error
    _, index = cKDTree(fitted[:, :2]).query(spots[:, :2])
    near = np.hypot(*(fitted[index, :2] - spots[:, :2]).T) < scene.sigma
    width[near], error[near] = result[index[near], 4], result[index[near], 5]
    return width, error


def _flags(
    scene: _Scene, spots: Array, result: Array, width: Array, width_err: Array
) -> NDArray[np.int64]:
    flags = np.zeros(len(spots), np.int64)
    if len(spots) == 0:
        return flags
    size = 2 * int(np.ceil(2 * scene.sigma)) + 1
    column = np.rint(spots[:, 0]).astype(int).clip(0, scene.image.mean.shape[1] - 1)
    row = np.rint(spots[:, 1]).astype(int).clip(0, scene.image.mean.shape[0] - 1)
    for mask, flag in (
        (scene.image.hot, DotFlag.HOT),
        (scene.image.saturated, DotFlag.SATURATED),
        (scene.image.cosmic, DotFlag.COSMIC),
    ):
        flags[maximum_filter(mask, size)[row, column]] |= flag
    distance, _ = cKDTree(spots[:, :2]).query(spots[:, :2], k=2)
    flags[distance[:, 1] < _TOGETHER_SIGMA * scene.sigma] |= DotFlag.CROWDED
    flags[_at_edge(scene, spots)] |= DotFlag.EDGE
    flags[result[:, 8] > _POOR_CHI_SQ] |= DotFlag.POOR_FIT
    excess = width - _WIDE_RATIO * scene.sigma
    flags[(width_err > 0) & (excess > _WIDE_SIGMA * width_err)] |= DotFlag.WIDE
    return flags
