"""Long work: results, progress, cancelling, errors in words, and an owner that goes away."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import slow_calls
from gui_acts import click, settle, wait_until

LEAST_WAIT_S = 1.0  # within which cancelling has to be through


class Heard:
    """Keeps what the callbacks were told."""

    def __init__(self) -> None:
        self.results: list[Any] = []
        self.errors: list[str] = []
        self.progress: list[tuple[str, int, int]] = []
        self.cancelled = 0

    def callbacks(self) -> dict[str, Callable[..., object]]:
        def cancel() -> None:
            self.cancelled += 1

        return {
            "on_done": self.results.append,
            "on_error": self.errors.append,
            "on_progress": lambda *what: self.progress.append(what),
            "on_cancelled": cancel,
        }

    @property
    def anything(self) -> bool:
        return bool(self.results or self.errors or self.cancelled)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(params=["run", "compute"])
def start(request: pytest.FixtureRequest, napari_ready: None, slot_errors: list[str]) -> Any:
    from napari_qdimage import work

    return getattr(work, request.param)


@pytest.fixture
def compute(napari_ready: None, slot_errors: list[str]) -> Any:
    from napari_qdimage import work

    return work.compute


def test_the_result_arrives(start: Any, heard: Heard) -> None:
    job = start(slow_calls.add, 2, b=3, **heard.callbacks())
    assert job.running
    wait_until(lambda: heard.anything)
    assert heard.results == [5]
    assert not job.running


def test_progress_arrives_in_order_and_before_the_result(start: Any, heard: Heard) -> None:
    start(slow_calls.count, 3, **heard.callbacks())
    wait_until(lambda: heard.anything)
    assert heard.progress == [("step 1", 1, 3), ("step 2", 2, 3), ("step 3", 3, 3)]
    assert heard.results == [3]


def test_an_error_of_the_user_says_what_to_do(start: Any, heard: Heard) -> None:
    start(slow_calls.refuse, **heard.callbacks())
    wait_until(lambda: heard.anything)
    assert heard.errors == ["pl.tif: found no pages, expected a stack; write it again"]


def test_a_bug_is_one_line_that_names_the_log(
    start: Any, heard: Heard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from napari_qdimage import children

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    children.end_idle()  # it writes elsewhere
    start(slow_calls.fail, **heard.callbacks())
    wait_until(lambda: heard.anything)
    (text,) = heard.errors
    (log,) = tmp_path.rglob("*.log")
    assert "\n" not in text
    assert "ZeroDivisionError" in text
    assert str(log) in text
    assert "Traceback" in log.read_text(encoding="utf-8")
    children.end_idle()


def test_cancelled_work_says_so_once_and_nothing_else(start: Any, heard: Heard) -> None:
    job = start(slow_calls.count_slowly, 200, **heard.callbacks())
    wait_until(lambda: heard.progress)
    began = time.monotonic()
    job.cancel()
    job.cancel()
    wait_until(lambda: heard.anything)
    assert time.monotonic() - began < LEAST_WAIT_S
    settle(0.3)
    assert (heard.cancelled, heard.results, heard.errors) == (1, [], [])
    assert not job.running


def test_a_cancelled_process_tidies_up(compute: Any, heard: Heard, tmp_path: Path) -> None:
    job = compute(slow_calls.sleep_and_tidy_up, tmp_path, **heard.callbacks())
    wait_until((tmp_path / "begun").exists)
    job.cancel()
    wait_until(lambda: heard.cancelled, seconds=LEAST_WAIT_S)
    assert not (tmp_path / "begun").exists()


def test_what_does_not_listen_is_ended_within_a_second(
    compute: Any, heard: Heard, tmp_path: Path
) -> None:
    job = compute(slow_calls.never_listen, tmp_path, **heard.callbacks())
    wait_until((tmp_path / "begun").exists)
    job.cancel()
    wait_until(lambda: heard.cancelled, seconds=LEAST_WAIT_S)


def test_a_process_is_used_again_but_not_after_cancelling(compute: Any, heard: Heard) -> None:
    for _ in range(2):
        compute(slow_calls.process_id, **heard.callbacks())
        count = len(heard.results)
        wait_until(lambda count=count: len(heard.results) > count)  # type: ignore[misc]
    first, second = heard.results
    assert first == second != os.getpid()
    job = compute(slow_calls.wait, 60.0, **heard.callbacks())
    settle(0.1)
    job.cancel()
    wait_until(lambda: heard.cancelled)
    compute(slow_calls.process_id, **heard.callbacks())
    wait_until(lambda: len(heard.results) == 3)
    assert heard.results[2] != first


def test_the_child_sums_with_one_thread_and_may_print(
    compute: Any, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_qdimage import children

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    children.end_idle()
    compute(slow_calls.threads, **heard.callbacks())
    compute(slow_calls.print_and_sum, 5, **heard.callbacks())
    wait_until(lambda: len(heard.results) == 2)
    assert sorted(heard.results, key=str) == ["1", 10] or sorted(heard.results, key=str) == [
        10,
        "1",
    ]


def test_a_child_that_dies_is_an_error_in_words(compute: Any, heard: Heard) -> None:
    compute(slow_calls.die, **heard.callbacks())
    wait_until(lambda: heard.anything)
    assert heard.errors == [
        "the process that computes has ended; close other programs and try again"
    ]


def test_nothing_is_called_after_the_owner_is_gone(start: Any, heard: Heard) -> None:
    from qtpy.QtWidgets import QWidget

    owner = QWidget()
    job = start(slow_calls.count_slowly, 40, owner=owner, **heard.callbacks())
    wait_until(lambda: heard.progress)
    owner.deleteLater()
    wait_until(lambda: not job.running)
    n_reports = len(heard.progress)
    settle(0.3)
    assert not heard.anything
    assert len(heard.progress) == n_reports


def test_an_error_in_a_callback_is_shown_and_stops_nothing(
    start: Any, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_qdimage import messages

    shown: list[str] = []
    monkeypatch.setattr(messages, "show", shown.append)
    start(slow_calls.add, 1, 2, on_done=lambda _: slow_calls.refuse())
    wait_until(lambda: shown)
    assert shown == ["pl.tif: found no pages, expected a stack; write it again"]


def test_the_child_ends_with_the_window_and_tidies_up(napari_ready: None, tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "import slow_calls\n"
        "from napari_qdimage.children import Child\n"
        "child = Child()\n"
        "child.ask((slow_calls.sleep_and_tidy_up, (Path(sys.argv[1]),), {}))\n"
        "child.answer()\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(slow_calls.__file__).parent)}
    window = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], env=environ)
    wait_until((tmp_path / "begun").exists)
    window.send_signal(signal.SIGKILL)
    window.wait()
    wait_until(lambda: not (tmp_path / "begun").exists(), seconds=5)


def test_the_bar_shows_a_job_and_its_button_cancels_it(
    napari_ready: None, slot_errors: list[str], heard: Heard
) -> None:
    from napari_qdimage.widgets.job_bar import JobBar

    bar = JobBar()
    bar.show()
    told: list[str] = []
    bar.started.connect(lambda: told.append("started"))
    bar.ended.connect(lambda: told.append("ended"))
    assert not bar.bar.isVisible()
    bar.compute("counting", slow_calls.count_slowly, 100, **heard.callbacks())
    assert bar.text.text() == "counting"
    wait_until(lambda: bar.bar.value() >= 3)
    assert bar.bar.maximum() == 100
    assert bar.text.text().startswith("step ")
    assert bar.left.text().endswith("s left")
    click(bar.cancel_button)
    wait_until(lambda: heard.cancelled, seconds=LEAST_WAIT_S)
    assert told == ["started", "ended"]
    assert not bar.bar.isVisible()
    bar.run("adding", slow_calls.add, 1, 2, **heard.callbacks())
    wait_until(lambda: heard.results == [3])
    assert told == ["started", "ended", "started", "ended"]
    bar.close()


def test_the_time_left_is_that_of_the_same_pace() -> None:
    from napari_qdimage.widgets.job_bar import time_left

    assert time_left(10.0, 0, 4) == ""
    assert time_left(10.0, 1, 4) == "30 s left"
    assert time_left(100.0, 1, 4) == "5 min left"
    assert time_left(100.0, 4, 4) == ""
