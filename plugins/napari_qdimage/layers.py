"""The shown field as layers of a viewer, kept true to the session."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Layer
from napari.utils import Colormap
from psygnal import Signal

from napari_qdimage import convert, messages, preferences
from napari_qdimage.frames import LazyFrames
from napari_qdimage.guard import guard
from napari_qdimage.layer_data import (
    DOTS,
    EL_ONLY,
    OWN,
    channel_affine,
    dot_colours,
    dot_features,
    dot_layers,
    el_only_places,
    image_layers,
)
from napari_qdimage.session import Session

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Image, Points

__all__ = ["DOTS", "EL_ONLY", "OWN", "FieldLayers"]


class FieldLayers:
    """Images of the channels, the PL dots, and the EL sources without a PL dot.

    All are made anew when another field is opened. A finished run shows its mean images; without
    one, or when asked, the frames are shown, read as they are looked at.

    Attributes
    ----------
    rebuilt
        All layers are new.
    images : dict of str to Image
        By channel.
    dots, el_only : Points or None
        None where no dot is known.
    """

    rebuilt = Signal()

    def __init__(self, session: Session, viewer: "Viewer") -> None:
        self.images: dict[str, Image] = {}
        self.dots: Points | None = None
        self.el_only: Points | None = None
        self._session = session
        self._viewer = viewer
        self._shows_frames = False
        self._means: dict[tuple[object, str], Any] = {}
        session.opened.connect(self._open)
        session.tables_changed.connect(self._tables_changed)
        session.curation_changed.connect(self.refresh)
        session.channel_changed.connect(self._show_channel)
        if session.field is not None:
            self._open()

    @staticmethod
    def of(session: Session, viewer: "Viewer") -> "FieldLayers":
        """Return a session's layers, made at the first call."""
        if session not in _known:
            _known[session] = FieldLayers(session, viewer)
        return _known[session]

    def close(self) -> None:
        """Leave the layers to the viewer, and the session alone."""
        self._session.opened.disconnect(self._open)
        self._session.tables_changed.disconnect(self._tables_changed)
        self._session.curation_changed.disconnect(self.refresh)
        self._session.channel_changed.disconnect(self._show_channel)
        self._release()

    @property
    def pixel_um(self) -> float | None:
        """Size of a field pixel; None where the world is in pixels."""
        return convert.pixel_um(self._session.experiment, self._session.of_field("dots"))

    @property
    def shows_frames(self) -> bool:
        """Whether stacks are shown frame by frame where they are there."""
        return self._shows_frames

    @shows_frames.setter
    def shows_frames(self, wanted: bool) -> None:
        if wanted != self._shows_frames:
            self._shows_frames = wanted
            self._build()

    @property
    def has_means(self) -> bool:
        """Whether the shown field has a mean image of any channel."""
        field, out = self._session.field, self._session.out
        return out is not None or any(own == field for own, _ in self._means)

    def set_means(self, images: Mapping[str, Any]) -> None:
        """Keep mean images (y, x) that were computed for channels of the shown field; show them."""
        field = self._session.field
        self._means |= {(field, channel): image for channel, image in images.items()}
        self._shows_frames = False
        self._build()

    def metadata(self, channel: str) -> Mapping[str, float]:
        """Return what a channel's file says of itself; nothing unless its frames are shown."""
        layer = self.images.get(channel)
        data = None if layer is None else layer.data
        return data.metadata if isinstance(data, LazyFrames) else {}

    def refresh(self) -> None:
        """Bring dots and colours up to date with the session."""
        if self.dots is None:
            if len(self._session.dots):
                self._build()
            return
        with guard:
            self._refresh_dots(self.dots)
            if self.el_only is not None:
                self.el_only.data = el_only_places(self._session)

    def _open(self) -> None:
        fields = set(self._session.fields)
        self._means = {key: mean for key, mean in self._means.items() if key[0] in fields}
        self._shows_frames = preferences.frames_first()
        self._build()

    def affine_px(self, channel: str) -> Any:
        """Return the (2, 3) map of a channel's px (x, y) to the field's, as the session has it."""
        return channel_affine(self._session, channel)

    def place(self, channel: str, affine_px: Any = None) -> None:
        """Lay a channel's image by a map for a look; as the session has it where none is given."""
        layer = self.images.get(channel)
        if layer is None:
            return
        wanted = self.affine_px(channel) if affine_px is None else affine_px
        placement = convert.placement(self.pixel_um, wanted, n_frames_axes=layer.ndim - 2)
        layer.affine = placement["affine"]

    def show_only(self, channel: str) -> None:
        """Show the reference and one other channel."""
        first = next(iter(self.images), "")
        for name, layer in self.images.items():
            wanted = name in (first, channel)
            # napari draws anew even where nothing changes.
            if layer.visible != wanted:
                layer.visible = wanted

    def _tables_changed(self, names: frozenset[str]) -> None:
        if "channels" in names:
            self._build()
            return
        if "registration" in names:
            for channel in self.images:
                self.place(channel)
        self.refresh()

    def _show_channel(self) -> None:
        with guard:
            self._show_chosen()
        self.refresh()

    def _build(self) -> None:
        means = {
            channel: mean
            for (field, channel), mean in self._means.items()
            if field == self._session.field
        }
        with guard:
            self._remove()
            layers = image_layers(
                self._session, means=means, as_frames=self._shows_frames, say=messages.show
            )
            for data, options, kind in layers:
                options["colormap"] = Colormap(**options["colormap"])
                layer = self._viewer.add_layer(Layer.create(data, options, kind))
                self.images[layer.metadata["channel"]] = layer
            size = preferences.dot_size_px()
            for data, options, kind in dot_layers(self._session, dot_size_px=size):
                layer = self._viewer.add_layer(Layer.create(data, options, kind))
                if options["name"] == DOTS:
                    self.dots = layer
                else:
                    self.el_only = layer
            self._show_chosen()
            if self.dots is not None:
                self._viewer.layers.selection.active = self.dots
        if self.images:
            self._viewer.fit_to_view()
        self.rebuilt.emit()

    def _remove(self) -> None:
        self._release()
        for layer in [each for each in self._viewer.layers if _is_own(each)]:
            self._viewer.layers.remove(layer)
        self.images, self.dots, self.el_only = {}, None, None

    def _release(self) -> None:
        for layer in self.images.values():
            if isinstance(layer.data, LazyFrames):
                layer.data.close()

    def _refresh_dots(self, layer: "Points") -> None:
        places = convert.positions(self._session.dots)
        if places.shape != layer.data.shape or not np.array_equal(places, layer.data):
            layer.selected_data = set()
            layer.data = places
        features = dot_features(self._session)
        if np.array_equal(features["dot_id"], layer.features["dot_id"]):
            # In place napari does not draw anew; it does so below.
            layer.features["state"] = features["state"]
        else:
            layer.features = features
        colours = dot_colours(self._session)
        if not np.array_equal(colours, layer.border_color):
            layer.border_color = colours

    def _show_chosen(self) -> None:
        self.show_only(self._session.channel or next(reversed(self.images), ""))


def _is_own(layer: Layer) -> bool:
    return isinstance(layer.metadata.get(OWN), str)


_known: "WeakKeyDictionary[Session, FieldLayers]" = WeakKeyDictionary()
