"""The list of public calls of each part of `qdimage.api`, for the pages in docs/api."""

from importlib import import_module
from inspect import getdoc

BEGIN = "<!-- Calls: written by docs/generate.py from the package itself. -->"
END = "<!-- End of the calls. -->"


def calls() -> dict[str, list[str]]:
    """Return the names of the public calls by the part of `qdimage.api` that holds them."""
    import qdimage

    found: dict[str, list[str]] = {}
    for name in qdimage.__all__:
        module = getattr(qdimage, name).__module__.rpartition(".")[2]
        found.setdefault(module, []).append(name)
    return dict(sorted(found.items()))


def with_calls(page: str, names: list[str]) -> str:
    """Return a page with the part between the two marks written anew."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"a page of calls lacks {BEGIN!r} or {END!r}")
    parts = [f"## qdimage.{name}\n\n{_directive('autofunction', name)}" for name in names]
    return f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}"


def new_page(module: str) -> str:
    """Return a first page of a part of the calls; examples are written by hand."""
    title = (getdoc(import_module(f"qdimage.api.{module}")) or "").splitlines()[0].rstrip(".")
    return f"# {title}\n\n{BEGIN}\n{END}\n"


def index_rows() -> list[tuple[str, str]]:
    """Return every call, as a link, and what it does."""
    import qdimage

    rows = []
    for module, names in calls().items():
        for name in names:
            does = (getdoc(getattr(qdimage, name)) or "").split("\n\n")[0]
            anchor = f"qdimage{name}"
            rows.append((f"[`{name}`]({module}.md#{anchor})", " ".join(does.split())))
    return sorted(rows)


def _directive(kind: str, name: str) -> str:
    return f"```{{eval-rst}}\n.. {kind}:: qdimage.{name}\n```"
