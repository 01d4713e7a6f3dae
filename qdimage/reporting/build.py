"""From the output folder of a run to its figures and its report."""

from pathlib import Path

from qdimage.io.atomic import write_text
from qdimage.reporting.content import read_content
from qdimage.reporting.drawn import draw_into
from qdimage.reporting.html import render
from qdimage.reporting.pages import make_pages

REPORT = "report.html"


def build_report(out: Path) -> Path:
    """Draw the figures of a finished run and write its report.

    Everything is made from the tables, the mean images and ``run.json``; the same ones give the
    same bytes.

    Parameters
    ----------
    out : pathlib.Path
        The output folder; receives ``figures/`` and ``report.html``.

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
    pages = make_pages(content, draw_into(out))
    path = out / REPORT
    write_text(path, render(content, pages))
    return path
