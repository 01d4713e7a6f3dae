"""The selection of the session and that of the layers, one in both; and what is done to points.

Table and plots read the selection from the session themselves. A point that is added, moved or
deleted in napari becomes an act of the session, which then writes the layers anew: nothing that
napari copied into a new point stays, and an act can be undone.
"""

from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points
from numpy.typing import NDArray

from napari_qdimage import messages
from napari_qdimage.convert import pixel_um, positions
from napari_qdimage.guard import guard
from napari_qdimage.session import Session

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer

_SAME_PX = 1e-6
_NEAR_SCREEN_PX = 12.0
_CLICK_SCREEN_PX = 4.0
_CHOSEN_SIZE = 1.6


class Linking:
    """Links a session to the layers of dots in a viewer: those with a feature `dot_id`.

    To be made after what draws the layers, so that it hears of a change when they are drawn.
    """

    def __init__(self, session: Session, viewer: "Viewer") -> None:
        self._session = session
        self._viewer = viewer
        self._links: dict[Points, _LayerLink] = {}
        self._from_image = False
        for layer in viewer.layers:
            self._adopt(layer)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.mouse_drag_callbacks.append(self._on_press)
        for signal in (session.opened, session.tables_changed, session.curation_changed):
            signal.connect(self._show)
        session.selection_changed.connect(self._show_and_look)

    def close(self) -> None:
        """Leave viewer and session alone."""
        session = self._session
        for signal in (session.opened, session.tables_changed, session.curation_changed):
            signal.disconnect(self._show, missing_ok=True)
        session.selection_changed.disconnect(self._show_and_look, missing_ok=True)
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        if self._on_press in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_press)
        for link in self._links.values():
            link.close()
        self._links.clear()

    # Layers that come and go

    def _on_inserted(self, event: Any) -> None:
        self._adopt(event.value)

    def _on_removed(self, event: Any) -> None:
        link = self._links.pop(event.value, None)
        if link is not None:
            link.close()

    def _adopt(self, layer: "Layer") -> None:
        if isinstance(layer, Points) and "dot_id" in layer.features:
            self._links[layer] = _LayerLink(self._session, layer, self._choose_in_image)
            self._show()

    # From the session to the layers

    def _show(self, *_: object) -> None:
        with guard:
            for link in self._links.values():
                link.show()

    def _show_and_look(self) -> None:
        self._show()
        if not self._from_image:
            self._look_at_current()

    def _look_at_current(self) -> None:
        """Move the camera if the current dot lies outside of what is seen."""
        current = self._session.current
        if current is None or not self._links:
            return
        camera, dots = self._viewer.scene.camera, self._session.dots
        place = positions(dots.loc[[current]])[0] * self._world_per_px()
        half = np.asarray(self._viewer.canvas.size, float) / camera.zoom / 2
        away = np.abs(place - np.asarray(camera.center, float)[-2:])
        if np.any(away > 0.95 * half):
            camera.center = (0.0, float(place[0]), float(place[1]))

    def _world_per_px(self) -> float:
        return pixel_um(self._session.experiment, self._session.dots) or 1.0

    # From the image to the session

    def _choose_in_image(self, dot_ids: Iterable[int]) -> None:
        self._from_image = True
        try:
            self._session.select(dot_ids)
        finally:
            self._from_image = False

    def _on_press(self, viewer: "Viewer", event: Any) -> Generator[None, None, None]:
        """Choose the dot that is clicked, whichever layer is active, unless a tool is in use."""
        active = viewer.layers.selection.active
        if event.button != 1 or str(getattr(active, "mode", "pan_zoom")) != "pan_zoom":
            return
        start = np.asarray(event.pos, float)
        place = np.asarray(event.position, float)[-2:]
        held = set(event.modifiers)
        yield
        while event.type == "mouse_move":
            yield
        if np.linalg.norm(np.asarray(event.pos, float) - start) > _CLICK_SCREEN_PX:
            return
        dot = self._dot_near(place)
        if dot is None:
            return
        if held & {"Shift", "Control"}:
            chosen = self._session.selection
            others = [each for each in chosen if each != dot]
            self._choose_in_image(others if dot in chosen else [*others, dot])
        else:
            self._choose_in_image([dot])

    def _dot_near(self, place: NDArray[np.float64]) -> int | None:
        """Return the dot nearest to a place (y, x) of the world, if it is as near as a click."""
        dots = self._session.dots
        if not len(dots) or not any(layer.visible for layer in self._links):
            return None
        away = np.linalg.norm(positions(dots) * self._world_per_px() - place, axis=1)
        nearest = int(np.argmin(away))
        if away[nearest] * self._viewer.scene.camera.zoom > _NEAR_SCREEN_PX:
            return None
        return int(dots.index[nearest])


