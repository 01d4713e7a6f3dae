"""What a page would fetch from elsewhere is found; what one may click is not."""

import sys

import pytest
from folders import CLONE

sys.path.insert(0, str(CLONE / "docs"))

from offline import fetched


@pytest.mark.parametrize(
    "text",
    [
        '<script async src="https://cdn.example.org/a.js"></script>',
        "<img alt='a' src='//example.org/a.png'>",
        '<link rel="stylesheet" href="https://fonts.example.org/css?family=A" />',
        "@import url(https://example.org/a.css);",
        "background: url('http://example.org/a.svg')",
    ],
)
def test_what_is_loaded_from_elsewhere_is_found(text: str) -> None:
    assert list(fetched(text))


@pytest.mark.parametrize(
    "text",
    [
        '<a href="https://doi.org/10.1021/jp0467548">Watkins and Yang</a>',
        '<script src="_static/a.js"></script>',
        '<link rel="stylesheet" href="../_static/site.css" />',
        '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
        "background: url('data:image/svg+xml;charset=utf-8,<svg/>')",
    ],
)
def test_what_is_not_loaded_is_left_alone(text: str) -> None:
    assert not list(fetched(text))
