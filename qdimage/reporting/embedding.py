"""Pictures inside a page."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

# Micrographs: without loss they are twice as large and take ten times as long.
_PHOTOGRAPH_BYTES = 500_000
_QUALITY, _EFFORT = 84, 2
# Twice as many pixels as the page is wide; the files have them all.
_WIDEST_PX, _THUMBNAIL_PX = 2000, 760


@dataclass(frozen=True)
class Embedded:
    """A picture as a data URI, and its size in pixels."""

    uri: str
    width: int
    height: int


def embedded(path: Path, *, thumbnail: bool = False) -> Embedded:
    """Return a PNG file as a WebP picture, a third of its size or less."""
    data = path.read_bytes()
    lossless = len(data) < _PHOTOGRAPH_BYTES
    most = _THUMBNAIL_PX if thumbnail else _WIDEST_PX
    packed = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        shown = image.convert("RGB")
    if shown.width > most:
        height = round(shown.height * most / shown.width)
        shown = shown.resize((most, height), Image.Resampling.LANCZOS)
        lossless = False
    shown.save(packed, "WEBP", lossless=lossless, quality=_QUALITY, method=_EFFORT)
    text = base64.b64encode(packed.getvalue()).decode("ascii")
    return Embedded(f"data:image/webp;base64,{text}", *shown.size)
