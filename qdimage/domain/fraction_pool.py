"""Fractions of several fields put together, and how much they differ."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PooledFraction:
    """The mean fraction of fields and their standard deviation, both with intervals.

    Attributes
    ----------
    fraction, low, high : float
    n_fields : int
    between_sd, between_sd_low, between_sd_high : float
        Standard deviation of the fields' true fractions; NaN for a single field.
    excess : float
        Squared width of the interval over that of fields that do not differ; at least 1.
    """

    fraction: float
    low: float
    high: float
    n_fields: int
    between_sd: float
    between_sd_low: float
    between_sd_high: float
    excess: float


@dataclass(frozen=True)
class LevelSpread:
    """How much the members of one level (fields, devices, batches) differ.

    Attributes
    ----------
    level : str
    n_groups : int
    sd_logit, sd_logit_low, sd_logit_high : float
        Standard deviation on the logit scale.
    sd, sd_low, sd_high : float
        Standard deviation of the fraction that this gives about the mean.
    """

    level: str
    n_groups: int
    sd_logit: float
    sd_logit_low: float
    sd_logit_high: float
    sd: float
    sd_low: float
    sd_high: float
