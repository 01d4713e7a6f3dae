"""What single stacks say of the camera: dark frames, frames of light, histograms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qdimage.domain.refusal import Refusal
from qdimage.domain.stack import Stack
from qdimage.image.dark_frames import BiasMap, bias_map, typical_variance
from qdimage.image.em_histogram import difference_histogram
from qdimage.image.pair_statistics import PairStatistics, pair_statistics
from qdimage.image.photon_transfer import TransferLine, TransferPoints, fit_transfer
from qdimage.image.single_electrons import SingleElectrons, fit_single_electrons
from qdimage.image.still_pixels import Mask, hit_pixels, neighbour_covariance, still_pixels
from qdimage.image.transfer_points import (
    Floats,
    grouped_points,
    join_points,
    whole_point,
)

# Stacks differ this much more than pixels within them: then each is one level of light.
_GRADED = 4.0
_NEARLY_ALL = 0.97
_MOST_COMMON = 0.02
_COMMON_SIGMA = 3.0
_MOST_ELECTRONS = 2.0
_WORST_FIT = 1e-4
_NOTABLE_FLICKER = 0.01


@dataclass(frozen=True)
class DarkPart:
    """What dark frames say.

    Attributes
    ----------
    bias : BiasMap
        Charge that arises in the dark included.
    variance_adu2, variance_err_adu2 : float
        Of an ordinary pixel, rounding taken off.
    point : TransferPoints
    stack : Stack
        All dark frames together.
    """

    bias: BiasMap
    variance_adu2: float
    variance_err_adu2: float
    point: TransferPoints
    stack: Stack


@dataclass(frozen=True)
class LightPart:
    """What frames of light say.

    Attributes
    ----------
    whole : TransferPoints
        All pixels that hold still as one group.
    groups : TransferPoints or None
        By brightness; None where the frames are too few to sort by half of them.
    mean_adu, sd_adu : float
        Mean of the stack, and how its pixels differ without noise.
    still_share : float
    is_common : bool
        Fluctuations of neighbours go together, in all pixels taken together.
    saturated_share : float
    ceiling_adu : float
    flicker : float
    """

    whole: TransferPoints
    groups: TransferPoints | None
    mean_adu: float
    sd_adu: float
    still_share: float
    is_common: bool
    saturated_share: float
    ceiling_adu: float
    flicker: float


def read_dark(stack: Stack, *, ceiling_adu: float) -> DarkPart:
    """Read dark frames twice."""
    statistics = pair_statistics(stack, ceiling_adu=ceiling_adu)
    rounded = stack.dtype.kind in "ui"
    bias = bias_map(statistics)
    variance, err = typical_variance(statistics, is_rounded=rounded)
    still = ~hit_pixels(statistics)
    point = whole_point(statistics, still, pattern=bias.pattern_adu, stack=-1)
    return DarkPart(bias, variance, err, point, stack)


def read_light(
    stack: Stack, *, ceiling_adu: float, pattern: Floats | None, number: int
) -> LightPart | Refusal:
    """Read frames of light twice.

    Parameters
    ----------
    stack : Stack
    ceiling_adu : float
    pattern : ndarray, shape (y, x), or None
        How each pixel's bias differs from the level.
    number : int
        Which stack it is.
    """
    statistics = pair_statistics(stack, ceiling_adu=ceiling_adu)
    still = still_pixels(statistics)
    unsaturated = still & (statistics.n_at_ceiling == 0)
    saturated = float(np.mean(statistics.n_at_ceiling > 0))
    if still.sum() < 100:
        return Refusal(
            f"{stack.source}: only {int(still.sum())} pixels hold still, the others blink, flicker "
            "or move, expected some hundred; use flats"
        )
    groups = None
    if min(statistics.n_pairs) > 0:
        groups = grouped_points(statistics, still, pattern=pattern, stack=number)
        if not len(groups.mean):
            return Refusal(
                f"{stack.source}: all groups of pixels reach the ceiling of "
                f"{statistics.ceiling_adu:g} ADU; lower the exposure or the gain"
            )
    if saturated > 0.5:
        return Refusal(
            f"{stack.source}: {100 * saturated:.0f} % of the pixels reach the ceiling of "
            f"{statistics.ceiling_adu:g} ADU; lower the exposure or the gain"
        )
    return LightPart(
        whole=whole_point(statistics, unsaturated, pattern=pattern, stack=number),
        groups=groups,
        mean_adu=float(statistics.pooled_mean[unsaturated].mean()),
        sd_adu=_spread(statistics, still),
        still_share=float(still.mean()),
        is_common=_is_common(statistics),
        saturated_share=saturated,
        ceiling_adu=statistics.ceiling_adu,
        flicker=statistics.flicker,
    )


def _is_common(statistics: PairStatistics) -> bool:
    share = float(neighbour_covariance(statistics).mean() / statistics.pooled_variance.mean())
    err = 1.0 / math.sqrt(2.0 * statistics.n_all * statistics.slow.size)
    return share > _MOST_COMMON + _COMMON_SIGMA * err


def _spread(statistics: PairStatistics, still: Mask) -> float:
    """Standard deviation of the pixels' true means, from what the two halves agree on."""
    if not min(statistics.n_pairs):
        mean = statistics.pooled_mean[still]
        noise = float(statistics.pooled_variance[still].mean()) / (2 * statistics.n_all)
        return float(np.sqrt(max(float(np.var(mean)) - noise, 0.0)))
    first, second = (half[still] for half in statistics.mean)
    both = float(np.mean((first - first.mean()) * (second - second.mean())))
    return float(np.sqrt(max(both, 0.0)))


