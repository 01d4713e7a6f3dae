"""The program ``qdimage``: its commands, and how errors become exit codes."""

import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from qdimage.cli import (
    calibrate_command,
    correlate_command,
    field_commands,
    fit_rates_command,
    lifetime_command,
    listing_commands,
    model_command,
    photon_commands,
    run_commands,
    spectrum_command,
    stack_commands,
    targets_command,
    trace_command,
    view_command,
)
from qdimage.errors import QdimageError

# More threads than one would change the last digits of sums; fields keep the cores busy.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_EPILOG = "Example:  qdimage run sample_stacks/demo_device -o results"

app = typer.Typer(
    name="qdimage",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EPILOG,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"qdimage {version('qdimage')}")
        raise typer.Exit


@app.callback()
def _global(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show log messages and tracebacks on standard error.")
    ] = False,
) -> None:
    """Turn micrographs and time tags of quantum dots into turn-on fractions, g2(0) and tables."""
    if debug:
        logging.basicConfig(level=logging.DEBUG, format="%(name)s: %(message)s")
        logging.getLogger("matplotlib").setLevel(logging.WARNING)
        logging.getLogger("numba").setLevel(logging.WARNING)


run_commands.add_to(app)
field_commands.add_to(app)
stack_commands.add_to(app)
calibrate_command.add_to(app)
photon_commands.add_to(app)
correlate_command.add_to(app)
trace_command.add_to(app)
lifetime_command.add_to(app)
spectrum_command.add_to(app)
fit_rates_command.add_to(app)
model_command.add_to(app)
targets_command.add_to(app)
view_command.add_to(app)
listing_commands.add_to(app)


def main() -> None:
    """Run the program and exit with its code."""
    sys.exit(run_command_line(sys.argv[1:]))


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code.

    0 done (refusals included); 1 an internal error; 2 bad usage or bad input, with one line on
    standard error; 3 some fields, channels or files failed; 130 interrupted.
    """
    os.environ.update({name: "1" for name in _ONE_THREAD if name not in os.environ})
    try:
        return _invoke(arguments)
    except BrokenPipeError:
        # Whoever read the output has seen enough; nothing may be flushed into it any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if "--debug" in arguments:
            raise
        return _say(
            f"internal error ({type(error).__name__}: {error}); run again as 'qdimage --debug ...' "
            "and report what it prints",
            1,
        )


def _invoke(arguments: Sequence[str]) -> int:
    command = typer.main.get_command(app)
    try:
        code = command.main(list(arguments), prog_name="qdimage", standalone_mode=False)
    except typer.TyperException as error:
        return _usage(error)
    except (typer.Abort, KeyboardInterrupt):
        return _say("interrupted; nothing was left half-written", 130)
    except BrokenPipeError:
        raise
    except QdimageError as error:
        return _say(str(error), 2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _say(f"{where}{error.strerror or error}; check the path and the free space", 2)
    if code == 130:
        return _say("interrupted; nothing was left half-written", 130)
    return code if isinstance(code, int) else 0


def _usage(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.format_message())
        return 2
    path = context.command_path if context is not None else "qdimage"
    message = " ".join(error.format_message().split()).rstrip(".")
    return _say(f"{message}; see: {path} --help", 2)


def _say(message: str, code: int) -> int:
    line = " ".join(message.split())
    sys.stderr.write(f"qdimage: {line}\n")
    return code
