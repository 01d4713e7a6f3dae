"""From the output folder of a run to its figures and its report."""

from pathlib import Path

from qdimage.io.atomic import write_text
from qdimage.pipeline.places import Here, Place
from qdimage.reporting.content import read_content
from qdimage.reporting.field_figures import Progress, draw_fields_at
from qdimage.reporting.html import render
from qdimage.reporting.pages import make_pages

REPORT = "report.html"


def build_report(out: Path, place: Place | None = None, progress: Progress | None = None) -> Path:
    """Draw the figures of a finished run and write its report.

    Everything is made from the tables, the mean images and ``run.json``; the same ones give the
    same bytes.

    Parameters
    ----------
    out : pathlib.Path
        The output folder; receives ``figures/`` and ``report.html``.
    place : Place, optional
        Where the figures of fields are drawn, on this machine; this process where not given.
    progress : callable, optional
        Called as ``progress(what, done, total)``.

    Returns
    -------
    pathlib.Path
        The report.

    Raises
    ------
    FormatError
        If the folder is not the output of a run.
    """
    content = read_content(out)
    pages = make_pages(content, draw_fields_at(place or Here(), content, progress))
    path = out / REPORT
    write_text(path, render(content, pages))
    return path
