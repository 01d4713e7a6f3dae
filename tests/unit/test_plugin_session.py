"""The plugin's session without a window: decisions, undo, and what is left after a kill."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from finished_run import N_DOTS, El, Field, make_run
from folders import CLONE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from napari_qdimage.session import Session
from napari_qdimage.session_file import AUTOSAVE, Answer, Conflict

import qdimage
from qdimage.domain.curation import FieldKey, Judgement
from qdimage.errors import ConfigurationError, FormatError

FIRST, SECOND = FieldKey("device-A", "field-01"), FieldKey("device-A", "field-02")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two fields, not to be written into."""
    fields = [Field(), Field(name="field-02", el=(El(2.1, 1), El(2.4, 8)))]
    return make_run(tmp_path_factory.mktemp("made") / "out", fields)


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    """A copy of the run, which a session may be kept in."""
    shutil.copytree(made, tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def session(out: Path) -> Session:
    opened = Session()
    opened.open_run(out)
    return opened


def signals_of(session: Session) -> list[str]:
    """Names of the signals, as they come."""
    heard: list[str] = []
    for name in ("opened", "selection_changed", "curation_changed", "history_changed"):
        getattr(session, name).connect(lambda *_, name=name: heard.append(name))
    return heard


def test_a_run_is_opened_at_its_first_field(session: Session) -> None:
    assert session.fields == (FIRST, SECOND)
    assert session.field == FIRST
    assert list(session.dots.index) == list(range(1, N_DOTS + 1))
    assert session.selection == ()
    assert not session.can_undo
    assert len(session.warnings) == 2  # the experiments are not there


def test_a_rejected_dot_keeps_its_row_and_leaves_the_fraction(session: Session) -> None:
    before = session.turn_on().set_index(["field", "voltage_v"])
    session.reject([2, 3])
    assert session.dots["accepted"].tolist() == [True, False, False] + 6 * [True]
    after = session.turn_on().set_index(["field", "voltage_v"])
    lit = before.loc[("field-01", 2.4), "n_lit"]
    # Dots 1 to 7 are lit at 2.4 V.
    assert after.loc[("field-01", 2.4), ["n_pl", "n_lit", "n_rejected"]].tolist() == [7, lit - 2, 2]
    assert after.loc[("field-02", 2.4), "n_rejected"] == 0
    assert after.loc[("all", 2.4), "n_pl"] == 2 * N_DOTS - 2
    assert session.reviewed == {2, 3}
    session.accept([3])
    assert session.dots.loc[3, "accepted"]
    assert session.turn_on().set_index(["field", "voltage_v"]).loc[("field-01", 2.4), "n_pl"] == 8


def test_what_changes_nothing_is_no_act(session: Session) -> None:
    session.reject([2])
    session.reject([2, 99])
    session.unflag([2], "odd")
    assert session.undo_text == "Reject dot 2"
    session.undo()
    assert not session.can_undo


def test_signals_come_once_and_after_the_change(session: Session) -> None:
    heard = signals_of(session)
    seen: list[bool] = []
    session.curation_changed.connect(lambda: seen.append(bool(session.dots.loc[1, "accepted"])))
    session.select([1])
    session.select([1])
    session.reject([1])
    assert heard == ["selection_changed", "curation_changed", "history_changed"]
    assert seen == [False]


def test_a_deleted_dot_leaves_the_selection_and_undo_brings_both_back(session: Session) -> None:
    session.select([4, 5])
    session.delete([5])
    assert 5 not in session.dots.index
    assert session.selection == (4,)
    session.undo()
    assert 5 in session.dots.index
    assert session.selection == (5,)


def test_numbers_of_added_dots_are_not_used_twice(session: Session) -> None:
    first = session.add(3.0, 4.0)
    assert first == N_DOTS + 1
    session.undo()
    assert first not in session.dots.index
    second = session.add(5.0, 6.0)
    assert second == first + 1
    session.delete([second])
    assert session.add(7.0, 8.0) == second + 1


def test_an_added_dot_has_nothing_that_was_measured(session: Session) -> None:
    dot = session.add(3.0, 4.0)
    row = session.dots.loc[dot]
    assert (row["x_px"], row["y_px"], row["flags"], row["accepted"]) == (3.0, 4.0, "added", True)
    assert pd.isna(row["pl_photons_s"])
    assert row["el_g2_0_file"] == ""
    session.move(dot, 3.5, 4.5)
    assert session.dots.loc[dot, ["x_px", "y_px", "flags"]].tolist() == [3.5, 4.5, "added"]


def test_a_moved_dot_is_not_counted_until_it_is_measured(session: Session) -> None:
    session.move(1, 10.0, 11.0)
    assert session.dots.loc[1, ["x_px", "y_px"]].tolist() == [10.0, 11.0]
    assert "moved" in session.dots.loc[1, "flags"]
    row = session.turn_on().set_index(["field", "voltage_v"]).loc[("field-01", 2.4)]
    assert (row["n_pl"], row["n_unresolved"]) == (N_DOTS - 1, 1)


def test_flags_and_notes_stand_beside_those_of_the_analysis(session: Session) -> None:
    session.flag([1, 2], "dust")
    session.write_note(1, "  near the edge \n")
    assert session.dots["flags"].tolist()[:3] == ["non_monotone;dust", "dust", ""]
    assert session.dots.loc[1, "note"] == "near the edge"
    session.unflag([1, 2], "dust")
    assert session.dots["flags"].tolist()[:2] == ["non_monotone", ""]
    with pytest.raises(ConfigurationError, match="which the analysis itself uses"):
        session.flag([1], "edge")


def test_next_previous_and_next_unreviewed_go_round(session: Session) -> None:
    assert [session.next() for _ in range(3)] == [1, 2, 3]
    assert session.previous() == 2
    session.accept([1, 2, 3])
    session.reject([4])
    assert session.next_unreviewed() == 5
    session.select([N_DOTS])
    session.accept([N_DOTS])
    assert session.next_unreviewed() == 5
    session.accept(range(1, N_DOTS + 1))
    assert session.next_unreviewed() is None
    session.select([1])
    assert session.previous() == N_DOTS


def test_undo_shows_the_field_of_the_act(session: Session) -> None:
    session.reject([1])
    session.show(SECOND)
    session.reject([2])
    session.undo()
    assert session.field == SECOND
    session.undo()
    assert session.field == FIRST
    assert session.selection == (1,)
    session.redo()
    session.redo()
    assert session.field == SECOND
    assert not session.dots.loc[2, "accepted"]


dot_ids = st.lists(st.integers(1, N_DOTS + 4), min_size=1, max_size=3)
places = st.tuples(st.floats(0, 47), st.floats(0, 47))
acts = st.one_of(
    st.tuples(st.sampled_from(["accept", "reject", "delete"]), st.tuples(dot_ids)),
    st.tuples(
        st.sampled_from(["flag", "unflag"]), st.tuples(dot_ids, st.sampled_from(["odd", "dust"]))
    ),
    st.tuples(
        st.just("write_note"),
        st.tuples(st.integers(1, N_DOTS + 4), st.sampled_from(["", "x", "y"])),
    ),
    st.tuples(st.just("add"), places),
    st.tuples(st.just("move"), st.builds(lambda d, p: (d[0], *p), dot_ids, places)),
    st.tuples(st.just("show"), st.tuples(st.sampled_from([FIRST, SECOND]))),
    st.tuples(st.sampled_from(["undo", "redo"]), st.just(())),
)


def all_dots(session: Session) -> pd.DataFrame:
    """The dots of both fields, the shown one last."""
    shown, parts = session.field, []
    for field in (FIRST, SECOND):
        session.show(field)
        parts.append(session.dots)
    if shown is not None:
        session.show(shown)
    return pd.concat(parts)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(acts, max_size=12))
