"""The integral of a decaying signal at any time, from samples that thin out as it slows down."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.rates.curve_matrix import conserve, transitions

Array = NDArray[np.float64]

# Samples lie evenly over a first stretch and over each further one, twice as long as the one
# before. What still changes at the start of a stretch is slower than some 30 over that time, so
# polynomials through ten samples, 32 to a stretch, are good to 1e-11 of the signal.
_DOUBLINGS = 5
_SAMPLES = 1 << _DOUBLINGS
_STENCIL = 10
# The first step is this share of the fastest time constant.
_FIRST_STEP = 1.0 / 16.0
_MOST_STRETCHES = 80


def _integral_weights() -> Array:
    """Weights of a stretch's samples in the coefficients of the integral over each of its cells.

    Coefficients are those of x, x^2, ... of the integral from the cell's left sample to x cells
    after it, of the polynomial through the ten samples nearest to the cell.
    """
    found = np.zeros((_SAMPLES + 1, _SAMPLES, _STENCIL))
    for cell in range(_SAMPLES):
        left = min(max(cell - _STENCIL // 2 + 1, 0), _SAMPLES + 1 - _STENCIL)
        places = np.arange(left, left + _STENCIL) - cell
        for m, place in enumerate(places):
            others = np.delete(places, m)
            # Lagrange's polynomials: integers over an integer.
            basis = np.poly(others)[::-1] / np.prod(place - others)
            found[left + m, cell] = basis / np.arange(1, _STENCIL + 1)
    return found.reshape(_SAMPLES + 1, _SAMPLES * _STENCIL)


_WEIGHTS = _integral_weights()


class Samples(NamedTuple):
    """A signal's integral from 0, piecewise polynomial.

    Attributes
    ----------
    step : ndarray, shape (k,)
        Distance of samples in each stretch.
    start : ndarray, shape (k + 1,)
        Where each stretch begins, and the last ends.
    before : ndarray, shape (32 k,)
        Integral up to each cell.
    coefficients : ndarray, shape (32 k, 10)
        Of x, x^2, ..., x cells into the cell.
    """

    step: Array
    start: Array
    before: Array
    coefficients: Array


@njit(cache=True)
def sampled(flow: Array, fastest: float, state: Array, detect: Array, longest: float) -> Samples:
    """Sample the signal of a distribution that develops from a start.

    Parameters
    ----------
    flow : ndarray, shape (n, n)
        Rates from row to column.
    fastest : float
        Largest rate at which a state is left.
    state : ndarray, shape (n,)
        At time 0.
    detect : ndarray, shape (n,)
        Signal of each state.
    longest : float
        How far the integral is asked for.
    """
    step = _FIRST_STEP / fastest
    n_stretches = 1
    reach = _SAMPLES * step
    while reach < longest and n_stretches < _MOST_STRETCHES:
        reach *= 2.0
        n_stretches += 1
    steps, starts = np.empty(n_stretches), np.zeros(n_stretches + 1)
    before = np.empty(_SAMPLES * n_stretches)
    n = state.shape[0]
    powers = np.empty((_DOUBLINGS + 1, n, n))
    powers[0] = transitions(flow, fastest, step)
    for k in range(1, _DOUBLINGS + 1):
        _square(powers[k - 1], powers[k])
    values = np.empty((n_stretches, _SAMPLES + 1))
    states = np.empty((_SAMPLES, n))
    states[0] = state
    for k in range(n_stretches):
        if k > 1:
            powers[:-1] = powers[1:].copy()
            _square(powers[_DOUBLINGS - 1], powers[_DOUBLINGS])
            step *= 2.0
        for d in range(_DOUBLINGS):
            np.dot(states[: 1 << d], powers[d], states[1 << d : 2 << d])
        np.dot(states, detect, values[k, :_SAMPLES])
        steps[k] = step
        starts[k + 1] = starts[k] + _SAMPLES * step
        np.dot(states[0].copy(), powers[_DOUBLINGS], states[0])
        values[k, _SAMPLES] = np.dot(states[0], detect)
    coefficients = np.dot(values, _WEIGHTS).reshape((_SAMPLES * n_stretches, _STENCIL))
    total = 0.0
    for cell in range(_SAMPLES * n_stretches):
        before[cell] = total
        whole = 0.0
        for c in range(_STENCIL):
            coefficients[cell, c] *= steps[cell // _SAMPLES]
            whole += coefficients[cell, c]
        total += whole
    return Samples(steps, starts, before, coefficients)


@njit(cache=True)
def _square(chances: Array, squared: Array) -> None:
    np.dot(chances, chances, squared)
    conserve(squared)


@njit(cache=True)
def integral(samples: Samples, time: float) -> float:
    """Return the integral from 0 to a time, not negative."""
    k, last = 0, samples.step.shape[0] - 1
    while k < last and time >= samples.start[k + 1]:
        k += 1
    place = (time - samples.start[k]) / samples.step[k]
    i = min(int(place), _SAMPLES - 1)
    x = place - i
    row = samples.coefficients[k * _SAMPLES + i]
    value = row[_STENCIL - 1]
    for c in range(_STENCIL - 2, -1, -1):
        value = value * x + row[c]
    return float(samples.before[k * _SAMPLES + i] + value * x)


@njit(cache=True)
def fill_integrals(samples: Samples, edges: Array, zero: float, sign: float, values: Array) -> None:
    """Fill the integral up to each edge of one side, in the order of the edges.

    Parameters
    ----------
    samples : Samples
    edges : ndarray, shape (n,)
        Growing; all on one side of `zero`.
    zero : float
        Where the integral begins.
    sign : float
        1 if edges lie above, -1 below, where the integral runs downwards.
    values : ndarray, shape (n,)
        Filled.
    """
    n = edges.shape[0]
    done, cell, n_cells = 0, 0, samples.before.shape[0]
    while done < n:
        # The next edge outwards decides which cell comes next; empty cells are passed over.
        outwards = sign * (edges[done if sign > 0.0 else n - 1 - done] - zero)
        while cell < n_cells - 1 and outwards >= _cell_end(samples, cell):
            cell += 1
        end, stop = _cell_end(samples, cell), done + 1
        if cell == n_cells - 1:
            stop = n
        while stop < n and sign * (edges[stop if sign > 0.0 else n - 1 - stop] - zero) < end:
            stop += 1
        low, high = (done, stop) if sign > 0.0 else (n - stop, n - done)
        _fill_cell(samples, cell, edges[low:high], zero, sign, values[low:high])
        done = stop


@njit(cache=True)
def _cell_end(samples: Samples, cell: int) -> float:
    stretch = cell // _SAMPLES
    place = cell - stretch * _SAMPLES + 1
    return float(samples.start[stretch] + place * samples.step[stretch])


@njit(cache=True)
def _fill_cell(
    samples: Samples, cell: int, edges: Array, zero: float, sign: float, values: Array
) -> None:
    """Fill the integrals up to edges of one cell."""
    stretch = cell // _SAMPLES
    per_step = 1.0 / samples.step[stretch]
    start = samples.start[stretch] * per_step + (cell - stretch * _SAMPLES)
    row = samples.coefficients[cell]
    c0, c1, c2, c3, c4 = row[0], row[1], row[2], row[3], row[4]
    c5, c6, c7, c8, c9 = row[5], row[6], row[7], row[8], row[9]
    before = samples.before[cell]
    for k in range(edges.shape[0]):
        x = sign * (edges[k] - zero) * per_step - start
        high = c5 + x * (c6 + x * (c7 + x * (c8 + x * c9)))
        low = c0 + x * (c1 + x * (c2 + x * (c3 + x * (c4 + x * high))))
        values[k] = before + x * low
