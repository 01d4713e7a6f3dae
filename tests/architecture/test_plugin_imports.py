"""The plugin stands on qdimage's public calls, and its truth needs no window."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from folders import CLONE

PLUGIN = CLONE / "plugins" / "napari_qdimage"
MODULES = sorted(PLUGIN.rglob("*.py"))

# Public calls and nouns; files; and how the report says things, so that the plugin says the same.
OPEN = {"api", "config", "domain", "errors", "io", "reporting", "steps", "units"}
WITHOUT_A_WINDOW = (
    "acts",
    "batch_progress",
    "child",
    "children",
    "convert",
    "exporting",
    "messages",
    "preview",
    "session",
    "session_file",
    "session_options",
)
WINDOW = {"napari", "qtpy", "PyQt6", "PySide6", "vispy"}


def name_of(path: Path) -> str:
    return path.relative_to(PLUGIN).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Modules, and names in them, that a file imports when it runs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in _running(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _running(child)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_is_computed_but_by_public_calls(path: Path) -> None:
    """Of the stages and the pipeline, results and constants may be named, but nothing called."""
    import qdimage

    for name in imports(path):
        root, _, rest = name.partition(".")
        if root != "qdimage" or rest in qdimage.__all__:
            continue
        part, _, last = rest.partition(".")
        is_option = last.startswith("options.")
        is_noun = (part == "pipeline" or is_option) and last.rpartition(".")[2][:1].isupper()
        assert not part or part in OPEN or is_noun, f"{name_of(path)} uses {name}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_napari_is_used_without_its_private_parts(path: Path) -> None:
    for name in imports(path):
        if name.split(".")[0] == "napari":
            private = [part for part in name.split(".") if part.startswith("_")]
            assert not private, f"{name_of(path)} uses {name}"
    text = path.read_text(encoding="utf-8")
    for word in ("_qt_window", "_qt_viewer", "_dock_widgets", "_layer_slicer"):
        assert word not in text, f"{name_of(path)} uses {word}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_qt_comes_from_qtpy_alone(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"PyQt5", "PyQt6", "PySide2", "PySide6"}


@pytest.mark.parametrize("name", WITHOUT_A_WINDOW)
def test_what_needs_no_window_loads_none(name: str) -> None:
    code = f"import napari_qdimage.{name}, sys\nprint(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not {each.split(".")[0] for each in done.stdout.split()} & WINDOW
