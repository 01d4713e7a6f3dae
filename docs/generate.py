"""Write the pages that follow from the code: tables, options, flags, keys, options of commands.

Run it in qdimage's environment: ``.qd/env/bin/python docs/generate.py``.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import api_pages
import key_pages
from command_options import commands, new_page, with_options

from qdimage.config import AnalysisOptions, option_rows
from qdimage.domain.flags import FLAG_MEANING
from qdimage.domain.photon_flags import PHOTON_FLAG_MEANING
from qdimage.domain.run_tables import RUN_TABLES
from qdimage.domain.table import Table
from qdimage.domain.target_tables import TARGET_TABLES
from qdimage.domain.track_tables import TRACK_TABLES
from qdimage.rates.coulomb import LAWS, law_parameters
from qdimage.rates.parameters import ParameterSet
from qdimage.rates.registry import MODELS
from qdimage.simulation.options import SimulateOptions

HERE = Path(__file__).resolve().parent
_NOTE = "<!-- Written by docs/generate.py; change the code, not this page. -->"


def pages() -> dict[str, str]:
    """Return the generated pages' names and texts."""
    return {
        "tables.md": _tables(),
        "options.md": _options(),
        "rate_parameters.md": _models(),
        "keys.md": key_pages.keys_page(_NOTE, _grid),
        **_commands(),
        **_calls(),
    }


def _calls() -> dict[str, str]:
    """A page of calls is written by hand but for the calls themselves."""
    found = {}
    for module, names in api_pages.calls().items():
        page = HERE / "api" / f"{module}.md"
        written = page.read_text("utf-8") if page.exists() else api_pages.new_page(module)
        found[f"api/{module}.md"] = api_pages.with_calls(written, names)
    index = HERE / "api" / "index.md"
    before, _, rest = index.read_text(encoding="utf-8").partition(api_pages.BEGIN)
    grid = _grid(("call", "does"), api_pages.index_rows())
    after = rest.partition(api_pages.END)[2]
    found["api/index.md"] = f"{before}{api_pages.BEGIN}\n\n{grid}\n\n{api_pages.END}{after}"
    return found


def _commands() -> dict[str, str]:
    """A command's page is written by hand but for its options."""
    found = {}
    for name, command in commands().items():
        page = HERE / "commands" / f"{name}.md"
        written = page.read_text(encoding="utf-8") if page.exists() else new_page(name, command)
        found[f"commands/{name}.md"] = with_options(written, command, _grid)
    return found


def _tables() -> str:
    parts = [
        "# Tables",
        _NOTE,
        "CSV is UTF-8 with commas, full stops, `true` and `false`; an empty cell is a missing "
        "value; flags are joined by `;`. A name's last part is its unit. `x` is the column, `y` "
        "the row; (0, 0) is the centre of the top-left pixel. Fluxes named `_photons_s` count "
        "what the column `signal_unit` says: photons at the camera where gain and quantum "
        "efficiency are known.",
        *(_table(table) for table in RUN_TABLES),
        "The tables below are those of `qdimage targets`.",
        *(_table(table) for table in TARGET_TABLES),
        "Those of `qdimage track`:",
        *(_table(table) for table in TRACK_TABLES),
        "## Flags",
        _grid(
            ("flag", "meaning"),
            [(f"`{(flag.name or '').lower()}`", text) for flag, text in FLAG_MEANING.items()],
        ),
        "## Flags of time tags",
        _grid(
            ("flag", "meaning"),
            [
                (f"`{(flag.name or '').lower()}`", text)
                for flag, text in PHOTON_FLAG_MEANING.items()
            ],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    rows = [
        (f"`{column.name}`", column.kind, column.unit, column.meaning) for column in table.columns
    ]
    grid = _grid(("column", "kind", "unit", "meaning"), rows)
    return f"## `{table.name}.csv`\n\nA row is {table.row}.\n\n{grid}"


def _options() -> str:
    analysis, simulator = option_rows(AnalysisOptions), option_rows(SimulateOptions)
    columns = ("name", "default", "unit", "meaning")
    parts = [
        "# Options",
        _NOTE,
        "Analysis options are set in a table `[analysis.STAGE]` of `experiment.toml`, in a file "
        "given with `--config`, or with `--set STAGE.OPTION=VALUE`; later ones win.",
        "## Analysis",
        _grid(columns, [_option(row) for row in analysis]),
        "## Simulator",
        "For `qdimage simulate`, in a recipe given with `--config`, or with "
        "`--set GROUP.OPTION=VALUE`.",
        _grid(columns, [_option(row) for row in simulator]),
    ]
    return "\n\n".join(parts) + "\n"


def _option(row: dict[str, object]) -> tuple[str, ...]:
    default = "" if row["default"] is None else f"`{row['default']}`"
    return f"`{row['name']}`", default, str(row["unit"]), str(row["meaning"])


def _models() -> str:
    parts = ["# Parameters of the rate models", _NOTE]
    for name, declare in MODELS.items():
        declared = declare()
        parts += [f"## `{name}`", f"Of {declared.meaning}.", _parameters(declared.parameters)]
    parts.append("## Coulomb laws")
    parts += [f"`{law}`:\n\n{_parameters(law_parameters(law))}" for law in ("exp", "sign")]
    shared = [f"`{law}`" for law in LAWS if law_parameters(law) == law_parameters("exp")]
    parts.append(f"The laws {', '.join(shared)} have the parameter of `exp`; the others have none.")
    return "\n\n".join(parts) + "\n"


def _parameters(parameters: ParameterSet) -> str:
    rows = [
        (
            f"`{each.name}`",
            f"{each.default:g}",
            f"{each.low:g} ... {each.high:g}",
            each.unit,
            each.meaning,
        )
        for each in parameters
    ]
    return _grid(("parameter", "default", "bounds", "unit", "meaning"), rows)


def _grid(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8", newline="\n")
