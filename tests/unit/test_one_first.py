"""Steps of a kind wait for the first of them, and no other kind does."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from qdimage.pipeline.one_first import OneFirst
from qdimage.pipeline.places import Stopped

WAIT_S = 10.0


class Threads:
    """A place of threads of this process, which can be seen at work."""

    at_once = 3
    writes_here = True

    def __init__(self) -> None:
        self.stopped = False
        self._pool = ThreadPoolExecutor(self.at_once)

    def start(self, call: Callable[[], Any]) -> Callable[[], Any]:
        if self.stopped:
            raise Stopped
        return self._pool.submit(call).result

    def stop(self) -> None:
        self.stopped = True


class Kind:
    """Steps that end when they are let."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.may_end = threading.Event()

    def step(self, number: int) -> int:
        self.begun.append(number)
        assert self.may_end.wait(WAIT_S)
        return number


def test_the_first_of_each_kind_goes_alone_and_beside_other_kinds() -> None:
    place, localize, correlate = OneFirst(Threads()), Kind(), Kind()
    steps = [partial(localize.step, number) for number in range(3)]
    answers = [place.start(each) for each in steps]
    other = place.start(partial(correlate.step, 7))
    correlate.may_end.set()
    assert other() == 7
    assert localize.begun == [0]
    localize.may_end.set()
    assert [answer() for answer in answers] == [0, 1, 2]
    assert place.start(partial(localize.step, 3))() == 3


def test_a_first_step_that_fails_lets_the_others_go() -> None:
    place = OneFirst(Threads())
    first, second = (place.start(partial(int, text)) for text in ("one", "2"))
    with pytest.raises(ValueError, match="invalid literal"):
        first()
    assert second() == 2


def test_steps_that_wait_hear_of_the_end() -> None:
    threads, kind = Threads(), Kind()
    place = OneFirst(threads)
    first, second = (place.start(partial(kind.step, number)) for number in range(2))
    place.stop()
    kind.may_end.set()
    assert first() == 0
    with pytest.raises(Stopped):
        second()
    assert kind.begun == [0]
