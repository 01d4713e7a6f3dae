"""What ``pip install .`` brings: the program, the plugin, its manifest."""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy
import pytest
from folders import CLONE

SITE = Path(numpy.__file__).parents[1]

# Without `site`, so that the clone's own installation is not there to be imported.
FIND_MANIFEST = """
import sys
sys.path[:0] = sys.argv[1:]
from npe2 import PluginManifest
every = PluginManifest.discover()
found = [each for each in every if each.distribution.metadata["Name"] == "qdimage"]
import napari_qdimage
print(napari_qdimage.__file__)
print(len(found[0].manifest.contributions.commands))
print(found[0].error)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    code = f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=CLONE, check=True, timeout=120)
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_holds_the_program_and_the_plugin_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
        text = archive.read(entry_points).decode()
    tops = {name.split("/")[0] for name in names}
    assert {name for name in tops if not name.endswith(".dist-info")} == {
        "qdimage",
        "napari_qdimage",
    }
    clone = {
        path.relative_to(CLONE / "plugins").as_posix()
        for path in (CLONE / "plugins").rglob("*.py")
        if "__pycache__" not in path.parts
    }
    assert clone | {"napari_qdimage/napari.yaml", "qdimage/api/runs.py"} <= set(names)
    assert "[napari.manifest]\nqdimage = napari_qdimage:napari.yaml" in text
    assert "qdimage = qdimage.cli.main:main" in text


def test_napari_finds_the_manifest_of_the_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-S", "-c", FIND_MANIFEST, str(tmp_path), str(SITE)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    file, n_commands, error = done.stdout.split("\n")[:3]
    assert Path(file).parent == tmp_path / "napari_qdimage"
    assert int(n_commands) > 0
    assert error == "None"