def test_undoing_all_is_the_start_and_redoing_all_the_end(
    made: Path, sequence: list[tuple[str, tuple[Any, ...]]]
) -> None:
    session = Session(autosave=False)
    session.open_run(made)
    start, nothing = all_dots(session), session.curation
    for name, arguments in sequence:
        getattr(session, name)(*arguments)
    while session.can_redo:
        session.redo()
    end, decided = all_dots(session), session.curation
    while session.can_undo:
        session.undo()
    pd.testing.assert_frame_equal(all_dots(session), start)
    assert session.curation == nothing
    while session.can_redo:
        session.redo()
    pd.testing.assert_frame_equal(all_dots(session), end)
    assert session.curation == decided


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(acts, min_size=1, max_size=12))
def test_a_reopened_session_is_the_one_that_was_left(
    made: Path,
    tmp_path_factory: pytest.TempPathFactory,
    sequence: list[tuple[str, tuple[Any, ...]]],
) -> None:
    path = tmp_path_factory.mktemp("kept") / "mine.qdimage.json"
    session = Session(autosave=False)
    session.open_run(made)
    session.save(path)
    for name, arguments in sequence:
        getattr(session, name)(*arguments)
    again = Session(autosave=False)
    assert again.reopen(path)
    assert again.curation == session.curation
    pd.testing.assert_frame_equal(all_dots(again), all_dots(session))


