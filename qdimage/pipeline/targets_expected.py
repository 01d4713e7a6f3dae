"""What an HBT measurement of each dot will show, from the camera's fluxes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.experiment import OpticsTable
from qdimage.pipeline.targets_dots import FieldDots
from qdimage.steering.hbt_time import g2_0_err, seconds_for_g2_err
from qdimage.steering.options import TargetOptions

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

_RISE_TIME_NS = 10.0
_FASTEST_NS = 1.0
# Values of g2(0) between which the error is interpolated, dense where it rises steeply.
_GRID = np.linspace(0.0, 1.0, 21) ** 2


@dataclass(frozen=True)
class Expected:
    """Every array has one element for each dot; NaN where not known.

    Attributes
    ----------
    neighbour_share, background_share : ndarray
        Of the light and dark counts behind the pinhole.
    g2_floor, g2_0 : ndarray
        Of an ideal dot, and of one whose own g2(0) is as given.
    counts_s : ndarray
        Of both detectors.
    minutes, minutes_known_shape : ndarray
        Whatever the dip's shape, and where it is one exponential.
    notes : tuple of str
    """

    neighbour_share: Array
    background_share: Array
    g2_floor: Array
    g2_0: Array
    counts_s: Array
    minutes: Array
    minutes_known_shape: Array
    notes: tuple[str, ...]

    def row(self, index: int) -> dict[str, Any]:
        """Return the columns of one dot."""
        return {
            "neighbour_share": self.neighbour_share[index],
            "background_share": self.background_share[index],
            "g2_floor": self.g2_floor[index],
            "g2_0_expected": self.g2_0[index],
            "counts_s": self.counts_s[index],
            "minutes": self.minutes[index],
            "minutes_known_shape": self.minutes_known_shape[index],
        }


def expectations(
    dots: FieldDots,
    optics: OpticsTable,
    options: TargetOptions,
    *,
    photons: "pd.DataFrame",
    recorded: Mapping[str, Any],
) -> Expected:
    """Return what is expected of a field's dots.

    Parameters
    ----------
    dots : FieldDots
    optics : OpticsTable
    options : TargetOptions
    photons : pandas.DataFrame
        The run's table, for the rise time of its dips.
    recorded : mapping
        The field in ``run.json``, for the option ``g2.fastest_ns``.
    """
    notes: list[str] = []
    nan = np.full(len(dots), np.nan)
    signal, note = _signal_counts_s(dots, optics, options)
    if note:
        notes.append(note)
    light = dots.light
    if light is None:
        neighbours = background = floor = nan
        purity = np.ones(len(dots))
        counts = signal + options.dark_counts_s
    else:
        # Counts for each unit of light behind the pinhole; own light there is what was calibrated.
        known = light.own > 0
        per_light = np.divide(signal, light.own, out=nan.copy(), where=known)
        counts = light.total * per_light + options.dark_counts_s
        if options.counts_s is not None:
            counts = np.where(known, options.counts_s, np.nan)
        lost = np.nan_to_num(options.dark_counts_s / counts) if options.dark_counts_s else 0.0
        total = np.where(light.total > 0, light.total, np.nan)
        neighbours = (1 - lost) * light.neighbours / total
        background = (1 - lost) * light.background / total + lost
        purity = (1 - lost) ** 2 * light.antibunched
        floor = 1 - purity
    if dots.voltage_v is None and options.counts_s is None and not np.all(np.isnan(counts)):
        notes.append("counts of PL hold for the excitation of the image; give counts_s for another")
    g2_0 = 1 - purity * (1 - options.g2_0)
    rise_ns = _rise_time_ns(dots, options, photons)
    fastest_ns = float(recorded.get("options", {}).get("g2", {}).get("fastest_ns", _FASTEST_NS))
    minutes, known_shape = (
        _minutes(g2_0, counts, options, rise_time_ns=rise_ns, fastest_ns=bound)
        for bound in (fastest_ns, None)
    )
    return Expected(neighbours, background, floor, g2_0, counts, minutes, known_shape, tuple(notes))


def _signal_counts_s(
    dots: FieldDots, optics: OpticsTable, options: TargetOptions
) -> tuple[Array, str]:
    """Counts of each dot itself on both detectors, and why they are not known."""
    if options.counts_s is not None:
        return np.full(len(dots), options.counts_s - options.dark_counts_s), ""
    nan = np.full(len(dots), np.nan)
    if dots.unit != "photons":
        return nan, f"no minutes of HBT: fluxes are in {dots.unit}; give counts_s"
    camera, arm = optics.camera_collection_efficiency, optics.collection_efficiency
    if camera is None or arm is None:
        return nan, (
            "no minutes of HBT without collection_efficiency and camera_collection_efficiency in "
            "[optics]; add them, or give counts_s"
        )
    return np.where(dots.flux > 0, dots.flux, np.nan) / camera * arm, ""


def _rise_time_ns(dots: FieldDots, options: TargetOptions, photons: "pd.DataFrame") -> float:
    if options.rise_time_ns is not None:
        return options.rise_time_ns
    kind = "pl" if dots.voltage_v is None else "el"
    own = photons[(photons["kind"] == kind) & (photons["device"] == dots.device)]
    own = own[(own["rise_time_ns"] > 0).fillna(False).to_numpy(bool)]
    if own.empty:
        return _RISE_TIME_NS
    if dots.voltage_v is not None:
        # The dip narrows as the voltage rises.
        away = (own["voltage_v"] - dots.voltage_v).abs()
        own = own[(away <= away.min()).to_numpy(bool)]
    return float(own["rise_time_ns"].median())


def _minutes(
    g2_0: Array,
    counts_s: Array,
    options: TargetOptions,
    *,
    rise_time_ns: float,
    fastest_ns: float | None,
) -> Array:
    at_grid = [
        g2_0_err(
            1.0,
            g2_0=value,
            rise_time_ns=rise_time_ns,
            fastest_ns=fastest_ns,
            response_fwhm_ns=options.response_fwhm_ns,
        )
        for value in _GRID
    ]
    unit_err = np.interp(g2_0, _GRID, at_grid)
    seconds = seconds_for_g2_err(options.g2_err, counts_s=counts_s, unit_err=unit_err)
    return np.where(np.isfinite(seconds), seconds / 60, np.nan)
