"""The one guard against echoes: what the plugin writes to a view is no act of the user."""

from types import TracebackType


class Guard:
    """Tells a view's event handlers whether the plugin itself is writing.

    Whoever brings a view up to date from the session does so inside ``with guard:``; handlers of
    the view's events return at once while it is ``closed``. It may be entered again inside itself.
    All views live in Qt's thread, so that one guard is enough for all of them.
    """

    def __init__(self) -> None:
        self._depth = 0

    @property
    def closed(self) -> bool:
        """Whether the plugin is writing."""
        return self._depth > 0

    def __enter__(self) -> "Guard":
        self._depth += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._depth -= 1


guard = Guard()
