"""What a finished run knows of a field's dots as targets, at one voltage or under PL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from qdimage.domain.experiment import OpticsTable
from qdimage.image.calibration import ESTIMATED
from qdimage.match.neighbours import PinholeLight, pinhole_light

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# A localization this close to a dot is its own, so that its background is the dot's.
_OWN_SIGMA = 3.0
_SAME_VOLTAGE_V = 1e-6


@dataclass(frozen=True)
class FieldDots:
    """The dots of one field; every array has one element for each.

    Attributes
    ----------
    device, field, channel, unit : str
        The channel whose fluxes these are, and what they count.
    voltage_v : float or None
        None for PL.
    dot_id : ndarray of int
    positions, position_err : ndarray, shape (n, 2)
        px, field frame; the error of a place by hand is NaN.
    flux, flux_err : ndarray
        NaN where a dot has none of its own.
    lit, isolated, accepted : ndarray of bool
        All are lit under PL.
    nearest_um : ndarray
        Distance of the nearest other PL dot; NaN without any.
    flags : list of str
    light : PinholeLight or None
        None where the pinhole is not known.
    notes : tuple of str
        What a person should know about all of them.
    """

    device: str
    field: str
    channel: str
    unit: str
    voltage_v: float | None
    dot_id: NDArray[np.int64]
    positions: Array
    position_err: Array
    flux: Array
    flux_err: Array
    lit: Mask
    isolated: Mask
    accepted: Mask
    nearest_um: Array
    flags: list[str]
    light: PinholeLight | None
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.dot_id)


def el_channels_at(
    tables: Mapping[str, "pd.DataFrame"], device: str, field: str, voltage_v: float
) -> list[str]:
    """Return the measured EL channels of a field at a voltage."""
    rows = _of(tables["dot_channels"], device, field)
    at = np.abs(_numbers(rows, "voltage_v") - voltage_v) < _SAME_VOLTAGE_V
    return sorted(set(rows[at & (rows["status"] == "ok").to_numpy(bool)]["channel"]))


def field_dots(
    tables: Mapping[str, "pd.DataFrame"],
    device: str,
    field: str,
    *,
    channel: str | None,
    pixel_um: float,
    optics: OpticsTable,
    isolation_um: float,
) -> FieldDots:
    """Collect what is known of a field's dots.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Of a finished run.
    device, field : str
    channel : str or None
        The EL channel; None for the PL reference.
    pixel_um : float
    optics : OpticsTable
    isolation_um : float
        Within it an isolated dot has no other.
    """
    dots = _of(tables["dots"], device, field).sort_values("dot_id")
    channels = _of(tables["channels"], device, field)
    reference = channels[channels["reference"].fillna(False).to_numpy(bool)]
    rows = reference if channel is None else channels[channels["channel"] == channel]
    seen = rows.iloc[0]
    positions = np.column_stack([_numbers(dots, "x_px"), _numbers(dots, "y_px")])
    measured = _channel_rows(tables["dot_channels"], seen)
    flux = _Fluxes.pl(dots) if channel is None else _Fluxes.el(dots, measured)
    notes: list[str] = []
    light = None
    if optics.pinhole_um is None:
        notes.append("no g2_floor without pinhole_um of [optics]")
    else:
        width_px = _width_px(seen, reference)
        light = _light(tables, seen, positions, flux, pixel_um, optics.pinhole_um, width_px, notes)
    nearest = np.full(len(dots), np.nan)
    if len(dots) > 1:
        nearest = pixel_um * cKDTree(positions).query(positions, k=2)[0][:, 1]
    return FieldDots(
        device=device,
        field=field,
        channel=str(seen["channel"]),
        unit=str(seen["signal_unit"]),
        voltage_v=None if channel is None else float(seen["voltage_v"]),
        dot_id=dots["dot_id"].to_numpy(np.int64),
        positions=positions,
        position_err=np.column_stack([_numbers(dots, "x_err_px"), _numbers(dots, "y_err_px")]),
        flux=flux.value,
        flux_err=flux.err,
        lit=flux.lit,
        isolated=~(nearest <= isolation_um),
        accepted=dots["accepted"].fillna(True).to_numpy(bool),
        nearest_um=nearest,
        flags=flux.flags,
        light=light,
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _Fluxes:
    value: Array
    err: Array
    lit: Mask
    flags: list[str]

    @classmethod
    def pl(cls, dots: "pd.DataFrame") -> "_Fluxes":
        value, err = _numbers(dots, "pl_photons_s"), _numbers(dots, "pl_photons_err_s")
        return cls(value, err, np.ones(len(dots), bool), [str(each) for each in dots["flags"]])

    @classmethod
    def el(cls, dots: "pd.DataFrame", measured: "pd.DataFrame") -> "_Fluxes":
        rows = measured.set_index("dot_id").reindex(dots["dot_id"])
        flags = [
            ";".join(dict.fromkeys(name for name in f"{a};{b}".split(";") if name))
            for a, b in zip(dots["flags"], rows["flags"].fillna(""), strict=True)
        ]
        value, err = _numbers(rows, "photons_s"), _numbers(rows, "photons_err_s")
        return cls(value, err, _true(rows, "lit"), flags)


def _light(
    tables: Mapping[str, "pd.DataFrame"],
    seen: "pd.Series[Any]",
    positions: Array,
    flux: _Fluxes,
    pixel_um: float,
    pinhole_um: float,
    width_px: float,
    notes: list[str],
) -> PinholeLight:
    """Light behind the pinhole on each dot, that of sources without a PL dot included."""
    to_field = _to_field(tables, seen)
    others, their_flux = _without_pl(tables, seen)
    per_px = _background_px_s(tables, seen, positions, to_field)
    per_px = per_px / abs(float(np.linalg.det(to_field[:, :2])))
    if ESTIMATED in _source_of(seen, "bias_adu"):
        per_px = np.zeros(len(positions))
        notes.append("the camera's bias is not known, and g2_floor is that of neighbours alone")
    scale = float(np.sqrt(abs(np.linalg.det(to_field[:, :2]))))
    sigma_um = pixel_um * scale * width_px
    density = np.concatenate([per_px, np.zeros(len(others))]) / pixel_um**2
    light = pinhole_light(
        pixel_um * np.vstack([positions, others]),
        np.concatenate([flux.value, their_flux]),
        pinhole_um=pinhole_um,
        psf_sigma_um=sigma_um,
        background_um2=density,
    )
    n = len(positions)
    return PinholeLight(
        light.own[:n], light.neighbours[:n], light.neighbours_squared[:n], light.background[:n]
    )


def _width_px(seen: "pd.Series[Any]", reference: "pd.DataFrame") -> float:
    """Width of a spot in the channel; in the reference where a channel without dots has none."""
    own = float(seen["psf_sigma_px"])
    return own if own > 0 else float(reference["psf_sigma_px"].iloc[0])


def _to_field(tables: Mapping[str, "pd.DataFrame"], seen: "pd.Series[Any]") -> Array:
    """The affine map of a channel's pixels to the field's."""
    rows = _of(tables["registration"], str(seen["device"]), str(seen["field"]))
    rows = rows[(rows["channel"] == seen["channel"]) & (rows["status"] == "ok")]
    if seen["kind"] == "pl" or rows.empty:
        return np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    names = ["m00", "m01", "m02", "m10", "m11", "m12"]
    return np.asarray(rows.iloc[0][names].to_numpy(float).reshape(2, 3))


def _without_pl(
    tables: Mapping[str, "pd.DataFrame"], seen: "pd.Series[Any]"
) -> tuple[Array, Array]:
    """Places and fluxes of EL sources that PL does not show."""
    matches = _channel_rows(tables["matches"], seen)
    found = _channel_rows(tables["localizations"], seen).set_index("loc_id")
    matches = matches[_true(matches, "el_only")]
    flux = _numbers(found.reindex(matches["loc_id"]), "photons_s")
    return np.column_stack([_numbers(matches, "x_px"), _numbers(matches, "y_px")]), flux


def _background_px_s(
    tables: Mapping[str, "pd.DataFrame"],
    seen: "pd.Series[Any]",
    positions: Array,
    to_field: Array,
) -> Array:
    """Background at each dot: under its own localization, else the channel's."""
    whole = float(seen["background_photons_px_s"])
    values = np.full(len(positions), whole)
    found = _channel_rows(tables["localizations"], seen)
    under = _numbers(found, "background_photons_px_s")
    known = np.isfinite(under)
    if not known.any() or not len(positions):
        return values
    places = np.column_stack([_numbers(found, "x_px"), _numbers(found, "y_px")])[known]
    inverse = np.linalg.inv(to_field[:, :2])
    own = (positions - to_field[:, 2]) @ inverse.T
    distance, nearest = cKDTree(places).query(own)
    near = distance <= _OWN_SIGMA * float(seen["psf_sigma_px"])
    values[near] = under[known][nearest[near]]
    return values


def _source_of(seen: "pd.Series[Any]", key: str) -> str:
    named = (each.partition(": ") for each in str(seen["camera_sources"]).split(";"))
    return next((source for name, _, source in named if name.strip() == key), "")


def _channel_rows(table: "pd.DataFrame", seen: "pd.Series[Any]") -> "pd.DataFrame":
    rows = _of(table, str(seen["device"]), str(seen["field"]))
    return rows[(rows["channel"] == str(seen["channel"])).to_numpy(bool)]


def _of(table: "pd.DataFrame", device: str, field: str) -> "pd.DataFrame":
    here = (table["device"] == device) & (table["field"] == field)
    return table[here.to_numpy(bool)]


def _numbers(rows: "pd.DataFrame", name: str) -> Array:
    return np.asarray(rows[name].to_numpy(np.float64, na_value=np.nan))


def _true(rows: "pd.DataFrame", name: str) -> Mask:
    return np.asarray(rows[name].fillna(False).to_numpy(bool))
