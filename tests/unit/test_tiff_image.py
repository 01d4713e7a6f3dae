"""The mean images of a run are read as they were written, or named as damaged."""

from pathlib import Path

import numpy as np
import pytest
import stack_files
import tifffile

from qdimage.errors import FormatError
from qdimage.io.image_file import read_image, write_image

IMAGE = np.linspace(-1, 5, 20 * 30).reshape(20, 30)


def test_an_image_reads_back_with_its_unusable_pixels(tmp_path: Path) -> None:
    path = tmp_path / "images/field/PL.tif"
    image = IMAGE.copy()
    image[3, 4] = np.nan
    write_image(path, image)
    read = read_image(path)
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read, image.astype(np.float32))


def test_the_same_image_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        write_image(tmp_path / name, IMAGE)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"PL\.tif: cannot be read"):
        read_image(tmp_path / "PL.tif")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.99])
def test_a_cut_image_is_named(share: float, tmp_path: Path) -> None:
    path = tmp_path / "PL.tif"
    write_image(path, IMAGE)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(FormatError, match=r"PL\.tif: .*run the analysis again") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("other", [np.zeros((3, 20, 30), np.float32), np.zeros((20, 30), np.uint8)])
def test_another_kind_of_image_is_named(other: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "PL.tif"
    tifffile.imwrite(path, other, photometric="minisblack")
    with pytest.raises(FormatError, match="expected an image of a finished run"):
        read_image(path)


@pytest.mark.parametrize(("code", "value"), [(278, 0), (277, (1, 1)), (258, b"x")])
def test_a_tag_that_makes_no_sense_is_named(
    code: int, value: int | tuple[int, ...] | bytes, tmp_path: Path
) -> None:
    path = tmp_path / "PL.tif"
    frame = stack_files.frames_of(1)[0]
    path.write_bytes(stack_files.raw_tiff([stack_files.raw_page(frame, **{f"tag_{code}": value})]))
    with pytest.raises(FormatError, match=r"PL\.tif: .*run the analysis again") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
