"""Lists of POIs: read as both generations of qudi read them, and back."""

from pathlib import Path

import numpy as np
import pytest

from qdimage.errors import FormatError
from qdimage.io.poi_list import Poi, read_poi_list, write_poi_list

POIS = [Poi("d007", 12.5, -3.25, 40.0), Poi("field-02_d012", 1e4, 0.0015, 0.0)]


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "targets_poi_list.dat"
    write_poi_list(path, POIS, region="targets")
    return path


# numpy tells that it does not count lines of text alone, which is how qudi reads its own lists.
@pytest.mark.filterwarnings("ignore:Input line 1 contained no data")
def test_names_and_metres_are_in_qudis_columns(listed: Path) -> None:
    # What both POI managers do: numpy skips lines that begin with "#" and splits at tabs.
    names = np.loadtxt(listed, delimiter="\t", usecols=0, dtype=str, ndmin=1)
    metres = np.loadtxt(listed, delimiter="\t", usecols=(1, 2, 3), ndmin=2)
    assert names.tolist() == [poi.name for poi in POIS]
    assert metres[0] == pytest.approx([12.5e-6, -3.25e-6, 40e-6])
    assert metres[1] == pytest.approx([1e-2, 1.5e-9, 0.0])


def test_the_head_suits_both_generations(listed: Path) -> None:
    head = [
        line for line in listed.read_text(encoding="ascii").splitlines() if line.startswith("#")
    ]
    newer = next(line for line in head if line.startswith("# roi_name="))
    assert newer.split("# roi_name=", 1)[1].strip().split("'")[1] == "targets"
    older = next(line for line in head if line.startswith("#roi_name:"))
    assert older.split("#roi_name:", 1)[1].strip() == "targets"
    for axis in "xy":
        extent = next(line for line in head if line.startswith(f"#scan_image_{axis}_extent:"))
        low, high = (float(cell) for cell in extent.split(":", 1)[1].split(","))
        assert low <= high


def test_what_was_written_is_read(listed: Path) -> None:
    found = read_poi_list(listed)
    assert [poi.name for poi in found] == [poi.name for poi in POIS]
    assert [poi.x_um for poi in found] == pytest.approx([poi.x_um for poi in POIS])
    assert [poi.z_um for poi in found] == pytest.approx([poi.z_um for poi in POIS])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("d1\t0\t0", "line 1"),
        ("d1\t0\t0\tfar", "line 1"),
        ("d1\t0\t0\t0\nd1\t1\t1\t1", "two points are named 'd1'"),
    ],
)
def test_damaged_lists_are_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "x_poi_list.dat"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match=says):
        read_poi_list(path)
