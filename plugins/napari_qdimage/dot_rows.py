"""What the views show of each dot: its row of `dots`, and what it is in one EL channel."""

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_qdimage.session import Session
from qdimage.reporting.content import is_true, numbers

REVIEWS = ("accepted", "rejected", "unreviewed")


def el_channels(session: Session) -> pd.DataFrame:
    """Return name and voltage of the shown field's EL channels, in order of voltage."""
    table = session.of_field("channels")
    own = table[table["kind"] == "el"].sort_values(["voltage_v", "channel"], kind="stable")
    return own[["channel", "voltage_v"]].reset_index(drop=True)


def in_channel(session: Session, channel: str) -> pd.DataFrame:
    """Return a channel's rows of `dot_channels`, in the order of the shown field's dots.

    A dot without a measurement, such as one added by hand, has a row of nothing.
    """
    return _shown(session).in_channel(channel)


def dot_states(session: Session, channel: str) -> NDArray[np.object_]:
    """Return for each dot `rejected`, `lit`, `dark` or `not counted`, in a channel."""
    return _shown(session).states(channel)


class _Shown:
    """What was worked out for one state of a session, since all views ask for the same."""

    def __init__(self, session: Session) -> None:
        self.dots = session.dots
        self.measured = session.measured["dot_channels"]
        self._f_min_photons_s = session.f_min_photons_s
        table = session.of_field("dot_channels")
        by_channel = table.groupby("channel", sort=False).indices
        self._tables = {str(name): table.iloc[rows] for name, rows in by_channel.items()}
        self._nothing = table.iloc[:0]
        self._rows: dict[str, pd.DataFrame] = {}
        self._states: dict[str, NDArray[np.object_]] = {}
        self.frames: dict[str, pd.DataFrame] = {}

    def in_channel(self, channel: str) -> pd.DataFrame:
        if channel not in self._rows:
            own = self._tables.get(channel, self._nothing)
            own = own.set_index(own["dot_id"].astype(int).rename(None))
            self._rows[channel] = own.reindex(self.dots.index)
        return self._rows[channel]

    def states(self, channel: str) -> NDArray[np.object_]:
        if channel not in self._states:
            self._states[channel] = self._find_states(channel)
        return self._states[channel]

    def _find_states(self, channel: str) -> NDArray[np.object_]:
        states = np.full(len(self.dots), "not counted", dtype=object)
        if channel:
            rows = self.in_channel(channel)
            counted = is_true(rows, "counted")
            with np.errstate(invalid="ignore"):
                lit = numbers(rows, "photons_s") > self._f_min_photons_s
            states[counted & lit] = "lit"
            states[counted & ~lit] = "dark"
        states[~is_true(self.dots, "accepted")] = "rejected"
        states.flags.writeable = False
        return states


_last: "WeakKeyDictionary[Session, _Shown]" = WeakKeyDictionary()


def _shown(session: Session) -> _Shown:
    last = _last.get(session)
    is_new = last is None or last.dots is not session.dots
    if last is None or is_new or last.measured is not session.measured["dot_channels"]:
        last = _last[session] = _Shown(session)
    return last


def reviews(session: Session) -> NDArray[np.object_]:
    """Return for each dot what a person decided: one of `REVIEWS`."""
    dots = session.dots
    reviewed = np.isin(dots.index.to_numpy(), list(session.reviewed))
    accepted = is_true(dots, "accepted")
    words = np.where(accepted, "accepted", "rejected").astype(object)
    words[accepted & ~reviewed] = "unreviewed"
    return words


def dot_rows(session: Session, channel: str) -> pd.DataFrame:
    """Return the shown field's dots with their state, review and EL flux in a channel.

    `el_limit` says where the flux is an upper limit, since the dot was not seen.
    """
    shown = _shown(session)
    if channel not in shown.frames:
        shown.frames[channel] = _dot_rows(session, channel)
    return shown.frames[channel]


def _dot_rows(session: Session, channel: str) -> pd.DataFrame:
    extra: dict[str, Any] = {
        "dot_id": session.dots.index.to_numpy(np.int64),
        "state": dot_states(session, channel),
        "review": reviews(session),
    }
    if channel:
        rows = in_channel(session, channel)
        extra["el_photons_s"] = rows["photons_s"].to_numpy()
        extra["el_photons_upper_s"] = rows["photons_upper_s"].to_numpy()
        extra["el_limit"] = ~is_true(rows, "lit") & rows["photons_upper_s"].notna().to_numpy(bool)
    return session.dots.assign(**extra)


def words_of(rows: pd.DataFrame) -> Mapping[str, NDArray[np.bool_]]:
    """Return what a filter may name without a column: states, reviews, flags, `noted`."""
    words: dict[str, NDArray[np.bool_]] = {}
    for column in ("state", "review"):
        for word in dict.fromkeys([*_known(column), *rows[column].dropna()]):
            words[word.replace(" ", "_")] = (rows[column] == word).to_numpy(bool)
    flags = rows["flags"].fillna("").astype(str)
    for flag in sorted({each for cell in flags.unique() for each in cell.split(";") if each}):
        words[flag] = flags.str.split(";").map(lambda own, flag=flag: flag in own).to_numpy(bool)
    words["flagged"] = (flags != "").to_numpy(bool)
    words["noted"] = (rows["note"].fillna("") != "").to_numpy(bool)
    return words


def _known(column: str) -> tuple[str, ...]:
    return ("lit", "dark", "not counted") if column == "state" else REVIEWS
