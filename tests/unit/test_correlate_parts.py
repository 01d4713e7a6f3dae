"""Several threads on one file count what one counts."""

from pathlib import Path

import numpy as np
import pytest
from time_tag_files import NAMES, T3_NAMES, events_of, write_events

from qdimage.io import record_file
from qdimage.io.time_tags import open_photons
from qdimage.photons.correlate import correlate
from qdimage.photons.correlate_parts import correlate_parts
from qdimage.pipeline.photons import correlate_file

BINS = {"bin_ticks": 37, "n_bins": 400}


def dense(name: str, n: int = 20_000, seed: int = 7) -> dict[str, np.ndarray]:
    """Photons with many pairs in reach, across overflows and silent stretches."""
    events = events_of(name, n, seed)
    wrap = 25_000 if name.endswith("T3") else 1
    rng = np.random.default_rng(seed)
    steps = rng.choice([0, 3, 200, 5000, 400_000], n, p=[0.1, 0.3, 0.4, 0.19, 0.01]) // wrap
    return {**events, "time": np.cumsum(steps + (rng.random(n) < 0.3))}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("second", [0, 1])
def test_parts_add_up_to_the_whole(
    name: str, second: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_file, "LEAST_RECORDS", 1000)
    stream = open_photons(write_events(tmp_path / "a.ptu", name, dense(name)))
    assert stream.split is not None
    whole = correlate(stream, second=second, **BINS)
    assert whole.counts.sum() > 1000
    for workers in (2, 3, 7):
        parts = stream.split(workers)
        assert len(parts) == workers
        n = sum(block.time.size for part in parts for block in part.reader())
        assert n == sum(block.time.size for block in stream.reader())
        found = correlate_parts(stream, second=second, workers=workers, **BINS)
        np.testing.assert_array_equal(found.counts, whole.counts)
        assert (found.counts_1, found.counts_2) == (whole.counts_1, whole.counts_2)
        assert found.duration_s == whole.duration_s


@pytest.mark.parametrize("name", NAMES)
def test_parts_have_the_times_of_the_whole(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_file, "LEAST_RECORDS", 10)
    stream = open_photons(write_events(tmp_path / "a.ptu", name, events_of(name, 3000)))
    assert stream.split is not None
    for column in ("time", "channel", "delay") if name in T3_NAMES else ("time", "channel"):
        whole = [getattr(block, column) for block in stream.reader()]
        parts = [getattr(block, column) for part in stream.split(5) for block in part.reader()]
        np.testing.assert_array_equal(np.concatenate(parts), np.concatenate(whole))
    assert all(part.warnings == [] for part in stream.split(5))


@pytest.mark.parametrize("name", ["PicoHarp T2", "HydraHarp v2 T2", "MultiHarp T3"])
@pytest.mark.parametrize("damage", ["random", "backwards", "border"])
def test_damaged_files_are_counted_as_by_one(
    name: str, damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_file, "LEAST_RECORDS", 1000)
    path = write_events(tmp_path / "a.ptu", name, dense(name))
    data = bytearray(path.read_bytes())
    start = data.index(b"Header_End") + 48
    half = start + (len(data) - start) // 8 * 4
    if damage == "random":
        noise = np.random.default_rng(1).integers(0, 256, 4000, dtype=np.uint8)
        data[half : half + 4000] = noise.tobytes()
    elif damage == "border":
        # What the first half ends with comes again, so that only the border runs backwards.
        data[half : half + 400] = data[half - 400 : half]
    else:
        data[half - 8000 : half - 4000], data[half : half + 4000] = (
            data[half : half + 4000],
            data[half - 8000 : half - 4000],
        )
    path.write_bytes(bytes(data))
    one, two = open_photons(path), open_photons(path)
    whole = correlate(one, **BINS)
    found = correlate_parts(two, workers=2, **BINS)
    np.testing.assert_array_equal(found.counts, whole.counts)
    assert found.duration_s == whole.duration_s
    assert two.warnings == one.warnings


def test_short_files_and_other_formats_are_read_by_one(tmp_path: Path) -> None:
    name = "PicoHarp T2"
    path = write_events(tmp_path / "a.ptu", name, dense(name))
    stream = open_photons(path)
    assert stream.split is not None
    assert stream.split(2) == []
    one, _ = correlate_file(path)
    two, _ = correlate_file(path, workers=2)
    np.testing.assert_array_equal(one.counts, two.counts)
    table = tmp_path / "a.csv"
    table.write_text("time_ps,channel\n1,0\n5,1\n", encoding="utf-8")
    assert correlate_file(table, workers=2)[0].counts.sum() == 1
