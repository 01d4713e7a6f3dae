"""A stack as an array of which napari reads the frames that it shows, and no others."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.stack import Stack
from qdimage.errors import QdimageError

Say = Callable[[str], object]


class LazyFrames:
    """A (t, y, x) array that reads a frame when it is asked for, and keeps the last one.

    Attributes
    ----------
    metadata : mapping
        What the file says of itself.
    n_read : int
        Frames read so far.
    """

    ndim = 3

    def __init__(self, stack: Stack, say: Say) -> None:
        """Wrap a stack; `say` is told of a frame that cannot be read, which is then empty."""
        self._stack = stack
        self._say = say
        self._last: tuple[int, NDArray[Any]] | None = None
        self.shape = stack.shape
        self.dtype = stack.dtype
        self.metadata = stack.metadata
        self.n_read = 0

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> NDArray[Any]:
        index = index if isinstance(index, tuple) else (index,)
        first, *rest = index
        if isinstance(first, slice):
            chosen = range(self.shape[0])[first]
            frames = [self._frame(t)[tuple(rest)] for t in chosen]
            return np.stack(frames) if frames else np.empty((0, *self.shape[1:]), self.dtype)
        return np.asarray(self._frame(int(first))[tuple(rest)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)

    def close(self) -> None:
        """Release the file."""
        self._stack.close()

    def _frame(self, t: int) -> NDArray[Any]:
        t = range(self.shape[0])[t]
        if self._last is not None and self._last[0] == t:
            return self._last[1]
        self.n_read += 1
        frame = self._read(t)
        self._last = t, frame
        return frame

    def _read(self, t: int) -> NDArray[Any]:
        try:
            return np.asarray(self._stack.reader(t, t + 1)[0])
        except QdimageError as error:
            self._say(str(error))
            return np.zeros(self.shape[1:], self.dtype)
