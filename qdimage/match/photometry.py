"""Forced photometry: the EL flux at every PL dot's place, and at places without a dot."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, diags
from scipy.spatial import cKDTree

from qdimage.domain.field_psf import FieldPsf
from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations
from qdimage.domain.matches import Matches
from qdimage.domain.photometry import BlankPlaces, ForcedPhotometry
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.transform import Transform
from qdimage.match.blanks import blank_places
from qdimage.match.halo import halo_light
from qdimage.match.joint_fit import (
    Fluxes,
    JointFit,
    Surroundings,
    crowding,
    fit_with_displacements,
    surroundings,
)
from qdimage.match.options import MatchOptions
from qdimage.match.pairing import EDGE_SIGMA, OWN_LIGHT_SIGMA
from qdimage.match.spots import spot_matrix

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_BOX_PX = 32
_HALO_ROUNDS = 2
# Share of a source's light without which it is not in the frame.
_LEAST_SEEN = 0.05
# Step of the squared width by which a spot's change with it is taken.
_WIDENING = 0.02
# About the distance from which PL tells two dots apart: a blank place may lie as near to a dot as
# another dot does, and is as likely to have a neighbour.
_CLEARANCE_SIGMA = 2.0


@dataclass(frozen=True)
class _Places:
    """PL dots and further EL sources in the image's pixels, with the widths of their spots."""

    dots: Array
    dot_sigma: Array
    dot_err_px: Array
    others: Array
    other_err_px: Array
    psf: FieldPsf
    gate_px: float

    @property
    def sigma(self) -> float:
        """Width of a spot, px."""
        return self.psf.sigma_px


def forced_photometry(
    image: PhotonImage,
    dots: Localizations,
    transform: Transform,
    found: Localizations,
    matches: Matches,
    *,
    options: MatchOptions,
    systematic_px: float,
    seed: int = 0,
) -> ForcedPhotometry:
    """Measure a channel's flux at the place of every PL dot.

    One linear least-squares fit of all PL dots, mapped into the channel, and of the channel's own
    further sources. The spot of a mapped dot is widened by the uncertainty of its place, bright
    sources may be displaced by it, and what their light has beside a Gaussian is learned from all
    of them. Each blank place is then added to that fit alone; a localization within the matching
    distance of a blank place counts as its light, as it would count as a dot's.

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
    seed : int
        Of where the sequence of blank places begins.
    """
    places = _places(image, dots, transform, found, matches, systematic_px)
    shape = (image.mean.shape[0], image.mean.shape[1])
    positions = np.vstack([places.dots, places.others])
    sigma = np.concatenate([places.dot_sigma, np.full(len(places.others), places.sigma)])
    spots = _seen(spot_matrix(shape, positions, sigma, places.psf))
    err_px = np.concatenate([places.dot_err_px, places.other_err_px])
    fit = _fit(image, spots, positions, sigma, err_px, places.psf)
    n = len(places.dots)
    outside = _outside(places.dots, image)
    every = fit.fluxes()
    flux = np.where(outside, np.nan, every.flux[:n]) / image.exposure_s
    err = np.where(outside, np.nan, every.err[:n]) / image.exposure_s
    unsure = _unsure_share(places, spots[:, :n], fit.around.weight)
    err = np.hypot(err, unsure * np.maximum(flux, 0.0))
    flags = _flags(image, places, outside, np.isfinite(flux), options)
    flags |= dots.flags & DotFlag.EDGE
    blanks = _at_blanks(image, places, fit, transform, options, seed)
    return ForcedPhotometry(flux, err, flags, blanks)


def _seen(spots: csc_matrix) -> csc_matrix:
    """Return the spots, those that are nearly all outside the frame empty.

    The little that is left of them would explain any light at the border by an enormous flux.
    """
    share = np.asarray(spots.sum(axis=0)).ravel()
    return csc_matrix(spots @ diags((share >= _LEAST_SEEN).astype(float)))


