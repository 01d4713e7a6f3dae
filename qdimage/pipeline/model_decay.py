"""The light of a rate model after a pulse."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qdimage.errors import ConfigurationError
from qdimage.pipeline.model_choice import ChosenModel
from qdimage.rates.decay import after_pulse, decay_from
from qdimage.rates.declaration import RateModel


@dataclass(frozen=True)
class DecayPrediction:
    """Light of a rate model that is not driven any more.

    Attributes
    ----------
    model : str
        Its name.
    time_ns, photons_per_us : tuple of float
        As detectors and bins show it.
    line_photons_per_us : dict
        The same of each line.
    photons_per_pulse : float
        Counted photons, emitted by the dot.
    g2_0 : float
        Of pulses that lie far apart.
    states : tuple
        [electrons, holes] of EL; names of the others.
    start : tuple of float
        Populations right after the pulse.
    parameters, conventions, warnings
        As in `qdimage.pipeline.prediction.Prediction`.
    """

    model: str
    time_ns: tuple[float, ...]
    photons_per_us: tuple[float, ...]
    line_photons_per_us: Mapping[str, tuple[float, ...]]
    photons_per_pulse: float
    g2_0: float
    states: tuple[Any, ...]
    start: tuple[float, ...]
    parameters: Mapping[str, float]
    conventions: Mapping[str, Any]
    warnings: tuple[str, ...]


def predict_decay(
    chosen: ChosenModel,
    times_ns: Sequence[float],
    *,
    pairs: float | None = None,
    start: Mapping[str, float] | None = None,
    lines: Sequence[str] | None = None,
    response_fwhm_ns: float = 0.0,
    bin_ns: float = 0.0,
) -> DecayPrediction:
    """Return the light after a pulse.

    Parameters
    ----------
    chosen : ChosenModel
    times_ns : sequence of float
        From the pulse on.
    pairs, start
        One of them: mean number of pairs that a pulse brings into the dot, Poisson distributed; or
        populations of states, which are named as in the model, those of EL as "electrons,holes".
    lines : sequence of str, optional
        Count the photons of these lines only.
    response_fwhm_ns, bin_ns : float
        Response of the detector, and width of the bins.

    Raises
    ------
    ConfigurationError
        If the model does not say where a pulse leads, or its light does not end.
    """
    model = chosen.declared.undriven(chosen.values)
    begin = _start(chosen, model, pairs, start)
    counted = tuple(lines or model.lines)
    times = np.asarray(times_ns, np.float64)
    if not np.isfinite(times).all():
        raise ConfigurationError("--lags: found a time that is not finite; correct it")
    seen = {
        line: decay_from(model, begin, lines=[line]).measured_per_us(
            times, response_fwhm_ns=response_fwhm_ns, bin_ns=bin_ns
        )
        for line in counted
    }
    decay = decay_from(model, begin, lines=counted)
    return DecayPrediction(
        model=chosen.declared.name,
        time_ns=tuple(float(time) for time in times),
        photons_per_us=tuple(float(each) for each in sum(seen.values(), np.zeros(len(times)))),
        line_photons_per_us={
            line: tuple(float(each) for each in rate) for line, rate in seen.items()
        },
        photons_per_pulse=decay.photons_per_pulse,
        g2_0=decay.g2_0,
        states=tuple(list(each) if isinstance(each, tuple) else each for each in model.states),
        start=tuple(float(each) for each in decay.start),
        parameters=dict(chosen.values),
        conventions=chosen.conventions,
        warnings=chosen.warnings,
    )


def _start(
    chosen: ChosenModel,
    model: RateModel,
    pairs: float | None,
    start: Mapping[str, float] | None,
) -> dict[Hashable, float]:
    if (pairs is None) == (start is None):
        raise ConfigurationError("expected one pulse; give either --pulse or --start")
    if start is not None:
        return {_state(name, model): share for name, share in start.items()}
    if not chosen.declared.ladder:
        raise ConfigurationError(
            f"the model {chosen.declared.name!r} does not say where a pulse leads; give it a "
            "ladder of states with 0, 1, 2, ... pairs, or give --start"
        )
    return after_pulse(chosen.declared.ladder, float(pairs or 0.0))


def _state(name: str, model: RateModel) -> Hashable:
    """The state of a name, those of EL in any spelling of two numbers with a comma."""
    named = {_spelled(state): state for state in model.states}
    if (key := name.replace(" ", "").strip("()[]")) not in named:
        raise ConfigurationError(
            f"--start: found the state {name!r}, expected one of {', '.join(named)}; correct it"
        )
    return named[key]


def _spelled(state: Hashable) -> str:
    return ",".join(map(str, state)) if isinstance(state, tuple) else str(state).replace(" ", "")
