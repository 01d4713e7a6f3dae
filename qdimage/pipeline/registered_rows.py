"""The table `registration` of a field that was registered and no further."""

from typing import TYPE_CHECKING, Any

from qdimage.domain.tables import REGISTRATION
from qdimage.pipeline.field import RegisteredField
from qdimage.pipeline.registration import Found
from qdimage.pipeline.tables import as_frame, registration_row

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
            **registration_row(answer, shape=found.shape if isinstance(found, Found) else None),
        }
        if isinstance(found, Found):
            row["n_localizations"] = len(found.dots)
        rows.append(row)
    return as_frame(rows, REGISTRATION)
