"""Andor's image stacks: frames as they were written, metadata where the file states it."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import stack_files as files
from hypothesis import given, settings
from hypothesis import strategies as st

from qdimage.errors import FormatError
from qdimage.io import open_stack

FRAMES = np.random.default_rng(1).integers(0, 65536, (5, 7, 9)).astype(np.float32)
REAL_IMAGE = Path(__file__).parents[3] / "shared/data/images/andor_ixon897_image.sif"


def read(path: Path, **choice: object) -> tuple[np.ndarray, dict[str, float]]:
    with open_stack(path, **choice) as stack:  # type: ignore[arg-type]
        return stack.reader(0, stack.shape[0]), dict(stack.metadata)


@pytest.mark.parametrize("flag", [None, "0", "1"])
def test_frames_are_those_that_were_written(tmp_path: Path, flag: str | None) -> None:
    found, _ = read(files.write_sif_stack(tmp_path / "a.sif", FRAMES, flag=flag))
    np.testing.assert_array_equal(found, FRAMES)


def test_frames_can_be_chosen(tmp_path: Path) -> None:
    path = files.write_sif_stack(tmp_path / "a.sif", FRAMES)
    found, _ = read(path, frames=(1, 5), frames_excluded=(2,), channel_index=0)
    np.testing.assert_array_equal(found, FRAMES[[1, 3, 4]])
    with pytest.raises(FormatError, match="expected a range inside"):
        open_stack(path, frames=(0, 6))
    with pytest.raises(FormatError, match="channel_index 1"):
        open_stack(path, channel_index=1)


def test_metadata_is_in_our_units(tmp_path: Path) -> None:
    _, found = read(files.write_sif_stack(tmp_path / "a.sif", FRAMES, binning=2))
    assert found == {
        "exposure_s": 0.05,
        "em_gain": 300.0,
        "electrons_per_adu": 12.3,
        "preamplifier_gain": 5.0,
        "temperature_c": -80.0,
        "acquired_at_s": 1700000000,
        "binning": 2.0,
    }


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        ({5: "-999", 47: "-71.5"}, "temperature_c", -71.5),  # not settled
        ({5: "-999"}, "temperature_c", None),
        ({42: "1"}, "em_gain", 1.0),  # the conventional output
        ({21: "0"}, "em_gain", 1.0),
        ({50: "0"}, "em_gain", None),  # a converter's number, not a gain
        ({61: "0"}, "electrons_per_adu", None),
        ({12: "x"}, "exposure_s", None),
        ({12: "nan"}, "exposure_s", None),
        ({15: "4"}, "exposure_s", 0.2),  # four accumulations
    ],
)
def test_what_is_not_stated_is_not_invented(
    tmp_path: Path, words: dict[int, str], key: str, value: float | None
) -> None:
    _, found = read(files.write_sif_stack(tmp_path / "a.sif", FRAMES, words=words))
    assert found.get(key) == (value if value is None else pytest.approx(value))


def test_counts_per_second_become_counts_and_photons_are_refused(tmp_path: Path) -> None:
    path = files.write_sif_stack(tmp_path / "a.sif", FRAMES, data_type="Counts per second")
    np.testing.assert_allclose(read(path)[0], FRAMES * 0.05, rtol=1e-6)
    path = files.write_sif_stack(tmp_path / "b.sif", FRAMES, data_type="Photons")
    with pytest.raises(FormatError, match="'Photons', expected counts"):
        open_stack(path)


@pytest.mark.parametrize("lost", [1, 500, 1300])
def test_a_file_cut_short_is_named_when_it_is_opened(tmp_path: Path, lost: int) -> None:
    path = files.write_sif_stack(tmp_path / "a.sif", FRAMES)
    path.write_bytes(path.read_bytes()[: -lost - 4])
    with pytest.raises(FormatError, match=r"a\.sif: found"):
        open_stack(path)


def test_a_header_that_promises_too_much_takes_no_memory(tmp_path: Path) -> None:
    path = files.write_sif_stack(tmp_path / "a.sif", FRAMES)
    text = path.read_bytes()
    big = b"65541 1 99999 99999 1 1000000 1 9999800001000000 9999800001"
    path.write_bytes(text.replace(b"65541 1 7 9 1 5 1 315 63", big, 1))
    tracemalloc.start()
    with pytest.raises(FormatError):
        open_stack(path)
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 900), value=st.integers(0, 255))
def test_a_damaged_header_is_read_or_named(
    tmp_path_factory: pytest.TempPathFactory, at: int, value: int
) -> None:
    path = files.write_sif_stack(tmp_path_factory.mktemp("sif") / "a.sif", FRAMES)
    damaged = bytearray(path.read_bytes())
    damaged[at] = value
    path.write_bytes(damaged)
    message = str(path)
    try:
        read(path)
    except FormatError as error:
        message = str(error)
    assert str(path) in message


def test_a_value_that_is_no_number_is_named(tmp_path: Path) -> None:
    frames = FRAMES.copy()
    frames[3, 2, 2] = np.nan
    path = files.write_sif_stack(tmp_path / "a.sif", frames)
    with open_stack(path) as stack, pytest.raises(FormatError, match="frame 3"):
        stack.reader(2, 5)


@pytest.mark.skipif(not REAL_IMAGE.is_file(), reason="the folder of real files is not there")
def test_a_real_ixon_image() -> None:
    found, metadata = read(REAL_IMAGE)
    assert found.shape == (1, 512, 512)
    assert found.min() == pytest.approx(851.6, abs=0.1)
    assert np.median(found) == pytest.approx(883, abs=0.5)
    assert found.max() == pytest.approx(2664.65)
    assert metadata == {
        "exposure_s": 1.0,
        "em_gain": 1000.0,
        "preamplifier_gain": 5.1,
        "temperature_c": -100.0,
        "acquired_at_s": 1254330082,
        "binning": 1.0,
    }