class _LayerLink:
    """One layer of dots: what is selected, added, moved or deleted in it."""

    def __init__(
        self, session: Session, layer: Points, choose: Callable[[Iterable[int]], None]
    ) -> None:
        self._session = session
        self._layer = layer
        self._choose = choose
        self._size = float(np.median(layer.size)) if len(layer.data) else layer.current_size
        self._leaving: tuple[int, ...] | None = None
        self._just_added: tuple[int, ...] | None = None
        layer.selected_data.events.items_changed.connect(self._on_selected)
        layer.events.data.connect(self._on_data)

    def close(self) -> None:
        """Leave the layer alone."""
        self._layer.selected_data.events.items_changed.disconnect(self._on_selected)
        self._layer.events.data.disconnect(self._on_data)

    @property
    def _ids(self) -> NDArray[np.int64]:
        """The dot_id of each point; 0 for one that the session does not know."""
        ids = np.zeros(len(self._layer.data), np.int64)
        known = self._layer.features["dot_id"].to_numpy(np.int64, na_value=0)
        n = min(len(ids), len(known))
        ids[:n] = known[:n]
        return ids

    def show(self) -> None:
        """Select the session's dots in the layer; to be called inside the guard."""
        chosen = np.isin(self._ids, self._session.selection)
        rows = set(np.flatnonzero(chosen).tolist())
        if rows != set(self._layer.selected_data):
            self._layer.selected_data = rows
        # napari's own mark of what is selected is hard to see among coloured rings.
        sizes = np.where(chosen, _CHOSEN_SIZE * self._size, self._size)
        if not np.array_equal(sizes, self._layer.size):
            self._layer.size = sizes

    def _on_selected(self, *_: object) -> None:
        if guard.closed or self._leaving is not None:
            return
        if self._just_added is not None:
            # napari selects the row at which it put the point; the session has its own rows.
            chosen, self._just_added = self._just_added, None
            self._choose(chosen)
            return
        ids = self._ids
        rows = [int(row) for row in self._layer.selected_data if row < len(ids)]
        now = [int(ids[row]) for row in sorted(rows)]
        before = [dot for dot in self._session.selection if dot in now]
        self._choose([*before, *(dot for dot in now if dot not in before)])

    def _on_data(self, event: Any) -> None:
        if guard.closed:
            return
        act = {
            "removing": self._on_removing,
            "removed": self._on_removed,
            "added": self._on_added,
            "changed": self._on_moved,
        }.get(str(getattr(event.action, "value", event.action)))
        if act is not None:
            with messages.shown():
                act([int(row) for row in event.data_indices])

    def _on_removing(self, rows: list[int]) -> None:
        ids = self._ids
        self._leaving = tuple(int(ids[row]) for row in rows)

    def _on_removed(self, _: list[int]) -> None:
        leaving, self._leaving = self._leaving, None
        self._session.delete(dot for dot in leaving or () if dot)

    def _on_added(self, rows: list[int]) -> None:
        places = [self._field_px(self._layer.data[row]) for row in rows]
        self._just_added = tuple(self._session.add(x, y) for x, y in places)

    def _on_moved(self, rows: list[int]) -> None:
        ids, dots = self._ids, self._session.dots
        moved = []
        for row in rows:
            dot, (x, y) = int(ids[row]), self._field_px(self._layer.data[row])
            before = positions(dots.loc[[dot]])[0] if dot in dots.index else (y, x)
            if max(abs(y - before[0]), abs(x - before[1])) > _SAME_PX:
                moved.append((dot, x, y))
        # The first act draws the layer anew.
        for dot, x, y in moved:
            self._session.move(dot, x, y)

    def _field_px(self, place: NDArray[np.float64]) -> tuple[float, float]:
        """Return the field's (x, y) of a point, through the world."""
        size = pixel_um(self._session.experiment, self._session.dots) or 1.0
        y, x = np.asarray(self._layer.data_to_world(place), float)[-2:] / size
        return float(x), float(y)


def choose_picked(session: Session, dot_id: int, extend: bool) -> None:
    """Choose a dot that was clicked in a plot; with Shift or Ctrl one more."""
    others = [each for each in session.selection if each != dot_id] if extend else []
    session.select([*others, dot_id])
