"""Run the tutorial on the demo device and write what is printed, and its figures, into `docs`.

Run it in qdimage's environment: ``.qd/env/bin/python docs/run_tutorial.py``. A test runs the same
commands on smaller stacks.
"""

import contextlib
import io
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CLONE = Path(__file__).resolve().parents[1]
PAGE = CLONE / "docs" / "tutorial.md"
PICTURES = CLONE / "docs" / "images"
DEMO = CLONE / "sample_stacks" / "demo_device" / "field-01"
FIELD = Path("lab", "device-A", "field-01")

_MOST_LINES, _LAST_LINES = 18, 5
_WIDEST = 124
_COLOURS = 128
_WIDTH_PX = 1100
# Figures of the run and the names that they have on the page.
FIGURES = {"micrographs": "micrographs", "turn_on": "turn_on", "null": "null", "g2": "g2"}


class Block(NamedTuple):
    """A block of the page: its language, its text, and where the text stands."""

    language: str
    text: str
    start: int
    end: int


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [Block(each[1], each[2], each.start(2), each.end(2)) for each in found]


def run_blocks(page: str, field: Path = FIELD) -> Iterator[tuple[Block, str]]:
    """Do what the page says in the current folder, and yield each block with what it printed.

    TOML and JSON are written where the page says that they belong; ``sh`` and ``python`` are run.

    Raises
    ------
    RuntimeError
        If a command does not end with 0; the message has what it printed.
    """
    for block in blocks(page):
        if block.language == "toml":
            (field / "experiment.toml").write_text(block.text, encoding="utf-8")
        elif block.language == "json":
            (field / "curation.json").write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            yield block, "".join(_printed_by(line) for line in block.text.splitlines())
        elif block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(block.text, {})  # noqa: S102
            yield block, printed.getvalue()


def _printed_by(line: str) -> str:
    from qdimage.cli.main import run_command_line

    program, *arguments = shlex.split(line)
    if program != "qdimage":
        raise RuntimeError(f"found {program!r} in the tutorial, expected qdimage")
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = run_command_line(arguments)
    if code != 0:
        raise RuntimeError(f"{line}: exit code {code}\n{out.getvalue()}")
    return out.getvalue()


def with_outputs(page: str, printed: list[tuple[Block, str]]) -> str:
    """Return the page with each block of text after a command replaced by what was printed."""
    after = {block.end: text for block, text in printed}
    previous = 0
    for block in reversed(blocks(page)):
        if block.language != "text":
            continue
        before = [each for each in blocks(page) if each.end < block.start]
        previous = before[-1].end
        page = page[: block.start] + _shortened(after[previous]) + page[block.end :]
    return page


def _shortened(text: str) -> str:
    lines = [line.rstrip() for line in text.strip().splitlines()]
    lines = [line if len(line) <= _WIDEST else line[: _WIDEST - 4] + " ..." for line in lines]
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - _LAST_LINES], "...", *lines[-_LAST_LINES:]]
    return "".join(f"{line}\n" for line in lines)


def _keep_figures(figures: Path) -> None:
    from PIL import Image, ImageChops

    for name, wanted in FIGURES.items():
        picture = Image.open(next(figures.glob(f"*_{name}.png"))).convert("RGB")
        picture = picture.crop(ImageChops.invert(picture).getbbox())
        picture.thumbnail((_WIDTH_PX, 4 * _WIDTH_PX))
        small = picture.quantize(_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(PICTURES / f"tutorial_{wanted}.png", optimize=True)


def main() -> None:
    """Write the page and its figures anew."""
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        FIELD.mkdir(parents=True)
        for path in [*DEMO.glob("*.tif"), DEMO / "dots"]:
            copy = shutil.copytree if path.is_dir() else shutil.copyfile
            copy(path, FIELD / path.name)
        printed = []
        for block, text in run_blocks(page):
            print(block.text, text, sep="\n", file=sys.stderr)
            printed.append((block, text))
        PAGE.write_text(with_outputs(page, printed), encoding="utf-8", newline="\n")
        _keep_figures(Path("results", "figures"))
        os.chdir(CLONE)


if __name__ == "__main__":
    main()
