"""Calls from Python: every public one is on a page, and the examples run as they stand."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator

import pytest
from folders import CLONE

API = CLONE / "docs" / "api"
sys.path.insert(0, str(CLONE / "docs"))

EXAMPLES = {
    path.stem: re.findall(r"^```python\n(.*?)^```$", path.read_text("utf-8"), re.M | re.S)
    for path in sorted(API.glob("*.md"))
}


def test_every_public_call_is_on_one_page_and_in_the_index() -> None:
    import qdimage

    pages = "".join(path.read_text("utf-8") for path in API.glob("*.md"))
    index = (API / "index.md").read_text("utf-8")
    for name in qdimage.__all__:
        assert pages.count(f".. autofunction:: qdimage.{name}\n") == 1, name
        assert f"[`{name}`]" in index, name


@pytest.mark.slow
@pytest.mark.parametrize("page", [name for name, blocks in EXAMPLES.items() if blocks])
def test_examples_run_as_they_stand(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CLONE)
    for block in EXAMPLES[page]:
        exec(compile(block, page, "exec"), {"__name__": "example"})  # noqa: S102


def calls_of(text: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the names of the calls to qdimage in a page's examples, and their keywords."""
    for block in re.findall(r"^```python[^\n]*\n(.*?)^```$", text, re.M | re.S):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("qdimage."):
                yield (
                    ast.unparse(node.func).removeprefix("qdimage."),
                    {str(keyword.arg) for keyword in node.keywords},
                )


def test_arguments_in_examples_are_those_of_the_calls() -> None:
    import qdimage

    found = [call for path in API.glob("*.md") for call in calls_of(path.read_text("utf-8"))]
    assert len(found) > 10
    for name, given in found:
        known = set(inspect.signature(getattr(qdimage, name)).parameters)
        assert given <= known or "settings" in known, name


def test_a_new_part_of_the_calls_gets_a_page() -> None:
    from api_pages import new_page, with_calls

    page = with_calls(new_page("stacks"), ["locate"])
    assert page.startswith("# Calls about single stacks\n")
    assert ".. autofunction:: qdimage.locate" in page
