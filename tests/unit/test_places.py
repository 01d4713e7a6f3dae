"""Where steps are computed: a process that dies takes nothing along but the step to blame."""

import os
import struct
import threading
import time
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from qdimage.pipeline.places import Here, Processes, Stopped, processes


def die() -> int:
    os._exit(7)


def die_once(mark: Path) -> str:
    if not mark.exists():
        mark.write_text("", encoding="utf-8")
        os._exit(7)
    return "lives"


def fail() -> int:
    raise ValueError("no such dot")


def die_while_answering() -> bytes:
    def cut(self: Connection, answer: memoryview) -> None:
        os.write(self.fileno(), struct.pack("!i", len(answer)) + answer[:10])
        os._exit(7)

    Connection._send_bytes = cut  # type: ignore[attr-defined]
    return bytes(1000)


def test_one_worker_is_this_process() -> None:
    with processes(1) as place:
        assert isinstance(place, Here)
        assert place.start(os.getpid)() == os.getpid()


def test_others_finish_where_one_step_kills_its_process(tmp_path: Path) -> None:
    with processes(2) as place:
        calls = [partial(pow, 2, 10), die, fail, partial(die_once, tmp_path / "mark")]
        good, dead, bad, again = (place.start(call) for call in calls)  # type: ignore[arg-type]
        assert good() == 1024
        with pytest.raises(ChildProcessError, match="2 times more"):
            dead()
        with pytest.raises(ValueError, match="no such dot"):
            bad()
        assert again() == "lives"
        # The broken pool has been replaced.
        assert place.start(partial(pow, 3, 3))() == 27


@pytest.mark.skipif(os.name == "nt", reason="Windows has pipes of another kind")
def test_an_answer_that_is_cut_off_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qdimage.pipeline.places._LOOK_S", 0.1)
    with processes(2) as place:
        cut = place.start(die_while_answering)
        with pytest.raises(ChildProcessError, match="2 times more"):
            cut()
        assert place.start(partial(pow, 3, 3))() == 27


def test_a_step_computes_with_one_thread() -> None:
    with processes(2) as place:
        assert place.start(partial(os.getenv, "OMP_NUM_THREADS"))() == "1"


def test_who_waits_hears_of_the_end_at_once() -> None:
    with processes(2) as place:
        assert isinstance(place, Processes)
        answer = place.start(partial(time.sleep, 60))
        threading.Timer(0.5, place.stop).start()
        started = time.monotonic()
        with pytest.raises(Stopped):
            answer()
        assert time.monotonic() - started < 30
        with pytest.raises(Stopped):
            place.start(partial(pow, 2, 2))
