"""``--resume``: what an interrupted run has finished is not analysed again, and no byte differs."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_device import copy_field, make_field

import qdimage
from qdimage.pipeline import workers
from qdimage.pipeline.output import KEPT


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("device")
    first = make_field(folder / "field-a")
    for name in ("field-b", "field-c"):
        copy_field(first, folder / name)
    return folder


@pytest.fixture(scope="module")
def wanted(device: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    qdimage.run(device, out)
    return files_of(out)


@pytest.fixture
def analysed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the fields that are analysed from now on."""
    names: list[str] = []
    original = workers.analyse_field

    def noted(experiment, **others):  # type: ignore[no-untyped-def]
        names.append(experiment.name)
        return original(experiment, **others)

    monkeypatch.setattr(workers, "analyse_field", noted)
    return names


def files_of(out: Path) -> dict[str, bytes]:
    """Everything but the record and the report, which say when they were made."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.suffix in (".csv", ".tif")
    }


def interrupt(device: Path, out: Path, after: int) -> None:
    def progress(what: str, done: int, total: int) -> None:
        if done > after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        qdimage.run(device, out, resume=True, progress=progress)


def test_only_what_was_not_finished_is_analysed(
    device: Path, tmp_path: Path, wanted: dict[str, bytes], analysed: list[str]
) -> None:
    out = tmp_path / "out"
    interrupt(device, out, after=3)
    assert analysed == ["field-a", "field-b"]
    assert [path.name for path in out.iterdir()] == [KEPT]
    analysed.clear()
    told: list[tuple[int, int]] = []
    qdimage.run(
        device, out, resume=True, progress=lambda what, done, total: told.append((done, total))
    )
    assert analysed == ["field-b", "field-c"]
    assert told == [(n, 9) for n in range(1, 10)]
    assert files_of(out) == wanted
    assert not (out / KEPT).exists()


def test_a_file_an_option_or_no_wish_to_resume_makes_all_anew(
    device: Path, tmp_path: Path, analysed: list[str]
) -> None:
    out = tmp_path / "out"
    interrupt(device, out, after=3)
    analysed.clear()
    with pytest.raises(KeyboardInterrupt):
        qdimage.run(
            device,
            out,
            resume=True,
            options={"match": {"confidence": 0.9}},
            progress=lambda what, done, total: (_ for _ in ()).throw(KeyboardInterrupt),
        )
    assert analysed == ["field-a"]
    analysed.clear()
    stack = device / "field-a" / "pl.tif"
    stack.write_bytes(stack.read_bytes())
    interrupt(device, out, after=0)
    assert analysed == ["field-a"]
    analysed.clear()
    qdimage.run(device, out)
    assert analysed == ["field-a", "field-b", "field-c"]
    assert not (out / KEPT).exists()


def test_a_field_with_a_failure_is_tried_again(
    device: Path, tmp_path: Path, analysed: list[str]
) -> None:
    copy_field(device / "field-a", tmp_path / "device" / "field-a")
    copy_field(device / "field-a", tmp_path / "device" / "field-b")
    stack = tmp_path / "device" / "field-a" / "pl.tif"
    whole = stack.read_bytes()
    stack.write_bytes(b"nothing")
    out = tmp_path / "out"
    interrupt(tmp_path / "device", out, after=5)
    assert analysed == ["field-a", "field-b"]
    stack.write_bytes(whole)
    analysed.clear()
    result = qdimage.run(tmp_path / "device", out, resume=True)
    assert analysed[0] == "field-a"
    assert not result.failures


def test_workers_keep_fields_and_leave_no_unfinished_one(
    device: Path, tmp_path: Path, wanted: dict[str, bytes]
) -> None:
    out = tmp_path / "out"

    def progress(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        qdimage.run(device, out, resume=True, workers=2, progress=progress)
    assert [path.name for path in out.iterdir()] == [KEPT]
    kept = list((out / KEPT).iterdir())
    assert kept
    assert all((path / "field.zip").is_file() for path in kept)
    qdimage.run(device, out, resume=True, workers=2)
    assert files_of(out) == wanted
    assert not (out / KEPT).exists()


def test_a_killed_run_is_resumed_to_the_same_bytes(
    device: Path, tmp_path: Path, wanted: dict[str, bytes]
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "qdimage", "run", str(device), "-o", str(out), "--resume"]
    command += ["--workers", "1", "--quiet"]
    run = subprocess.Popen(command)
    end = time.monotonic() + 120
    while not list((out / KEPT).glob("*/field.zip")) and run.poll() is None:
        assert time.monotonic() < end, "no field was finished within 2 min"
        time.sleep(0.05)
    run.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    run.wait()
    subprocess.run(command, check=True, timeout=300)
    assert files_of(out) == wanted
    assert not (out / KEPT).exists()
