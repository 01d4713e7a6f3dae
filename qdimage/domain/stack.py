"""A stack of camera frames, read lazily."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.errors import FormatError


def _nothing_to_close() -> None:
    return None


@dataclass(frozen=True)
class Stack:
    """Frames of one channel, in ADU, none of them read before they are asked for.

    Attributes
    ----------
    source : str
        What to call the stack in messages; usually its path.
    shape : tuple of int
        (t, y, x).
    dtype : numpy.dtype
        Of the frames as stored.
    reader : callable
        ``reader(start, stop)`` returns frames ``start <= t < stop`` as a (t, y, x) array.
    metadata : mapping
        What the file itself says: any of the ``[camera]`` keys of ``experiment.toml``, and
        ``exposure_s``, ``pixel_size_um``. Absent where the file does not say.
    closer : callable
        Releases the file.
    filler : callable, optional
        ``filler(start, frames)`` reads frames ``start``, ``start + 1``, ... into a (t, y, x) array
        of type `dtype`: for formats that can do so without a copy.
    """

    source: str
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    reader: Callable[[int, int], NDArray[Any]] = field(repr=False)
    metadata: Mapping[str, float] = field(default_factory=dict)
    closer: Callable[[], None] = field(default=_nothing_to_close, repr=False)
    filler: Callable[[int, NDArray[Any]], None] | None = field(default=None, repr=False)

    @classmethod
    def from_array(cls, frames: NDArray[Any], source: str = "array") -> "Stack":
        """Wrap an array of shape (y, x) or (t, y, x).

        Raises
        ------
        FormatError
            If it is no stack of grey frames; when read, if a value is no finite number.
        """
        frames = np.asarray(frames)
        if frames.ndim == 2:
            frames = frames[np.newaxis]
        if frames.ndim != 3:
            raise FormatError(
                f"{source}: found {frames.ndim} dimensions, expected (t, y, x); give one channel"
            )
        if frames.dtype.kind not in "uif" or frames.size == 0:
            raise FormatError(
                f"{source}: found {frames.dtype} values of shape {frames.shape}, expected integers "
                "or real numbers, and at least one; give the camera's raw frames"
            )

        def read(start: int, stop: int) -> NDArray[Any]:
            block = frames[start:stop]
            bad = np.flatnonzero(~np.isfinite(block).all(axis=(1, 2)))
            if bad.size:
                raise FormatError(
                    f"{source}: frame {start + bad[0]} has values that are no finite numbers, "
                    "expected none; give the camera's raw frames"
                )
            return block

        n_frames, height, width = frames.shape
        return cls(source, (n_frames, height, width), frames.dtype, read)

    def blocks(self, n_frames: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield (index of the first frame, frames) in blocks of at most ``n_frames`` frames."""
        for start in range(0, self.shape[0], n_frames):
            yield start, self.reader(start, min(start + n_frames, self.shape[0]))

    def fill(self, start: int, frames: NDArray[Any]) -> None:
        """Read frames ``start``, ``start + 1``, ... into a (t, y, x) array of any type."""
        if self.filler is not None and frames.dtype == self.dtype:
            self.filler(start, frames)
        else:
            frames[:] = self.reader(start, start + len(frames))

    def close(self) -> None:
        """Release the file; the stack cannot be read afterwards."""
        self.closer()

    def __enter__(self) -> "Stack":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
