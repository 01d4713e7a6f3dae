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


def micromanager(path: Path, properties: dict[str, str]) -> dict[str, float]:
    places = [(0, 0, t) for t in range(6)]
    files.write_micromanager(path, files.frames_of(6), places, properties)
    return metadata_of(path)


@pytest.mark.parametrize(
    ("properties", "key", "value"),
    [
        ({"Andor-Binning": "2x2"}, "binning", 2.0),
        ({"Andor-Binning": "4"}, "binning", 4.0),
        ({"Andor-Binning": "2x1"}, "binning", None),
        ({"Andor-CCDTemperature": "-79"}, "temperature_c", -79.0),
        ({"Andor-CCDTemperature": "-999"}, "temperature_c", None),
        ({"Andor-Pre-Amp-Gain": "Gain 5"}, "preamplifier_gain", 5.0),
        ({"Andor-EMSwitch": "Off", "Andor-Gain": "250"}, "em_gain", 1.0),
        ({"Andor-EMSwitch": "On", "Andor-Gain": "250"}, "em_gain", 250.0),
        ({"Time": "1970-01-02 00:00:00 +0100"}, "acquired_at_s", 86400.0),
    ],
)
def test_micromanager_gives_what_the_camera_was_set_to(
    tmp_path: Path, properties: dict[str, str], key: str, value: float | None
) -> None:
    assert micromanager(tmp_path / "mm.tif", properties).get(key) == value


def test_ome_gives_binning_and_the_gain_of_an_emccd(tmp_path: Path) -> None:
    detector = '<Instrument><Detector ID="Detector:0" Type="{}"/></Instrument><Image '
    settings = '<Channel><DetectorSettings ID="Detector:0" Gain="200" Binning="2x2"/></Channel>'
    for kind, gain in (("EMCCD", 200.0), ("CMOS", None)):
        text = files.ome_xml("<TiffData/>" + settings)
        text = text.replace("<Image ", detector.format(kind), 1)
        path = tmp_path / f"{kind}.ome.tif"
        files.write_pages(path, files.frames_of(6), text)
        found = metadata_of(path)
        assert found["binning"] == 2.0
        assert found.get("em_gain") == gain


def test_andor_gives_exposure_and_temperature_and_no_gain(tmp_path: Path) -> None:
    path = tmp_path / "andor.tif"
    tags = [
        (4864, "i", 1, 1, True),
        (4869, "d", 1, -999.0, True),
        (4876, "d", 1, 0.05, True),
        (4879, "d", 1, 4.0, True),
        (4885, "d", 1, 120.0, True),
        (4911, "d", 1, -71.5, True),
        (306, "s", 0, "2016:05:01 12:00:00", True),
    ]
    tifffile.imwrite(path, files.frames_of(2), extratags=tags, metadata=None, datetime=None)
    found = metadata_of(path)
    assert found == {
        "exposure_s": pytest.approx(0.2),
        "temperature_c": -71.5,
        "acquired_at_s": 1462104000.0,
    }