KILLED = """
import sys
from napari_qdimage.session import Session
session = Session()
session.open_run(sys.argv[1])
for dot in range(1, 10):
    (session.accept if dot % 2 else session.reject)([dot])
    print(dot, flush=True)
    if dot == 6:
        session.write_note(2, "why")
        session.add(20.0, 21.0)
        print("added", flush=True)
        input()
"""


def test_after_a_kill_in_mid_curation_nothing_decided_is_lost(out: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(out)],
        cwd=CLONE / "plugins",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line.strip() == "added":
            break
    child.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    child.wait(timeout=30)
    child.stdout.close()
    assert child.stdin is not None
    child.stdin.close()
    again = Session()
    again.open_run(out)
    assert again.file == out / AUTOSAVE
    assert again.dots["accepted"].tolist() == [True, False, True, False, True, False] + 4 * [True]
    assert again.reviewed == {1, 2, 3, 4, 5, 6, 10}
    assert again.judgement(2) == Judgement(accepted=False, note="why")
    assert again.judgement(10).added


def test_nothing_is_written_before_something_is_decided(session: Session, out: Path) -> None:
    session.set_option("localize.max_rounds", 5)
    session.select([1])
    assert not (out / AUTOSAVE).exists()
    session.accept([1])
    assert (out / AUTOSAVE).is_file()
    session.set_option("localize.max_rounds", 4)
    again = Session()
    again.open_run(out)
    assert again.options.localize.max_rounds == 4


def test_a_session_moves_with_its_run(session: Session, out: Path, tmp_path: Path) -> None:
    session.reject([3])
    (tmp_path / "elsewhere").mkdir()
    shutil.move(out, tmp_path / "elsewhere" / "out")
    again = Session()
    again.reopen(tmp_path / "elsewhere" / "out" / AUTOSAVE)
    assert not again.dots.loc[3, "accepted"]
    text = (tmp_path / "elsewhere" / "out" / AUTOSAVE).read_text(encoding="utf-8")
    assert str(tmp_path) not in text


def test_a_session_of_a_run_that_is_gone_is_refused_in_words(session: Session, out: Path) -> None:
    kept = session.save(out.parent / "kept.qdimage.json")
    shutil.rmtree(out)
    again = Session()
    with pytest.raises(FormatError, match="what this session is about is not there"):
        again.reopen(kept)


def answering(answer: Answer, heard: list[Conflict]) -> Any:
    def ask(conflicts: tuple[Conflict, ...]) -> Answer:
        heard.extend(conflicts)
        return answer

    return ask


