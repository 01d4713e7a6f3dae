"""The site has to open without a network: a page that would fetch something fails the build."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_ELSEWHERE = r"(?:https?:)?//[^\"')\s>]+"
_FETCHED = (
    re.compile(rf"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']{_ELSEWHERE}"),
    re.compile(rf"<link\b(?![^>]*\brel=[\"']canonical)[^>]*\bhref=[\"']{_ELSEWHERE}"),
    re.compile(rf"@import\s+(?:url\()?[\"']?{_ELSEWHERE}"),
    re.compile(rf"url\(\s*[\"']?{_ELSEWHERE}"),
)


def fetched(text: str) -> Iterator[str]:
    """Yield what a page or a style sheet would load from elsewhere; links to click are none."""
    for pattern in _FETCHED:
        yield from (found[0] for found in pattern.finditer(text))


def _refuse(app: "Sphinx", error: Exception | None) -> None:
    from sphinx.errors import SphinxError

    if error is not None:
        return
    pages = (path for path in Path(app.outdir).rglob("*") if path.suffix in (".html", ".css"))
    found = [
        f"{path.name} would fetch {what}"
        for path in sorted(pages)
        for what in fetched(path.read_text(encoding="utf-8"))
    ]
    if found:
        raise SphinxError("\n".join(found))


def setup(app: "Sphinx") -> dict[str, bool]:
    """Look through the site once it is built."""
    app.connect("build-finished", _refuse)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
