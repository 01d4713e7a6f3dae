"""Calls about single stacks."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qdimage.api.arguments import PathLike, Progress, analysis_options, camera_keys

if TYPE_CHECKING:
    from qdimage.domain.refusal import Refusal
    from qdimage.domain.tracks import FrameFluxes, Tracks
    from qdimage.pipeline.registration import Registered
    from qdimage.pipeline.single import LocatedStack, StackSource


def locate(
    stack: "StackSource",
    *,
    camera: Mapping[str, float] | PathLike | None = None,
    exposure_s: float | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    psf_sigma_px: float | None = None,
    **selection: Any,
) -> "LocatedStack":
    """Localize the dots of one stack.

    Parameters
    ----------
    stack : path or ndarray, shape (t, y, x) or (y, x)
        ADU.
    camera : mapping or path, optional
        Keys of ``[camera]``, or a file with them; they win over the file's metadata.
    exposure_s : float, optional
        Of one frame; from the file's metadata where not given.
    options, assignments
        As in `plan`.
    psf_sigma_px : float, optional
        Expected width of a dot; measured where the stack has bright dots.
    **selection
        ``channel_index``, ``frames``, ``frames_excluded``.

    Returns
    -------
    LocatedStack
        Dots with errors, fluxes and flags, and the image that they were found in.

    Raises
    ------
    FormatError, ConfigurationError
        If the stack cannot be read, or its exposure is not known.
    """
    from qdimage.pipeline.single import locate_stack

    keys, source = camera_keys(camera)
    return locate_stack(
        stack,
        camera=keys,
        camera_source=source,
        exposure_s=exposure_s,
        options=analysis_options(options, assignments),
        psf_sigma_px=psf_sigma_px,
        selection=selection,
    )


def track(
    stack: "StackSource",
    *,
    camera: Mapping[str, float] | PathLike | None = None,
    exposure_s: float | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    psf_sigma_px: float | None = None,
    progress: Progress | None = None,
    **selection: Any,
) -> "tuple[LocatedStack, Tracks]":
    """Localize the dots of every frame of a stack, and link them to tracks.

    Parameters
    ----------
    stack, camera, exposure_s, options, assignments, psf_sigma_px, **selection
        As in `locate`; options of ``link`` count too.
    progress : callable, optional
        Called as ``progress(what, done, total)``.

    Returns
    -------
    LocatedStack, Tracks
        The dots of the mean of all frames; those of each frame, with their tracks.

    Raises
    ------
    FormatError, ConfigurationError, FitError
        As `locate`; or if the dots lie too close for the range in which they are linked.
    """
    from qdimage.pipeline.tracks import track_stack

    keys, source = camera_keys(camera)
    return track_stack(
        stack,
        camera=keys,
        camera_source=source,
        exposure_s=exposure_s,
        options=analysis_options(options, assignments),
        psf_sigma_px=psf_sigma_px,
        selection=selection,
        progress=progress or _silent,
    )


def dot_traces(
    stack: "StackSource",
    *,
    camera: Mapping[str, float] | PathLike | None = None,
    exposure_s: float | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    psf_sigma_px: float | None = None,
    progress: Progress | None = None,
    **selection: Any,
) -> "tuple[LocatedStack, FrameFluxes]":
    """Localize the dots of a stack, and measure the flux of each in every frame.

    Parameters
    ----------
    stack, camera, exposure_s, options, assignments, psf_sigma_px, progress, **selection
        As in `track`.

    Returns
    -------
    LocatedStack, FrameFluxes
        The dots, and arrays of shape (frames, dots) in the order of the dots.

    Raises
    ------
    FormatError, ConfigurationError
        As `locate`.
    """
    from qdimage.pipeline.tracks import trace_dots

    keys, source = camera_keys(camera)
    return trace_dots(
        stack,
        camera=keys,
        camera_source=source,
        exposure_s=exposure_s,
        options=analysis_options(options, assignments),
        psf_sigma_px=psf_sigma_px,
        selection=selection,
        progress=progress or _silent,
    )


def _silent(what: str, done: int, total: int) -> None:
    """Report to nobody."""


def register(
    pl: "StackSource | LocatedStack",
    el: "StackSource | LocatedStack",
    *,
    camera: Mapping[str, float] | PathLike | None = None,
    exposure_s: float | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
) -> "Registered | Refusal":
    """Find the transform from an EL stack's pixels to a PL stack's, or refuse.

    Parameters
    ----------
    pl, el : path, ndarray or LocatedStack
    camera, exposure_s, options, assignments
        As in `locate`, for both stacks.

    Returns
    -------
    Registered or Refusal
        A refusal says why the dots' agreement could be chance.
    """
    from qdimage.pipeline.single import LocatedStack, register_stacks

    if not isinstance(pl, LocatedStack):
        pl = locate(
            pl, camera=camera, exposure_s=exposure_s, options=options, assignments=assignments
        )
    if not isinstance(el, LocatedStack):
        el = locate(
            el,
            camera=camera,
            exposure_s=exposure_s,
            options=options,
            assignments=assignments,
            psf_sigma_px=pl.dots.psf_sigma_px,
        )
    return register_stacks(pl, el, options=analysis_options(options, assignments))
