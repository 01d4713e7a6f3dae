"""Which dot a time-tag file belongs to, from the place that its declaration states."""

import numpy as np
import pytest

from qdimage.domain.experiment import OpticsTable, PhotonsTable
from qdimage.domain.localizations import Localizations
from qdimage.pipeline.headlines import add_headlines
from qdimage.pipeline.names import curve_path
from qdimage.pipeline.photon_place import Place, place_of

# Turned by 90 degrees, scaled, shifted: x_um = 100 - y / 10, y_um = 50 + x / 10.
OPTICS = OpticsTable(stage_from_px=((0.0, -0.1, 100.0), (0.1, 0.0, 50.0)))


def dots_at(*positions: tuple[float, float]) -> Localizations:
    x, y = np.array(positions, float).T
    one = np.ones(len(x))
    return Localizations(
        x, y, one, one, one, one, one, one, one, np.zeros(len(x), np.int64), psf_sigma_px=1.2
    )


def placed(pixel_um: float | None = 0.1, optics: OpticsTable = OPTICS, **place: float) -> Place:
    declared = PhotonsTable(file="a.ptu", kind="pl", **place)
    dots = dots_at((10.0, 20.0), (40.0, 20.0), (43.0, 20.0))
    return place_of(declared, optics=optics, dots=dots, pixel_um=pixel_um, within_um=0.5)


def test_the_nearest_dot_within_the_distance_is_taken() -> None:
    found = placed(x_px=12.0, y_px=21.0)
    assert (found.dot_id, found.message) == (1, "")
    assert found.distance_px == pytest.approx(np.sqrt(5.0))


def test_a_place_on_the_stage_is_mapped_back_to_the_field() -> None:
    found = placed(x_um=98.0, y_um=51.1)
    assert (found.x_px, found.y_px) == pytest.approx((11.0, 20.0))
    assert found.dot_id == 1


def test_a_place_far_from_all_dots_has_none_and_says_so() -> None:
    found = placed(x_px=10.0, y_px=25.1)
    assert found.dot_id is None
    assert "no PL dot lies within 5.0 px of (10.0, 25.1)" in found.message


def test_a_second_dot_within_reach_is_told() -> None:
    found = placed(x_px=41.0, y_px=20.0)
    assert found.dot_id == 2
    assert "another PL dot" in found.message


def test_without_a_pixel_size_the_spot_sets_the_distance() -> None:
    assert placed(None, x_px=10.0, y_px=23.5).dot_id == 1
    assert placed(None, x_px=10.0, y_px=23.7).dot_id is None


def test_stage_units_need_the_map_to_the_field() -> None:
    found = placed(optics=OpticsTable(), x_um=1.0, y_um=1.0)
    assert found.dot_id is None
    assert "stage_from_px" in found.message


def test_no_place_is_no_fault() -> None:
    assert placed() == Place()


def test_the_headline_is_the_narrowest_interval_not_the_smallest_value() -> None:
    def row(kind: str, value: float, half: float, file: str, dot_id: int | None = 1) -> dict:
        ends = {"g2_0": value, "g2_0_low": value - half, "g2_0_high": value + half}
        shared = {"dot_id": dot_id, "kind": kind, "file": file, "voltage_v": 2.6}
        return shared | ends | {"status": "ok"}

    photons = [
        row("el", 0.01, 0.2, "noisy"),
        row("el", 0.05, 0.01, "good"),
        row("el", 0.03, 0.001, "doubtful") | {"flags": "dead_time;poor_fit"},
        row("el", 0.02, 0.001, "elsewhere", dot_id=None),
        {"dot_id": 1, "kind": "pl", "file": "none", "voltage_v": None, "status": "refused"},
    ]
    dots = [{"dot_id": 1}, {"dot_id": 2}]
    add_headlines(dots, photons)
    assert dots[0]["el_g2_0_file"] == "good"
    assert dots[0]["el_g2_0"] == 0.05
    assert dots[0]["el_g2_0_voltage_v"] == 2.6
    assert "pl_g2_0" not in dots[0]
    assert dots[1] == {"dot_id": 2}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("dots/d07_el_2.6V.ptu", "curves/g2/003_field_1_02_d07_el_2.6V.csv"),
        ("..\\up/x y.phu", "curves/g2/003_field_1_02_x_y.csv"),
        (".ptu", "curves/g2/003_field_1_02_unnamed.csv"),
    ],
)
def test_curves_have_names_that_every_file_system_takes(file: str, expected: str) -> None:
    assert curve_path("g2", 3, "field 1", 2, file) == expected
