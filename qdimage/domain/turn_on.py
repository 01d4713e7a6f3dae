"""How many of the PL-visible dots are lit."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TurnOn:
    """Counts of one channel, or of a pool of channels, and the fraction with its interval.

    Attributes
    ----------
    n_pl, n_lit : int
        PL dots that the fraction is about; those of them brighter in EL than F_min.
    n_el_only, n_edge, n_outside, n_unresolved, n_rejected, n_faint : int
        Sources and dots that are not in the denominator.
    chance_share : float
        Share of blank places brighter than F_min.
    fraction, low, high : float
        The fraction and its interval.
    extrapolated : float
        Share that emits at all, by a model.
    blend_share : float
        Share of PL dots that are expected to be two; the shares above are freed of it.
    """

    n_pl: int
    n_lit: int
    n_el_only: int
    n_edge: int
    n_outside: int
    n_unresolved: int
    chance_share: float
    fraction: float
    low: float
    high: float
    extrapolated: float
    n_rejected: int = 0
    n_faint: int = 0
    blend_share: float = 0.0

    @property
    def chance_matches(self) -> float:
        """Dots expected to count as lit by chance."""
        return self.n_pl * self.chance_share
