"""What the documentation says is what the code does."""

import re
import sys
from pathlib import Path

import pytest
from folders import CLONE

sys.path.insert(0, str(CLONE / "docs"))

README = (CLONE / "README.md").read_text(encoding="utf-8")


def test_generated_pages_are_up_to_date() -> None:
    from generate import pages

    for name, text in pages().items():
        assert (CLONE / "docs" / name).read_text(encoding="utf-8") == text, (
            f"run docs/generate.py: docs/{name} is not what the code says"
        )


PAGES = sorted(path.relative_to(CLONE).as_posix() for path in (CLONE / "docs").rglob("*.md"))


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "sample_stacks/README.md", *PAGES]
)
def test_links_to_files_lead_somewhere(page: str) -> None:
    path = CLONE / page
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (path.parent / target).exists(), target


def test_folders_named_for_contributors_exist() -> None:
    text = (CLONE / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for row in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", row):
            places = [CLONE / name, CLONE / "qdimage" / name]
            assert any(place.exists() for place in places), name


@pytest.mark.parametrize("page", ["README.md", "docs/experiment.md"])
def test_the_declarations_shown_are_valid(tmp_path: Path, page: str) -> None:
    from qdimage.io.experiment_file import read_experiment

    text = (CLONE / page).read_text(encoding="utf-8")
    block = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert block is not None
    path = tmp_path / "experiment.toml"
    path.write_text(block.group(1), encoding="utf-8")
    experiment = read_experiment(path)
    assert [channel.kind for channel in experiment.declared.channels] == ["pl", "el"]


def test_tables_named_in_the_readme_are_written() -> None:
    from qdimage.domain.run_tables import RUN_TABLES

    named = set(re.findall(r"`(\w+)\.csv`", README))
    assert named == {table.name for table in RUN_TABLES}


def test_commands_named_in_the_readme_are_all_there_are() -> None:
    from typer.main import get_command

    from qdimage.cli.main import app

    table = README[README.index("| command | for |") :].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines()[2:]]
    named = {name for cell in cells for name in re.findall(r"`([\w-]+)`", cell)}
    assert named == set(get_command(app).commands)
