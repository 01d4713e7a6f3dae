"""The tables of a field that was localized and registered and no further."""

from typing import TYPE_CHECKING, Any

from qdimage.domain.tables import LOCALIZATIONS, REGISTRATION
from qdimage.pipeline.field import Located, RegisteredField
from qdimage.pipeline.tables import as_frame, localization_rows, registration_row

if TYPE_CHECKING:
    import pandas as pd


def registration_table(field: RegisteredField) -> "pd.DataFrame":
    """Return a row for each EL channel, as a run writes it."""
    experiment = field.experiment
    rows: list[dict[str, Any]] = []
    for channel in experiment.declared.el_channels:
        found, answer = field.found[channel.name], field.answers[channel.name]
        row = {
            "device": experiment.device,
            "field": experiment.name,
            "channel": channel.name,
            "voltage_v": channel.voltage_v,
            **registration_row(answer, shape=found.shape if isinstance(found, Located) else None),
        }
        if isinstance(found, Located):
            row["n_localizations"] = len(found.dots)
        rows.append(row)
    return as_frame(rows, REGISTRATION)


def localization_table(field: RegisteredField) -> "pd.DataFrame":
    """Return a row for each dot of each channel, as a run writes it."""
    experiment = field.experiment
    rows: list[dict[str, Any]] = []
    for name, found in field.found.items():
        if isinstance(found, Located):
            rows += localization_rows(
                {"device": experiment.device, "field": experiment.name, "channel": name},
                found.dots,
                exposure_s=found.exposure_s,
                pixel_um=found.pixel_um,
                signal_unit=found.signal_unit,
            )
    return as_frame(rows, LOCALIZATIONS)
