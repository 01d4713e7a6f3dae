"""Take the pictures of `docs/report.md` from a real report in a headless Chromium.

Run it in qdimage's environment: ``.qd/env/bin/python docs/make_report_pictures.py OUT``, OUT being
the results of `sample_stacks/paper_device`.
"""

import io
import sys
from pathlib import Path

from PIL import Image

CLONE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLONE / "tests"))

from browser import Browser, opened_browser  # noqa: E402

PICTURES = CLONE / "docs" / "images"
_COLOURS = 256
# Page, width and height in pixels.
_SCENES = {
    "report_device": ("device-2", 1280, 1000),
    "report_dots": ("dots", 1280, 620),
    "report_dot": ("dot-56", 1280, 1250),
}


def main() -> None:
    """Open the report and keep every picture."""
    report = Path(sys.argv[1]).resolve() / "report.html"
    with opened_browser() as browser:
        for name, (anchor, width, height) in _SCENES.items():
            browser.open(report, f"#{anchor}", size=(width, height))
            if anchor == "dots":
                browser.write("#filter", "lit and g2 < 0.1")
            _keep(browser, PICTURES / f"{name}.png")


def _keep(browser: Browser, path: Path) -> None:
    browser.wait("[...document.querySelectorAll('.current img')].every(each => each.complete)")
    image = Image.open(io.BytesIO(browser.picture())).convert("RGB")
    image.quantize(_COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main()
