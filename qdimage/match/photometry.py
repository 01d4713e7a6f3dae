"""Forced photometry: the EL flux at every PL dot's place, and at places without a dot."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations
from qdimage.domain.matches import Matches
from qdimage.domain.photometry import BlankPlaces, ForcedPhotometry
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.transform import Transform
from qdimage.match.blanks import draw_blank_places, spread_out
from qdimage.match.joint_fit import Surroundings, crowding, fit_fluxes, spot_matrix, surroundings
from qdimage.match.options import MatchOptions
from qdimage.match.pairing import EDGE_SIGMA, OWN_LIGHT_SIGMA

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_BOX_PX = 32
_CLEARANCE_SIGMA = 4.0
_BATCH_SIGMA = 9.0


@dataclass(frozen=True)
class _Places:
    """PL dots and further EL sources in the image's pixels, with the widths of their spots."""

    dots: Array
    dot_sigma: Array
    others: Array
    sigma: float
    gate_px: float


def forced_photometry(
    image: PhotonImage,
    dots: Localizations,
    transform: Transform,
    found: Localizations,
    matches: Matches,
    *,
    options: MatchOptions,
    systematic_px: float,
    rng: np.random.Generator,
) -> ForcedPhotometry:
    """Measure a channel's flux at the place of every PL dot.

    One linear least-squares fit of all PL dots, mapped into the channel, and of the channel's own
    further sources. The spot of a mapped dot is widened by the uncertainty of its place. The
    same is done at blank places; a localization within the matching distance of a blank place
    counts as its light, as it would count as a dot's.

    Parameters
    ----------
    image : PhotonImage
        Of the EL channel.
    dots : Localizations
        PL dots, field frame.
    transform : Transform
        Channel px to field px.
    found : Localizations
        The channel's own dots.
    matches : Matches
        Of `found` to `dots`.
    options : MatchOptions
    systematic_px : float
        Position error beyond the fit's own.
    rng : numpy.random.Generator
        Places the blanks.
    """
    places = _places(image, dots, transform, found, matches, systematic_px)
    shape = image.mean.shape
    positions = np.vstack([places.dots, places.others])
    sigma = np.concatenate([places.dot_sigma, np.full(len(places.others), places.sigma)])
    spots = spot_matrix((shape[0], shape[1]), positions, sigma)
    around = surroundings(image, spots, box_px=_BOX_PX)
    fit = fit_fluxes(image, spots, around)
    n = len(places.dots)
    outside = _outside(places.dots, image)
    flux = np.where(outside, np.nan, fit.flux[:n]) / image.exposure_s
    err = np.where(outside, np.nan, fit.err[:n]) / image.exposure_s
    flags = _flags(image, places, outside, np.isfinite(flux), options)
    flags |= dots.flags & DotFlag.EDGE
    blanks = _at_blanks(image, places, around, transform, options, rng)
    return ForcedPhotometry(flux, err, flags, blanks)


def _places(
    image: PhotonImage,
    dots: Localizations,
    transform: Transform,
    found: Localizations,
    matches: Matches,
    systematic_px: float,
) -> _Places:
    in_channel = transform.inverse(dots.positions) + image.offset_px
    own = np.mean(dots.position_err_px**2, axis=1)
    mapping = transform.position_covariance(in_channel)
    variance = own + 0.5 * np.trace(mapping, axis1=1, axis2=2) + systematic_px**2
    sigma = found.psf_sigma_px
    gate = float(np.median(matches.gate_px)) / transform.scale if len(dots) and len(found) else 0.0
    return _Places(
        in_channel,
        np.sqrt(sigma**2 + np.minimum(variance, sigma**2)),
        found.positions[matches.alone] + image.offset_px,
        sigma,
        max(gate, OWN_LIGHT_SIGMA * sigma),
    )


def _outside(positions: Array, image: PhotonImage) -> Mask:
    height, width = image.mean.shape
    edge = np.array([width, height]) - 0.5
    return np.asarray(~np.all((positions > -0.5) & (positions < edge), axis=1))


def _flags(
    image: PhotonImage, places: _Places, outside: Mask, measured: Mask, options: MatchOptions
) -> NDArray[np.int64]:
    height, width = image.mean.shape
    margin = EDGE_SIGMA * places.sigma
    last = np.array([width, height]) - 1 - margin
    near_edge = ~outside & ~np.all((places.dots >= margin) & (places.dots <= last), axis=1)
    flags = np.zeros(len(places.dots), np.int64)
    flags[outside] |= DotFlag.OUTSIDE
    flags[near_edge] |= DotFlag.EDGE
    growth = crowding(places.dots, np.full(len(flags), places.sigma))
    flags[~outside & (growth > options.unresolved_inflation)] |= DotFlag.UNRESOLVED
    inside = np.flatnonzero(~outside)
    pixel = np.rint(places.dots[inside]).astype(int)
    pixel = np.clip(pixel, 0, [width - 1, height - 1])
    for mask, flag in ((image.hot, DotFlag.HOT), (image.saturated, DotFlag.SATURATED)):
        flags[inside[mask[pixel[:, 1], pixel[:, 0]]]] |= flag
    flags[~outside & ~measured] |= DotFlag.UNRESOLVED
    return flags


def _at_blanks(
    image: PhotonImage,
    places: _Places,
    around: Surroundings,
    transform: Transform,
    options: MatchOptions,
    rng: np.random.Generator,
) -> BlankPlaces:
    shape = (image.mean.shape[0], image.mean.shape[1])
    blanks = draw_blank_places(
        options.blank_places,
        shape=shape,
        margin_px=EDGE_SIGMA * places.sigma,
        occupied=places.dots,
        clearance_px=_CLEARANCE_SIGMA * places.sigma,
        rng=rng,
    )
    flux, err = np.full(len(blanks), np.nan), np.full(len(blanks), np.nan)
    occupied = np.zeros(len(blanks), bool)
    width = float(np.median(places.dot_sigma)) if len(places.dots) else places.sigma
    others = cKDTree(places.others) if len(places.others) else None
    for batch in spread_out(blanks, _BATCH_SIGMA * places.sigma):
        kept = places.others
        if others is not None:
            near = others.query_ball_point(blanks[batch], places.gate_px)
            occupied[batch] = [bool(each) for each in near]
            kept = np.delete(kept, sorted({index for each in near for index in each}), axis=0)
        positions = np.vstack([blanks[batch], places.dots, kept])
        sigma = np.concatenate(
            [np.full(len(batch), width), places.dot_sigma, np.full(len(kept), places.sigma)]
        )
        fit = fit_fluxes(image, spot_matrix(shape, positions, sigma), around)
        flux[batch] = fit.flux[: len(batch)] / image.exposure_s
        err[batch] = fit.err[: len(batch)] / image.exposure_s
    good = np.isfinite(flux)
    positions = transform.apply(blanks[good] - image.offset_px)
    return BlankPlaces(flux[good], err[good], occupied[good], positions)
