"""Arguments and options of each command, as its own ``--help`` knows them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

BEGIN = "<!-- Options: written by docs/generate.py from the command itself. -->"
END = "<!-- End of the options. -->"
_WORDS = {int: "N", float: "NUMBER", str: "TEXT", Path: "PATH"}

Grid = Callable[[tuple[str, ...], list[tuple[str, ...]]], str]


def commands() -> dict[str, Any]:
    """Return every command by its name."""
    from typer.main import get_command

    from qdimage.cli.main import app

    found: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    return found


def with_options(page: str, command: Any, grid: Grid) -> str:
    """Return a command's page with the part between the two marks written anew."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the page of {command.name} lacks {BEGIN!r} or {END!r}")
    return f"{before}{BEGIN}\n\n{_options(command, grid)}\n\n{END}{after}"


def new_page(name: str, command: Any) -> str:
    """Return a first page of a command, from its help; the rest is written by hand."""
    example = (command.epilog or "").removeprefix("Example:").strip()
    return (
        f"# qdimage {name}\n\n{command.help}\n\n## Example\n\n```\n{example}\n```\n\n"
        f"## Options\n\n{BEGIN}\n{END}\n\n## Exit codes\n\n[Those of all commands]"
        "(index.md#exit-codes).\n"
    )


def _options(command: Any, grid: Grid) -> str:
    rows = [_row(parameter) for parameter in command.params if not getattr(parameter, "hidden", 0)]
    return grid(("argument", "default", "meaning"), [row for row in rows if row is not None])


def _row(parameter: Any) -> tuple[str, ...] | None:
    names = parameter.opts
    if "--help" in names:
        return None
    takes = "" if getattr(parameter, "is_flag", False) else _value(parameter)
    if names[0].startswith("-"):
        shown = ", ".join(f"`{name} {takes}`" if takes else f"`{name}`" for name in names)
    else:
        shown = f"`{parameter.metavar or names[0].upper()}`"
    return shown, _default(parameter), _bounded(parameter)


def _value(parameter: Any) -> str:
    if parameter.metavar:
        return str(parameter.metavar).replace("|", "\\|")
    kind = parameter.type_descriptor.annotation
    if get_origin(kind) is list:
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        # A bar would end the cell of the table.
        return "\\|".join(str(each) for each in get_args(kind))
    return _WORDS.get(kind, "VALUE")


def _default(parameter: Any) -> str:
    if parameter.required:
        return "needed"
    value = parameter.default
    if value is None or value is False or value in ((), []) or callable(value):
        return ""
    words = value if isinstance(value, tuple | list) else [value]
    return f"`{' '.join(str(word) for word in words)}`"


def _bounded(parameter: Any) -> str:
    low, high = getattr(parameter, "min", None), getattr(parameter, "max", None)
    text = " ".join((parameter.help or "").replace("\\[", "[").split())
    if low is None and high is None:
        return text
    if high is None:
        return f"{text} At least {low:g}."
    return f"{text} From {low:g} to {high:g}." if low is not None else f"{text} At most {high:g}."
