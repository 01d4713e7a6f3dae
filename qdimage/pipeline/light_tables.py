"""Tables of light and current over voltages, from the fields of a run and its other tables."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qdimage.domain.iv_tables import EFFICIENCY
from qdimage.domain.light_tables import BAND_SERIES, EL_SERIES, LIGHT_TURN_ON, PHOTON_FLUX
from qdimage.domain.photon_tables import PHOTONS, TRACES
from qdimage.domain.spectrum_tables import SPECTRA
from qdimage.domain.table import Table
from qdimage.domain.tables import DOT_CHANNELS
from qdimage.pipeline.el_series import POOLED, LitChannel, el_series_rows
from qdimage.pipeline.field import FieldResult
from qdimage.pipeline.iv_efficiency import device_currents, efficiency_rows
from qdimage.pipeline.light_flux import photon_flux_rows
from qdimage.pipeline.light_series import band_series_rows, light_turn_on_rows

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
Place = tuple[str, str]


def light_tables(
    fields: Sequence[FieldResult],
    channels: Sequence[LitChannel],
    frames: Mapping[str, "pd.DataFrame"],
) -> dict[Table, list[Row]]:
    """Return the rows of the tables of light and efficiency.

    Parameters
    ----------
    fields : sequence of FieldResult
    channels : sequence of LitChannel
        Every EL channel of the fields.
    frames : mapping of str to pandas.DataFrame
        The tables about dots and files.
    """
    places = {_place(field): field for field in fields}
    optics = {place: field.experiment.declared.optics for place, field in places.items()}
    el_series = el_series_rows(channels, frames)
    bands = band_series_rows(_records(frames[SPECTRA.name]))
    flux = photon_flux_rows(
        _records(frames[PHOTONS.name]),
        _records(frames[TRACES.name]),
        _records(_of_dots_in(frames[DOT_CHANNELS.name], frames[PHOTONS.name])),
        optics,
        _spot_shares(el_series),
    )
    turn_on = light_turn_on_rows(
        el_series,
        bands,
        flux,
        {place: each.options.series.false_alarm_probability for place, each in places.items()},
    )
    efficiency = efficiency_rows(
        el_series,
        flux,
        camera_efficiency=_camera_efficiency(fields),
        current_of=device_currents({place: each.iv for place, each in places.items()}),
    )
    return {
        EL_SERIES: el_series,
        BAND_SERIES: bands,
        PHOTON_FLUX: flux,
        LIGHT_TURN_ON: turn_on,
        EFFICIENCY: efficiency,
    }


def _spot_shares(el_series: Sequence[Row]) -> dict[Place, tuple[float, float]]:
    return {
        (row["device"], row["field"]): (row["spot_share"], row["spot_share_err"])
        for row in el_series
        if row["field"] != POOLED and row.get("spot_share") is not None
    }


def _place(field: FieldResult) -> Place:
    return field.experiment.device, field.experiment.name


def _camera_efficiency(fields: Sequence[FieldResult]) -> dict[Place, float | None]:
    """Of each field, and of each device where its fields agree."""
    found: dict[Place, float | None] = {}
    devices: dict[str, set[float | None]] = {}
    for field in fields:
        share = field.experiment.declared.optics.camera_collection_efficiency
        found[_place(field)] = share
        devices.setdefault(field.experiment.device, set()).add(share)
    for device, shares in devices.items():
        found[device, POOLED] = shares.pop() if len(shares) == 1 else None
    return found


def _of_dots_in(dot_channels: "pd.DataFrame", photons: "pd.DataFrame") -> "pd.DataFrame":
    """Return the fluxes of dots with time tags: a run may have a million of others."""
    keys = ["device", "field", "dot_id"]
    return dot_channels.merge(photons[keys].dropna().drop_duplicates(), on=keys)


def _records(frame: "pd.DataFrame") -> list[Row]:
    """Rows with None for what is missing."""
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]
