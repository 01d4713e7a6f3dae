"""Which frames of a file are used."""

from collections.abc import Sequence
from pathlib import Path

from qdimage.errors import FormatError


def choose_frames(
    path: Path,
    n_frames: int,
    frames: tuple[int, int] | None,
    frames_excluded: Sequence[int],
) -> list[int]:
    """Return the indices of the frames that are used.

    Raises
    ------
    FormatError
        If the choice is not among the file's frames, or leaves none.
    """
    first, stop = (0, n_frames) if frames is None else frames
    if not 0 <= first < stop <= n_frames:
        raise FormatError(
            f"{path}: found frames = [{first}, {stop}], expected a range inside [0, {n_frames}], "
            f"since the stack has {n_frames} frames; correct it"
        )
    beyond = [index for index in frames_excluded if not 0 <= index < n_frames]
    if beyond:
        raise FormatError(
            f"{path}: found {beyond[0]} in frames_excluded, expected 0 ... {n_frames - 1}; "
            "correct it"
        )
    excluded = set(frames_excluded)
    kept = [index for index in range(first, stop) if index not in excluded]
    if not kept:
        raise FormatError(f"{path}: frames_excluded leaves no frame; keep at least one")
    return kept


def only_channel(path: Path, channel_index: int | None) -> None:
    """Refuse a channel other than the only one.

    Raises
    ------
    FormatError
    """
    if channel_index not in (None, 0):
        raise FormatError(
            f"{path}: found channel_index {channel_index}, expected 0 ... 0, since the file has "
            "1 channel; correct it"
        )
