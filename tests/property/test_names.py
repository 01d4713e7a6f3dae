"""Files of the output are named so that every system takes them, whatever fields are called."""

import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdimage.pipeline.names import curve_path, field_folder, image_path, slug

# Names of devices and folders, endless ones, and those that normal forms would make alike.
NAMES = (
    *(
        "CON",
        "NUL",
        "aux.txt",
        "com1",
        "..",
        ".",
        "",
        "...",
        "a/../../b",
        "C:\\x",
        "-rf",
        "~",
        "$x",
    ),
    *("a" * 5000, "\u00e9" * 300, "e\u0301", "\u00e9", "\0", "a\nb", "x.", "x ", ("a" * 59) + ".b"),
)
names = st.one_of(st.sampled_from(NAMES), st.text(max_size=90))
numbers = st.integers(1, 10**6)

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def parts_are_plain(path: str) -> None:
    for part in PurePosixPath(path).parts:
        assert _PLAIN.fullmatch(part)
        assert not part.endswith(".")
        assert not _RESERVED.fullmatch(part)
        assert len(f"{part}.partial".encode()) <= 255
    assert ".." not in PurePosixPath(path).parts


@given(field=names, other=names, number=numbers, second=numbers)
def test_paths_are_plain_and_stay_apart(field: str, other: str, number: int, second: int) -> None:
    first, fields = image_path(number, field, second, other), {number, second}
    parts_are_plain(first)
    parts_are_plain(curve_path("g2", number, field, second, f"{other}.ptu"))
    assert _PLAIN.fullmatch(slug(field))
    if len(fields) == 2:
        # Also where capitals are no other letters.
        assert field_folder(number, field).lower() != field_folder(second, field).lower()
        assert field_folder(number, field).lower() != field_folder(second, other).lower()
        assert first.lower() != image_path(number, field, number, other).lower()


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_have_a_slug(name: str) -> None:
    assert _PLAIN.fullmatch(slug(name))
    assert len(slug(name)) <= 60
    assert slug(name).rstrip("._") == slug(name)
