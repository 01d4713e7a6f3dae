"""``init``, ``check``, ``simulate``: experiment folders before their analysis."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from qdimage.cli.parameters import AllowOutside, Json, Paths, Quiet
from qdimage.cli.run_commands import SOME_FAILED
from qdimage.cli.terminal import progress_bar, say, show, show_json


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command("init", epilog="Example:  qdimage init device-A/field-01")(init)
    app.command("check", epilog="Example:  qdimage check device-A")(check)
    app.command(
        "simulate",
        epilog="Example:  qdimage simulate my_device --set experiment.n_fields=3 --seed 1",
    )(simulate)


def init(
    folder: Annotated[Path, typer.Argument(help="Folder with the stacks of one field.")],
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write experiment.toml into a folder of stacks, from file names and metadata."""
    from qdimage import api

    asks = sys.stdin.isatty() and sys.stderr.isatty() and not as_json and not quiet
    declaration = api.init(folder, ask=_ask if asks else None)
    if as_json:
        show_json(
            {
                "experiment": declaration.path,
                "guessed": declaration.guessed,
                "missing": declaration.missing,
            }
        )
        return
    if not quiet:
        show(f"wrote {declaration.path}")
        for line in declaration.guessed:
            show(f"guessed, please look: {line}")
    for line in declaration.missing:
        say(f"qdimage: not found, fill it in: {line}")


def _ask(question: str) -> str:
    return str(typer.prompt(question, default="", show_default=False, err=True))


def check(
    paths: Paths,
    allow_outside: AllowOutside = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Read every input and say what is wrong with it, analysing nothing."""
    from qdimage import api

    with progress_bar(quiet) as progress:
        result = api.check(paths, allow_outside=allow_outside, progress=progress)
    if as_json:
        show_json(
            {
                "n_fields": result.n_fields,
                "n_stacks": result.n_stacks,
                "n_photon_files": result.n_photon_files,
                "n_spectra": result.n_spectra,
                "n_errors": result.n_errors,
                "findings": [vars(finding) for finding in result.findings],
            }
        )
    else:
        for finding in result.findings:
            place = "" if finding.experiment in finding.message else f"{finding.experiment}: "
            say(f"qdimage: {finding.severity}: {place}{finding.message}")
        if not quiet:
            read = f"read {result.n_fields} fields, {result.n_stacks} stacks"
            if result.n_photon_files:
                read += f", {result.n_photon_files} files of photons"
            if result.n_spectra:
                read += f", {result.n_spectra} spectra"
            show(f"{read}: {_verdict(result.n_errors)}")
    if result.n_errors:
        raise typer.Exit(SOME_FAILED)


def _verdict(n_errors: int) -> str:
    return "nothing stops an analysis" if n_errors == 0 else f"{n_errors} cannot be analysed"


def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder for the device.")],
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything random.")] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Recipe: TOML of the simulator's options."),
    ] = None,
    assignments: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="GROUP.OPTION=VALUE",
            help="Set an option; repeatable. They are listed by: qdimage options --simulator",
        ),
    ] = [],  # noqa: B006  typer reads it, nobody changes it
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write a simulated device: experiment folders, their recipe, and the ground truth."""
    from qdimage.simulation.study import is_study

    if config is not None and is_study(config):
        folders, truth = _study(out, config, assignments, seed, quiet), out / "expectations.toml"
    else:
        folders, truth = _device(out, config, assignments, seed, quiet), out / "truth.json"
    if as_json:
        show_json({"out": out, "fields": folders, "truth": truth})
    elif not quiet:
        show(f"simulated {len(folders)} fields in {out}; the truth is in {truth}")


def _device(
    out: Path, config: Path | None, assignments: list[str], seed: int | None, quiet: bool
) -> list[Path]:
    from qdimage import api
    from qdimage.simulation.recipe import read_recipe

    recipe = read_recipe(config) if config else None
    recorded = recipe.seed if recipe is not None else None
    with progress_bar(quiet) as progress:
        return api.simulate(
            out,
            options=recipe.options.model_dump() if recipe is not None else None,
            assignments=assignments,
            seed=seed if seed is not None else recorded or 0,
            progress=progress,
        )


def _study(
    out: Path, config: Path, assignments: list[str], seed: int | None, quiet: bool
) -> list[Path]:
    from qdimage import api

    with progress_bar(quiet) as progress:
        return api.simulate_study(
            out, config, assignments=assignments, seed=seed, progress=progress
        )
