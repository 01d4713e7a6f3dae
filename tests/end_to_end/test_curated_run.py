"""Decisions about dots through the command line, and the plugin's session beside the same run."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from folders import qdimage
from napari_qdimage.session import Session
from small_device import make_field

from qdimage.domain.curation import FieldKey
from qdimage.domain.tables import DOT_CHANNELS, DOTS, TURN_ON
from qdimage.io.table_file import read_table, typed

pytestmark = pytest.mark.slow

N_REJECTED = 4


def run(field: Path, out: Path, *more: str | Path) -> Path:
    done = qdimage("run", field, "-o", out, "--quiet", *more)
    assert done.returncode == 0, done.stderr
    return out


def dots_of(out: Path) -> pd.DataFrame:
    return read_table(out, DOTS)


def at(dots: pd.DataFrame, place: tuple[float, float]) -> "pd.Series[object]":
    """The dot at a place."""
    away = np.hypot(dots["x_px"] - place[0], dots["y_px"] - place[1])
    assert away.min() < 1e-3
    return dots.loc[away.idxmin()]


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_field(tmp_path_factory.mktemp("device") / "corner", voltages=("2.6",))


@pytest.fixture(scope="module")
def first(field: Path) -> Path:
    """The run without decisions."""
    return run(field, field.parent.parent / f"{field.parent.name}-first")


def clear_dots(out: Path) -> list[int]:
    """Dots that stand apart, the brightest first."""
    dots = dots_of(out)
    places = dots[["x_px", "y_px"]].to_numpy()
    apart = np.hypot(*(places[:, None] - places[None]).T) + 1e3 * np.eye(len(dots))
    inside = ((places > 8) & (places < 120)).all(axis=1)
    good = dots[(apart.min(axis=0) > 5.0) & inside]
    return [int(dot) for dot in good.sort_values("pl_photons_s", ascending=False)["dot_id"]]


def test_without_decisions_a_session_counts_as_the_run(first: Path) -> None:
    session = Session(autosave=False)
    session.open_run(first)
    expected = read_table(first, TURN_ON)
    pd.testing.assert_frame_equal(typed(session.turn_on(), TURN_ON), expected, rtol=1e-9)


@pytest.fixture(scope="module")
def rejected(field: Path, first: Path) -> tuple[Session, Path]:
    """A session that rejected dots, and a run with its decisions from elsewhere."""
    session = Session(autosave=False)
    session.open_run(first)
    session.reject(clear_dots(first)[:N_REJECTED])
    session.flag(clear_dots(first)[:1], "dust")
    session.accept(clear_dots(first)[N_REJECTED : N_REJECTED + 1])
    folder = first.parent / f"{first.name}-decisions"
    folder.mkdir()
    (file,) = session.write_curation(folder)
    return session, run(field, first.parent / f"{first.name}-rejected", "--curation", file)


def test_rejected_dots_leave_fraction_alike_in_session_and_rerun(
    rejected: tuple[Session, Path], first: Path
) -> None:
    session, out = rejected
    after, before = read_table(out, TURN_ON), read_table(first, TURN_ON)
    assert set(after["n_rejected"]) == {N_REJECTED}
    counted = ["n_pl", "n_edge", "n_outside", "n_unresolved", "n_faint", "n_rejected"]
    assert after[counted].sum(axis=1).tolist() == before[counted].sum(axis=1).tolist()
    pd.testing.assert_frame_equal(typed(session.turn_on(), TURN_ON), after, rtol=1e-9)
    dots = dots_of(out).set_index("dot_id")
    clear = clear_dots(first)
    assert dots.index[~dots["accepted"]].tolist() == sorted(clear[:N_REJECTED])
    assert "dust" in dots.loc[clear[0], "flags"]


def test_a_run_with_decisions_from_elsewhere_opens_with_them(
    rejected: tuple[Session, Path],
) -> None:
    session, out = rejected
    again = Session(autosave=False)
    again.open_run(out)
    assert again.curation == session.curation
    pd.testing.assert_frame_equal(again.turn_on(), session.turn_on(), rtol=1e-9)


def test_a_run_alone_still_shows_what_its_tables_tell(
    rejected: tuple[Session, Path], tmp_path: Path
) -> None:
    session, out = rejected
    shutil.copytree(out, tmp_path / "out")
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    record["fields"][0] |= {"experiment": "gone.toml", "curation": "gone.json"}
    (tmp_path / "out" / "run.json").write_text(json.dumps(record), encoding="utf-8")
    alone = Session(autosave=False)
    alone.open_run(tmp_path / "out")
    assert any("gone.json" in text for text in alone.warnings)
    pd.testing.assert_series_equal(alone.dots["accepted"], session.dots["accepted"])
    pd.testing.assert_series_equal(alone.dots["flags"], session.dots["flags"])
    pd.testing.assert_frame_equal(alone.turn_on(), session.turn_on(), rtol=1e-9)


def test_placed_dots_are_measured_by_every_rerun(field: Path, first: Path, tmp_path: Path) -> None:
    """Deleted, moved and added back: each dot's light comes out as it was found."""
    own = tmp_path / field.name
    shutil.copytree(field, own)
    bright, faint, gone, *_ = clear_dots(first)
    session = Session(autosave=False)
    session.open_run(first)
    place = {
        dot: tuple(session.dots.loc[dot, ["x_px", "y_px"]].astype(float))
        for dot in (bright, faint, gone)
    }
    session.delete([bright])
    put = (place[bright][0] + 0.2, place[bright][1])
    back = session.add(*put)
    nudged = (place[faint][0] + 0.4, place[faint][1])
    session.move(faint, *nudged)
    session.delete([gone])
    empty = (place[gone][0] + 3.0, place[gone][1])
    session.add(*empty)
    session.write_note(back, "put back")
    session.write_curation(own)
    once, twice = run(own, tmp_path / "once"), run(own, tmp_path / "twice")
    for name in ("dots", "turn_on", "dot_channels"):
        file = f"{name}.csv"
        assert (once / file).read_bytes() == (twice / file).read_bytes()
    dots, before = dots_of(once), dots_of(first).set_index("dot_id")
    assert len(dots) == len(before)
    assert np.hypot(dots["x_px"] - place[gone][0], dots["y_px"] - place[gone][1]).min() > 2.9
    added, moved, dark = (at(dots, each) for each in (put, nudged, empty))
    assert "added" in str(added["flags"])
    assert added["note"] == "put back"
    assert "moved" in str(moved["flags"])
    was = before.loc[bright]
    assert added["pl_photons_s"] == pytest.approx(
        was["pl_photons_s"], abs=5 * was["pl_photons_err_s"]
    )
    assert moved["pl_photons_s"] > 0.5 * before.loc[faint, "pl_photons_s"]
    # 3 px are two widths of the spot: a little light of the dot that was there is left.
    assert dark["pl_photons_s"] < 0.4 * before.loc[gone, "pl_photons_s"]
    fluxes = read_table(once, DOT_CHANNELS)
    for dot in (added, moved, dark):
        assert fluxes.loc[fluxes["dot_id"] == dot["dot_id"], "photons_s"].notna().all()
    reopened = Session(autosave=False)
    reopened.open_run(once)
    pd.testing.assert_frame_equal(
        typed(reopened.turn_on(), TURN_ON), read_table(once, TURN_ON), rtol=1e-9
    )
    assert reopened.field == FieldKey("demo-device", field.name)
    assert reopened.judgement(int(str(added["dot_id"]))).note == "put back"
