"""``run --scheduler`` on a Dask cluster, one worker of which is killed in the middle."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from small_device import copy_field, make_field

import qdimage
from qdimage.errors import ConfigurationError

WAIT_S = 120


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("device")
    first = make_field(folder / "field-a", number=1, time_tags=1)
    for name in ("field-b", "field-c"):
        copy_field(first, folder / name)
    return folder


def waited_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    program, *rest = arguments
    process = subprocess.Popen([sys.executable, "-m", f"distributed.cli.{program}", *rest])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """Address of a scheduler on this machine, on a free port."""
    file = tmp_path / "scheduler.json"
    command = ["dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with started(*command, "--no-show", "--scheduler-file", str(file)):
        waited_for(file.is_file, "the scheduler did not start")
        from distributed import Client

        with Client(scheduler_file=str(file), set_as_default=False) as client:
            yield client.scheduler.address


def worker(address: str, folder: Path) -> list[str]:
    command = ["dask_worker", address, "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1"]
    return [*command, "--local-directory", str(folder), "--no-nanny"]


def tables(out: Path) -> dict[str, bytes]:
    paths = [*out.glob("*.csv"), *out.rglob("curves/**/*.csv"), *out.rglob("*.tif")]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in paths}


def test_the_same_bytes_though_a_worker_is_killed(
    device: Path, tmp_path: Path, scheduler: str
) -> None:
    qdimage.run(device, tmp_path / "here")
    killed: list[int] = []

    def progress(what: str, done: int, total: int) -> None:
        if done == 2 and not killed:
            killed.append(victim.pid)
            os.kill(victim.pid, signal.SIGKILL)

    with (
        started(*worker(scheduler, tmp_path / "one")) as victim,
        started(*worker(scheduler, tmp_path / "two")),
    ):
        from distributed import Client

        with Client(scheduler, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=WAIT_S)
        result = qdimage.run(device, tmp_path / "there", scheduler=scheduler, progress=progress)
        assert killed
        assert victim.wait(timeout=WAIT_S) != 0
    assert not result.failures
    assert tables(tmp_path / "there") == tables(tmp_path / "here")


def test_an_address_without_a_scheduler_is_named(
    device: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qdimage.pipeline.cluster._CONNECT_S", 1)
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1:9.*no scheduler answers"):
        qdimage.run(device, tmp_path / "out", scheduler="tcp://127.0.0.1:9")
    assert not (tmp_path / "out").exists()