def transfer_line(lights: Sequence[LightPart], dark: DarkPart | None) -> TransferLine | Refusal:
    """Fit variance against mean over all stacks.

    Where stacks differ more in level than pixels within them, each stack is one point: flats of
    different intensity, in which a pattern of the bias cannot pass for light.
    """
    if not lights:
        return Refusal("found dark frames only, expected light for the photon transfer; add flats")
    points = [dark.point] if dark is not None else []
    levels = np.array([part.mean_adu for part in lights])
    within = float(np.mean([part.sd_adu**2 for part in lights]))
    is_graded = len(lights) > 1 and float(np.var(levels)) > _GRADED * within
    for part in lights:
        uses_whole = is_graded or part.groups is None
        points.append(part.whole if uses_whole or part.groups is None else part.groups)
    return fit_transfer(join_points(points))


def dark_electrons(
    dark: DarkPart, known_output_adu: tuple[float, float] | None = None
) -> SingleElectrons | Refusal:
    """Fit the histogram of dark frames' differences; reads them once."""
    histogram = difference_histogram([dark.stack])
    return fit_single_electrons(histogram, known_output_adu=known_output_adu)


def uniform_electrons(stack: Stack, part: LightPart) -> SingleElectrons | Refusal:
    """Fit the histogram of a stack that shows nothing, or weak and even light."""
    if part.still_share < _NEARLY_ALL or part.is_common or part.saturated_share > 0:
        return Refusal("the light does not hold still in every pixel")
    found = fit_single_electrons(difference_histogram([stack]))
    if isinstance(found, Refusal):
        return found
    uneven = part.sd_adu > 0.2 * found.electrons * found.adu_per_electron + found.read_noise_adu
    if found.electrons > _MOST_ELECTRONS or uneven or found.p_value < _WORST_FIT:
        return Refusal("the light is too strong or uneven for single electrons to stand out")
    return found


def flicker_warning(name: str, part: LightPart) -> str | None:
    """Say that the light fluctuates as a whole, which was taken out."""
    if part.flicker < _NOTABLE_FLICKER:
        return None
    return (
        f"{name}: the light of the whole frame fluctuates by {100 * part.flicker:.1f} % from frame "
        "to frame; this was taken out"
    )