def _fit(
    image: PhotonImage,
    spots: csc_matrix,
    positions: Array,
    sigma: Array,
    err_px: Array,
    psf: FieldPsf,
) -> JointFit:
    """Fit all sources, once more with the light that bright ones have beside their Gaussians."""

    def fitted(around: Surroundings, before: Fluxes | None) -> JointFit:
        return fit_with_displacements(
            image,
            spots,
            around,
            positions=positions,
            sigma=sigma,
            position_err_px=err_px,
            before=before,
            psf=psf,
        )

    around = surroundings(image, spots, box_px=_BOX_PX)
    fit = fitted(around, None)
    halo = np.zeros_like(image.mean)
    for _ in range(_HALO_ROUNDS if len(fit.bright) else 0):
        light = fit.light()
        shift = np.clip(fit.displacement_px(), -psf.sigma_px, psf.sigma_px)
        halo = halo_light(
            residual=image.mean - (around.background - halo) - light,
            weight=around.weight,
            light=light,
            positions=positions[fit.bright] + shift,
            flux=fit.solution[fit.bright],
            sigma_px=psf.sigma_px,
        )
        around = surroundings(image, spots, box_px=_BOX_PX, light=light, halo=halo)
        fit = fitted(around, fit.fluxes())
    return fit


def _places(
    image: PhotonImage,
    dots: Localizations,
    transform: Transform,
    found: Localizations,
    matches: Matches,
    systematic_px: float,
) -> _Places:
    in_channel = transform.inverse(dots.positions)
    own = np.mean(dots.position_err_px**2, axis=1)
    mapping = transform.position_covariance(in_channel)
    variance = own + 0.5 * np.trace(mapping, axis1=1, axis2=2) + systematic_px**2
    sigma = found.psf_sigma_px
    err = np.minimum(np.sqrt(variance) / transform.scale, sigma)
    gate = float(np.median(matches.gate_px)) / transform.scale if len(dots) and len(found) else 0.0
    alone = matches.alone
    return _Places(
        in_channel + image.offset_px,
        np.hypot(sigma, err),
        err,
        found.positions[alone] + image.offset_px,
        np.sqrt(np.mean(found.position_err_px[alone] ** 2, axis=1)),
        found.field_psf,
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


def _unsure_share(places: _Places, spots: csc_matrix, weight: Array) -> Array:
    """Standard deviation of a dot's flux, as a share of it, since its place is not known exactly.

    A displacement d takes d^2 / 2 times the spot's curvature from its middle. The widened spot
    makes up for the mean of that and not for its spread, e^2 times the flux that is fitted to the
    spot's change with its squared width. The noise of its own light makes a bright spot's middle
    count less.
    """
    shape = (weight.shape[0], weight.shape[1])
    variance = places.dot_sigma**2
    wider = spot_matrix(shape, places.dots, np.sqrt((1.0 + _WIDENING) * variance), places.psf)
    weighted = spots.multiply(weight.reshape(-1, 1))
    norm = np.asarray(weighted.multiply(spots).sum(axis=0)).ravel()
    change = np.asarray(weighted.multiply(wider - spots).sum(axis=0)).ravel()
    seen = norm > 0
    slope = np.divide(change, norm * _WIDENING * variance, out=np.zeros(len(norm)), where=seen)
    return np.asarray(places.dot_err_px**2 * np.abs(slope))


def _at_blanks(
    image: PhotonImage,
    places: _Places,
    fit: JointFit,
    transform: Transform,
    options: MatchOptions,
    seed: int,
) -> BlankPlaces:
    shape = (image.mean.shape[0], image.mean.shape[1])
    blanks = blank_places(
        options.blank_places,
        shape=shape,
        margin_px=EDGE_SIGMA * places.sigma,
        occupied=places.dots,
        clearance_px=_CLEARANCE_SIGMA * places.sigma,
        seed=seed,
    )
    width = float(np.median(places.dot_sigma)) if len(places.dots) else places.sigma
    theirs: list[list[int]] = [[] for _ in blanks]
    if len(places.others) and len(blanks):
        near = cKDTree(places.others).query_ball_point(blanks, places.gate_px)
        theirs = [[len(places.dots) + index for index in sorted(each)] for each in near]
    spots = spot_matrix(shape, blanks, np.full(len(blanks), width), places.psf)
    measured = fit.at(spots, theirs)
    good = np.isfinite(measured.flux)
    return BlankPlaces(
        measured.flux[good] / image.exposure_s,
        measured.err[good] / image.exposure_s,
        np.array([bool(each) for each in theirs], bool)[good],
        transform.apply(blanks[good] - image.offset_px),
    )
