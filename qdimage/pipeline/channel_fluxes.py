"""The fluxes of a channel read back from the tables, so that fractions rest on tables alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.flags import DotFlag, flag_bits
from qdimage.domain.localizations import Localizations
from qdimage.domain.matches import Matches
from qdimage.domain.photometry import BlankPlaces, ForcedPhotometry
from qdimage.domain.tables import BLANKS, CHANNELS, DOT_CHANNELS, DOTS, MATCHES

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Frames = Mapping[str, "pd.DataFrame"]


class ChannelKey(NamedTuple):
    """Device, field and channel."""

    device: str
    field: str
    channel: str


@dataclass(frozen=True)
class ChannelFluxes:
    """PL dots of a field, EL sources of a channel, and what light the dots have in it.

    Attributes
    ----------
    dots : Localizations
        As far as the tables tell.
    matches : Matches
    photometry : ForcedPhotometry
        Its errors are widened to what blank places show. A dot that was not measured, since a
        person put it there later, is flagged `UNRESOLVED`.
    rejected : ndarray of bool
        By a person.
    false_alarm_share, contamination_share : float
        Shares of blank places that are called lit: of those free of EL sources; and of all, those
        that are not free.
    """

    dots: Localizations
    matches: Matches
    photometry: ForcedPhotometry
    rejected: Mask
    false_alarm_share: float = float("nan")
    contamination_share: float = float("nan")


def read_fluxes(tables: Frames, keys: "list[ChannelKey]") -> dict[ChannelKey, ChannelFluxes]:
    """Return the fluxes of channels, from all tables about dots and the width of spots."""
    dots = _split(tables[DOTS.name], "device", "field")
    fluxes, matches, blanks = (
        _split(tables[table.name], *ChannelKey._fields) for table in (DOT_CHANNELS, MATCHES, BLANKS)
    )
    width = _psf_sigma_px(tables[CHANNELS.name])
    localized = {
        key: _localizations(dots, key, width.get(key, float("nan")))
        for key in dict.fromkeys(k[:2] for k in keys)
    }
    found = {}
    for key in keys:
        here, rejected, ids = localized[key[:2]]
        found[key] = ChannelFluxes(
            here,
            _matches(matches.of(key), ids),
            _photometry(fluxes.of(key), blanks.of(key), ids),
            rejected,
            *_lit_by_chance(blanks.of(key)),
        )
    return found


@dataclass(frozen=True)
class _Split:
    """A table whose rows are found by the values of some of its text columns."""

    frame: "pd.DataFrame"
    rows: Mapping[Any, NDArray[np.int64]]

    def of(self, key: tuple[str, ...]) -> "pd.DataFrame":
        return self.frame.iloc[self.rows.get(tuple(key), np.empty(0, np.int64))]


def _split(frame: "pd.DataFrame", *names: str) -> _Split:
    groups = frame.groupby(list(names), sort=False).indices
    return _Split(frame, {key: np.asarray(rows, np.int64) for key, rows in groups.items()})


def _numbers(frame: "pd.DataFrame", name: str) -> Floats:
    return np.asarray(frame[name].to_numpy(np.float64, na_value=np.nan))


def _true(frame: "pd.DataFrame", name: str, *, missing: bool) -> Mask:
    return np.asarray(frame[name].to_numpy(bool, na_value=missing))


def _bits(frame: "pd.DataFrame") -> NDArray[np.int64]:
    import pandas as pd

    codes, cells = pd.factorize(frame["flags"])
    bits = np.array([flag_bits(str(cell)) for cell in cells], np.int64)
    return bits[codes] if len(bits) else np.zeros(len(frame), np.int64)


def _psf_sigma_px(channels: "pd.DataFrame") -> dict[tuple[str, ...], float]:
    """Width of the spots of each field's PL dots."""
    own = channels[_true(channels, "reference", missing=False)]
    places = zip(own["device"], own["field"], strict=True)
    return dict(zip(places, _numbers(own, "psf_sigma_px").tolist(), strict=True))


def _localizations(
    dots: _Split, key: tuple[str, ...], psf_sigma_px: float
) -> tuple[Localizations, Mask, NDArray[np.int64]]:
    own = dots.of(key)
    nan = np.full(len(own), np.nan)
    here = Localizations(
        _numbers(own, "x_px"),
        _numbers(own, "y_px"),
        _numbers(own, "x_err_px"),
        _numbers(own, "y_err_px"),
        _numbers(own, "pl_photons_s"),
        _numbers(own, "pl_photons_err_s"),
        nan,
        nan,
        nan,
        _bits(own),
        psf_sigma_px,
    )
    return here, ~_true(own, "accepted", missing=True), own["dot_id"].to_numpy(np.int64)


def _photometry(
    own: "pd.DataFrame", blanks: "pd.DataFrame", ids: NDArray[np.int64]
) -> ForcedPhotometry:
    flux, err = np.full(len(ids), np.nan), np.full(len(ids), np.nan)
    flags = np.full(len(ids), int(DotFlag.UNRESOLVED), np.int64)
    rows = _index_of(own["dot_id"].to_numpy(np.int64), ids)
    here = rows >= 0
    flux[rows[here]] = _numbers(own, "photons_s")[here]
    err[rows[here]] = _numbers(own, "photons_err_s")[here]
    flags[rows[here]] = _bits(own)[here]
    null = BlankPlaces(
        _numbers(blanks, "photons_s"),
        _numbers(blanks, "photons_err_s"),
        _true(blanks, "occupied", missing=False),
        np.column_stack([_numbers(blanks, "x_px"), _numbers(blanks, "y_px")]),
    )
    return ForcedPhotometry(flux, err, flags, null)


def _lit_by_chance(blanks: "pd.DataFrame") -> tuple[float, float]:
    lit = _true(blanks, "lit", missing=False)
    occupied = _true(blanks, "occupied", missing=False)
    free = lit[~occupied]
    false_alarms = float(np.mean(free)) if len(free) else float("nan")
    return false_alarms, float(np.mean(lit & occupied)) if len(lit) else float("nan")


def _matches(own: "pd.DataFrame", ids: NDArray[np.int64]) -> Matches:
    def dots(name: str) -> NDArray[np.int64]:
        return _index_of(own[name].to_numpy(np.int64, na_value=-1), ids)

    return Matches(
        np.column_stack([_numbers(own, "x_px"), _numbers(own, "y_px")]),
        dots("nearest_dot_id"),
        np.column_stack([_numbers(own, "residual_x_px"), _numbers(own, "residual_y_px")]),
        _numbers(own, "gate_px"),
        dots("dot_id"),
        _true(own, "el_only", missing=False),
        np.ones(len(own), bool),
    )


def _index_of(wanted: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index of each wanted id among ascending ids; -1 where it is not there."""
    if len(ids) == 0:
        return np.full(len(wanted), -1, np.int64)
    at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return np.where(ids[at] == wanted, at, -1)
