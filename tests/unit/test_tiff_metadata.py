"""What a TIFF says of exposure, pixel size and camera is converted to our units."""

from pathlib import Path

import pytest
import stack_files as files
import tifffile

from qdimage.io import open_stack


def metadata_of(path: Path) -> dict[str, float]:
    with open_stack(path) as stack:
        return dict(stack.metadata)


def test_a_plain_tiff_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "plain.tif"
    files.write_pages(path, files.frames_of(2))
    assert metadata_of(path) == {}


def test_ome_gives_pixel_size_and_exposure_in_micrometres_and_seconds(tmp_path: Path) -> None:
    path = tmp_path / "stack.ome.tif"
    files.write_pages(path, files.frames_of(6), files.ome_xml("<TiffData/>"))
    assert metadata_of(path) == {
        "pixel_size_um": pytest.approx(0.107),
        "exposure_s": pytest.approx(0.05),
    }


@pytest.mark.parametrize(
    ("unit", "size_um"),
    [("micron", 0.1), ("um", 0.1), ("\\u00B5m", 0.1), ("nm", 1e-4), ("cm", 1e3), ("pixel", None)],
)
def test_imagej_gives_the_pixel_size_in_its_unit(
    unit: str, size_um: float | None, tmp_path: Path
) -> None:
    path = tmp_path / "stack.tif"
    tifffile.imwrite(
        path,
        files.frames_of(6),
        imagej=True,
        resolution=(10.0, 10.0),
        metadata={"axes": "TYX", "unit": unit},
    )
    assert metadata_of(path).get("pixel_size_um") == (size_um and pytest.approx(size_um))


def test_micromanager_gives_exposure_and_gain(tmp_path: Path) -> None:
    path = tmp_path / "mm.tif"
    places = [(0, 0, t) for t in range(6)]
    summary = {"Channels": 1, "Slices": 1, "Frames": 6, "PixelSize_um": 0.16}
    files.write_micromanager(path, files.frames_of(6), places, summary)
    assert metadata_of(path) == {"exposure_s": 0.05, "em_gain": 300.0, "pixel_size_um": 0.16}


@pytest.mark.parametrize("size", ["0", "-1", "nan", "1e999", "wide", ""])
def test_a_pixel_size_that_is_no_positive_number_is_not_taken(size: str, tmp_path: Path) -> None:
    path = tmp_path / "stack.ome.tif"
    text = files.ome_xml("<TiffData/>").replace('PhysicalSizeX="107"', f'PhysicalSizeX="{size}"')
    files.write_pages(path, files.frames_of(6), text)
    assert "pixel_size_um" not in metadata_of(path)
