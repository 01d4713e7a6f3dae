"""A person's decisions: the file, the dots they are about, what becomes of these."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dots import SIGMA_PX, localizations, spot_image
from hypothesis import given
from hypothesis import strategies as st

from qdimage.domain.curation import (
    ACTIONS,
    OWN_FLAGS,
    Curation,
    CurationEntry,
    FieldKey,
    JudgedPlace,
    Judgement,
    check_flag,
    entries_of,
    judged_places,
)
from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations
from qdimage.domain.tables import DOTS
from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.curation_file import read_curation, write_curation
from qdimage.match.same_dot import allowed_distance_px, dots_at_places
from qdimage.pipeline.curated_dots import curated_dots
from qdimage.pipeline.curated_field import CuratedDots, curate_field
from qdimage.pipeline.curation import match_curation
from qdimage.pipeline.tables import as_frame

KEY = FieldKey("device", "field")

words = st.text("abcdefgh_", min_size=1, max_size=6).filter(lambda word: word not in OWN_FLAGS)
numbers = st.floats(-1e4, 1e4).map(lambda value: round(value, 4))
judgements = st.builds(
    Judgement,
    accepted=st.sampled_from([None, True, False]),
    flags=st.sets(words, max_size=3).map(lambda each: tuple(sorted(each))),
    note=st.text(max_size=20).map(lambda text: text.encode("utf-8", "ignore").decode()),
    moved_to_px=st.none() | st.tuples(numbers, numbers),
    added=st.booleans(),
    deleted=st.booleans(),
)
places = st.builds(JudgedPlace, numbers, numbers, judgements)


@given(st.lists(places, max_size=6, unique_by=lambda place: (place.x_px, place.y_px)))
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, decided: list[JudgedPlace]
) -> None:
    entries = [entry for place in decided for entry in entries_of(place, KEY)]
    path = tmp_path_factory.mktemp("curation") / "curation.json"
    write_curation(path, Curation(tuple(entries)))
    read = read_curation(path)
    assert read == Curation(tuple(entries))
    anything = [place for place in decided if place.judgement != Judgement()]
    assert list(read.of_field(KEY)) == anything


def test_a_person_can_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "curation.json"
    place = JudgedPlace(
        1.5, 2.25, Judgement(accepted=False, flags=("dust",), note="near µ-scratch")
    )
    write_curation(path, Curation(entries_of(place, KEY)))
    text = path.read_text(encoding="utf-8")
    shared = '"device": "device", "field": "field", "x_px": 1.5, "y_px": 2.25'
    assert f'{{{shared}, "action": "rejected"}},\n' in text
    assert f'{{{shared}, "action": "flagged", "flag": "dust"}},\n' in text
    assert '"note": "near µ-scratch"' in text
    assert len(text.splitlines()) == 3 + 5


def test_the_later_of_two_decisions_holds() -> None:
    entries = [
        CurationEntry(1.0, 1.0, "rejected", note="dust"),
        CurationEntry(1.0, 1.0, "accepted"),
        CurationEntry(1.0, 1.0, "noted", note="it was none"),
    ]
    (place,) = judged_places(entries)
    assert place.judgement == Judgement(accepted=True, note="it was none")


ENTRY = {"x_px": 1.0, "y_px": 2.0, "action": "rejected"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "no JSON"),
        ("[]", "no key 'curation'"),
        (json.dumps({"curation": 9, "entries": []}), "found version 9"),
        (json.dumps({"curation": 1}), "entries"),
        (json.dumps({"curation": 1, "entries": [ENTRY | {"action": "reject"}]}), "action"),
        (json.dumps({"curation": 1, "entries": [ENTRY | {"x_py": 1}]}), "did you mean 'x_px'?"),
        (json.dumps({"curation": 1, "entries": [ENTRY | {"x_px": float("nan")}]}), "x_px"),
        (json.dumps({"curation": 1, "entries": [ENTRY | {"action": "moved"}]}), "needs to_x_px"),
        (json.dumps({"curation": 1, "entries": [ENTRY | {"action": "flagged"}]}), "one word"),
        (
            json.dumps({"curation": 1, "entries": [ENTRY | {"action": "flagged", "flag": "edge"}]}),
            "which the analysis itself uses",
        ),
    ],
)
def test_what_is_wrong_with_the_file_is_said_in_one_line(
    tmp_path: Path, content: str, told: str
) -> None:
    path = tmp_path / "curation.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FormatError, match="curation") as error:
        read_curation(path)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("word", ["", "two words", "a;b", "edge", "added", "tab\t"])
def test_a_flag_is_one_word_of_ones_own(word: str) -> None:
    with pytest.raises(ConfigurationError, match="flag"):
        check_flag(word)


def test_places_and_dots_are_paired_one_to_one_the_closest_first() -> None:
    dots = np.array([[10.0, 10.0], [10.9, 10.0], [30.0, 30.0]])
    at = np.array([[10.6, 10.0], [10.8, 10.0], [30.0, 31.2], [50.0, 50.0]])
    within = allowed_distance_px(np.array([[0.1, 0.1], [np.nan, np.nan], [0.4, 0.4]]))
    assert dots_at_places(at, dots, within).tolist() == [0, 1, 2, -1]


def test_no_dots_and_no_places_are_no_error() -> None:
    none, one = np.empty((0, 2)), np.array([[1.0, 1.0]])
    assert dots_at_places(none, one, np.ones(1)).tolist() == []
    assert dots_at_places(one, none, np.empty(0)).tolist() == [-1]


# Dots far apart, in the order of their numbers.
PLACES = np.array([[60.0, 40.0], [150.0, 60.0], [40.0, 100.0], [200.0, 140.0], [90.0, 200.0]])
FLUX = np.array([300.0, 200.0, 400.0, 250.0, 350.0])


def judged(at: np.ndarray | tuple[float, float], **decided: object) -> JudgedPlace:
    return JudgedPlace(float(at[0]), float(at[1]), Judgement(**decided))  # type: ignore[arg-type]


def curated(dots: Localizations, *decided: JudgedPlace) -> CuratedDots:
    rng = np.random.default_rng(3)
    return curate_field(spot_image(PLACES, FLUX, rng=rng), dots, decided)


def test_without_decisions_the_dots_are_as_they_were_found() -> None:
    found = localizations(PLACES)
    left = curated(found)
    assert np.array_equal(left.dots.positions, found.positions)
    assert not left.judged
    assert not left.warnings


def test_a_rejected_dot_stays_and_is_marked() -> None:
    left = curated(localizations(PLACES), judged(PLACES[2] + 0.4, accepted=False))
    assert left.rejected.tolist() == [False, False, True, False, False]
    assert len(left.dots) == 5


def test_an_added_dot_has_its_number_by_place_and_its_light() -> None:
    found = localizations(np.delete(PLACES, 2, axis=0))
    left = curated(found, judged(PLACES[2], added=True, accepted=True))
    assert np.array_equal(left.dots.positions, PLACES)
    assert left.dots.flags.tolist() == [0, 0, int(DotFlag.ADDED), 0, 0]
    assert list(left.judged) == [3]
    assert abs(left.dots.signal[2] - FLUX[2]) < 5 * left.dots.signal_err[2]
    assert not left.warnings


def test_a_moved_dot_has_the_light_of_its_new_place() -> None:
    wrong = PLACES.copy()
    wrong[1] += [0.0, 9.0]
    left = curated(localizations(wrong), judged(wrong[1], moved_to_px=tuple(PLACES[1])))
    assert np.array_equal(left.dots.positions, PLACES)
    assert left.dots.flags[1] == DotFlag.MOVED
    assert abs(left.dots.signal[1] - FLUX[1]) < 5 * left.dots.signal_err[1]


def test_a_deleted_dot_is_gone_and_the_others_are_numbered_anew() -> None:
    left = curated(
        localizations(PLACES), judged(PLACES[0], deleted=True), judged(PLACES[3], accepted=False)
    )
    assert np.array_equal(left.dots.positions, PLACES[1:])
    assert left.rejected.tolist() == [False, False, True, False]


def test_a_place_at_the_border_is_flagged_and_one_outside_is_named() -> None:
    at_edge, beyond = judged((1.0, 100.0), added=True), judged((-3.0, 5.0), added=True)
    left = curated(localizations(PLACES), at_edge, beyond)
    assert left.dots.flags[left.dots.x_px == 1.0] == DotFlag.ADDED | DotFlag.EDGE
    assert len(left.dots) == 6
    (warning,) = left.warnings
    assert "added at (-3.00, 5.00)" in warning
    assert "outside" in warning


def test_a_decision_about_a_dot_that_is_no_more_is_named() -> None:
    left = curated(localizations(PLACES), judged((120.0, 120.0), accepted=False, note="x"))
    (warning,) = left.warnings
    assert "rejected, noted at (120.00, 120.00)" in warning
    assert not left.judged


def test_an_added_dot_that_is_now_found_is_not_there_twice() -> None:
    left = curated(localizations(PLACES), judged(PLACES[1] + 0.3, added=True, accepted=True))
    assert np.array_equal(left.dots.positions, PLACES)
    assert left.dots.flags.tolist() == [0] * 5
    assert left.judged[2].judgement.accepted
    assert "now found without help" in left.warnings[0]


def test_all_dots_can_be_taken_away_and_dots_put_where_none_was_found() -> None:
    gone = curated(localizations(PLACES), *(judged(place, deleted=True) for place in PLACES))
    assert len(gone.dots) == 0
    alone = curated(
        localizations(np.empty((0, 2)), sigma_px=SIGMA_PX), judged(PLACES[0], added=True)
    )
    assert abs(alone.dots.signal[0] - FLUX[0]) < 6 * alone.dots.signal_err[0]


def frame(positions: np.ndarray, flags: str = "") -> pd.DataFrame:
    rows = [
        {
            "device": KEY.device,
            "field": KEY.field,
            "dot_id": k + 1,
            "x_px": x,
            "y_px": y,
            "x_um": 0.1 * x,
            "y_um": 0.1 * y,
            "x_err_px": 0.05,
            "y_err_px": 0.05,
            "pl_photons_s": 100.0 + k,
            "accepted": True,
            "note": "",
            "flags": flags,
            "signal_unit": "photons",
        }
        for k, (x, y) in enumerate(positions)
    ]
    return as_frame(rows, DOTS)


def curation(*decided: JudgedPlace) -> Curation:
    return Curation(tuple(entry for place in decided for entry in entries_of(place, KEY)))


def test_decisions_find_the_dots_of_a_table_made_before_them() -> None:
    table = frame(PLACES)
    found = match_curation(
        table,
        curation(
            judged(PLACES[0], accepted=False),
            judged(PLACES[1], moved_to_px=(150.0, 75.0)),
            judged((1.0, 1.0), accepted=True),
            judged((20.0, 20.0), added=True),
        ),
    )
    assert {dot: place.judgement.accepted for dot, place in found.judged[KEY].items()} == {
        1: False,
        2: None,
        6: None,
    }
    assert [str(place) for place in found.lost[KEY]] == ["accepted at (1.00, 1.00)"]
    left = curated_dots(table, found.judged[KEY]).set_index("dot_id")
    assert left["accepted"].tolist() == [False, True, True, True, True, True]
    assert left.loc[2, ["x_px", "y_px", "flags"]].tolist() == [150.0, 75.0, "moved"]
    assert pd.isna(left.loc[2, "pl_photons_s"])
    assert left.loc[6, ["x_px", "y_px", "flags"]].tolist() == [20.0, 20.0, "added"]
    assert left.loc[6, "x_um"] == pytest.approx(2.0)
    assert left.loc[3, "pl_photons_s"] == 102.0


def test_decisions_find_the_dots_of_a_table_made_with_them() -> None:
    moved, added = judged(PLACES[1], moved_to_px=(150.0, 75.0)), judged(PLACES[4], added=True)
    now = PLACES.copy()
    now[1] = (150.0, 75.0)
    table = frame(now)
    table.loc[1, "flags"], table.loc[4, "flags"] = "edge;moved", "added"
    found = match_curation(table, curation(moved, added))
    assert found.judged[KEY] == {2: moved, 5: added}
    left = curated_dots(table, found.judged[KEY])
    pd.testing.assert_frame_equal(left, table)


def test_an_added_dot_that_a_run_found_by_itself_keeps_its_light() -> None:
    table = frame(PLACES)
    beside = (PLACES[2][0] + 0.3, PLACES[2][1])
    found = match_curation(table, curation(judged(beside, added=True, note="look")))
    assert found.judged[KEY][3].judgement == Judgement(note="look")
    left = curated_dots(table, found.judged[KEY]).set_index("dot_id")
    assert left.loc[3, ["x_px", "pl_photons_s"]].tolist() == [PLACES[2][0], 102.0]


def test_words_of_a_run_with_decisions_give_way_to_present_ones() -> None:
    table = frame(PLACES, flags="crowded;dust")
    left = curated_dots(table, {2: judged(PLACES[1], flags=("odd",), note="why")})
    assert left["flags"].tolist() == ["crowded", "crowded;odd", *["crowded"] * 3]
    assert left["note"].tolist() == ["", "why", "", "", ""]


def test_every_action_has_an_effect_or_a_word() -> None:
    for action in ACTIONS:
        entry = CurationEntry(1.0, 1.0, action, flag="odd", note="n", to_x_px=2.0, to_y_px=2.0)
        (place,) = judged_places([entry])
        assert place.judgement != Judgement()
