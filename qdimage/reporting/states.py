"""Which PL dots a fraction counts as lit or dark in a channel, and which it does not count."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.flags import DotFlag, flag_names
from qdimage.reporting.content import Array, FieldContent, Mask, flag_mask, numbers

NOT_COUNTED = tuple(
    flag_names(flag) for flag in (DotFlag.OUTSIDE, DotFlag.EDGE, DotFlag.FAINT, DotFlag.UNRESOLVED)
)


@dataclass(frozen=True)
class Dots:
    """Places (x, y) of PL dots by what they are in one EL channel.

    Attributes
    ----------
    lit, dark : ndarray, shape (n, 2)
        Of those counted: brighter than F_min, or not.
    other : ndarray, shape (n, 2)
        Not counted.
    """

    lit: Array
    dark: Array
    other: Array

    @classmethod
    def none(cls) -> "Dots":
        """No dot at all."""
        return cls(*(np.empty((0, 2)) for _ in range(3)))

    def moved(self, affine: Array) -> "Dots":
        """Return the dots in another frame, by a 2x3 affine map."""
        return Dots(
            *(
                places @ affine[:, :2].T + affine[:, 2]
                for places in (self.lit, self.dark, self.other)
            )
        )


def channel_states(field: FieldContent, channel: str) -> tuple[NDArray[np.int64], Mask, Mask]:
    """Return dot_id, lit and counted of every PL dot of a field in an EL channel."""
    dots = field.tables["dots"]
    fluxes = field.tables["dot_channels"]
    fluxes = fluxes[fluxes["channel"] == channel]
    ids = numbers(fluxes, "dot_id").astype(np.int64)
    at_edge = flag_mask(dots, NOT_COUNTED)
    edge_ids = numbers(dots, "dot_id")[at_edge].astype(np.int64)
    flux = numbers(fluxes, "photons_s")
    skipped = flag_mask(fluxes, NOT_COUNTED) | np.isin(ids, edge_ids)
    lit = np.nan_to_num(flux, nan=-np.inf) > _f_min_s(field, channel)
    return ids, lit & ~skipped, ~skipped


def _f_min_s(field: FieldContent, channel: str) -> float:
    fractions = field.tables["turn_on"]
    values = numbers(fractions[fractions["channel"] == channel], "f_min_photons_s")
    return float(values[0]) if len(values) and np.isfinite(values[0]) else np.inf


def channel_dots(field: FieldContent, channel: str | None) -> Dots:
    """Return the places of a field's dots by their state in a channel, in the field frame.

    All count as "other" without a channel.
    """
    dots = field.tables["dots"]
    places = np.column_stack([numbers(dots, "x_px"), numbers(dots, "y_px")])
    if channel is None:
        return Dots(np.empty((0, 2)), np.empty((0, 2)), places)
    ids, lit, counted = channel_states(field, channel)
    own = numbers(dots, "dot_id").astype(np.int64)
    is_lit = np.isin(own, ids[lit])
    is_dark = np.isin(own, ids[counted & ~lit])
    return Dots(places[is_lit], places[is_dark], places[~is_lit & ~is_dark])


def reference_channel(field: FieldContent) -> str | None:
    """Return the PL channel whose pixels are the field frame; None where none is declared."""
    channels = field.tables["channels"]
    names = channels.loc[channels["reference"], "channel"]
    return str(names.iloc[0]) if len(names) else None


def last_measured(field: FieldContent) -> tuple[str, float] | None:
    """Return name and voltage of the channel of highest voltage that gave a fraction."""
    fractions = field.tables["turn_on"]
    known = fractions[fractions["fraction"].notna()].sort_values("voltage_v", kind="stable")
    if not len(known):
        return None
    last = known.iloc[-1]
    return str(last["channel"]), float(last["voltage_v"])
