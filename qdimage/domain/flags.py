"""What can be wrong with a dot: one definition for tables, decoder and documentation."""

from enum import IntFlag

import numpy as np
from numpy.typing import NDArray


class DotFlag(IntFlag):
    """Reasons to look twice at a dot; written to tables by name, joined by ``;``."""

    EDGE = 1
    OUTSIDE = 2
    SATURATED = 4
    HOT = 8
    COSMIC = 16
    CROWDED = 32
    UNRESOLVED = 64
    POOR_FIT = 128
    WIDE = 256
    NON_MONOTONE = 512
    INHERITED_TRANSFORM = 1024
    ADDED = 2048
    MOVED = 4096
    FAINT = 8192
    DOUBLET = 16384
    OUT_OF_FOCUS = 32768
    MOVING = 65536


FLAG_MEANING = {
    DotFlag.EDGE: "closer to the frame's border than the fit needs",
    DotFlag.OUTSIDE: "not inside the area that both channels show",
    DotFlag.SATURATED: "a pixel of the dot reached the camera's ceiling",
    DotFlag.HOT: "a hot pixel lies inside the dot and was left out",
    DotFlag.COSMIC: "a cosmic-ray hit inside the dot was removed",
    DotFlag.CROWDED: "another dot overlaps; both were fitted together",
    DotFlag.UNRESOLVED: "too close to another dot for a flux of its own",
    DotFlag.POOR_FIT: "the residuals exceed the camera's noise",
    DotFlag.WIDE: "wider than the field's point-spread function",
    DotFlag.NON_MONOTONE: "brighter than F_min at one voltage and not at a higher one",
    DotFlag.INHERITED_TRANSFORM: "the channel's registration came from another voltage",
    DotFlag.ADDED: "put there by a person, not found",
    DotFlag.MOVED: "put to another place by a person",
    DotFlag.DOUBLET: "longer than one dot in one direction: perhaps two that are not resolved",
    DotFlag.OUT_OF_FOCUS: "bright, alone, and wider than the field's dots in every direction",
    DotFlag.MOVING: "moved within the stack, beside the field's dots",
    DotFlag.FAINT: "too little PL beside the field's other dots to be one",
}


_FLAG_OF = {flag.name.lower(): int(flag) for flag in DotFlag if flag.name}


def flag_names(flags: int) -> str:
    """Return the flags' names in lower case, joined by ``;`` ("" for none)."""
    return ";".join(flag.name.lower() for flag in DotFlag if flags & flag and flag.name)


def flag_bits(names: str) -> int:
    """Return the flags that are named in a cell; a person's own words stand for none."""
    return sum(_FLAG_OF.get(name, 0) for name in set(names.split(";")))


def flag_column(flags: NDArray[np.integer]) -> list[str]:
    """Return `flag_names` of each element."""
    return [flag_names(int(value)) for value in flags]
