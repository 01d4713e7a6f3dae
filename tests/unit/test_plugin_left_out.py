"""What the plugin says of the dots that decisions leave out of the fraction."""

from pathlib import Path

import pytest
from finished_run import Field, make_run
from napari_qdimage.left_out import left_out
from napari_qdimage.session import Session


@pytest.fixture
def session(tmp_path: Path) -> Session:
    out = make_run(tmp_path / "run", [Field(), Field("field-02"), Field(device="device-B")])
    session = Session(autosave=False)
    session.open_run(out)
    return session


def test_nothing_is_left_out_of_what_nobody_judged(session: Session) -> None:
    assert left_out(session) == "Curation leaves out no dot."
    session.accept([1, 2])
    session.flag([3], "odd")
    assert left_out(session) == "Curation leaves out no dot."


def test_rejected_dots_are_named_in_their_field_and_counted_in_the_others(
    session: Session,
) -> None:
    session.reject([2, 4])
    assert left_out(session) == "Curation leaves out 2 rejected dots of this field (2, 4)."
    first, second, other = session.fields
    session.show(second)
    assert left_out(session) == "Curation leaves out 2 rejected dots of other fields."
    # Another device has a fraction of its own.
    session.show(other)
    assert left_out(session) == "Curation leaves out no dot."
    session.show(first)
    session.undo()
    assert left_out(session) == "Curation leaves out no dot."


def test_dots_that_were_not_measured_where_they_are_now_wait_for_the_next_run(
    session: Session,
) -> None:
    session.add(20.0, 20.0)
    session.move(3, 21.0, 5.0)
    session.delete([5])
    assert left_out(session) == (
        "Curation leaves out 1 added dot and 1 moved dot, which the next run measures; "
        "1 deleted dot."
    )
    session.undo()
    session.undo()
    assert left_out(session).startswith("Curation leaves out 1 added dot, which")
