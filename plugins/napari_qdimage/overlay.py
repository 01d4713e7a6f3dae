"""Ways to see whether an EL image lies right on the PL image: blinking, and a checkerboard."""

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer

from napari_qdimage import convert
from napari_qdimage.layer_data import OWN

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Image

_BLINK_MS = 400
_SQUARES = 8
CHECKERBOARD = "checkerboard"


class Blinking(QObject):
    """Shows and hides a layer in turn."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setInterval(_BLINK_MS)
        self._timer.timeout.connect(self._turn)
        self._layer: Image | None = None

    def start(self, layer: "Image") -> None:
        """Begin with a layer, and leave the one before it visible."""
        self.stop()
        self._layer = layer
        self._timer.start()

    def stop(self) -> None:
        """End; the layer is visible."""
        self._timer.stop()
        if self._layer is not None:
            self._layer.visible = True
        self._layer = None

    def _turn(self) -> None:
        if self._layer is not None:
            self._layer.visible = not self._layer.visible


class Checkerboard:
    """Squares of the PL image and of the EL image in turn, no pixel of either moved."""

    def __init__(
        self, viewer: "Viewer", pl: "Image", el: "Image", affine_px: Any, pixel: float | None
    ) -> None:
        self._viewer = viewer
        self._hidden = [pl, el]
        height, width = np.asarray(shown_image(pl)).shape
        side = max(max(height, width) / _SQUARES, 1.0)
        self._layers = [
            self._add(pl, None, pixel, side, 0),
            self._add(el, affine_px, pixel, side, 1),
        ]
        for layer in self._hidden:
            layer.visible = False

    def close(self) -> None:
        """Show the images whole again."""
        for layer in self._layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        for layer in self._hidden:
            if layer in self._viewer.layers:
                layer.visible = True

    def _add(
        self, layer: "Image", affine_px: Any, pixel: float | None, side: float, parity: int
    ) -> Any:
        image = np.array(shown_image(layer), np.float32)
        image[squares(image.shape, affine_px, side) != parity] = np.nan
        return self._viewer.add_image(
            image,
            name=f"{CHECKERBOARD} {layer.name}",
            colormap=layer.colormap,
            contrast_limits=layer.contrast_limits,
            blending="additive",
            metadata={OWN: CHECKERBOARD},
            **convert.placement(pixel, affine_px),
        )


def squares(shape: tuple[int, ...], affine_px: Any, side_px: float) -> Any:
    """Return 0 or 1 for each pixel (y, x): the parity of its square in the field frame."""
    rows, columns = np.indices(shape, float)
    places = np.column_stack([rows.ravel(), columns.ravel()])
    if affine_px is not None:
        places = convert.apply_affine(affine_px, places)
    numbers = np.floor((places + 0.5) / side_px).astype(int)
    return np.asarray(numbers.sum(axis=1) % 2).reshape(shape)


def shown_image(layer: "Image") -> Any:
    """Return the (y, x) image of a channel: its mean, or the frame in the middle."""
    data = layer.data
    return data[len(data) // 2] if data.ndim == 3 else data
