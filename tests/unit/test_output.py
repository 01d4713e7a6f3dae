"""The output folder keeps the earlier run until the new one is complete."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qdimage.errors import ConfigurationError
from qdimage.pipeline.kept_steps import forget_steps
from qdimage.pipeline.output import check_output, owned, staged


def finish(out: Path, text: str) -> None:
    with staged(out) as staging:
        (staging / "figures").mkdir()
        (staging / "figures" / f"{text}.png").write_text(text, encoding="utf-8")
        (staging / "dots.csv").write_text(text, encoding="utf-8")
        (staging / "run.json").write_text(json.dumps({"qdimage": "1"}), encoding="utf-8")


def test_a_new_run_takes_the_place_of_the_earlier_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    finish(out, "first")
    check_output(out)
    finish(out, "second")
    assert (out / "dots.csv").read_text(encoding="utf-8") == "second"
    assert [path.name for path in (out / "figures").iterdir()] == ["second.png"]
    assert sorted(path.name for path in out.iterdir()) == ["dots.csv", "figures", "run.json"]


def begin(out: Path, error: type[BaseException]) -> None:
    with staged(out) as staging:
        (staging / "dots.csv").write_text("half", encoding="utf-8")
        raise error


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_run_that_ends_early_changes_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    out = tmp_path / "out"
    finish(out, "first")
    with pytest.raises(error):
        begin(out, error)
    assert (out / "dots.csv").read_text(encoding="utf-8") == "first"
    assert not (out / "unfinished").exists()


def test_a_first_run_that_ends_early_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), owned(tmp_path / "out"), staged(tmp_path / "out"):
        raise RuntimeError
    assert not (tmp_path / "out").exists()


def test_what_an_interrupted_process_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "dots.csv").write_text("half", encoding="utf-8")
    check_output(tmp_path)
    finish(tmp_path, "whole")
    assert (tmp_path / "dots.csv").read_text(encoding="utf-8") == "whole"


@pytest.mark.parametrize("content", ["", "[1, 2]", '{"name": "a package of mine"}'])
def test_a_foreign_run_json_does_not_make_a_folder_ours(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="not empty"):
        check_output(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="expected a folder"):
        check_output(path)


def test_a_table_in_another_format_goes_with_its_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    finish(out, "first")
    with staged(out) as staging:
        (staging / "dots.parquet").write_bytes(b"second")
        (staging / "run.json").write_text(json.dumps({"qdimage": "1"}), encoding="utf-8")
    assert (out / "dots.parquet").exists()
    assert not (out / "dots.csv").exists()


def test_a_folder_has_one_owner_at_a_time(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with owned(out):
        with pytest.raises(ConfigurationError, match="another run is writing"), owned(out):
            pass
        check_output(out)
    assert not out.exists()
    with owned(out), staged(out) as staging:
        (staging / "run.json").write_text(json.dumps({"qdimage": "1"}), encoding="utf-8")
    assert [path.name for path in out.iterdir()] == ["run.json"]


def test_a_dead_owner_does_not_hold_a_folder(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from qdimage.pipeline.output import owned\n"
        "with owned(Path(sys.argv[1])): os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False)
    assert done.returncode == 9
    check_output(tmp_path / "out")
    with owned(tmp_path / "out"):
        pass


def files_of(out: Path) -> dict[str, str]:
    paths = [path for path in out.rglob("*") if path.is_file()]
    return {path.relative_to(out).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def test_files_in_folders_are_old_or_new_wherever_the_exchange_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    finish(first, "first")
    finish(second, "second")
    old, new = files_of(first), files_of(second)
    replace = Path.replace
    for n_moves in range(4):
        out, left = tmp_path / str(n_moves), n_moves
        finish(out, "first")

        def until_the_disk_is_full(source: Path, target: Path) -> Path:
            nonlocal left
            left -= 1
            if left < 0:
                raise OSError(28, "No space left on device")
            return replace(source, target)

        with monkeypatch.context() as full:
            full.setattr(Path, "replace", until_the_disk_is_full)
            if n_moves < 3:
                with pytest.raises(OSError, match="No space"):
                    finish(out, "second")
            else:
                finish(out, "second")
        found = files_of(out)
        assert all(text in (old.get(name), new.get(name)) for name, text in found.items())
        assert "figures/first.png" in found or "figures/second.png" in found
        finish(out, "second")
        assert files_of(out) == new


def test_links_in_the_output_lead_nowhere_outside_it(tmp_path: Path) -> None:
    out, mine = tmp_path / "out", tmp_path / "mine"
    mine.mkdir()
    (mine / "first.png").write_text("mine", encoding="utf-8")
    finish(out, "first")
    for name in ("figures", "unfinished"):
        path = out / name
        if path.exists():
            shutil.rmtree(path)
        path.symlink_to(mine, target_is_directory=True)
    (out / "dots.csv").unlink()
    (out / "dots.csv").symlink_to(mine / "first.png")
    finish(out, "second")
    assert files_of(mine) == {"first.png": "mine"}
    assert files_of(out)["figures/second.png"] == "second"
    assert not any(path.is_symlink() for path in out.rglob("*"))


def test_a_link_in_the_place_of_kept_steps_is_cut(tmp_path: Path) -> None:
    mine, kept = tmp_path / "mine", tmp_path / "kept_steps"
    mine.mkdir()
    (mine / "a.zip").write_text("mine", encoding="utf-8")
    for but in ([], ["b.zip"]):
        kept.symlink_to(mine, target_is_directory=True)
        forget_steps(kept, but=but)
        assert not kept.is_symlink()
        assert files_of(mine) == {"a.zip": "mine"}
