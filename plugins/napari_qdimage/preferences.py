"""What the plugin's page under Preferences says; the manifest declares it, with its defaults."""

from typing import Any


def _value(group: str, name: str) -> Any:
    from napari.settings import get_plugin_settings

    return getattr(getattr(get_plugin_settings("qdimage"), group), name)


def dot_size_px() -> float:
    """Return the diameter of the circles around dots."""
    return float(_value("view", "dot_size_px"))


def frames_first() -> bool:
    """Whether a finished run's stacks are shown frame by frame at first."""
    return bool(_value("view", "frames_first"))


def preview_delay_ms() -> int:
    """Return how long a preview waits after the last change."""
    return int(_value("localization", "preview_delay_ms"))


def largest_preview_px() -> int:
    """Return the side of the largest area that a preview searches."""
    return int(_value("localization", "largest_preview_px"))


def magnification() -> float:
    """Return how many times as long as they are residuals are drawn."""
    return float(_value("registration", "magnification"))
