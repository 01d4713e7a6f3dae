"""What the largest number of carriers changes in a model's answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qdimage.rates.declaration import RateModel
from qdimage.rates.solution import solve

_MORE_CARRIERS = 4


@dataclass(frozen=True)
class Truncation:
    """A model beside the same one with more carriers.

    Attributes
    ----------
    carriers, compared_with : int
    g2_0_error, intensity_error : float
        Relative: the model over the larger one, less one.
    """

    carriers: int
    compared_with: int
    g2_0_error: float
    intensity_error: float


def truncation(
    model_with: Callable[[int], RateModel], carriers: int, *, lines: Sequence[str] | None = None
) -> Truncation:
    """Compare a model of some carriers with one of four more.

    Raises
    ------
    ConfigurationError
        If the larger model cannot be made, as where a table of injection factors ends.
    """
    more = carriers + _MORE_CARRIERS
    light, larger = (solve(model_with(n), lines=lines) for n in (carriers, more))
    # Without a second photon in either model there is no error either.
    g2_0_error = light.g2_0 / larger.g2_0 - 1.0 if larger.g2_0 > 0 else 0.0
    intensity_error = light.intensity_per_us / larger.intensity_per_us - 1.0
    return Truncation(carriers, more, g2_0_error, intensity_error)
