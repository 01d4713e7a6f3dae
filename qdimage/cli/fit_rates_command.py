"""``fit-rates``: a rate model fitted to g2 curves of one dot."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from qdimage.cli.parameters import (
    Assignments,
    BinNs,
    Config,
    DarkCounts,
    DelayNs,
    Detectors,
    Duration,
    Json,
    LongestNs,
    OutFile,
    PairResponse,
    Quiet,
    Rates,
)
from qdimage.cli.terminal import say

Law = Literal["exp", "suppression", "enhancement", "linear", "sign", "none"]


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        "fit-rates",
        epilog="Example:  qdimage fit-rates d07_2.1V.ptu d07_2.6V.ptu --kind el --voltage 2.1 "
        "--voltage 2.6 --dot dot.toml --response-fwhm-ns 0.5",
    )(fit_rates)


def fit_rates(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Time tags or histograms of one dot."),
    ],
    kind: Annotated[Literal["pl", "el"], typer.Option(help="Under light, or under current.")],
    voltage: Annotated[
        list[float], typer.Option(help="Of each file, in their order; repeatable.")
    ] = [],  # noqa: B006  typer reads it, nobody changes it
    dot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML of \\[dot_parameters]; else as published."),
    ] = None,
    coulomb: Annotated[
        Law | None, typer.Option(help="How the charge changes injection; rates.coulomb.")
    ] = None,
    coulomb_x: Annotated[float | None, typer.Option(help="The law's x.")] = None,
    carriers: Annotated[
        int | None,
        typer.Option(min=2, max=12, help="Most carriers; the published 15 states are 4."),
    ] = None,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Take electron and hole rate as equal.")
    ] = False,
    count_rates: Annotated[
        Literal["ignore", "compare", "fit"] | None,
        typer.Option(help="What measured count rates are for; rates.count_rates."),
    ] = None,
    efficiency: Annotated[
        float | None, typer.Option(min=0, max=1, help="Counts per emitted photon.")
    ] = None,
    on_fraction: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the time that the dot is on.")
    ] = 1.0,
    pump: Annotated[
        float | None, typer.Option(min=0, help="PL: known pump rate, 1/us; else free.")
    ] = None,
    absorption_cross_section_cm2: Annotated[
        float | None, typer.Option(min=0, help="PL: with the next two, the pump rate.")
    ] = None,
    excitation_power_density_w_cm2: Annotated[
        float | None, typer.Option(min=0, help="PL: at the dot.")
    ] = None,
    excitation_nm: Annotated[float | None, typer.Option(min=0, help="PL: wavelength.")] = None,
    detectors: Detectors = (0, 1),
    bin_ns: BinNs = 0.512,
    longest_ns: LongestNs = 500.0,
    response_fwhm_ns: PairResponse = 0.0,
    delay_ns: DelayNs = None,
    dark_counts_s: DarkCounts = (0.0, 0.0),
    duration_s: Duration = None,
    rate_counts_s: Rates = None,
    config: Config = None,
    assignments: Assignments = [],  # noqa: B006  typer reads it, nobody changes it
    output: OutFile = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Fit injection or pump rates to g2 curves of one dot, jointly where there are several."""
    from qdimage import api
    from qdimage.cli.frames import hand_over
    from qdimage.config import read_options_file
    from qdimage.domain.photon_tables import RATE_FITS
    from qdimage.pipeline.rate_fit_row import rate_fit_row

    given: dict[str, Any] = {
        "coulomb": coulomb,
        "coulomb_x": coulomb_x,
        "carriers": carriers,
        "count_rates": count_rates,
        "balanced": True if balanced else None,
    }
    chosen = [f"rates.{name}={value}" for name, value in given.items() if value is not None]
    found = api.fit_rates(
        files,
        kind=kind,
        voltage_v=voltage or None,
        dot=dot,
        efficiency=efficiency,
        on_fraction=on_fraction,
        pump_per_us=pump,
        absorption_cross_section_cm2=absorption_cross_section_cm2,
        excitation_power_density_w_cm2=excitation_power_density_w_cm2,
        excitation_nm=excitation_nm,
        detectors=detectors,
        bin_ns=bin_ns,
        longest_ns=longest_ns,
        response_fwhm_ns=response_fwhm_ns,
        delay_ns=delay_ns,
        dark_counts_s=dark_counts_s,
        duration_s=duration_s,
        rate_counts_s=rate_counts_s,
        options=read_options_file(config) if config else {},
        assignments=[*assignments, *(each.replace("=True", "=true") for each in chosen)],
    )
    for warning in dict.fromkeys(text for each in found for text in each.warnings):
        say(f"qdimage: {warning}", quiet=quiet)
    rows = [rate_fit_row(each) for each in found]
    hand_over(rows, RATE_FITS, _text, output=output, quiet=quiet, as_json=as_json)


def _text(row: dict[str, Any]) -> str:
    name = row["file"] if row["voltage_v"] is None else f"{row['file']} ({row['voltage_v']:g} V)"
    if row["status"] != "ok":
        return f"{name}: {row['status']}: {row['message']}"
    lines = [f"{name}: {row['model']}"]
    what = "pump rate" if row["kind"] == "pl" else "injection rate"
    lines.append(_line(row, "injection_rate", "_per_us", what, " /us"))
    for carrier in ("electron", "hole"):
        if row["kind"] == "el":
            lines.append(_line(row, f"{carrier}_rate", "_per_us", f"{carrier} rate", " /us"))
    if row["rate_ratio"] is not None:
        lines.append(_line(row, "rate_ratio", "", "electrons over holes", ""))
    lines.append(_line(row, "g2_0_model", "", "g2(0) of the model", ""))
    if row["yield_ratio"] is not None:
        lines.append(_line(row, "yield_ratio", "", "limit of g2(0), ratio of yields", ""))
    lines.append(f"  goodness of fit p = {row['p_value']:.2g}")
    if row["message"]:
        lines.append(f"  {row['message']}")
    return "\n".join(lines)


def _line(row: dict[str, Any], name: str, unit: str, words: str, shown_unit: str) -> str:
    value, low, high = (row[f"{name}{part}{unit}"] for part in ("", "_low", "_high"))
    best = "undetermined" if value is None else f"{value:.4g}{shown_unit}"
    return f"  {words} {best}  (95%: {low:.4g} ... {high:.4g})"
