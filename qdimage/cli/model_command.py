"""``model``: what a rate model predicts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qdimage.cli.parameters import Json, OutFile, Quiet
from qdimage.cli.terminal import aligned, say, show, show_json

if TYPE_CHECKING:
    from qdimage.pipeline.model_decay import DecayPrediction
    from qdimage.pipeline.model_scan import ModelScan
    from qdimage.pipeline.prediction import Prediction

Law = Literal["exp", "suppression", "enhancement", "linear", "sign", "table", "none"]
Kind = Literal["pl", "pl-charged", "el"]
# What is meant by weak where no rate is given.
_WEAK_PER_US = 1e-6


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        "model",
        epilog="Example:  qdimage model --kind el --electron-rate 25 --hole-rate 25 "
        "--coulomb-x 0.463 --lags 0,1,5,20,100",
    )(model)


def model(
    kind: Annotated[
        Kind | None, typer.Option(help="Under light, under light with blinking, under current.")
    ] = None,
    model_file: Annotated[
        Path | None, typer.Option("--model", metavar="FILE", help="TOML: a model of your own.")
    ] = None,
    pump: Annotated[
        float | None,
        typer.Option(min=0, help="PL: excitations, 1/us. EL: see --pump-is."),
    ] = None,
    electron_rate: Annotated[
        float | None, typer.Option(min=0, help="EL: electrons into the neutral dot, 1/us.")
    ] = None,
    hole_rate: Annotated[
        float | None, typer.Option(min=0, help="EL: holes into the neutral dot, 1/us.")
    ] = None,
    pump_is: Annotated[
        Literal["each", "sum"],
        typer.Option(help="EL: --pump is the rate of each carrier, or the sum of both."),
    ] = "each",
    hole_to_electron: Annotated[
        float, typer.Option(help="EL: ratio of the rates that --pump is shared out by.")
    ] = 1.0,
    dot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML of \\[dot_parameters]; else as published."),
    ] = None,
    parameter: Annotated[
        list[str],
        typer.Option(metavar="NAME=VALUE", help="Set a parameter of the model; repeatable."),
    ] = [],  # noqa: B006  typer reads it, nobody changes it
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
    lines: Annotated[
        str | None, typer.Option(metavar="LINE,...", help="Count these lines only, such as X,XX.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="LINE,...", help="Correlate with these lines; + lags: they follow."),
    ] = None,
    response_fwhm_ns: Annotated[
        float, typer.Option(min=0, help="Gaussian response of the pair of detectors.")
    ] = 0.0,
    bin_ns: Annotated[float, typer.Option(min=0, help="Width of the bins.")] = 0.0,
    background_share: Annotated[
        float, typer.Option(min=0, max=1, help="Of each detector's counts, those at random.")
    ] = 0.0,
    pulse: Annotated[
        float | None,
        typer.Option(min=0, help="The decay after a pulse of so many pairs instead, at --lags."),
    ] = None,
    start: Annotated[
        list[str],
        typer.Option(metavar="STATE=SHARE", help="The decay from these populations; repeatable."),
    ] = [],  # noqa: B006  typer reads it, nobody changes it
    scan: Annotated[
        str | None,
        typer.Option(metavar="LOW:HIGH:N", help="Rows for N pump rates, evenly in the logarithm."),
    ] = None,
    scan_ratio: Annotated[
        str | None,
        typer.Option(metavar="LOW:HIGH:N", help="EL: rows for N ratios of hole to electron rate."),
    ] = None,
    scan_parameter: Annotated[
        str | None, typer.Option(metavar="NAME", help="What --scan varies instead of the pump.")
    ] = None,
    beside_pl: Annotated[
        bool, typer.Option("--beside-pl", help="With --scan: add the PL of the same dot.")
    ] = False,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="Add the effect of each parameter.")
    ] = False,
    weak_limit: Annotated[
        bool,
        typer.Option("--weak-limit", help="Print the limit of weak drive only; needs no rate."),
    ] = False,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE.png|.svg", help="Draw the rows, or g2.")
    ] = None,
    output: OutFile = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Predict intensity, populations and g2 of a dot from its rates."""
    from qdimage import api

    settings: dict[str, Any] = {
        "model_file": model_file,
        "pump_per_us": pump,
        "electron_rate_per_us": electron_rate,
        "hole_rate_per_us": hole_rate,
        "pump_is": pump_is,
        "hole_to_electron": hole_to_electron,
        "dot": dot,
        "parameters": _assigned("--parameter", parameter),
        "coulomb": coulomb,
        "coulomb_x": coulomb_x,
        "coulomb_attraction": coulomb_attraction,
        "coulomb_repulsion": coulomb_repulsion,
        "coulomb_table": _read_table(coulomb_table) if coulomb_table else None,
        "carriers": carriers,
        "overflow": overflow,
        "count_trions": count_trions == "yes",
        "lines": _names(lines),
    }
    if weak_limit and kind is not None and (pump, electron_rate, hole_rate) == (None, None, None):
        settings["pump_per_us"] = _WEAK_PER_US
    found: Prediction | ModelScan | DecayPrediction
    rows: Sequence[Mapping[str, Any]]
    if scan is not None or scan_ratio is not None or scan_parameter is not None:
        found = _scanned(kind, scan, scan_ratio, scan_parameter, beside_pl, settings)
        rows, text = found.rows, _scan_text(found, quiet)
    elif pulse is not None or start:
        found = api.decay_model(
            kind,
            times_ns=_numbers(lags),
            pulse_pairs=pulse,
            start=_assigned("--start", start) if start else None,
            response_fwhm_ns=response_fwhm_ns,
            bin_ns=bin_ns,
            **settings,
        )
        rows, text = _decay_rows(found), _decay_text(found, quiet)
    else:
        found = api.model(
            kind,
            lags_ns=_numbers(lags),
            against=_names(against),
            response_fwhm_ns=response_fwhm_ns,
            bin_ns=bin_ns,
            background_share=background_share,
            sensitivity=sensitivity,
            **settings,
        )
        rows, text = _curve_rows(found), _text(found, quiet)
        if weak_limit:
            constant = found.weak_limit_constant
            text = f"{found.weak_limit_g2_0 if constant is None else constant}"
    if output is not None:
        _write_csv(rows, output)
    if figure is not None:
        api.draw_model(found, figure)
    if as_json:
        show_json(vars(found))
        return
    for warning in found.warnings:
        say(f"qdimage: {warning}", quiet=quiet)
    if not (quiet and output is not None):
        show(text)


