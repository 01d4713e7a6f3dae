"""Imports point one way, and nothing heavy is loaded before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from folders import CLONE

PACKAGE = CLONE / "qdimage"

# From the bottom up: a part may import parts of its own level's list and of those below.
LAYERS = [
    {"errors", "units"},
    {"domain"},
    {"numerics"},
    {
        "io",
        "image",
        "localize",
        "registration",
        "match",
        "photons",
        "rates",
        "spectra",
        "electrical",
        "steering",
    },
    {"simulation"},
    {"config"},
    {"pipeline"},
    {"reporting"},
    {"api", "steps"},
    {"cli"},
]
# The stages know nothing of each other, and `pipeline` composes them; files are read for all.
APART = LAYERS[3] - {"io"}
HEAVY = {"trackpy", "numba", "matplotlib", "pandas", "scipy", "skimage", "tifffile", "napari"}
QT = {"qtpy", "PyQt6", "PyQt5", "PySide6"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Names of all modules that a file imports anywhere in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def parts_imported(path: Path) -> set[str]:
    own = (name.split(".") for name in imported(path) if name.startswith("qdimage."))
    return {parts[1] for parts in own} - {"__version__"}


def level(part: str) -> int:
    return next(index for index, parts in enumerate(LAYERS) if part in parts)


def test_every_part_has_its_level() -> None:
    parts = {part_of(path) for path in modules()} - {"__init__", "__main__"}
    assert parts == set().union(*LAYERS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downwards(path: Path) -> None:
    part = part_of(path)
    if part in ("__init__", "__main__"):
        return
    for other in parts_imported(path) - {part}:
        assert level(other) <= level(part), f"{part} imports {other}"
        if part in APART:
            assert other not in APART | {"io"}, f"the stage {part} imports {other}"


def test_only_the_command_line_is_bound_to_typer_and_rich() -> None:
    for path in modules():
        bound = {name.split(".")[0] for name in imported(path)} & {"typer", "rich"}
        assert not bound or part_of(path) == "cli", path


def test_the_core_knows_neither_napari_nor_qt() -> None:
    for path in modules():
        roots = {name.split(".")[0] for name in imported(path)}
        assert not roots & ({"napari", "npe2"} | QT), path


def test_pyplot_is_used_nowhere() -> None:
    for path in modules():
        assert not any(name.startswith("matplotlib.pyplot") for name in imported(path)), path


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.split(".")[0] for name in done.stdout.split()}


def test_importing_qdimage_loads_nothing_heavy() -> None:
    assert not loaded_by("import qdimage") & (HEAVY | QT | {"numpy", "pydantic", "rich"})


def test_the_help_text_loads_nothing_heavy() -> None:
    code = (
        "from qdimage.cli.main import run_command_line\n"
        "import contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()) as printed:\n"
        "    assert run_command_line(['--help']) == 0\n"
        "assert 'simulate' in printed.getvalue()"
    )
    assert not loaded_by(code) & (HEAVY | QT | {"numpy", "pydantic"})


@pytest.mark.parametrize("word", ["fork", "getuid", "geteuid", "os.kill", "fcntl", "/dev/null"])
def test_the_package_calls_nothing_that_windows_lacks(word: str) -> None:
    for path in modules():
        assert word not in path.read_text(encoding="utf-8"), path


def test_public_calls_are_calls_whatever_was_imported_before() -> None:
    code = (
        "import importlib, pkgutil, qdimage\n"
        "names = [each.name for each in pkgutil.walk_packages(qdimage.__path__, 'qdimage.')]\n"
        "for name in names:\n"
        "    if not name.endswith('__main__'):\n"
        "        importlib.import_module(name)\n"
        "assert all(callable(getattr(qdimage, name)) for name in qdimage.__all__)\n"
    )
    assert "qdimage" in loaded_by(code)