def test_a_changed_file_is_named_and_asked_about(session: Session, out: Path) -> None:
    session.reject([3])
    kept = session.save()
    channels = out / "channels.csv"
    channels.write_text(channels.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    heard: list[Conflict] = []
    again = Session()
    assert not again.reopen(kept, answering("cancel", heard))
    assert again.field is None
    assert [(each.path.name, each.kind) for each in heard] == [("channels.csv", "changed")]
    assert again.reopen(kept, answering("continue", heard))
    assert not again.dots.loc[3, "accepted"]
    assert any("has changed since the session was saved" in text for text in again.warnings)


def test_a_file_that_was_only_touched_has_not_changed(session: Session, out: Path) -> None:
    kept = session.save()
    time.sleep(0.01)
    (out / "channels.csv").touch()
    heard: list[Conflict] = []
    assert Session().reopen(kept, answering("cancel", heard))
    assert not heard


def test_another_run_in_the_folder_finds_the_same_dots(session: Session, out: Path) -> None:
    session.reject([3])
    session.add(2.0, 2.0)
    lines = (out / "dots.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    gone = [line for line in lines if not line.startswith("device-A,field-01,1,")]
    names = {old: old - 1 for old in range(2, N_DOTS + 1)}
    for old, new in names.items():
        gone = [
            line.replace(f"device-A,field-01,{old},", f"device-A,field-01,{new},") for line in gone
        ]
    (out / "dots.csv").write_text("".join(gone), encoding="utf-8")
    again = Session()
    again.open_run(out)
    assert again.dots.index[~again.dots["accepted"].to_numpy(bool)].tolist() == [2]
    assert again.dots["flags"].tolist().count("added") == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "this is no JSON"),
        ("{}", "no key 'session'"),
        ('{"session": 99}', "found version 99"),
        ('{"session": 1}', "no whole session"),
    ],
)
def test_a_damaged_or_newer_session_is_refused_and_left_alone(
    out: Path, content: str, told: str
) -> None:
    (out / AUTOSAVE).write_text(content, encoding="utf-8")
    with pytest.raises(FormatError, match=told):
        Session().reopen(out / AUTOSAVE)
    session = Session()
    session.open_run(out)
    assert any(told in text for text in session.warnings)
    session.reject([1])
    assert (out / AUTOSAVE).read_text(encoding="utf-8") == content
    again = Session()
    again.open_run(out)
    assert not again.dots.loc[1, "accepted"]


def test_two_sessions_of_one_run_do_not_write_over_each_other(out: Path) -> None:
    first, second = Session(), Session()
    first.open_run(out)
    second.open_run(out)
    first.reject([1])
    second.reject([2])
    assert first.file != second.file
    for each, rejected in ((first, 1), (second, 2)):
        again = Session()
        assert each.file is not None
        again.reopen(each.file)
        assert again.dots.index[~again.dots["accepted"].to_numpy(bool)].tolist() == [rejected]


