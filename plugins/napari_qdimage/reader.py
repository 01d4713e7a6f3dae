"""Files and folders that napari opens through the plugin.

The layers say where they are from; the dock, which opens with them, takes them over.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_qdimage import dock, messages
from napari_qdimage.frames import LazyFrames
from napari_qdimage.opening import DECLARATION, RECORD, What, what_is
from napari_qdimage.session_file import SUFFIX
from qdimage import steps

Reader = Callable[[str | Sequence[str]], list[Any]]

NO_LAYER: list[Any] = [(None,)]


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Return a reader of an experiment, or of a finished run; None for anything else."""
    one = Path(_only(path))
    if one.is_file() and not (one.name in (DECLARATION, RECORD) or one.name.endswith(SUFFIX)):
        return None
    if one.is_dir() and what_is(one) is What.STACKS:
        return None
    return read if one.exists() else None


def get_photon_reader(path: str | Sequence[str]) -> Reader | None:
    """Return a reader of time tags, which shows their g2 beside the viewer."""
    return read_photons if Path(_only(path)).is_file() else None


def get_spectrum_reader(path: str | Sequence[str]) -> Reader | None:
    """Return a reader of spectra, which shows one beside the viewer."""
    return read_spectrum if Path(_only(path)).is_file() else None


def read(path: str | Sequence[str]) -> list[Any]:
    """Return the first field of an experiment, or of a run, as layers."""
    from napari.utils import Colormap

    from napari_qdimage.layer_data import OWN, dot_layers, image_layers
    from napari_qdimage.session import Session

    one = Path(_only(path))
    session = Session()
    what = what_is(one)
    if what is What.SESSION:
        session.reopen(one)
    elif what is What.RUN:
        session.open_run(one if one.is_dir() else one.parent)
    else:
        session.open_experiment(one)
    layers = image_layers(session, means={}, as_frames=False, say=messages.show)
    for _, options, _ in layers:
        options["colormap"] = Colormap(**options["colormap"])
    layers += dot_layers(session)
    for _, options, _ in layers:
        options["metadata"] = {OWN: {"open": str(one)}}
    dock.show_soon()
    return layers or NO_LAYER


def read_photons(path: str | Sequence[str]) -> list[Any]:
    """Show g2 of a time-tag file in a dock of its own; napari gets no layer."""
    dock.show_g2_soon(Path(_only(path)))
    return NO_LAYER


def read_spectrum(path: str | Sequence[str]) -> list[Any]:
    """Show a spectrum in a dock of its own; or the frames of an image as a layer."""
    one = Path(_only(path))
    if steps.is_image_file(one):
        frames = LazyFrames(steps.open_stack(one), messages.show)
        low, high = float(frames[0].min()), float(frames[0].max())
        options = {"name": one.stem, "contrast_limits": (low, max(high, low + 1.0))}
        return [(frames, options, "image")]
    dock.show_spectrum_soon(one)
    return NO_LAYER


def _only(path: str | Sequence[str]) -> str:
    return path if isinstance(path, str) else next(iter(path))
