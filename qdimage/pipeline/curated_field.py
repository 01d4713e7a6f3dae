"""The dots of a field as a person left them: what the rest of the analysis is about."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.curation import JudgedPlace, Judgement
from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_image import PhotonImage
from qdimage.match.placed_dots import with_placed_dots
from qdimage.match.same_dot import allowed_distance_px, dots_at_places
from qdimage.pipeline.curation import JudgedDots

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class CuratedDots:
    """PL dots in order of (y, x), those that a person put somewhere among them.

    Attributes
    ----------
    dots : Localizations
    judged : mapping of int to JudgedPlace
        By dot_id, which counts the dots from 1.
    warnings : tuple of str
        Decisions about places where no dot was found, and the like.
    """

    dots: Localizations
    judged: JudgedDots = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def rejected(self) -> NDArray[np.bool_]:
        """Whether each dot was rejected."""
        mask = np.zeros(len(self.dots), bool)
        for dot, place in self.judged.items():
            mask[dot - 1] = place.judgement.accepted is False
        return mask


def curate_field(
    image: PhotonImage, dots: Localizations, places: Sequence[JudgedPlace]
) -> CuratedDots:
    """Take away, move and add dots as a person decided.

    Parameters
    ----------
    image : PhotonImage
        Of the field's reference channel.
    dots : Localizations
        As they were found in it.
    places : sequence of JudgedPlace
    """
    outside = [place for place in places if _is_outside(place, image)]
    places = [place for place in places if place not in outside]
    meant = _dots_meant(dots, places)
    of_dot = {int(dot): place for dot, place in zip(meant, places, strict=True) if dot >= 0}
    kept = [k for k in range(len(dots)) if k not in of_dot or _stays(of_dot[k].judgement)]
    moved = [each for each in of_dot.values() if _is_moved(each.judgement)]
    added = [
        place
        for dot, place in zip(meant, places, strict=True)
        if dot < 0 and place.judgement.added and not place.judgement.deleted
    ]
    result = _taken(dots, np.array(kept, np.int64))
    if moved or added:
        at = np.array([place.now_px for place in (*moved, *added)])
        flags = [DotFlag.MOVED] * len(moved) + [DotFlag.ADDED] * len(added)
        result = with_placed_dots(image, result, at, np.array(flags, np.int64))
    order = np.lexsort((result.x_px, result.y_px))
    places_of = [*(of_dot.get(dot) for dot in kept), *moved, *added]
    judged = {
        number: place
        for number, index in enumerate(order, start=1)
        if (place := places_of[index]) is not None
    }
    return CuratedDots(_taken(result, order), judged, _warnings(outside, places, meant))


def _dots_meant(dots: Localizations, places: Sequence[JudgedPlace]) -> Indices:
    """Return the dot that each place means, -1 for none.

    A place of an added dot means a found one where the analysis has come to find it by itself.
    """
    at = np.array([(place.x_px, place.y_px) for place in places], float).reshape(-1, 2)
    was_added = np.array([place.judgement.added for place in places], bool)
    within = allowed_distance_px(dots.position_err_px)
    meant = np.full(len(places), -1, np.int64)
    for asked in (~was_added, was_added):
        free = np.setdiff1d(np.arange(len(dots)), meant)
        hits = dots_at_places(at[asked], dots.positions[free], within[free])
        meant[np.flatnonzero(asked)[hits >= 0]] = free[hits[hits >= 0]]
    return meant


def _stays(judgement: Judgement) -> bool:
    return not judgement.deleted and judgement.moved_to_px is None


def _is_moved(judgement: Judgement) -> bool:
    return not judgement.deleted and judgement.moved_to_px is not None


def _is_outside(place: JudgedPlace, image: PhotonImage) -> bool:
    height, width = image.mean.shape
    x_px, y_px = np.asarray(place.now_px) + image.offset_px
    return not (-0.5 < x_px < width - 0.5 and -0.5 < y_px < height - 0.5)


def _taken(dots: Localizations, index: Indices) -> Localizations:
    """The dots of some indices, in their order."""
    arrays: dict[str, Any] = {
        each.name: value[index]
        for each in fields(dots)
        if isinstance(value := getattr(dots, each.name), np.ndarray)
    }
    return replace(dots, **arrays)


def _warnings(
    outside: Sequence[JudgedPlace], places: Sequence[JudgedPlace], meant: Indices
) -> tuple[str, ...]:
    lost = [f"{place}: the place lies outside the image, which passes it over" for place in outside]
    for place, dot in zip(places, meant, strict=True):
        if dot < 0 and not place.judgement.added:
            lost.append(f"{place}: no dot is found there any more, so that it has no effect")
        elif dot >= 0 and place.judgement.added:
            lost.append(f"{place}: the dot is now found without help, which is what counts")
    return tuple(lost)
