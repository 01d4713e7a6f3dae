"""``qdimage g2 --follow``: a recorder writes while the answer is being found."""

import json
import signal
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import qdimage
from qdimage import api
from qdimage.cli.main import run_command_line
from qdimage.errors import ConfigurationError
from qdimage.pipeline.g2 import G2Answer
from qdimage.simulation.ptu_writer import write_ptu

COARSE = {"bin_ns": 1.0, "longest_ns": 300.0}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A finished file of steady light with a dip, on two detectors."""
    rng = np.random.default_rng(5)
    gaps_s = rng.exponential(30e-9, 120_000) + rng.exponential(300e-9, 120_000)
    ticks = np.cumsum((gaps_s / 4e-12).astype(np.int64))
    path = tmp_path_factory.mktemp("whole") / "whole.ptu"
    channel = rng.integers(0, 2, ticks.size)
    write_ptu(path, ticks, channel, record_type="PicoHarp T2", tick_s=4e-12)
    return path.read_bytes()


def with_count(data: bytes, n_records: int) -> bytes:
    at = data.index(b"TTResult_NumberOfRecords\0") + 40
    return data[:at] + struct.pack("<q", n_records) + data[at + 8 :]


@contextmanager
def recorder(
    path: Path, data: bytes, *, n_pieces: int, pause_s: float, closes: bool = True
) -> Iterator[None]:
    """Append to a file from another thread, in pieces that end inside records."""
    begun = threading.Event()

    def record() -> None:
        open_count = with_count(data, 0)
        places = np.linspace(0, len(data), n_pieces + 1).astype(int)
        for start, stop in pairwise(places):
            with path.open("ab") as file:
                file.write(open_count[start:stop])
            begun.set()
            time.sleep(pause_s)
        if closes:
            with path.open("r+b") as file:
                file.write(data[: data.index(b"Header_End")])

    thread = threading.Thread(target=record)
    thread.start()
    begun.wait(10)
    try:
        yield
    finally:
        thread.join()


def same(one: G2Answer, other: G2Answer) -> None:
    np.testing.assert_array_equal(one.curve.counts, other.curve.counts)
    assert one.curve.duration_s == other.curve.duration_s
    assert one.curve.counts_1 == other.curve.counts_1
    assert one.answer.value == other.answer.value
    assert one.answer.high_95 == other.answer.high_95
    assert one.warnings == other.warnings


def test_the_last_answer_is_that_of_the_finished_file(recording: bytes, tmp_path: Path) -> None:
    path, shown = tmp_path / "a.ptu", []
    with recorder(path, recording, n_pieces=13, pause_s=0.15):
        found = api.follow_g2(path, show=shown.append, every_s=0.3, idle_s=5, **COARSE)
    same(found, qdimage.g2(path, **COARSE))
    counts = [int(each.curve.counts.sum()) for each in shown]
    assert counts
    assert counts == sorted(set(counts))
    assert counts[-1] <= found.curve.counts.sum()


def test_a_file_that_no_longer_grows_ends_it(recording: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.ptu"
    cut = recording[: len(recording) * 2 // 3 | 1]
    start = time.monotonic()
    with recorder(path, cut, n_pieces=2, pause_s=0.1, closes=False):
        found = api.follow_g2(path, show=print, idle_s=0.5, **COARSE)
    assert 0.5 <= time.monotonic() - start < 20
    same(found, qdimage.g2(path, **COARSE))


def test_the_asked_width_ends_it_before_the_file_does(recording: bytes, tmp_path: Path) -> None:
    path, shown = tmp_path / "a.ptu", []
    data, pieces = with_count(recording, 0), iter(np.linspace(0.1, 1, 10))

    def grow(found: G2Answer | None = None) -> None:
        """Write more whenever an answer was not good enough, without end."""
        shown.append(found)
        path.write_bytes(data[: int(len(data) * next(pieces)) | 1])

    grow()
    found = api.follow_g2(path, show=grow, every_s=0.01, until_width=0.18, **COARSE)
    widths = [each.answer.high_95 - each.answer.low_95 for each in shown[1:]]
    assert widths[-1] <= 0.18 < min(widths[:-1])
    assert found.answer.high_95 - found.answer.low_95 == pytest.approx(widths[-1], rel=0.1)
    assert found.warnings == ()


def test_a_wish_to_stop_ends_with_the_answer_so_far(
    recording: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.ptu"
    path.write_bytes(with_count(recording, 0))
    before = signal.getsignal(signal.SIGINT)

    def press() -> None:
        while signal.getsignal(signal.SIGINT) is before:
            time.sleep(0.05)
        time.sleep(1.5)
        signal.raise_signal(signal.SIGINT)

    later = threading.Thread(target=press)
    later.start()
    options = ["--bin-ns", "1", "--longest-ns", "300", "--every-s", "0.4", "--json"]
    code = run_command_line(["g2", str(path), "--follow", *options])
    later.join()
    printed = capsys.readouterr()
    row = json.loads(printed.out)
    assert (code, row["status"]) == (0, "ok")
    assert row["coincidences"] == qdimage.g2(path, **COARSE).curve.counts.sum()
    assert "coincidences  g2(0) = " in printed.err
    assert signal.getsignal(signal.SIGINT) is before


def test_a_header_that_is_written_late_is_waited_for(recording: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.ptu"
    start = recording.index(b"Header_End") + 48
    path.write_bytes(recording[: start // 2])
    later = threading.Timer(0.4, path.write_bytes, [recording])
    later.start()
    found = api.follow_g2(path, show=print, **COARSE)
    later.join()
    same(found, qdimage.g2(path, **COARSE))


def test_a_period_that_does_not_show_is_no_error_on_the_way(
    recording: bytes, tmp_path: Path
) -> None:
    path, shown = tmp_path / "a.ptu", []
    path.write_bytes(with_count(recording, 0))
    found = api.follow_g2(
        path,
        show=shown.append,
        stopped=lambda: bool(shown),
        every_s=0.05,
        excitation="pulsed",
        **COARSE,
    )
    assert "period" in shown[0].answer.reason
    assert "period" in found.answer.reason


@pytest.mark.parametrize("chosen", [{"window_s": (0.0, 0.1)}, {"bright_only": True}])
def test_a_part_of_the_time_cannot_be_followed(
    recording: bytes, tmp_path: Path, chosen: dict[str, object]
) -> None:
    path = tmp_path / "a.ptu"
    path.write_bytes(recording)
    with pytest.raises(ConfigurationError, match="expected neither"):
        api.follow_g2(path, show=lambda _: None, idle_s=0.3, **chosen)


def test_files_beside_it_may_be_named_by_text(recording: bytes, tmp_path: Path) -> None:
    path, dark = tmp_path / "a.ptu", tmp_path / "dark.ptu"
    path.write_bytes(recording)
    write_ptu(
        dark,
        np.arange(0, 10**9, 10**7),
        np.arange(100) % 2,
        record_type="PicoHarp T2",
        tick_s=4e-12,
    )
    found = api.follow_g2(
        path, show=lambda _: None, idle_s=0.3, background_file=str(dark), **COARSE
    )
    assert min(found.dark_counts_s) > 0


@pytest.mark.parametrize(
    ("name", "content", "extra", "said"),
    [
        ("a.ptu", b"no time tags at all", ["--idle-s", "0.3"], "beginning"),
        ("a.csv", b"lag_ns,counts\n1,2\n", [], "of a file that grows"),
        ("b.ptu", None, [], "no such file"),
        ("a.ptu", b"x", ["--idle-s", "0"], "idle_s"),
        ("a.ptu", b"x", ["--until-width", "0"], "until_width"),
    ],
)
def test_what_cannot_be_followed_is_named_in_one_line(
    name: str,
    content: bytes | None,
    extra: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    code = run_command_line(["g2", str(path), "--follow", *extra])
    printed = capsys.readouterr()
    assert (code, printed.out) == (2, "")
    assert printed.err.count("\n") == 1
    assert said in printed.err
