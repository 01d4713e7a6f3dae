"""Which of several lines is chosen, and what the others make of its width's error."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from qdimage.domain.spectrum_fit import LineModel
from qdimage.spectra.line_fit import LineFit

# Kass and Raftery, J. Am. Stat. Assoc. 90, 773 (1995): positive from 2 on, strong from 6 on. Less
# than strong evidence would let chance bend one line in fifty, which costs the precision of its
# peak; a Voigt has the same peak, and chance makes one of a Lorentzian in less than a hundred.
STRONG = 6.0
_NEEDED: Mapping[LineModel, float] = {"voigt": 3.0, "asymmetric": STRONG}


def chosen(fits: list[LineFit], scores: dict[LineModel, float]) -> LineFit:
    """Return the better of Gaussian and Lorentzian, unless evidence is for a line with a shape.

    It has to be positive for a Voigt and strong for an asymmetric line.
    """
    return min(fits, key=lambda each: scores[each.model] + _NEEDED.get(each.model, 0.0))


def error_by_other_lines(
    best: LineFit, fits: list[LineFit], scores: dict[LineModel, float]
) -> float:
    """By what the width's error grows since another symmetric line may be the right one."""
    symmetric = [
        each for each in fits if each.model != "asymmetric" and each.covariance[-1, -1] > 0
    ]
    if not any(each is best for each in symmetric):
        return 1.0
    least = min(scores[each.model] for each in symmetric)
    weights = np.array([math.exp((least - scores[each.model]) / 2) for each in symmetric])
    apart = np.array([each.parameters[-1] - best.parameters[-1] for each in symmetric])
    variance = float(best.covariance[-1, -1])
    return math.sqrt(1 + float(weights @ apart**2 / weights.sum()) / variance)


def with_width_error(fit: LineFit, factor: float) -> LineFit:
    """Return a fit whose width has an error larger by a factor."""
    scale = np.ones(len(fit.parameters))
    scale[-1] = factor
    return replace(fit, covariance=fit.covariance * np.outer(scale, scale))
