"""An image, the image of a point in it, and what can be asked of both."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.field_psf import FieldPsf
from qdimage.domain.photon_image import PhotonImage
from qdimage.localize.allowed_noise import allowed_by_chance, allowed_by_share
from qdimage.localize.candidates import find_candidates
from qdimage.localize.filtering import local_maxima, matched_filter
from qdimage.localize.fit import LEVEL, RATIO
from qdimage.localize.fit_noise import Noise
from qdimage.localize.options import LocalizeOptions
from qdimage.localize.significance import (
    TailTable,
    deviate_for_noise_peaks,
    expected_noise_peaks,
    tail_table,
)
from qdimage.numerics.background import smooth_background
from qdimage.numerics.em_register import information_table
from qdimage.numerics.psf import spot_profile
from qdimage.numerics.psf_terms import PsfTerms, draw_spots, psf_terms

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_REACH_SIGMA = 3.5
_FILTER_SIGMA = 3.5
_DRAW_SIGMA, _DRAW_WINGS_SIGMA = 4.5, 12.0
_EDGE_SIGMA = 2.5
# Candidates may be less significant than dots by this many deviates before they are fitted.
_PERMISSIVE = 0.7
# Noise peaks that are looked at where a crowd of dim sources may pay for some of them.
_MOST_PER_PIXEL = 1e-3
# A filter that is so much too wide or too narrow loses less than 1 % of a dot's significance.
_SERVES = 0.12
NO_SPOTS = np.empty((0, 4))


@dataclass(frozen=True)
class Seen:
    """Sources (n, 4) that a filter of a width has shown."""

    spots: Array
    sigma: float

    def serves(self, sigma: float) -> bool:
        """Whether a filter of another width would show the same."""
        return abs(self.sigma / sigma - 1.0) <= _SERVES


@dataclass(frozen=True)
class Scene:
    """What a search works on; spots are rows of x, y, flux and blur (px, signal, px^2).

    Attributes
    ----------
    image : PhotonImage
    psf : FieldPsf
    options : LocalizeOptions
    room : ndarray of float32, shape (2, y, x)
        For filtered images, so that each search need not ask for new memory.
    """

    image: PhotonImage
    psf: FieldPsf
    options: LocalizeOptions
    room: NDArray[np.float32]

    @property
    def sigma(self) -> float:
        """Width of the Gaussian that is closest to the spot, px."""
        return self.psf.sigma_px

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.image.mean.shape
        return height, width

    @property
    def terms(self) -> PsfTerms:
        """The image of a point as kernels take it."""
        return psf_terms(self.psf)

    @property
    def noise(self) -> Noise:
        """The noise as kernels take it."""
        image = self.image
        return Noise(image.variance_slope, image.read_variance, image.least_level)

    @property
    def fit_noise(self) -> Noise:
        """The same, with the register's own distribution where the options ask for it."""
        image = self.image
        exact = self.options.likelihood == "poisson_gamma" and image.noise.excess_factor_sq > 1
        if not exact or image.noise.unit_per_electron <= 0:
            return self.noise
        per_electron = image.noise.unit_per_electron
        read = float(np.sqrt(image.n_frames * image.read_variance)) / per_electron
        return self.noise._replace(per_electron=per_electron, register=information_table(read))

    @property
    def reach(self) -> int:
        """Pixels on each side of a spot that are fitted."""
        return max(2, int(np.ceil(_REACH_SIGMA * self.sigma)))

    @property
    def draw_reach(self) -> int:
        """Pixels on each side of a spot on which it is drawn."""
        far = _DRAW_SIGMA if self.psf.is_gaussian else _DRAW_WINGS_SIGMA
        return max(int(np.ceil(far * self.sigma)), self.reach + 1)

    def with_psf(self, psf: FieldPsf) -> "Scene":
        """Return it with another image of a point."""
        return replace(self, psf=psf)

    def light(self, spots: Array, out: Array | None = None) -> Array:
        """Return the light of spots (y, x), in an array that is given or in a new one."""
        light = np.zeros(self.shape) if out is None else out
        if out is not None:
            light[:] = 0.0
        self.draw(light, spots)
        return light

    def draw(self, light: Array, spots: Array, sign: float = 1.0) -> None:
        """Add the light of spots to an image, or take it off (sign -1), in place."""
        draw_spots(light, self.terms, spots, self.draw_reach, sign)

    def background(self, light: Array | None = None, out: Array | None = None) -> Array:
        """Return the background map of the image without that light, in an array that is given."""
        return smooth_background(
            self.image.mean,
            self.image.n_samples,
            box_px=self.options.background_box_px,
            variance_slope=self.image.variance_slope,
            read_variance=self.image.read_variance,
            light=light,
            out=out,
        )

    def tails(self, background: Array) -> TailTable:
        """Return the tails of the matched filter over that background."""
        return tail_table(
            self.image.noise,
            n_frames=self.image.n_frames,
            psf_sigma_px=self.sigma,
            lowest=float(background.min()),
            highest=2.0 * float(background.max()),
        )

    def at_edge(self, spots: Array) -> Mask:
        """Whether spots are closer to the border than the fit needs."""
        margin = _EDGE_SIGMA * self.sigma
        last = np.array(self.shape[::-1]) - 1 - margin
        return np.asarray(np.any((spots[:, :2] < margin) | (spots[:, :2] > last), axis=1))

    def expected_peaks(self, deviate: Array) -> Array:
        """Return the number of noise peaks in the image that are at least as significant."""
        return expected_noise_peaks(deviate, n_pixels=self.image.n_usable, psf_sigma_px=self.sigma)

    def false_alarms(self, tails: TailTable, result: Array) -> Array:
        """Return that number for each fitted spot."""
        return self.expected_peaks(tails.normal_deviate(result[:, RATIO], result[:, LEVEL]))

    def allowed(self, expected: Array) -> float:
        """Return the number of noise peaks above which a source is left out.

        By whichever of the rules that the options state allows most.
        """
        options, ordered = self.options, np.sort(expected)
        least = options.false_alarms_per_frame
        return max(
            least,
            allowed_by_share(ordered, options.false_discovery_rate),
            allowed_by_chance(ordered, options.noise_chance, least),
        )

    def candidates(self, background: Array, light: Array, tails: TailTable) -> Array:
        """Return sources (n, 4) in what background and light leave over, to be fitted."""
        image, noise = self.image, self.noise
        reach = max(1, int(np.ceil(_FILTER_SIGMA * self.sigma)))
        ratio, information = matched_filter(
            image.mean,
            image.n_samples,
            background,
            light,
            noise.slope,
            noise.read,
            noise.least,
            spot_profile(self.sigma, reach),
            self.room,
        )
        places, deviate = self._maxima(ratio, background, light, tails)
        if len(places) == 0:
            return NO_SPOTS
        threshold = self._threshold(self.allowed(self.expected_peaks(deviate))) - _PERMISSIVE
        places = places[deviate > threshold]
        column, row = self._pixels(places)
        flux = ratio[row, column] / np.sqrt(information[row, column])
        return np.column_stack([places, flux, np.zeros(len(places))])

    def _threshold(self, peaks: float) -> float:
        return deviate_for_noise_peaks(peaks, n_pixels=self.image.n_usable, psf_sigma_px=self.sigma)

    def _maxima(
        self, ratio: NDArray[np.float32], background: Array, light: Array, tails: TailTable
    ) -> tuple[Array, Array]:
        """Places of maxima that may be sources, and their equivalent normal deviates."""
        most = self.options.false_alarms_per_frame
        most = max(most, self.options.false_discovery_rate * ratio.size / 50)
        if self.options.noise_chance > 0.0:
            most = max(most, _MOST_PER_PIXEL * ratio.size)
        lowest = self._threshold(most) - _PERMISSIVE
        if self.options.candidates == "trackpy":
            map_ = tails.normal_deviate(ratio.astype(float), background + light)
            places = find_candidates(map_, threshold=lowest, psf_sigma_px=self.sigma)
        else:
            # The tail of few photons is longer than the normal one, never shorter.
            places = local_maxima(ratio, lowest)
        column, row = self._pixels(places)
        level = background[row, column] + light[row, column]
        deviate = tails.normal_deviate(ratio[row, column].astype(float), level)
        return places, deviate

    def _pixels(self, places: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        pixel = np.rint(places).astype(np.int64)
        height, width = self.shape
        return pixel[:, 0].clip(0, width - 1), pixel[:, 1].clip(0, height - 1)
