"""Take the pictures of `docs/napari.md` from the real plugin, on the demo device.

Run it in qdimage's environment: ``.qd/env/bin/python docs/make_screenshots.py``. With ``--run OUT``
the results of an earlier run of the demo device are shown instead of new ones.
"""

import argparse
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qdimage

CLONE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLONE / "tests"))

from gui_acts import settle, wait_until  # noqa: E402
from gui_display import own_display  # noqa: E402

if TYPE_CHECKING:
    from napari import Viewer

PICTURES = CLONE / "docs" / "images"
DEVICE = CLONE / "sample_stacks" / "demo_device"
_WINDOW_PX = (1440, 900)
_DOCK_PX = 600
_COLOURS = 128
# Dots that are lit in most pictures.
_EARLY_V = 2.3
_SLOW_S = 600.0


def main() -> None:
    """Analyse the demo device, unless results are named, and take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="results of the demo device")
    parser.add_argument("names", nargs="*", help="pictures, without .png; all if not given")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, own_display():
        os.environ.update(NAPARI_CONFIG=f"{scratch}/settings.yaml", NAPARI_ASYNC="0")
        folder = Path(scratch) / DEVICE.name
        shutil.copytree(DEVICE, folder)
        out = Path(scratch) / "results"
        if given.run is None:
            qdimage.run(folder, out)
        else:
            shutil.copytree(given.run, out, ignore=shutil.ignore_patterns("session*"))
        PICTURES.mkdir(exist_ok=True)
        for name, (theme, show) in SCENES.items():
            if not given.names or name in given.names:
                _take(name, theme, lambda dock, show=show: show(dock, folder, out))


def _take(name: str, theme: str, show: Callable[[Any], None]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import napari
    from napari.settings import get_settings
    from napari_qdimage import dock

    get_settings().appearance.theme = theme
    viewer = napari.Viewer(show=True, show_welcome_screen=False)
    viewer.window.resize(*_WINDOW_PX)
    widget = dock.show(viewer)
    widget.setMinimumWidth(_DOCK_PX)
    settle(0.3)
    show(widget)
    settle(0.5)
    _save(viewer, PICTURES / f"napari_{name}.png")
    viewer.close()
    settle(0.1)


def _save(viewer: "Viewer", path: Path) -> None:
    from PIL import Image

    pixels = viewer.screenshot(canvas_only=False, flash=False)
    picture = Image.fromarray(pixels[..., :3])
    picture.quantize(_COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        path, optimize=True
    )
    print(f"{path}: {path.stat().st_size / 1024:.0f} kB")


# What each picture shows


def _dots(dock: Any, _: Path, out: Path) -> None:
    dock.open(out)
    dock.show_tab("Dots")
    settle(0.2)
    session, tab = dock.session, dock.tabs["Dots"]
    dots = session.dots
    seen = dots[dots["turn_on_voltage_v"] <= _EARLY_V]
    middle = (seen["x_px"] - 128).abs() + (seen["y_px"] - 128).abs()
    session.reject(list(middle.sort_values().index[5:7]))
    session.accept(list(middle.sort_values().index[1:4]))
    session.select([int(middle.idxmin())])
    tab.tabs.setCurrentIndex(0)
    _look_closer(dock, session.current)


def _measured(dock: Any, _: Path, out: Path) -> None:
    dock.open(out)
    dock.show_tab("Dots")
    settle(0.2)
    session, tab = dock.session, dock.tabs["Dots"]
    photons = session.of_field("photons")
    answered = photons[(photons["status"] == "ok") & photons["dot_id"].notna()]
    session.select([int(answered["dot_id"].iloc[0])])
    titles = [tab.tabs.tabText(k) for k in range(tab.tabs.count())]
    tab.tabs.setCurrentIndex(titles.index("g2"))


def _look_closer(dock: Any, dot_id: int | None) -> None:
    size, camera = dock.layers.pixel_um, dock.viewer.scene.camera
    row = dock.session.dots.loc[dot_id]
    settle(0.2)
    camera.zoom = camera.zoom * 2.2
    camera.center = (0.0, float(row["y_px"]) * size, float(row["x_px"]) * size)


def _turn_on(dock: Any, _: Path, out: Path) -> None:
    dock.open(out)
    dock.show_tab("Turn-on")
    tab = dock.tabs["Turn-on"]
    wait_until(lambda: "%" in tab.answer.text(), seconds=_SLOW_S)
    wait_until(lambda: not tab.fraction.is_counting, seconds=_SLOW_S)


def _register(dock: Any, folder: Path, _: Path) -> None:
    dock.open(folder)
    dock.show_tab("Register")
    tab = dock.tabs["Register"]
    tab.register_button.click()
    wait_until(lambda: tab.bar.job is None, seconds=_SLOW_S)
    tab.residuals.click()
    dock.viewer.scene.camera.zoom *= 2.5
    settle(0.2)


def _localize(dock: Any, folder: Path, _: Path) -> None:
    dock.open(folder)
    dock.show_tab("Localize")
    settle(0.2)
    dock.viewer.scene.camera.zoom *= 1.6
    dock.layers.show_only("PL")
    tab = dock.tabs["Localize"]
    tab.preview_box.click()
    wait_until(lambda: tab.found is not None, seconds=_SLOW_S)
    wait_until(lambda: not tab._pause.isActive() and tab._job is None, seconds=_SLOW_S)


def _compare(dock: Any, _: Path, out: Path) -> None:
    dock.open(out)
    dock.show_tab("Compare")
    settle(0.2)
    tab = dock.tabs["Compare"]
    tab.switch.click()
    dock.session.select([int(dock.session.dots.index[4])])
    settle(0.3)


SCENES: dict[str, tuple[str, Callable[[Any, Path, Path], None]]] = {
    "dots": ("dark", _dots),
    "g2": ("light", _measured),
    "turn_on": ("light", _turn_on),
    "register": ("dark", _register),
    "localize": ("dark", _localize),
    "compare": ("dark", _compare),
}

if __name__ == "__main__":
    main()
