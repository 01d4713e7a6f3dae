"""A file is either whole or as it was before."""

import hashlib
from pathlib import Path

import pytest

from qdimage.io.atomic import replacing, sha256, write_text


def test_text_is_utf_8_with_line_feeds(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "µ\nb\n")
    assert path.read_bytes() == b"\xc2\xb5\nb\n"


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "a much longer text")
    write_text(path, "new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_keeps_the_older_file_and_leaves_nothing_behind(
    error: type[BaseException], tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail_half_way() -> None:
        with replacing(path) as partial:
            partial.write_text("half", encoding="utf-8")
            assert path.read_bytes() == b"old"
            raise error

    with pytest.raises(error):
        fail_half_way()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_is_absent_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with replacing(path) as partial:
        partial.write_text("half", encoding="utf-8")
        assert not path.exists()
        assert partial.parent == tmp_path
    assert path.read_bytes() == b"half"


def test_a_partial_file_that_a_killed_run_left_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with replacing(path) as partial:
        name = partial
        partial.write_text("x", encoding="utf-8")
    name.write_text("a long text of a killed run", encoding="utf-8")
    write_text(path, "new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 5000)
    assert sha256(path) == hashlib.sha256(bytes(range(256)) * 5000).hexdigest()


def test_a_link_in_the_place_of_the_partial_file_leads_nowhere(tmp_path: Path) -> None:
    mine, out = tmp_path / "mine.txt", tmp_path / "out"
    mine.write_text("mine", encoding="utf-8")
    out.mkdir()
    with replacing(out / "a.txt") as partial:
        name = partial
        partial.write_text("x", encoding="utf-8")
    name.symlink_to(mine)
    write_text(out / "a.txt", "new")
    assert mine.read_text(encoding="utf-8") == "mine"
    assert [path.name for path in out.iterdir()] == ["a.txt"]


def test_a_full_disk_keeps_the_older_file(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "a.txt"
    write_text(path, "old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match=r"too large: .*a\.txt"):
            write_text(path, "new " * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
