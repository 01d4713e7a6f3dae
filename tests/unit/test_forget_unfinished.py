"""What a killed run leaves is deleted, but not under one that is at work."""

from pathlib import Path

from qdimage.pipeline.output import forget_unfinished, owned


def killed(out: Path) -> Path:
    (out / "unfinished" / "images").mkdir(parents=True)
    (out / "qdimage.lock").touch()
    (out / "kept_steps").mkdir()
    return out


def test_a_killed_run_leaves_its_kept_steps_alone(tmp_path: Path) -> None:
    out = killed(tmp_path / "out")
    forget_unfinished(out)
    assert [path.name for path in out.iterdir()] == ["kept_steps"]


def test_a_run_at_work_keeps_its_files_and_no_folder_is_made(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with owned(out):
        (out / "unfinished").mkdir()
        forget_unfinished(out)
        assert (out / "unfinished").is_dir()
    forget_unfinished(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
