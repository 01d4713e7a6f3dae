"""For how long the preview of localization keeps the window from answering.

The view is moved over a field of the demo device; the longest time without an event answered is
taken from each move until its dots are shown. Without a graphics card the canvas is drawn by
software, which is most of it: the same moves without a preview are timed beside.
"""

import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

CLONE = Path(__file__).parent.parent
LIMIT_MS = 50.0
MOVES = 12


def measure() -> tuple[list[float], list[float], list[float]]:
    """Longest blocks, waits for the dots, and blocks without a preview, in ms, of each move."""
    import napari
    from gui_acts import longest_block, settle, wait_until
    from napari_qdimage import dock

    viewer = napari.Viewer(show=True, show_welcome_screen=False)
    viewer.window.resize(1600, 1000)
    widget = dock.show(viewer)
    widget.open(CLONE / "sample_stacks" / "demo_device" / "field-01")
    widget.show_tab("Localize")
    settle(0.5)
    tab = widget.tabs["Localize"]
    tab.preview_box.setChecked(True)
    wait_until(lambda: tab.found is not None, seconds=120)
    settle(0.5)
    camera = viewer.scene.camera
    camera.zoom *= 2
    blocks, waits, bare = [], [], []
    for k in range(2 * MOVES):
        settle(1.0)
        before = tab.found
        with longest_block() as block:
            start = perf_counter()
            _, y, x = camera.center
            camera.center = (0.0, y, x + (1.0 if k % 2 else -1.0))
            if tab.preview_box.isChecked():
                wait_until(lambda before=before: tab.found is not before, seconds=60)
                waits.append(1e3 * (perf_counter() - start))
            settle(0.3)
            (blocks if tab.preview_box.isChecked() else bare).append(1e3 * block())
        if k == MOVES - 1:
            tab.preview_box.setChecked(False)
    viewer.close()
    settle(0.1)
    return blocks, waits, bare


def main() -> None:
    """Print the times."""
    sys.path.insert(0, str(CLONE / "tests"))
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            LP_NUM_THREADS="1",
            NAPARI_CONFIG=str(Path(folder) / "settings.yaml"),
            NAPARI_ASYNC="0",
            XDG_STATE_HOME=str(Path(folder) / "state"),
        )
        from gui_display import own_display

        with own_display():
            blocks, waits, bare = measure()
    print(f"{MOVES} moves; the aim is blocks below {LIMIT_MS:g} ms")
    print(f"longest block: median {np.median(blocks):.0f} ms, most {max(blocks):.0f} ms")
    print(f"without a preview: median {np.median(bare):.0f} ms, most {max(bare):.0f} ms")
    print(f"dots shown after {np.median(waits):.0f} ms (the preview's delay is in it)")


if __name__ == "__main__":
    main()
