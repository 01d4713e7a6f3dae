"""Rows of the table `blanks`: the null that dots were judged by, place by place."""

from typing import Any

from qdimage.match.lit import dark_null
from qdimage.pipeline.field import ElResult, FieldResult


def blank_rows(field: FieldResult) -> list[dict[str, Any]]:
    """Return a row for each blank place of each registered channel."""
    rows: list[dict[str, Any]] = []
    limit = field.options.match.false_alarm_probability
    for channel in field.el:
        if not isinstance(channel.el, ElResult):
            continue
        blanks = channel.el.photometry.blanks
        null = dark_null(blanks)
        err = null.widened(blanks.err_s)
        lit = null.false_alarm(blanks.flux_s / blanks.err_s) <= limit
        shared = {
            "device": field.experiment.device,
            "field": field.experiment.name,
            "channel": channel.declared.name,
            "voltage_v": channel.declared.voltage_v,
            "signal_unit": channel.signal_unit,
        }
        rows += [
            shared
            | {
                "blank_id": k + 1,
                "x_px": blanks.positions[k, 0],
                "y_px": blanks.positions[k, 1],
                "photons_s": blanks.flux_s[k],
                "photons_err_s": err[k],
                "occupied": bool(blanks.occupied[k]),
                "lit": bool(lit[k]),
            }
            for k in range(len(blanks.flux_s))
        ]
    return rows