def test_a_session_that_cannot_be_kept_says_so(
    session: Session, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    session.reject([1])
    assert "No space left on device" in session.unsaved
    assert not session.dots.loc[1, "accepted"]
    with pytest.raises(ConfigurationError, match="cannot be kept"):
        session.save()
    monkeypatch.undo()
    session.reject([2])
    assert session.unsaved == ""


def test_new_tables_keep_the_numbers_of_dots(session: Session) -> None:
    session.reject([3])
    session.flag([5], "odd")
    tables = {name: frame.copy() for name, frame in session.tables.items()}
    own = {
        name: (tables[name]["device"] == FIRST.device) & (tables[name]["field"] == FIRST.field)
        for name in ("dots", "dot_channels")
    }
    # A run without dot 1 and with one more dot counts anew.
    new = {}
    for name, mine in own.items():
        frame = tables[name]
        frame = frame[~(mine & (frame["dot_id"] == 1))].copy()
        mine = (frame["device"] == FIRST.device) & (frame["field"] == FIRST.field)
        frame.loc[mine, "dot_id"] -= 1
        new[name] = frame
    extra = new["dots"].iloc[:1].assign(dot_id=N_DOTS, x_px=1.0, y_px=1.0)
    new["dots"] = pd.concat([new["dots"], extra], ignore_index=True)
    positions = session.dots[["x_px", "y_px"]]
    session.replace_tables(new)
    assert list(session.dots.index) == [*range(2, N_DOTS + 1), N_DOTS + 1]
    pd.testing.assert_frame_equal(
        session.dots.loc[2:N_DOTS, ["x_px", "y_px"]], positions.loc[2:N_DOTS]
    )
    assert not session.dots.loc[3, "accepted"]
    assert session.dots.loc[5, "flags"] == "odd"
    assert session.dots.loc[N_DOTS + 1, "x_px"] == 1.0
    fluxes = session.of_field("dot_channels")
    assert fluxes.loc[fluxes["dot_id"] == 3, "photons_s"].max() == 150.0


def test_decisions_wait_for_dots_that_are_found_later(out: Path) -> None:
    session = Session(autosave=False)
    session.open_run(out)
    session.reject([3])
    tables = dict(session.tables)
    session.replace_tables({name: frame.iloc[:0] for name, frame in tables.items()})
    assert len(session.dots) == 0
    assert len(session.curation.entries) == 1
    session.replace_tables(tables)
    assert list(session.dots.index) == [3, *range(N_DOTS + 1, 2 * N_DOTS)]
    assert session.dots.index[~session.dots["accepted"].to_numpy(bool)].tolist() == [3]
    assert session.dots.loc[3, "pl_photons_s"] == 1200.0


def test_the_options_file_is_what_the_command_line_reads(session: Session, tmp_path: Path) -> None:
    from qdimage.config import AnalysisOptions, build_options, read_options_file

    session.set_option("localize.false_alarms_per_frame", 0.5)
    session.set_option("match.f_min_photons_s", 12.0)
    path = tmp_path / "options.toml"
    path.write_text(session.options_toml(), encoding="utf-8")
    read = build_options(AnalysisOptions, read_options_file(path), source=str(path))
    assert read == session.options
    assert build_options(AnalysisOptions, session.run_options, source="") == session.options
    with pytest.raises(ConfigurationError, match="did you mean"):
        session.set_option("localize.max_round", 1)
    with pytest.raises(ConfigurationError, match="max_rounds"):
        session.set_option("localize.max_rounds", -1)
    assert session.options == read


def test_options_that_differ_between_fields_stay_with_the_fields(tmp_path: Path) -> None:
    fields = [
        Field(options={"localize": {"max_rounds": 2}}),
        Field(name="field-02", options={"localize": {"max_rounds": 3}}),
    ]
    session = Session(autosave=False)
    session.open_run(make_run(tmp_path / "out", fields))
    assert session.options.localize.max_rounds == 2
    session.show(SECOND)
    assert session.options.localize.max_rounds == 3
    assert "max_rounds" not in session.options_toml()
    session.set_option("localize.max_rounds", 4)
    assert "max_rounds = 4" in session.options_toml()


def test_decisions_are_written_where_one_likes(session: Session, tmp_path: Path) -> None:
    session.reject([1])
    session.show(SECOND)
    session.flag([2], "odd")
    with pytest.raises(ConfigurationError, match="name a folder"):
        session.write_curation()
    (path,) = session.write_curation(tmp_path)
    assert qdimage.read_curation(path) == session.curation
    assert [entry.field for entry in session.curation.entries] == ["field-01", "field-02"]
    assert json.loads(path.read_text(encoding="utf-8"))["curation"] == 1


def test_nothing_can_be_decided_where_nothing_is_open() -> None:
    session = Session()
    assert len(session.dots) == 0
    assert session.turn_on().empty
    session.reject([1])
    session.undo()
    assert session.next() is None
    assert session.next_unreviewed() is None
    with pytest.raises(ConfigurationError, match="no field is open"):
        session.add(1.0, 1.0)
    with pytest.raises(ConfigurationError, match="nothing is open"):
        session.save()
