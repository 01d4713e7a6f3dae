"""``qdimage view`` where no window can open; with one it is tested among the windows."""

import sys
from pathlib import Path

import pytest
from folders import CLONE

from qdimage.cli import view_command
from qdimage.cli.main import run_command_line

DEMO = CLONE / "sample_stacks" / "demo_device"


def test_without_napari_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(view_command, "find_spec", lambda name: None)
    assert run_command_line(["view", str(DEMO)]) == 2
    assert "pip install 'qdimage[gui]'" in capsys.readouterr().err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a desktop is always there")
def test_without_a_display_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(view_command, "find_spec", lambda name: object())
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert run_command_line(["view", str(DEMO)]) == 2
    assert "found no display" in capsys.readouterr().err


def test_what_cannot_be_opened_is_said_before_a_window_opens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(view_command, "find_spec", lambda name: object())
    monkeypatch.setenv("DISPLAY", ":0")
    assert run_command_line(["view", str(tmp_path / "nothing")]) == 2
    assert "there is no such file or folder" in capsys.readouterr().err
