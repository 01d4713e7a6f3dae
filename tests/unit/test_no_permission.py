"""Files and folders that this user may not read are named, whatever kind they should be."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from qdimage.domain.refusal import Failure
from qdimage.errors import QdimageError
from qdimage.io import open_stack
from qdimage.io.bias_map_file import read_bias_map
from qdimage.io.camera_file import read_camera_file
from qdimage.io.curation_file import read_curation
from qdimage.io.experiment_file import read_experiment
from qdimage.io.image_file import read_image
from qdimage.io.iv_file import open_iv
from qdimage.io.object_file import read_object
from qdimage.io.spectrum_file import open_spectrum
from qdimage.io.time_tags import open_histogram, open_photons
from qdimage.pipeline.attempt import attempt

NOBODY = 65534
READERS: dict[str, Callable[[Path], object]] = {
    "a.tif": open_stack,
    "a.sif": open_stack,
    "a.spe": open_stack,
    "b.tif": read_bias_map,
    "c.tif": read_image,
    "a.ptu": open_photons,
    "a.pt3": open_photons,
    "a.spc": open_photons,
    "a.csv": open_photons,
    "a.h5": open_photons,
    "a.phu": open_histogram,
    "b.asc": open_spectrum,
    "b.sif": open_spectrum,
    "b.spe": open_spectrum,
    "i.csv": open_iv,
    "a.zip": read_object,
    "experiment.toml": read_experiment,
    "camera.toml": read_camera_file,
    "curation.json": read_curation,
}


@contextmanager
def as_nobody() -> Iterator[None]:
    """Go without the rights of root, who may read everything."""
    if not hasattr(os, "geteuid"):
        pytest.skip("permissions are of another kind here")
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others may look into, as those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path
        path.chmod(0o700)


@pytest.mark.parametrize("name", READERS)
def test_a_file_without_permission_is_named(folder: Path, name: str) -> None:
    read, path = READERS[name], folder / name
    path.write_bytes(b"1,2\n3,4\n" * 900)
    # What it needs is loaded by now, whoever may look into the folders of Python.
    with suppress(QdimageError):
        read(path)
    path.chmod(0)
    with as_nobody(), pytest.raises((QdimageError, OSError)) as caught:
        read(path)
    assert "Permission" in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", READERS)
def test_a_folder_without_permission_fails_what_is_in_it(folder: Path, name: str) -> None:
    path = folder / "closed" / name
    path.parent.mkdir()
    path.write_bytes(b"1,2\n3,4\n" * 900)
    path.parent.chmod(0)
    try:
        with as_nobody():
            found = attempt(lambda: READERS[name](path), "here")
    finally:
        path.parent.chmod(0o700)
    assert isinstance(found, Failure)
    assert str(path) in found.reason
    assert "internal error" not in found.reason
    assert "\n" not in found.reason
