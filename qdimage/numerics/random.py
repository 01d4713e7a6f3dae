"""Random numbers that belong to a purpose, whatever else is drawn and in whatever order."""

from zlib import crc32

import numpy as np


def generator(seed: int, *keys: str) -> np.random.Generator:
    """Return the random numbers of one purpose, such as (device, field, channel)."""
    return np.random.default_rng([seed, *(crc32(key.encode("utf-8")) for key in keys)])
