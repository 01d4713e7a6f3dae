"""Stacks frame by frame: dots found in each and linked, or the flux of those of the whole stack."""

from collections.abc import Callable
from typing import Any

from qdimage.config import AnalysisOptions
from qdimage.domain.flags import flag_names
from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.tracks import FrameFluxes, Tracks
from qdimage.image.frames import frame_image, signal_frames
from qdimage.localize.dots import localize
from qdimage.localize.frame_fluxes import frame_fluxes
from qdimage.localize.link import link
from qdimage.pipeline.single import LocatedStack, StackSource, read_image

Progress = Callable[[str, int, int], None]
Row = dict[str, Any]


def track_stack(
    source: StackSource,
    *,
    options: AnalysisOptions,
    progress: Progress = lambda what, done, total: None,
    **read: Any,
) -> tuple[LocatedStack, Tracks]:
    """Localize the dots of every frame, and link them to tracks.

    Parameters
    ----------
    source, options, **read
        As `qdimage.pipeline.single.locate_stack`.
    progress : callable
        Called as ``progress("frames", done, total)``.

    Returns
    -------
    LocatedStack, Tracks
        The dots of the mean image, which say how wide a dot is; those of the frames.
    """
    with read_image(source, options=options, **read) as (name, stack, image):
        located = _located(name, stack.metadata.get("pixel_size_um"), image, options, read)
        found: list[Localizations] = []
        for frame in signal_frames(stack, image):
            found.append(
                localize(
                    frame_image(frame, image), options=options.localize, psf=located.dots.field_psf
                )
            )
            progress("frames", len(found), image.n_frames)
    positions = [each.positions - drift for each, drift in zip(found, image.drift_px, strict=True)]
    tracks = link(
        positions,
        search_range_px=options.link.search_range_px,
        memory_frames=options.link.memory_frames,
    )
    return located, Tracks(tuple(found), tracks, image.drift_px)


def trace_dots(
    source: StackSource,
    *,
    options: AnalysisOptions,
    progress: Progress = lambda what, done, total: None,
    **read: Any,
) -> tuple[LocatedStack, FrameFluxes]:
    """Localize the dots of the mean image, and measure their flux in every frame.

    Parameters and progress as `track_stack`.
    """
    with read_image(source, options=options, **read) as (name, stack, image):
        located = _located(name, stack.metadata.get("pixel_size_um"), image, options, read)

        def counted() -> Any:
            for index, frame in enumerate(signal_frames(stack, image), start=1):
                yield frame
                progress("frames", index, image.n_frames)

        fluxes = frame_fluxes(
            counted(), image, located.dots, background_box_px=options.localize.background_box_px
        )
    return located, fluxes


def _located(
    name: str,
    pixel_size_um: float | None,
    image: PhotonImage,
    options: AnalysisOptions,
    read: dict[str, Any],
) -> LocatedStack:
    dots = localize(image, options=options.localize, psf_sigma_px=read.get("psf_sigma_px"))
    return LocatedStack(name, image, dots, pixel_size_um)


def track_rows(place: Row, located: LocatedStack, tracks: Tracks) -> list[Row]:
    """Return the rows of the table `tracks`; `place` is device, field, channel."""
    exposure_s, unit = located.image.exposure_s, located.image.noise.unit
    rows: list[Row] = []
    for frame, (dots, numbers) in enumerate(zip(tracks.frames, tracks.track, strict=True)):
        for k, track in enumerate(numbers):
            rows.append(
                place
                | {
                    "track": int(track),
                    "frame": frame,
                    "time_s": frame * exposure_s,
                    "x_px": dots.x_px[k] - tracks.drift_px[frame, 0],
                    "y_px": dots.y_px[k] - tracks.drift_px[frame, 1],
                    "x_err_px": dots.x_err_px[k],
                    "y_err_px": dots.y_err_px[k],
                    "x_frame_px": dots.x_px[k],
                    "y_frame_px": dots.y_px[k],
                    "photons_s": dots.signal[k] / exposure_s,
                    "photons_err_s": dots.signal_err[k] / exposure_s,
                    "background_photons_px_s": dots.background[k] / exposure_s,
                    "false_alarm_p": dots.false_alarm_p[k],
                    "flags": flag_names(int(dots.flags[k])),
                    "signal_unit": unit,
                }
            )
    return rows


def dot_trace_rows(place: Row, located: LocatedStack, fluxes: FrameFluxes) -> list[Row]:
    """Return the rows of the table `dot_traces`; `place` is device, field, channel."""
    exposure_s, unit = located.image.exposure_s, located.image.noise.unit
    n_frames, n_dots = fluxes.signal.shape
    return [
        place
        | {
            "loc_id": k + 1,
            "frame": frame,
            "time_s": frame * exposure_s,
            "photons_s": fluxes.signal[frame, k] / exposure_s,
            "photons_err_s": fluxes.signal_err[frame, k] / exposure_s,
            "signal_unit": unit,
        }
        for k in range(n_dots)
        for frame in range(n_frames)
    ]
