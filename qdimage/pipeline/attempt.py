"""One bad part must not stop the others."""

import logging
from collections.abc import Callable
from typing import TypeVar

from qdimage.domain.refusal import Failure
from qdimage.errors import QdimageError

Answer = TypeVar("Answer")

_LOG = logging.getLogger(__name__)


def attempt(call: Callable[[], Answer], place: str) -> Answer | Failure:
    """Return what a call returns, or why it failed."""
    try:
        return call()
    except QdimageError as error:
        return Failure(str(error))
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        return Failure(
            f"{error.filename or place}: {reason}; check the path, its permissions and the free "
            "space"
        )
    except MemoryError as error:
        return Failure(
            f"{place}: memory ran out ({error}); use fewer workers, or a machine with more of it"
        )
    except Exception as error:  # noqa: BLE001
        _LOG.debug("%s", place, exc_info=True)
        return Failure(
            f"internal error in {place} ({type(error).__name__}: {error}); "
            "run again as qdimage --debug ... and report what it prints"
        )
