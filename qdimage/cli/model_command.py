"""``model``: what a rate model predicts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qdimage.cli.parameters import Json, Quiet
from qdimage.cli.terminal import aligned, show, show_json

if TYPE_CHECKING:
    from qdimage.pipeline.prediction import Prediction

Law = Literal["exp", "suppression", "enhancement", "linear", "sign", "table", "none"]


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        "model",
        epilog="Example:  qdimage model --kind el --electron-rate 25 --hole-rate 25 "
        "--coulomb-x 0.463 --lags 0,1,5,20,100",
    )(model)


def model(
    kind: Annotated[Literal["pl", "el"], typer.Option(help="Under light, or under current.")],
    pump: Annotated[
        float | None, typer.Option(min=0, help="PL: excitations of the dot, 1/us.")
    ] = None,
    electron_rate: Annotated[
        float | None, typer.Option(min=0, help="EL: electrons into the neutral dot, 1/us.")
    ] = None,
    hole_rate: Annotated[
        float | None, typer.Option(min=0, help="EL: holes into the neutral dot, 1/us.")
    ] = None,
    dot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML of \\[dot_parameters]; else as published."),
    ] = None,
    coulomb: Annotated[Law, typer.Option(help="How the charge changes injection.")] = "exp",
    coulomb_x: Annotated[float | None, typer.Option(help="The law's x.")] = None,
    coulomb_attraction: Annotated[
        float | None, typer.Option(min=0, help="Law sign: factor of attracted carriers.")
    ] = None,
    coulomb_repulsion: Annotated[
        float | None, typer.Option(min=0, help="Law sign: factor of repelled carriers.")
    ] = None,
    coulomb_table: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Law table: CSV with the columns s,factor.")
    ] = None,
    carriers: Annotated[
        int, typer.Option(min=2, max=12, help="Most carriers; the paper's 15 states are 4.")
    ] = 6,
    overflow: Annotated[
        Literal["recombine", "cap"], typer.Option(help="What a carrier too many does.")
    ] = "recombine",
    count_trions: Annotated[
        Literal["yes", "no"], typer.Option(help="Whether charged states' photons are counted.")
    ] = "yes",
    lags: Annotated[str, typer.Option(metavar="NS,NS,...", help="Delays, ns.")] = "0",
    response_fwhm_ns: Annotated[
        float, typer.Option(min=0, help="Gaussian response of the pair of detectors.")
    ] = 0.0,
    bin_ns: Annotated[float, typer.Option(min=0, help="Width of the bins.")] = 0.0,
    weak_limit: Annotated[
        bool, typer.Option("--weak-limit", help="Print the constant of weak injection only.")
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Predict intensity, populations and g2 of a dot from its rates."""
    from qdimage import api

    found = api.model(
        kind,
        pump_per_us=pump,
        electron_rate_per_us=electron_rate,
        hole_rate_per_us=hole_rate,
        dot=dot,
        coulomb=coulomb,
        coulomb_x=coulomb_x,
        coulomb_attraction=coulomb_attraction,
        coulomb_repulsion=coulomb_repulsion,
        coulomb_table=_read_table(coulomb_table) if coulomb_table else None,
        carriers=carriers,
        overflow=overflow,
        count_trions=count_trions == "yes",
        lags_ns=_numbers(lags),
        response_fwhm_ns=response_fwhm_ns,
        bin_ns=bin_ns,
    )
    if as_json:
        show_json(vars(found))
    elif weak_limit:
        show(f"{found.weak_limit_constant}")
    else:
        show(_text(found, quiet))


def _numbers(text: str) -> list[float]:
    from qdimage.errors import ConfigurationError

    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigurationError(
            f"--lags: found {text!r}, expected delays in ns with commas between them"
        ) from error


def _read_table(path: Path) -> dict[int, float]:
    import csv

    from qdimage.errors import FormatError

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {int(row["s"]): float(row["factor"]) for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(
            f"{path}: cannot be read ({error}), expected CSV with the columns s,factor"
        ) from error


def _text(found: "Prediction", quiet: bool) -> str:
    rows: list[tuple[str, ...]] = [] if quiet else [("lag_ns", "g2")]
    rows += [(f"{lag:g}", f"{g2:.6g}") for lag, g2 in zip(found.lag_ns, found.g2, strict=True)]
    facts: list[tuple[str, Any]] = [
        ("g2(0)", found.g2_0),
        ("photons per us, emitted", found.intensity_per_us),
        ("constant of the weak limit", found.weak_limit_constant),
    ]
    lines = [f"{name}: {value:.6g}" for name, value in facts if value is not None]
    return "\n".join([aligned(rows), *lines])
