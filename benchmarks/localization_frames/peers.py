"""Other programs on the same frames; those that are not installed are left out.

trackpy and scikit-image come with qdimage. For Picasso and photutils, install them into a folder of
their own (``pip install --target FOLDER picassosr photutils``) and give it by ``--peers FOLDER``.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localization_frames.draw import CHIP, Frame

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Positions (n, 2), the score a threshold is put on, and photons (NaN where not given)."""

    positions: Array
    score: Array
    photons: Array


Finder = Callable[[Frame, float], Found]
"""Everything that a frame may hold; the number is the size of the search, px."""


def photons_of(frame: Frame) -> Array:
    """The frame in photons at the camera."""
    to_photons = CHIP.electrons_per_adu / CHIP.em_gain / CHIP.quantum_efficiency
    return np.asarray((frame.adu - CHIP.bias_adu) * to_photons)


def trackpy_locate(frame: Frame, size_px: float, threshold: float = 0.0) -> Found:
    """trackpy's `locate`; photons from its mass."""
    import trackpy

    diameter = 2 * round(size_px) + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = trackpy.locate(frame.adu, diameter, minmass=threshold, engine="numba")
    mass = found["mass"].to_numpy(float)
    to_photons = CHIP.electrons_per_adu / CHIP.em_gain / CHIP.quantum_efficiency
    return Found(found[["x", "y"]].to_numpy(float), mass, mass * to_photons)


def local_peaks(frame: Frame, size_px: float) -> Found:
    """scikit-image's `peak_local_max` on the frame smoothed by the spot."""
    from scipy.ndimage import gaussian_filter
    from skimage.feature import peak_local_max

    smooth = gaussian_filter(photons_of(frame), size_px / 2)
    found = peak_local_max(smooth, min_distance=1, exclude_border=False)
    score = smooth[found[:, 0], found[:, 1]]
    return Found(found[:, ::-1].astype(float), score, np.full(len(found), np.nan))


def photutils_dao(frame: Frame, size_px: float) -> Found:
    """photutils' `DAOStarFinder` without its limits of shape."""
    from photutils.detection import DAOStarFinder

    image = photons_of(frame)
    image = image - np.median(image)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = DAOStarFinder(
            threshold=0.2 * float(image.std()),
            fwhm=2.355 * size_px / 2,
            sharpness_range=(-np.inf, np.inf),
            roundness_range=(-np.inf, np.inf),
        )(image)
    if found is None:
        return Found(np.empty((0, 2)), np.empty(0), np.empty(0))
    names = (
        ("x_centroid", "y_centroid")
        if "x_centroid" in found.colnames
        else ("xcentroid", "ycentroid")
    )
    positions = np.column_stack([np.asarray(found[name], float) for name in names])
    return Found(
        positions, -np.asarray(found["daofind_mag"], float), np.full(len(positions), np.nan)
    )


class _Movie:
    """One frame as Picasso reads movies."""

    def __new__(cls, adu: NDArray[np.uint16]) -> "_Movie":
        from picasso import io

        class Movie(io.AbstractPicassoMovie):  # type: ignore[misc]
            def __getitem__(self, index: object) -> NDArray[np.uint16]:
                return adu if isinstance(index, int | np.integer) else adu[np.newaxis]

            def __len__(self) -> int:
                return 1

            def __iter__(self) -> object:
                return iter([adu])

            def __enter__(self) -> object:
                return self

            def __exit__(self, *_: object) -> None:
                return None

        for name in Movie.__abstractmethods__:
            setattr(Movie, name, lambda self, *_: None)
        Movie.__abstractmethods__ = frozenset()
        Movie.n_frames, Movie.shape, Movie.dtype = 1, (1, *adu.shape), adu.dtype
        return Movie.__new__(Movie)


def picasso_mle(frame: Frame, size_px: float, threshold: float = 0.0, fit: bool = True) -> Found:
    """Picasso's net gradient and its maximum-likelihood fit of round Gaussians."""
    import pandas as pd
    from picasso import localize

    box = 2 * round(size_px) + 1
    y, x, gradient = localize.identify_in_frame(frame.adu, threshold, box)
    if not fit:
        positions = np.column_stack([x, y]).astype(float)
        return Found(positions, gradient.astype(float), np.full(len(x), np.nan))
    camera = {
        "Baseline": CHIP.bias_adu,
        "Sensitivity": CHIP.electrons_per_adu,
        "Gain": CHIP.em_gain,
        "Pixelsize": 160,
    }
    places = pd.DataFrame({"frame": 0, "x": x, "y": y, "net_gradient": gradient})
    found, _ = localize.fit(
        _Movie(frame.adu),
        camera_info=camera,
        identifications=places,
        box=box,
        fitting_method="gaussmle-spherical",
        multiprocess=False,
    )
    return Found(
        found[["x", "y"]].to_numpy(float),
        found["net_gradient"].to_numpy(float),
        found["photons"].to_numpy(float) / CHIP.quantum_efficiency,
    )


def installed() -> dict[str, Finder]:
    """The peers that can be imported, under the names of the tables."""
    found: dict[str, Finder] = {}
    for name, module, finder in (
        ("trackpy", "trackpy", trackpy_locate),
        ("Picasso", "picasso.localize", picasso_mle),
        ("photutils", "photutils.detection", photutils_dao),
        ("peak_local_max", "skimage.feature", local_peaks),
    ):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                __import__(module)
        except ImportError as error:
            print(f"{name} is left out: {error}")
            continue
        found[name] = finder
    return found
