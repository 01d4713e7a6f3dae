"""All light of a field, of its dots and between them, in every EL channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from qdimage.domain.overlap_light import OverlapLight
from qdimage.domain.tables import BLANKS, DOT_CHANNELS, DOTS, LOCALIZATIONS, MATCHES
from qdimage.pipeline.channel_fluxes import ChannelKey

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
Floats = NDArray[np.float64]
Frames = Mapping[str, "pd.DataFrame"]

POOLED = "all"
_AT_REST_V = 1e-6
_SUMS = ("integrated", "dots", "background")
_OF_SOURCES = ("integrated", "background")
# Largest relative error of a share that is stated.
_SHARE_ERR = 0.1


@dataclass(frozen=True)
class LitChannel:
    """An EL channel on its way to a row.

    Attributes
    ----------
    row : dict
        device, field, channel, voltage_v, signal_unit, status, message.
    light : OverlapLight or None
    exposure_s : float
    pixel_um : float or None
        Of the channel.
    """

    row: Row
    light: OverlapLight | None
    exposure_s: float
    pixel_um: float | None

    @property
    def key(self) -> ChannelKey:
        """Device, field and channel."""
        return ChannelKey(self.row["device"], self.row["field"], self.row["channel"])


def el_series_rows(channels: Sequence[LitChannel], frames: Frames) -> list[Row]:
    """Return a row for each channel, and one for each voltage of a device.

    Where a field has a channel at 0 V with the same exposure, that is what no light looks like;
    else the camera's bias and clock-induced charge are, whose errors are not known.
    """
    sums = _Sums(frames)
    rows = []
    for channel in channels:
        row = dict(channel.row)
        if channel.light is not None and row["status"] == "ok":
            row |= _of_channel(channel, channel.light, _at_rest(channel, channels), sums)
        rows.append(row)
    _add_spot_shares(rows, channels)
    return [*rows, *_pools(rows)]


def _add_spot_shares(rows: Sequence[Row], channels: Sequence[LitChannel]) -> None:
    """Add to the channels of each field which share of the sources' light their spots count.

    The rest lies in the wings of spots, and in sources that were not found. Spots look the same at
    every voltage, so that one share serves all of them.
    """
    fields: dict[tuple[str, ...], list[tuple[Row, OverlapLight]]] = {}
    for row, channel in zip(rows, channels, strict=True):
        if channel.light is not None and row.get("n_pixels"):
            fields.setdefault(channel.key[:2], []).append((row, channel.light))
    for own in fields.values():
        share = _spot_share([_all_and_counted(row, light) for row, light in own])
        if share is not None:
            for row, _ in own:
                row["spot_share"], row["spot_share_err"] = share


def _all_and_counted(row: Row, light: OverlapLight) -> tuple[float, float, float] | None:
    """Light of all sources with its error, and what of it was measured in their spots."""
    names = [f"{name}_photons{err}_s" for name in _OF_SOURCES for err in ("", "_err")]
    values = [float(row[name]) for name in names if row.get(name) is not None]
    if len(values) < len(names):
        return None
    integrated, integrated_err, background, background_err = values
    err = float(np.hypot(integrated_err, background_err))
    return (integrated - background, err, light.counted_s) if err > 0 else None


def _spot_share(
    pairs: Sequence[tuple[float, float, float] | None],
) -> tuple[float, float] | None:
    known = [pair for pair in pairs if pair is not None]
    if not known:
        return None
    light, err, counted = (np.array(each) for each in zip(*known, strict=True))
    weight = 1 / err**2
    norm = float((counted**2 * weight).sum())
    if norm <= 0:
        return None
    # All light over what is counted, which is known much better.
    ratio, ratio_err = float((light * counted * weight).sum()) / norm, float(1 / np.sqrt(norm))
    if not 0 < ratio_err < _SHARE_ERR * ratio:
        return None
    return 1 / ratio, ratio_err / ratio**2


def _at_rest(channel: LitChannel, channels: Sequence[LitChannel]) -> LitChannel | None:
    """The field's channel at 0 V."""
    for other in channels:
        same = other.key[:2] == channel.key[:2] and other.exposure_s == channel.exposure_s
        if same and abs(other.row["voltage_v"]) < _AT_REST_V and other.light is not None:
            known = np.isfinite(other.light.background_px_s)
            return other if known and other.row["status"] == "ok" else None
    return None


def _of_channel(
    channel: LitChannel, light: OverlapLight, rest: LitChannel | None, sums: "_Sums"
) -> Row:
    zero_px, zero_err_px, zero = 0.0, 0.0, light.zero
    if rest is not None and rest.light is not None:
        zero_px = rest.light.background_px_s
        # It is its own zero without an error.
        zero_err_px = 0.0 if rest is channel else rest.light.background_px_err_s
        zero = f"{rest.row['channel']} at 0 V"
    n = light.n_pixels
    background_px = light.background_px_s - zero_px
    background_err_px = float(np.hypot(light.background_px_err_s, zero_err_px))
    row: Row = {
        "n_pixels": n,
        "integrated_photons_s": _known(light.total_s - n * zero_px),
        "integrated_photons_err_s": _known(float(np.hypot(light.total_err_s, n * zero_err_px))),
        "background_photons_px_s": _known(background_px),
        "background_photons_s": _known(n * background_px),
        "background_photons_err_s": _known(n * background_err_px),
        "between_share": light.n_free / n if n else None,
        "zero": zero,
        "per_adu_photons_s": light.per_adu_s,
        "message": light.message,
    }
    if channel.pixel_um is not None:
        row["area_um2"] = n * channel.pixel_um**2
    row |= sums.of(channel.key)
    judged = ["dots"]
    if rest is not None and rest is not channel:
        judged += ["background", "integrated"]
    for name in judged:
        value, err = row.get(f"{name}_photons_s"), row.get(f"{name}_photons_err_s")
        if value is not None and err:
            row[f"{name}_p"] = float(norm.sf(value / err))
    return row


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


