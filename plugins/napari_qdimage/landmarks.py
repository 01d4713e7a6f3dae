"""Pairs of places that a person sets, one in the PL and one in the EL image in turn."""

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points

from napari_qdimage import convert
from napari_qdimage.layer_data import OWN
from qdimage.domain import colours

if TYPE_CHECKING:
    from napari import Viewer

    from qdimage.pipeline.landmarks import Pin

PL, EL = "landmarks PL", "landmarks EL"
_SIZE_PX = 11.0


class Landmarks:
    """Two layers of numbered places; a pair is a place of each with the same number.

    The layer whose turn it is is the active one, in napari's mode to add points.
    """

    def __init__(self, viewer: "Viewer", pixel: float | None, el_affine_px: Any) -> None:
        """Make the layers; `el_affine_px` lays the EL channel on the field for now."""
        self._viewer = viewer
        self._pixel = pixel
        self.pl = self._add(PL, colours.PL_STOPS[3], None)
        self.el = self._add(EL, colours.EL_STOPS[3], el_affine_px)
        for layer in (self.pl, self.el):
            layer.events.data.connect(self._take_turns)
        self._take_turns()

    def _add(self, name: str, colour: str, affine_px: Any) -> Any:
        layer = Points(
            np.empty((0, 2)),
            name=name,
            symbol="cross",
            size=_SIZE_PX,
            face_color=colour,
            border_color=colour,
            features={"number": np.empty(0, int)},
            text={"string": "{number}", "color": colour, "size": 12, "translation": [-9, 9]},
            metadata={OWN: name},
            **convert.placement(self._pixel, affine_px),
        )
        return self._viewer.add_layer(layer)

    @property
    def pins(self) -> "tuple[Pin, ...]":
        """The complete pairs: x, y in the channel, and x, y in the field, px."""
        pairs = zip(self.el.data[:, -2:], self.pl.data[:, -2:], strict=False)
        return tuple(
            (float(own[1]), float(own[0]), float(field[1]), float(field[0])) for own, field in pairs
        )

    @property
    def next_is_pl(self) -> bool:
        """Whether the next place belongs into the PL image."""
        return len(self.pl.data) <= len(self.el.data)

    def show(self, pins: "tuple[Pin, ...]") -> None:
        """Show pairs that were set before."""
        places = np.array(pins, float).reshape(-1, 4)
        self.el.data, self.pl.data = places[:, 1::-1], places[:, 3:1:-1]
        self._take_turns()

    def remove_last(self) -> None:
        """Take away the place that was set last."""
        layer = self.el if self.next_is_pl else self.pl
        if len(layer.data):
            layer.data = layer.data[:-1]
            self._take_turns()

    def clear(self) -> None:
        """Take away all places."""
        self.show(())

    def place_el(self, affine_px: Any) -> None:
        """Lay the EL places as the EL image now is laid."""
        self.el.affine = convert.placement(self._pixel, affine_px)["affine"]

    def close(self) -> None:
        """Take the layers away."""
        for layer in (self.pl, self.el):
            layer.events.data.disconnect(self._take_turns)
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def _take_turns(self, event: Any = None) -> None:
        if event is not None and str(getattr(event.action, "value", "")) in ("adding", "removing"):
            return
        for layer in (self.pl, self.el):
            numbers = np.arange(1, len(layer.data) + 1)
            if list(layer.features["number"]) != list(numbers):
                layer.features = {"number": numbers}
        turn = self.pl if self.next_is_pl else self.el
        self._viewer.layers.selection.active = turn
        turn.mode = "add"
