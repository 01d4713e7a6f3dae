"""Names in the pages are the program's own: options, commands and their arguments, benchmarks."""

import re
import sys

import pytest
from folders import CLONE

sys.path.insert(0, str(CLONE / "docs"))

PAGES = sorted((CLONE / "docs").rglob("*.md"))
TEXTS = {path.relative_to(CLONE).as_posix(): path.read_text("utf-8") for path in PAGES}
TEXTS["README.md"] = (CLONE / "README.md").read_text("utf-8")


@pytest.mark.parametrize("page", TEXTS)
def test_options_named_in_a_page_exist(page: str) -> None:
    known = {str(row["name"]) for simulator in (False, True) for row in options(simulator)}
    groups = {name.partition(".")[0] for name in known if "." in name}
    for name in re.findall(r"`([a-z_0-9]+\.[a-z_0-9]+)(?:=[^`]*| = [^`]*)?`", TEXTS[page]):
        group, _, option = name.partition(".")
        if group in groups and option not in ("csv", "toml", "json", "md", "py", "ptu", "tif"):
            assert name in known, f"{page}: {name}"
    for name in re.findall(r"--set ([a-z_0-9]+\.[a-z_0-9]+)=", TEXTS[page]):
        assert name in known, f"{page}: {name}"


def options(simulator: bool) -> list[dict[str, object]]:
    """The options of the analysis or of the simulator."""
    import qdimage

    return qdimage.options(simulator=simulator)


@pytest.mark.parametrize("page", TEXTS)
def test_commands_in_blocks_are_called_as_they_are_made(page: str) -> None:
    from command_options import commands

    known = commands()
    for block in re.findall(r"^```\w*\n(.*?)^```$", TEXTS[page], re.MULTILINE | re.DOTALL):
        for name, rest in re.findall(r"^(?:\./qd|qdimage) ([a-z][\w-]*)(.*)$", block, re.MULTILINE):
            if name in ("test", "lint", "bench", "docs"):
                continue
            assert name in known, f"{page}: {name}"
            words = {word for each in known[name].params for word in each.opts}
            given = set(re.findall(r"(?:^|\s)(--?[a-z][\w-]*)", rest.partition("  #")[0]))
            assert given <= words, f"{page}: {name} {given - words}"


@pytest.mark.parametrize("page", TEXTS)
def test_benchmarks_named_in_a_page_exist(page: str) -> None:
    for name in re.findall(r"\./qd bench ([a-z_0-9]+)", TEXTS[page]):
        assert (CLONE / "benchmarks" / f"{name}.py").is_file(), f"{page}: {name}"