class _Sums:
    """Light of the dots and of other sources of a channel, from the tables about dots."""

    def __init__(self, frames: Frames) -> None:
        dots = frames[DOTS.name]
        accepted = dots["accepted"].to_numpy(bool, na_value=True)
        left_out = dots[~accepted]
        self._rejected = set(
            zip(left_out["device"], left_out["field"], left_out["dot_id"].tolist(), strict=True)
        )
        self._fluxes, self._blanks, self._matches = (
            _by_channel(frames[table.name]) for table in (DOT_CHANNELS, BLANKS, MATCHES)
        )
        self._localized = _by_channel(frames[LOCALIZATIONS.name])

    def of(self, key: ChannelKey) -> Row:
        """Return the sums of a channel.

        What blank places show on average, light of sources too faint to be found included, is
        taken off each dot.
        """
        own = self._fluxes.get(key)
        row: Row = self._el_only(key)
        if own is None:
            return row
        ids = own["dot_id"].tolist()
        mine = np.array([(*key[:2], dot) not in self._rejected for dot in ids], bool)
        flux, err = (_numbers(own, name)[mine] for name in ("photons_s", "photons_err_s"))
        flags = own["flags"].fillna("").astype(str)
        outside = flags.str.split(";").map(lambda each: "outside" in each).to_numpy(bool)[mine]
        known = np.isfinite(flux) & np.isfinite(err)
        n = int(known.sum())
        row |= {"n_dots": n, "n_not_measured": int((~known & ~outside).sum())}
        if n == 0:
            return row
        blank, blank_err = self._blank(key)
        return row | {
            "dots_photons_s": float(flux[known].sum() - n * blank),
            "dots_photons_err_s": float(np.hypot(np.sqrt((err[known] ** 2).sum()), n * blank_err)),
        }

    def _blank(self, key: ChannelKey) -> tuple[float, float]:
        own = self._blanks.get(key)
        if own is None:
            return 0.0, 0.0
        free = ~own["occupied"].to_numpy(bool, na_value=False)
        flux = _numbers(own, "photons_s")[free]
        flux = flux[np.isfinite(flux)]
        if len(flux) < 2:
            return 0.0, 0.0
        return float(flux.mean()), float(flux.std(ddof=1) / np.sqrt(len(flux)))

    def _el_only(self, key: ChannelKey) -> Row:
        own, found = self._matches.get(key), self._localized.get(key)
        if own is None or found is None:
            return {"n_el_only": 0, "el_only_photons_s": 0.0}
        alone = own["el_only"].to_numpy(bool, na_value=False)
        flux = dict(zip(found["loc_id"].tolist(), _numbers(found, "photons_s"), strict=True))
        light = [flux[loc] for loc in own["loc_id"][alone].tolist() if loc in flux]
        return {"n_el_only": len(light), "el_only_photons_s": float(np.nansum(light))}


def _by_channel(frame: "pd.DataFrame") -> dict[tuple[str, ...], "pd.DataFrame"]:
    groups = frame.groupby(list(ChannelKey._fields), sort=False)
    return {tuple(map(str, key)): own for key, own in groups}


def _numbers(frame: "pd.DataFrame", name: str) -> Floats:
    return np.asarray(frame[name].to_numpy(np.float64, na_value=np.nan))


def _pools(rows: Sequence[Row]) -> list[Row]:
    """Sum the fields of each device at each voltage."""
    groups: dict[tuple[str, float, str], list[Row]] = {}
    for row in rows:
        if row["status"] == "ok" and row.get("n_pixels"):
            key = row["device"], row["voltage_v"], row["signal_unit"]
            groups.setdefault(key, []).append(row)
    return [_pool(own) for _, own in sorted(groups.items())]


def _pool(rows: Sequence[Row]) -> Row:
    fields = {row["field"] for row in rows}
    first = rows[0]
    pool: Row = {
        "device": first["device"],
        "field": POOLED,
        "channel": POOLED,
        "voltage_v": first["voltage_v"],
        "signal_unit": first["signal_unit"],
        "status": "ok",
        "n_fields": len(fields),
        "zero": first["zero"] if len({row["zero"] for row in rows}) == 1 else "of each field",
        "message": "",
    }
    if len(fields) < len(rows):
        pool["message"] = "a field has several channels at this voltage; all are in the sum"
    names = ("area_um2", "n_pixels", "n_dots", "n_not_measured", "n_el_only", "el_only_photons_s")
    for name in (*names, "per_adu_photons_s", *(f"{each}_photons_s" for each in _SUMS)):
        values = [row[name] for row in rows if row.get(name) is not None]
        if len(values) == len(rows):
            pool[name] = sum(values)
    shares = [(row["spot_share"], row["n_pixels"]) for row in rows if row.get("spot_share")]
    if len(shares) == len(rows):
        values, weights = np.array(shares).T
        pool["spot_share"] = float(np.average(values, weights=weights))
    for each in _SUMS:
        errors = [row.get(f"{each}_photons_err_s") for row in rows]
        known = [err for err in errors if err is not None]
        if len(known) == len(rows):
            pool[f"{each}_photons_err_s"] = float(np.sqrt(np.sum(np.square(known))))
        value, err = pool.get(f"{each}_photons_s"), pool.get(f"{each}_photons_err_s")
        if value is not None and err and all(row.get(f"{each}_p") is not None for row in rows):
            pool[f"{each}_p"] = float(norm.sf(value / err))
    return pool
