"""File names in the output folder, whatever a field or a channel is called."""

import re

# Two of them, numbers and a suffix stay below the 255 bytes that a name may have.
_LONGEST = 60


def slug(text: str) -> str:
    """Return a name of letters, digits, dot, dash and underscore that every file system takes."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._")
    # A dot at the end is lost on Windows.
    return plain[:_LONGEST].rstrip("._") or "unnamed"


def field_folder(number: int, field: str) -> str:
    """Return the folder of a field's files; the number keeps equal slugs apart."""
    return f"{number:03d}_{slug(field)}"


def image_path(number: int, field: str, channel_number: int, channel: str) -> str:
    """Return where a channel's mean image lies, relative to the output folder."""
    return f"images/{field_folder(number, field)}/{channel_number:02d}_{slug(channel)}.tif"


def curve_path(folder: str, number: int, field: str, file_number: int, file: str) -> str:
    """Return where a curve of a dot's file lies, relative to the output folder.

    Parameters
    ----------
    folder : str
        Kind of curve: ``g2``, ``traces``, ``decays``, ``spectra``.
    number, file_number : int
        Of the field in the run, and of the file in its declaration.
    field, file : str
        Their names.
    """
    stem = re.sub(r"\.[^./\\]*$", "", file.replace("\\", "/").rpartition("/")[2])
    name = f"{field_folder(number, field)}_{file_number:02d}_{slug(stem)}"
    return f"curves/{folder}/{name}.csv"
