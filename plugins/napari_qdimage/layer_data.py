"""The shown field of a session as layers that napari can make, without a window."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_qdimage import convert
from napari_qdimage.dot_rows import dot_states
from napari_qdimage.frames import LazyFrames, Say
from napari_qdimage.images import mean_image
from napari_qdimage.session import Session
from qdimage import steps
from qdimage.domain.experiment import ChannelTable
from qdimage.errors import QdimageError
from qdimage.reporting.content import rows_of

DOTS, EL_ONLY = "dots", "EL only"
# What says that a layer is the plugin's own; its value is what the layer is.
OWN = "qdimage"

EL_ONLY_SIZE_PX = 7.0
DOT_SIZE_PX = 9.0
_BORDER = 0.12

LayerData = tuple[Any, dict[str, Any], str]


def image_layers(
    session: Session, *, means: Mapping[str, Any], as_frames: bool, say: Say
) -> list[LayerData]:
    """Return an image for each channel that can be read, the reference first.

    Parameters
    ----------
    means : mapping of str to ndarray, shape (y, x)
        Mean images that were computed here, by channel.
    as_frames : bool
        Prefer the frames of a stack to its mean image.
    say : callable
        Told in one line what cannot be read.
    """
    layers = []
    for name, declared in _channels(session).items():
        try:
            data = _pixels(session, name, declared, means, say, as_frames=as_frames)
        except (QdimageError, OSError) as error:
            say(str(error))
            continue
        if data is not None:
            layers.append(_image(session, name, declared, data))
    return layers


def dot_layers(session: Session, *, dot_size_px: float = DOT_SIZE_PX) -> list[LayerData]:
    """Return the PL dots and, below them, the EL sources without one; nothing without dots."""
    if not len(session.dots):
        return []
    pixel = convert.pixel_um(session.experiment, session.of_field("dots"))
    shared = {
        "face_color": "transparent",
        "border_width": _BORDER,
        **convert.placement(pixel),
    }
    alone = {
        "name": EL_ONLY,
        "symbol": "square",
        "size": EL_ONLY_SIZE_PX,
        "border_color": convert.STATE_COLOURS["EL only"],
        "metadata": {OWN: EL_ONLY},
    }
    own = {
        "name": DOTS,
        "symbol": "disc",
        "size": dot_size_px,
        "features": dot_features(session),
        "border_color": dot_colours(session),
        "metadata": {OWN: DOTS},
    }
    return [
        (el_only_places(session), shared | alone, "points"),
        (convert.positions(session.dots), shared | own, "points"),
    ]


def dot_features(session: Session) -> dict[str, Any]:
    """Return what a layer of dots says of each: its number, and its state in the channel."""
    return {
        "dot_id": session.dots.index.to_numpy(np.int64),
        "state": dot_states(session, session.channel).astype(str),
    }


def dot_colours(session: Session) -> Any:
    """Return the colour (n, 4) of each dot's state in the session's channel."""
    return convert.rgba(list(dot_states(session, session.channel)))


def el_only_places(session: Session) -> convert.Array:
    """Return the places (row, column) of the channel's EL sources without a PL dot."""
    matches = session.of_field("matches")
    return convert.positions(convert.el_only(matches, session.channel, _pl_shape(session)))


def _pl_shape(session: Session) -> tuple[int, int] | None:
    table = session.of_field("channels")
    reference = table[table["reference"].eq(True) & table["height_px"].notna()]
    if not len(reference):
        return None
    row = reference.iloc[0]
    return int(row["height_px"]), int(row["width_px"])


def _image(session: Session, name: str, declared: ChannelTable | None, data: Any) -> LayerData:
    kind = _kind(session, name, declared)
    lazy = isinstance(data, LazyFrames)
    pixel = convert.pixel_um(session.experiment, session.of_field("dots"))
    options = {
        "name": name,
        "colormap": convert.colormap(kind),
        "contrast_limits": convert.contrast_limits(data[0] if lazy else data),
        "blending": "additive",
        "metadata": {OWN: f"{kind} image", "channel": name},
        **convert.placement(pixel, channel_affine(session, name), n_frames_axes=1 if lazy else 0),
    }
    return data, options, "image"


def _pixels(
    session: Session,
    name: str,
    declared: ChannelTable | None,
    means: Mapping[str, Any],
    say: Say,
    *,
    as_frames: bool,
) -> Any:
    """A mean image, else the frames of the stack; None where there is neither."""
    experiment = session.experiment
    has_stack = experiment is not None and declared is not None
    if not (as_frames and has_stack):
        mean = means.get(name)
        mean = mean_image(session, name) if mean is None else mean
        if mean is not None:
            return mean
    if experiment is None or declared is None:
        return None
    return LazyFrames(steps.open_channel(experiment, declared), say)


def _kind(session: Session, name: str, declared: ChannelTable | None) -> str:
    if declared is not None:
        return declared.kind
    table = session.of_field("channels")
    return str(table.loc[table["channel"] == name, "kind"].iloc[0])


def channel_affine(session: Session, name: str) -> Any:
    """Return a channel's (2, 3) map of (x, y) px to the field: as registered, else as declared."""
    table = session.of_field("registration")
    for row in rows_of(table[table["channel"] == name]):
        affine = convert.affine_of(row)
        if affine is not None:
            return affine
    declared = _channels(session).get(name)
    if session.experiment is None or declared is None:
        return None
    return steps.nominal_affine(declared, session.experiment.declared.reference)


def _channels(session: Session) -> dict[str, ChannelTable | None]:
    """All channels by name, the reference first, then PL and EL in order of voltage.

    What is declared now counts, and what a run knew beside it.
    """
    experiment = session.experiment
    found: dict[str, ChannelTable | None] = {}
    if experiment is not None and experiment.declared.channels:
        reference = experiment.declared.reference
        pl = [each for each in experiment.declared.channels if each.kind == "pl"]
        pl.sort(key=lambda each: each != reference)
        found = {each.name: each for each in (*pl, *experiment.declared.el_channels)}
    table = session.of_field("channels")
    order = ["reference", "kind", "voltage_v"]
    rows = table.sort_values(order, ascending=[False, False, True], kind="stable")
    return found | {name: None for name in rows["channel"].astype(str) if name not in found}
