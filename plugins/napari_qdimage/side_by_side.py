"""EL beside PL in napari's grid: the same dots in both, one crosshair in both, one camera.

The grid takes layers from the top, four to a view, and omits views whose layers are all hidden. So
the layers of PL and EL are moved to the top, the others are hidden, and all is put back at the end.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points, Vectors
from numpy.typing import NDArray
from psygnal import Signal

from napari_qdimage import convert
from napari_qdimage.guard import guard
from napari_qdimage.layer_data import (
    DOTS,
    EL_ONLY,
    OWN,
    dot_colours,
    dot_features,
    dot_layers,
    el_only_places,
)
from napari_qdimage.layers import FieldLayers
from napari_qdimage.session import Session

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Image, Layer

DOTS_IN_EL, EL_ONLY_IN_PL = f"{DOTS} in EL", f"{EL_ONLY} in PL"
CROSSHAIRS = ("crosshair in PL", "crosshair in EL")

_IN_A_VIEW = 4
_GAP_PX, _SPACING_PX = 6.0, 6
_LINE_PX, _LINE_COLOUR = 0.25, "#ffffff"


class SideBySide:
    """The arrangement, while it is on.

    Attributes
    ----------
    pointed
        The mouse is over a place (x, y) of the field, in pixels.
    """

    pointed = Signal(float, float)

    def __init__(self, session: Session, viewer: "Viewer") -> None:
        self._session = session
        self._viewer = viewer
        self._layers = FieldLayers.of(session, viewer)
        self._own: dict[str, Layer] = {}
        self._before: list[tuple[Layer, bool]] = []
        self._grid: dict[str, Any] = {}

    @property
    def is_on(self) -> bool:
        """Whether PL and EL are shown side by side."""
        return bool(self._own)

    @property
    def can_start(self) -> bool:
        """Whether there are both a PL and an EL image."""
        return self._pl is not None and self._el is not None

    @property
    def _pl(self) -> "Image | None":
        images = self._layers.images.values()
        return next((each for each in images if each.metadata[OWN] == "pl image"), None)

    @property
    def _el(self) -> "Image | None":
        return self._layers.images.get(self._session.channel)

    def start(self) -> None:
        """Show PL and EL side by side."""
        if self.is_on or not self.can_start:
            return
        active = self._viewer.layers.selection.active
        self._before = [(layer, layer.visible) for layer in self._viewer.layers]
        grid = self._viewer.canvas.grid
        self._grid = {name: getattr(grid, name) for name in ("stride", "shape", "spacing")}
        with guard:
            self._add_own()
            self._arrange()
            grid.stride, grid.shape, grid.spacing = -_IN_A_VIEW, (1, 2), _SPACING_PX
            grid.enabled = True
        if active is not None:
            self._viewer.layers.selection.active = active
        self._viewer.mouse_move_callbacks.append(self._on_move)
        self._viewer.fit_to_view()

    def stop(self) -> None:
        """Put everything back."""
        if not self.is_on:
            return
        viewer, grid = self._viewer, self._viewer.canvas.grid
        viewer.mouse_move_callbacks.remove(self._on_move)
        with guard:
            grid.enabled = False
            for name, value in self._grid.items():
                setattr(grid, name, value)
            for layer in self._own.values():
                if layer in viewer.layers:
                    viewer.layers.remove(layer)
            self._own = {}
            known = [(layer, shown) for layer, shown in self._before if layer in viewer.layers]
            for layer, shown in known:
                layer.visible = shown
            self._to_top([layer for layer, _ in known])
        if viewer.layers:
            viewer.fit_to_view()

    def refresh(self) -> None:
        """Bring the twin layers up to date with the session, and the arrangement."""
        if not self.is_on:
            return
        with guard:
            twin, alone = self._own.get(DOTS_IN_EL), self._own.get(EL_ONLY_IN_PL)
            if isinstance(twin, Points):
                places = convert.positions(self._session.dots)
                if not np.array_equal(places, twin.data):
                    twin.selected_data = set()
                    twin.data = places
                twin.features = dot_features(self._session)
                twin.border_color = dot_colours(self._session)
            if isinstance(alone, Points):
                alone.data = el_only_places(self._session)
            self._arrange()

    def show_crosshair(self, shown: bool) -> None:
        """Show or hide the crosshair."""
        for name in CROSSHAIRS:
            if name in self._own:
                self._own[name].visible = shown

    def point_at(self, x_px: float, y_px: float) -> None:
        """Put the crosshair at a place of the field, in pixels."""
        lines = _lines((y_px, x_px), self._size_px())
        for name in CROSSHAIRS:
            layer = self._own.get(name)
            if isinstance(layer, Vectors) and layer.visible:
                layer.data = lines
        self.pointed.emit(x_px, y_px)

    # Layers

    def _add_own(self) -> None:
        session, viewer = self._session, self._viewer
        for data, options, _ in dot_layers(session):
            name = DOTS_IN_EL if options["name"] == DOTS else EL_ONLY_IN_PL
            own = options | {"name": name, "metadata": {OWN: name}}
            self._own[name] = viewer.add_points(data, **own)
        height, width = self._size_px()
        for name in CROSSHAIRS:
            self._own[name] = viewer.add_vectors(
                _lines((height / 2, width / 2), (height, width)),
                name=name,
                edge_width=_LINE_PX,
                edge_color=_LINE_COLOUR,
                vector_style="line",
                opacity=0.7,
                metadata={OWN: name},
                **convert.placement(self._layers.pixel_um),
            )

    def _arrange(self) -> None:
        """Have the layers of EL and above them those of PL on top, the others hidden."""
        dots, alone = self._layers.dots, self._layers.el_only
        in_el = [self._el, alone, self._own.get(DOTS_IN_EL), self._own.get(CROSSHAIRS[1])]
        in_pl = [self._pl, self._own.get(EL_ONLY_IN_PL), dots, self._own.get(CROSSHAIRS[0])]
        order = [*in_el, *in_pl]
        shown = [layer for layer in order if layer is not None]
        if len(shown) < len(order):
            return
        for layer in self._viewer.layers:
            is_crosshair = layer.name in CROSSHAIRS
            if not is_crosshair:
                layer.visible = layer in shown
        if list(self._viewer.layers)[-len(shown) :] != shown:
            self._to_top(shown)

    def _to_top(self, layers: "list[Layer]") -> None:
        """Move layers to the top, the last one uppermost."""
        for layer in layers:
            at = self._viewer.layers.index(layer)
            self._viewer.layers.move(at, len(self._viewer.layers))

    def _size_px(self) -> tuple[float, float]:
        shape = self._pl.data.shape if self._pl is not None else (1, 1)
        return float(shape[-2]), float(shape[-1])

    def _on_move(self, _: "Viewer", event: Any) -> None:
        size = self._layers.pixel_um or 1.0
        y, x = np.asarray(event.position, float)[-2:] / size
        self.point_at(float(x), float(y))


def _lines(at: tuple[float, float], size: tuple[float, float]) -> NDArray[np.float64]:
    """Four arms (n, 2, 2) from near a place (y, x) to the borders of an image of a size."""
    (y, x), (height, width) = at, size
    arms = [
        ((y, 0.0), (0.0, x - _GAP_PX)),
        ((y, x + _GAP_PX), (0.0, width - x - _GAP_PX)),
        ((0.0, x), (y - _GAP_PX, 0.0)),
        ((y + _GAP_PX, x), (height - y - _GAP_PX, 0.0)),
    ]
    inside = 0 <= x < width and 0 <= y < height
    return np.array([arm for arm in arms if inside and min(arm[1]) >= 0], float).reshape(-1, 2, 2)
