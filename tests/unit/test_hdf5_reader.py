"""Photon-HDF5: photons as stored, and damage of every kind named in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counter_files import photon_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from time_tag_files import fine_message, photons_in

import qdimage
from qdimage.errors import ConfigurationError, FormatError
from qdimage.io import photon_hdf5
from qdimage.io.time_tags import open_photons
from qdimage.photons.correlate import correlate

h5py = pytest.importorskip("h5py")

N = 5000


def columns(seed: int = 1, n: int = N) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "timestamps": np.cumsum(rng.integers(0, 5000, n)),
        "detectors": rng.integers(0, 2, n).astype(np.uint8),
        "nanotimes": rng.integers(0, 4096, n).astype(np.uint16),
    }


def refused(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        list(open_photons(path).reader())
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("storage", [{}, {"compression": "gzip", "chunks": (100,)}])
@pytest.mark.parametrize("suffix", [".h5", ".hdf5"])
def test_photons_are_those_that_were_written(
    storage: dict[str, Any], suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = columns()
    path = photon_file(tmp_path / f"a{suffix}", {"photon_data": arrays}, **storage)
    for n_block in (7, 1 << 17):
        monkeypatch.setattr(photon_hdf5, "_BLOCK_PHOTONS", n_block)
        stream = open_photons(path)
        found = photons_in(stream)
        np.testing.assert_array_equal(found.time, arrays["timestamps"])
        np.testing.assert_array_equal(found.channel, arrays["detectors"])
    assert (stream.mode, stream.tick_s, stream.period_s) == ("T2", 5e-9, None)
    assert stream.header == {"duration_s": 60.0}
    assert stream.warnings == []


def test_nanotimes_are_delays_behind_laser_pulses(tmp_path: Path) -> None:
    arrays = columns()
    path = photon_file(
        tmp_path / "a.h5", {"photon_data": arrays}, unit_s=5e-8, tcspc_s=1.6e-11, rate_hz=2e7
    )
    stream = open_photons(path)
    np.testing.assert_array_equal(photons_in(stream).delay, arrays["nanotimes"])
    assert (stream.mode, stream.tick_s, stream.period_s) == ("T3", 1.6e-11, 5e-8)
    assert stream.warnings == []


@pytest.mark.parametrize(("rate_hz", "mode", "said"), [(None, "T3", "no laser"), (4e7, "T2", "4e")])
def test_a_rate_that_does_not_fit_is_told(
    rate_hz: float | None, mode: str, said: str, tmp_path: Path
) -> None:
    path = photon_file(
        tmp_path / "a.h5", {"photon_data": columns()}, unit_s=5e-8, tcspc_s=1e-11, rate_hz=rate_hz
    )
    stream = open_photons(path)
    assert stream.mode == mode
    assert said in stream.warnings[0]


def test_detectors_are_numbered_in_the_order_of_their_ids(tmp_path: Path) -> None:
    arrays = columns()
    arrays["detectors"] = np.array([9, 4, 6], np.uint8)[arrays["detectors"] + 1]
    arrays["detectors"][::7] = 9
    path = photon_file(tmp_path / "a.h5", {"photon_data": arrays})
    with h5py.File(path, "a") as file:
        file["photon_data/measurement_specs/detectors_specs/non_photon_id1"] = 6
    kept = arrays["detectors"] != 6
    found = photons_in(open_photons(path))
    np.testing.assert_array_equal(found.time, arrays["timestamps"][kept])
    np.testing.assert_array_equal(found.channel, (arrays["detectors"][kept] == 9).astype(int))


def test_spots_are_merged_in_order_of_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spots = {f"photon_data{k}": columns(seed=k, n=500 * (k + 1)) for k in range(3)}
    monkeypatch.setattr(photon_hdf5, "_BLOCK_PHOTONS", 70)
    found = photons_in(open_photons(photon_file(tmp_path / "a.h5", spots)))
    time = np.concatenate([each["timestamps"] for each in spots.values()])
    channel = np.concatenate([each["detectors"] + 2 * k for k, each in enumerate(spots.values())])
    assert np.all(np.diff(found.time) >= 0)
    expected = sorted(zip(time.tolist(), channel.tolist(), strict=True))
    assert sorted(zip(found.time.tolist(), found.channel.tolist(), strict=True)) == expected


def test_g2_of_photon_hdf5_is_that_of_its_photons(tmp_path: Path) -> None:
    arrays = columns(n=20_000)
    path = photon_file(tmp_path / "a.h5", {"photon_data": arrays}, unit_s=1e-10)
    found = qdimage.g2(path, bin_ns=1.0)
    assert found.curve.counts_1 == np.count_nonzero(arrays["detectors"] == 0)
    assert found.curve.duration_s == pytest.approx(np.ptp(arrays["timestamps"]) * 1e-10)


@pytest.mark.parametrize("unit_s", [0.0, -1e-9, float("nan"), float("inf"), 1e30, "5 ns", [1, 2]])
def test_a_unit_that_is_none_is_refused(unit_s: Any, tmp_path: Path) -> None:
    path = photon_file(tmp_path / "a.h5", {"photon_data": columns()}, unit_s=unit_s)
    assert "timestamps_unit" in refused(path)
    path = photon_file(tmp_path / "b.h5", {"photon_data": columns()}, tcspc_s=unit_s, rate_hz=2e8)
    assert "tcspc_unit" in refused(path)


def test_other_layouts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["exchange/data"] = np.zeros(3)
    assert "another layout" in refused(path)
    with h5py.File(path, "w") as file:
        file["photon_data/timestamps_specs/timestamps_unit"] = 1e-9
    assert "no timestamps" in refused(path)
    arrays = columns()
    arrays["timestamps"] = arrays["timestamps"] * 0.5
    assert "whole numbers" in refused(photon_file(path, {"photon_data": arrays}))
    path.write_bytes(b"no HDF5 at all")
    assert "another kind of file" in refused(path)


def test_what_is_not_in_the_file_is_refused(tmp_path: Path) -> None:
    photon_file(tmp_path / "other.h5", {"photon_data": columns()})
    path = photon_file(tmp_path / "a.h5", {"photon_data": columns()})
    with h5py.File(path, "a") as file:
        del file["photon_data/timestamps"]
        file["photon_data/timestamps"] = h5py.ExternalLink("other.h5", "/photon_data/timestamps")
    assert "another file" in refused(path)
    with h5py.File(path, "a") as file:
        del file["photon_data"]
        file["photon_data"] = h5py.ExternalLink("other.h5", "/photon_data")
    assert "another file" in refused(path)


def test_photons_that_are_claimed_but_not_stored_are_refused(tmp_path: Path) -> None:
    path = photon_file(tmp_path / "a.h5", {"photon_data": columns()})
    with h5py.File(path, "a") as file:
        del file["photon_data/timestamps"]
        file.create_dataset("photon_data/timestamps", (1 << 40,), np.int64, chunks=(1 << 16,))
    assert "as are stored" in refused(path)


def test_columns_of_other_lengths_are_cut(tmp_path: Path) -> None:
    arrays = columns()
    arrays["detectors"] = arrays["detectors"][:-10]
    stream = open_photons(photon_file(tmp_path / "a.h5", {"photon_data": arrays}))
    assert photons_in(stream).time.size == N - 10
    assert f"[{N - 10}, {N}]" in stream.warnings[0]


def test_time_that_runs_backwards_or_away_is_named(tmp_path: Path) -> None:
    arrays = columns()
    arrays["timestamps"][10] = 0
    stream = open_photons(photon_file(tmp_path / "a.h5", {"photon_data": arrays}))
    assert photons_in(stream).time.size == N
    assert "backwards at 1 places" in stream.warnings[0]
    arrays["timestamps"] = arrays["timestamps"].astype(np.uint64)
    arrays["timestamps"][10] = 2**64 - 1
    assert "2^60" in refused(photon_file(tmp_path / "a.h5", {"photon_data": arrays}))


def test_a_random_column_of_detectors_is_refused(tmp_path: Path) -> None:
    arrays = columns()
    arrays["detectors"] = np.random.default_rng(1).integers(0, 2**31, N)
    assert "ids of detectors" in refused(photon_file(tmp_path / "a.h5", {"photon_data": arrays}))


def test_without_h5py_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photon_file(tmp_path / "a.h5", {"photon_data": columns()})
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ConfigurationError, match=r"install qdimage\[hdf5\]"):
        open_photons(path)


def test_a_file_that_is_cut_anywhere_is_named(tmp_path: Path) -> None:
    whole = photon_file(tmp_path / "a.h5", {"photon_data": columns()}).read_bytes()
    path = tmp_path / "b.h5"
    for left in np.linspace(1, len(whole) - 1, 60).astype(int):
        path.write_bytes(whole[:left])
        refused(path)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_changed_bytes_bring_the_reader_down(data: st.DataObject, tmp_path: Path) -> None:
    path = photon_file(tmp_path / "a.h5", {"photon_data": columns(n=50)}, tcspc_s=1e-11)
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        piece = data.draw(st.binary(min_size=1, max_size=8))
        whole[at : at + len(piece)] = piece
    path.write_bytes(bytes(whole))
    with fine_message(path):
        correlate(open_photons(path), bin_ticks=100, n_bins=50)
