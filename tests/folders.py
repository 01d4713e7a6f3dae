"""Where things lie that tests read, and how the program is called."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[1]
DEMO = CLONE / "sample_stacks" / "demo_device"


def qdimage(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "qdimage", *map(str, arguments)],
        cwd=cwd,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def copy_field(number: int, to: Path, stacks: dict[str, Path] | None = None) -> Path:
    """Copy a field of the demo device, with some stacks taken from elsewhere."""
    folder = to / f"field-{number:02d}"
    shutil.copytree(DEMO / folder.name, folder)
    for name, source in (stacks or {}).items():
        shutil.copyfile(source, folder / name)
    return folder


def link(place: Path, target: Path) -> None:
    """Make a link to a file or a folder, where this user may."""
    try:
        place.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("this user may not make links")
