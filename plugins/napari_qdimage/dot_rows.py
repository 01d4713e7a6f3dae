"""What the views show of each dot: its row of `dots`, and what it is in one EL channel."""

from collections.abc import Mapping
from typing import Any

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
    table = session.of_field("dot_channels")
    own = table[table["channel"] == channel]
    own = own.set_index(own["dot_id"].astype(int).rename(None))
    return own.reindex(session.dots.index)


def dot_states(session: Session, channel: str) -> NDArray[np.object_]:
    """Return for each dot `rejected`, `lit`, `dark` or `not counted`, in a channel."""
    dots = session.dots
    states = np.full(len(dots), "not counted", dtype=object)
    if channel:
        rows = in_channel(session, channel)
        counted = is_true(rows, "counted")
        with np.errstate(invalid="ignore"):
            lit = numbers(rows, "photons_s") > session.f_min_photons_s
        states[counted & lit] = "lit"
        states[counted & ~lit] = "dark"
    states[~is_true(dots, "accepted")] = "rejected"
    return states


def reviews(session: Session) -> NDArray[np.object_]:
    """Return for each dot what a person decided: one of `REVIEWS`."""
    dots = session.dots
    reviewed = np.isin(dots.index.to_numpy(), list(session.reviewed))
    accepted = is_true(dots, "accepted")
    words = np.where(accepted, "accepted", "rejected").astype(object)
    words[accepted & ~reviewed] = "unreviewed"
    return words


def dot_rows(session: Session, channel: str) -> pd.DataFrame:
    """Return the shown field's dots with their state, review and EL flux in a channel."""
    extra: dict[str, Any] = {
        "dot_id": session.dots.index.to_numpy(np.int64),
        "state": dot_states(session, channel),
        "review": reviews(session),
    }
    if channel:
        rows = in_channel(session, channel)
        extra["el_photons_s"] = rows["photons_s"].to_numpy()
        extra["el_photons_upper_s"] = rows["photons_upper_s"].to_numpy()
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