def _scanned(
    kind: str | None,
    scan: str | None,
    ratio: str | None,
    parameter: str | None,
    beside_pl: bool,
    settings: dict[str, Any],
) -> "ModelScan":
    from qdimage import api
    from qdimage.errors import ConfigurationError
    from qdimage.pipeline.model_scan import read_range

    if parameter is not None and scan is None:
        raise ConfigurationError("--scan-parameter needs its range; give --scan LOW:HIGH:N")
    values = None if scan is None else read_range(scan)
    return api.scan_model(
        kind,
        pumps_per_us=values if parameter is None else None,
        hole_to_electron_ratios=None if ratio is None else read_range(ratio),
        parameter=None if parameter is None or values is None else (parameter, values),
        beside_pl=beside_pl,
        **settings,
    )


def _numbers(text: str) -> list[float]:
    from qdimage.errors import ConfigurationError

    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigurationError(
            f"--lags: found {text!r}, expected delays in ns with commas between them"
        ) from error


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",")]


def _assigned(option: str, assignments: list[str]) -> dict[str, float]:
    from qdimage.errors import ConfigurationError

    found = {}
    for each in assignments:
        name, _, value = each.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError as error:
            raise ConfigurationError(
                f"{option}: found {each!r}, expected NAME=NUMBER; correct it"
            ) from error
    return found


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


def _write_csv(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    import csv
    import io

    from qdimage.io.atomic import write_text

    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _curve_rows(found: "Prediction") -> list[dict[str, float]]:
    return [{"lag_ns": lag, "g2": value} for lag, value in zip(found.lag_ns, found.g2, strict=True)]


def _decay_rows(found: "DecayPrediction") -> list[dict[str, float]]:
    columns = {"time_ns": found.time_ns, "photons_per_us": found.photons_per_us}
    columns |= {f"{line}_photons_per_us": each for line, each in found.line_photons_per_us.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _decay_text(found: "DecayPrediction", quiet: bool) -> str:
    lines = [
        f"photons for each pulse, emitted: {found.photons_per_pulse:.6g}",
        f"g2(0) of pulses far apart: {found.g2_0:.6g}",
    ]
    return "\n".join([_number_table(_decay_rows(found), quiet), *lines])


def _number_table(table: list[dict[str, float]], quiet: bool) -> str:
    rows = [] if quiet else [tuple(table[0])]
    return aligned(rows + [tuple(f"{value:.6g}" for value in row.values()) for row in table])


def _scan_text(found: "ModelScan", quiet: bool) -> str:
    columns = {
        "model": "model",
        "value": found.parameter,
        "g2_0": "g2(0)",
        "intensity_per_us": "photons per us",
    }
    rows = [] if quiet else [tuple(columns.values())]
    rows += [tuple(_cell(row[key]) for key in columns) for row in found.rows]
    limits = [
        f"g2(0) of {name} at weak drive: {limit:.6g}"
        for name, limit in found.weak_limit_g2_0.items()
        if limit is not None
    ]
    return "\n".join([aligned(rows), *limits])


def _text(found: "Prediction", quiet: bool) -> str:
    facts: list[tuple[str, Any]] = [
        ("g2(0)", found.g2_0),
        ("photons per us, emitted", found.intensity_per_us),
        ("constant of the weak limit", found.weak_limit_constant),
        ("g2(0) at weak drive", found.weak_limit_g2_0),
        ("relative error of g2(0) by the most carriers", found.truncation_error),
    ]
    lines = [f"{name}: {value:.6g}" for name, value in facts if value is not None]
    if found.conventions:
        said = ", ".join(f"{name} = {value}" for name, value in found.conventions.items())
        lines.append(f"conventions: {said}")
    return "\n".join([_number_table(_curve_rows(found), quiet), *lines, *_effects(found)])


def _effects(found: "Prediction") -> list[str]:
    """What a tenth more of each parameter does, by its logarithmic derivatives."""
    if found.sensitivity is None:
        return []
    head = (
        "parameter",
        "value",
        "d ln g2(0) / d ln",
        "d ln photons / d ln",
        "at +10 %: g2(0)",
        "for a lower g2(0)",
    )
    rows: list[tuple[str, ...]] = [head]
    by_effect = sorted(found.sensitivity, key=lambda each: -abs(each["g2_0_exponent"] or 0.0))
    for each in by_effect:
        exponent = each["g2_0_exponent"]
        rows.append(
            (
                each["parameter"],
                _cell(each["value"]),
                _signed(exponent),
                _signed(each["intensity_exponent"]),
                "" if exponent is None else f"{100 * (1.1**exponent - 1):+.1f} %",
                each["for_lower_g2_0"],
            )
        )
    return ["", "effect of each parameter, largest first:", aligned(rows)]


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.4f}"
