"""``--resume``: what an earlier run has done is not done again, and no byte differs."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from small_device import copy_field, make_field

import qdimage
from qdimage.pipeline import field
from qdimage.pipeline.output import KEPT
from qdimage.pipeline.run import RunResult, run_plan


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("device")
    first = make_field(folder / "field-a")
    copy_field(first, folder / "field-b")
    return folder


@pytest.fixture(scope="module")
def wanted(device: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    run(device, out)
    return files_of(out)


def run(device: Path, out: Path, *, options: Any = None, **settings: Any) -> RunResult:
    """Run without figures and report, which take longer than all else here."""
    return run_plan(qdimage.plan(device, options=options), out, **settings)


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
        run(device, out, resume=True, progress=progress)


def counts(result: RunResult, *, kept: bool) -> dict[str, int]:
    """How often each step was done, or had been done by an earlier run."""
    return dict(Counter(each.step for each in result.steps if each.kept == kept))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_only_what_was_not_done_is_done(
    device: Path, tmp_path: Path, wanted: dict[str, bytes]
) -> None:
    out = tmp_path / "out"
    interrupt(device, out, after=3)
    assert names(out) == [KEPT]
    told: list[tuple[int, int]] = []
    result = run(
        device, out, resume=True, progress=lambda what, done, total: told.append((done, total))
    )
    # The first field whole, and of the second the channel after which the run was stopped.
    assert counts(result, kept=True) == {"localize": 4, "register": 1, "photometry": 2}
    assert counts(result, kept=False) == {"localize": 2, "register": 1, "photometry": 2}
    assert told == [(n, 6) for n in range(1, 7)]
    assert files_of(out) == wanted
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["steps"]["localize"] == {"done": 2, "kept": 4}


def test_an_option_of_the_fraction_runs_no_localization_again(device: Path, tmp_path: Path) -> None:
    out, afresh = tmp_path / "out", tmp_path / "afresh"
    options = {"match": {"confidence": 0.9}}
    run(device, out, resume=True)
    result = run(device, out, resume=True, options=options)
    assert counts(result, kept=True) == {"localize": 6, "register": 2}
    assert counts(result, kept=False) == {"photometry": 4}
    run(device, afresh, options=options)
    assert files_of(out) == files_of(afresh)
    # What no longer holds is gone.
    assert len(names(out / KEPT)) == 6 + 2 + 4


def test_a_channel_that_failed_for_once_is_registered_when_it_is_there(
    device: Path, tmp_path: Path, wanted: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_memory(experiment: Any, channel: Any, **settings: Any) -> Any:
        if (experiment.name, channel.name) == ("field-a", "EL 2.4V"):
            raise MemoryError("for once")
        return measure(experiment, channel, **settings)

    measure = field.measure_channel
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(field, "measure_channel", without_memory)
        failed = run(device, out, resume=True)
    assert any("for once" in reason for reason in failed.failures)
    result = run(device, out, resume=True)
    assert counts(result, kept=False) == {"localize": 1, "register": 1, "photometry": 2}
    assert files_of(out) == wanted


def test_a_changed_file_is_read_again_and_what_rests_on_it_done_again(
    device: Path, tmp_path: Path
) -> None:
    fields = tmp_path / "device"
    for name in ("field-a", "field-b"):
        copy_field(device / "field-a", fields / name)
    out = tmp_path / "out"
    run(fields, out, resume=True)
    stack = fields / "field-a" / "el_2.6V.tif"
    stack.write_bytes(stack.read_bytes())
    result = run(fields, out, resume=True)
    assert counts(result, kept=False) == {"localize": 1, "register": 1, "photometry": 2}


def test_time_tags_are_correlated_again_only_where_their_own_options_change(
    tmp_path: Path,
) -> None:
    field = make_field(tmp_path / "field-a", number=1, time_tags=2)
    out = tmp_path / "out"
    run(field, out, resume=True)
    before = files_of(out)
    result = run(field, out, resume=True)
    assert not counts(result, kept=False)
    assert files_of(out) == before
    result = run(field, out, resume=True, options={"localize": {"max_rounds": 2}})
    again = counts(result, kept=False)
    assert again["localize"] == 3
    assert not {"photons", "traces", "lifetimes", "rate_fits"} & set(again)


def test_without_the_wish_to_resume_nothing_is_kept(device: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    interrupt(device, out, after=3)
    result = run(device, out)
    assert not counts(result, kept=True)
    assert not (out / KEPT).exists()


def test_a_failure_is_tried_again(device: Path, tmp_path: Path) -> None:
    copy_field(device / "field-a", tmp_path / "device" / "field-a")
    stack = tmp_path / "device" / "field-a" / "pl.tif"
    whole, out = stack.read_bytes(), tmp_path / "out"
    stack.write_bytes(b"nothing")
    assert run(tmp_path / "device", out, resume=True).failures
    stack.write_bytes(whole)
    assert not run(tmp_path / "device", out, resume=True).failures


def test_a_damaged_kept_step_is_done_again(
    device: Path, tmp_path: Path, wanted: dict[str, bytes]
) -> None:
    out = tmp_path / "out"
    run(device, out, resume=True)
    for path in list((out / KEPT).iterdir()):
        path.write_bytes(path.read_bytes()[:-200])
    result = run(device, out, resume=True)
    assert not counts(result, kept=True)
    assert files_of(out) == wanted


def test_workers_keep_steps(device: Path, tmp_path: Path, wanted: dict[str, bytes]) -> None:
    out = tmp_path / "out"

    def progress(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(device, out, resume=True, workers=2, progress=progress)
    assert names(out) == [KEPT]
    result = run(device, out, resume=True, workers=2)
    assert counts(result, kept=True)["localize"] >= 1
    assert files_of(out) == wanted


@pytest.mark.parametrize("size", [1, 2**30])
def test_blocks_of_other_sizes_change_no_byte(
    device: Path,
    tmp_path: Path,
    wanted: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    size: int,
) -> None:
    monkeypatch.setattr("qdimage.image.statistics._CHUNK_BYTES", size)
    run(device, tmp_path / "out")
    assert files_of(tmp_path / "out") == wanted


def test_a_killed_run_is_resumed_to_the_same_bytes(
    device: Path, tmp_path: Path, wanted: dict[str, bytes]
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "qdimage", "run", str(device), "-o", str(out), "--resume"]
    command += ["--workers", "1", "--quiet"]
    run = subprocess.Popen(command)
    end = time.monotonic() + 120
    while len(list((out / KEPT).glob("*.zip"))) < 4 and run.poll() is None:
        assert time.monotonic() < end, "no field was finished within 2 min"
        time.sleep(0.05)
    run.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    run.wait()
    subprocess.run(command, check=True, timeout=300)
    assert files_of(out) == wanted
