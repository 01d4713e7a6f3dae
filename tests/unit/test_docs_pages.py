"""The pages of the site: commands, keys, and what they promise to say."""

import re
import sys

import pytest
from folders import CLONE

DOCS = CLONE / "docs"
sys.path.insert(0, str(DOCS))

COMMANDS = sorted(path.stem for path in (DOCS / "commands").glob("*.md") if path.stem != "index")


def test_every_command_has_a_page() -> None:
    from command_options import commands

    assert set(commands()) <= set(COMMANDS), "run docs/generate.py, then write the new page"


def test_the_list_of_commands_has_them_all() -> None:
    index = (DOCS / "commands" / "index.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\| \[`[\w-]+`\]\(([\w-]+)\.md\) \|", index)) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_s_page_says_what_one_asks(name: str) -> None:
    text = (DOCS / "commands" / f"{name}.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[:2] == ["Example", "Options"]
    assert "Exit codes" in headings
    assert re.search(rf"^qdimage {name}\b", text, re.MULTILINE), "the example calls the command"


def test_options_named_in_an_example_are_the_command_s_own() -> None:
    from command_options import commands

    for name, command in commands().items():
        known = {word for parameter in command.params for word in parameter.opts}
        page = (DOCS / "commands" / f"{name}.md").read_text(encoding="utf-8")
        for line in re.findall(rf"^qdimage {name} (.+)$", page, re.MULTILINE):
            given = re.findall(r"(?:^|\s)(--[\w-]+)", line.partition("#")[0])
            assert set(given) <= known, f"{name}: {set(given) - known}"


def test_every_key_of_a_declaration_is_explained() -> None:
    from key_pages import keys_without_meaning

    assert keys_without_meaning() == [], "explain them in docs/key_meanings.py"


def test_the_page_of_keys_has_every_key() -> None:
    from key_pages import declared_tables

    text = (DOCS / "keys.md").read_text(encoding="utf-8")
    for table, schema, _ in declared_tables():
        for key in schema.model_fields:
            assert f"| `{key}` |" in text, f"{table}.{key}"


def test_options_are_written_between_the_marks_and_nothing_else_changes() -> None:
    from command_options import BEGIN, END, commands, with_options
    from generate import _grid

    page = f"before\n{BEGIN}\nstale words\n{END}\nafter\n"
    text = with_options(page, commands()["run"], _grid)
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "stale" not in text
    assert "| `--output OUT`, `-o OUT` | needed | Folder for the results. |" in text


def test_a_page_without_marks_is_named() -> None:
    from command_options import commands, with_options
    from generate import _grid

    with pytest.raises(ValueError, match="run lacks"):
        with_options("no marks", commands()["run"], _grid)
