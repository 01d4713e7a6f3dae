"""What a run found, in a few lines."""

from typing import TYPE_CHECKING, Any

from qdimage.cli.terminal import aligned, show

if TYPE_CHECKING:
    import pandas as pd

    from qdimage.pipeline.run import RunResult

_MOST_LINES = 24  # of files that are shown one by one
_SINGLE = 0.5


def summary(result: "RunResult") -> dict[str, Any]:
    """Return the answers of a run for programs to read."""
    from qdimage.cli.frames import records

    return {
        "out": str(result.out),
        "report": str(result.out / "report.html"),
        "n_fields": result.n_fields,
        "failures": list(result.failures),
        "turn_on": records(result.tables["turn_on"]),
        "turn_on_curves": records(result.tables["turn_on_curves"]),
        "photons": records(result.tables["photons"]),
    }


def show_result(result: "RunResult") -> None:
    """Show fractions, turn-on voltages, refusals and g2(0) of a run, and where its report is."""
    turn_on = result.tables["turn_on"]
    for device, rows in turn_on[turn_on["field"] == "all"].groupby("device", sort=True):
        show(f"{device}: PL-visible dots that are brighter in EL than {_f_min(rows)}")
        show(aligned([_turn_on_line(row) for _, row in rows.iterrows()]))
        _show_curve(result.tables["turn_on_curves"], str(device))
    refused = result.tables["registration"]
    for _, row in refused[refused["status"] == "refused"].iterrows():
        show(f"refused: {row['field']}, {row['channel']}: {row['message']}")
    _show_photons(result.tables["photons"])
    show(f"report: {result.out / 'report.html'}")


def _show_photons(photons: "pd.DataFrame") -> None:
    """Show g2(0) of each file, or of many files by device, light and voltage."""
    if not len(photons):
        return
    show("g2(0) of single dots")
    if len(photons) <= _MOST_LINES:
        show(aligned([_photon_line(row) for _, row in photons.iterrows()]))
        return
    groups = photons.groupby(["device", "kind", "voltage_v"], sort=True, dropna=False)
    show(aligned([_photons_line(rows) for _, rows in groups]))
    show("  each file has its row in photons.csv")


def _show_curve(curves: "pd.DataFrame", device: str) -> None:
    """Show what all fields of a device say of its turn-on voltage."""
    own = curves[(curves["device"] == device) & (curves["field"] == "all")]
    for _, row in own.iterrows():
        if row["status"] != "ok":
            show(f"  curve {row['status']}: {row['message']}")
            continue
        show(
            f"  turn-on voltage: median {_estimate(row, 'median', '_v')} V, 10 to 90 % "
            f"{_estimate(row, 'width', '_v')} V, plateau {_estimate(row, 'plateau')}"
        )


def _estimate(row: "pd.Series[Any]", name: str, unit: str = "") -> str:
    from pandas import isna

    ends = (row[f"{name}_{end}{unit}"] for end in ("low", "high"))
    low, high = ("?" if isna(end) else f"{end:.3f}" for end in ends)
    return f"{row[f'{name}{unit}']:.3f} ({low} ... {high})"


def _photons_line(rows: "pd.DataFrame") -> tuple[str, ...]:
    first, values = rows.iloc[0], rows.loc[rows["status"] == "ok", "g2_0"]
    n_files = f"{len(rows)} file{'s' if len(rows) > 1 else ''}"
    where = f"  {first['device']}", _light(first), n_files
    if not len(values):
        return *where, "no answer"
    n_missing = len(rows) - len(values)
    return (
        *where,
        f"{values.min():.3f} ... {values.max():.3f}, median {values.median():.3f}, "
        f"{int((values < _SINGLE).sum())} below {_SINGLE}"
        + (f", {n_missing} without an answer" if n_missing else ""),
    )


def _photon_line(row: "pd.Series[Any]") -> tuple[str, ...]:
    from pandas import isna

    dot = "no dot" if isna(row["dot_id"]) else f"dot {row['dot_id']}"
    where = f"  {row['field']}, {dot}", _light(row), str(row["file"])
    if row["status"] != "ok":
        return *where, f"{row['status']}: {row['message']}"
    interval = f"{row['g2_0_low']:.3f} ... {row['g2_0_high']:.3f}"
    return *where, f"{row['g2_0']:.3f}  (95%: {interval})"


def _light(row: "pd.Series[Any]") -> str:
    from pandas import isna

    return str(row["kind"]) if isna(row["voltage_v"]) else f"{row['kind']} {row['voltage_v']:g} V"


def _f_min(rows: "pd.DataFrame") -> str:
    known = rows["f_min_photons_s"].dropna()
    unit = rows["signal_unit"].iloc[0]
    return f"{known.iloc[0]:.3g} {unit}/s" if len(known) else "a limit that no channel gave"


def _turn_on_line(row: "pd.Series[Any]") -> tuple[str, ...]:
    voltage = f"  {row['voltage_v']:g} V"
    if row["status"] != "ok":
        return voltage, str(row["status"]), str(row["message"])
    interval = f"{row['fraction_low']:.3f} ... {row['fraction_high']:.3f}"
    share = f"{row['n_lit']} of {row['n_pl']}"
    confidence = f"{row['confidence']:.0%}"
    fraction = f"{row['fraction']:.3f}  ({confidence}: {interval})"
    return voltage, share, fraction + _between_fields(row)


def _between_fields(row: "pd.Series[Any]") -> str:
    from pandas import isna

    if isna(row["between_field_sd"]):
        return ""
    return f"  {row['n_fields']} fields, sd {_estimate(row, 'between_field_sd')}"
