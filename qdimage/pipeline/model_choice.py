"""Which rate model is meant, and the values of its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from qdimage.errors import ConfigurationError
from qdimage.io.model_file import read_model_file
from qdimage.rates.consistency import contradictions
from qdimage.rates.coulomb import coulomb_law, law_parameters
from qdimage.rates.declared import DeclaredModel
from qdimage.rates.dot import DotParameters, dot_of, dot_values
from qdimage.rates.el import ELECTRONS, HOLES, Overflow, declare_el, largest_charge
from qdimage.rates.pl import PUMP
from qdimage.rates.registry import MODELS
from qdimage.rates.weak_limit import weak_limit_constant

PumpIs = Literal["each", "sum"]


@dataclass(frozen=True)
class ModelSettings:
    """What a user says of a model.

    Attributes
    ----------
    kind : str or None
        A name in `qdimage.rates.registry`; None for a model of the user's own.
    model_file : pathlib.Path or None
    dot : DotParameters
    pump_per_us : float or None
        PL: excitations. EL: what `pump_is` says.
    electron_per_us, hole_per_us : float or None
        EL: carriers into the neutral dot; in place of a pump.
    hole_to_electron : float
        EL: ratio of the rates that a pump is shared out by.
    pump_is : {"each", "sum"}
        EL: the pump is the geometric mean of both rates, each rate where they are equal; or their
        sum.
    coulomb : str
    coulomb_parameters : mapping
        See `qdimage.rates.coulomb.coulomb_law`.
    carriers, overflow, count_trions
        See `qdimage.rates.el.el_model`.
    parameters : mapping
        Values of any of the model's parameters; they win.
    """

    kind: str | None = None
    model_file: Path | None = None
    dot: DotParameters = field(default_factory=DotParameters)
    pump_per_us: float | None = None
    electron_per_us: float | None = None
    hole_per_us: float | None = None
    hole_to_electron: float = 1.0
    pump_is: PumpIs = "each"
    coulomb: str = "exp"
    coulomb_parameters: Mapping[str, Any] = field(default_factory=dict)
    carriers: int = 6
    overflow: Overflow = "recombine"
    count_trions: bool = True
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ChosenModel:
    """A model, the values of all its parameters, and what is to be said of them.

    Attributes
    ----------
    settings : ModelSettings
    declared : DeclaredModel
    values : mapping
    warnings : tuple of str
    """

    settings: ModelSettings
    declared: DeclaredModel
    values: Mapping[str, float]
    warnings: tuple[str, ...]

    @property
    def is_el(self) -> bool:
        """Whether carriers are injected."""
        return self.settings.kind == "el"

    @property
    def conventions(self) -> dict[str, Any]:
        """What the numbers depend on beside the parameters' values."""
        if not self.is_el:
            return {}
        settings = self.settings
        return {
            "pump_is": settings.pump_is,
            "coulomb": settings.coulomb,
            "carriers": settings.carriers,
            "overflow": settings.overflow,
            "count_trions": settings.count_trions,
        }

    @property
    def weak_limit_constant(self) -> float | None:
        """C of the weak limit, see `qdimage.rates.weak_limit`; None where it has none."""
        if not self.is_el or not self.values["exciton_qy"]:
            return None
        settings = self.settings
        law = coulomb_law(settings.coulomb, **_law_values(settings, self.values))
        return weak_limit_constant(
            law,
            dot_of(self.values),
            largest_charge=largest_charge(settings.carriers, settings.overflow),
            count_trions=settings.count_trions,
        )

    def with_carriers(self, carriers: int) -> DeclaredModel:
        """Return the EL model with another largest number of carriers."""
        return _declare_el(replace(self.settings, carriers=carriers))

    def at_pump(
        self, pump_per_us: float, hole_to_electron: float | None = None
    ) -> dict[str, float]:
        """Return the parameters' values at another pump, and at another ratio for EL."""
        if not self.is_el:
            return {**self.values, PUMP.name: pump_per_us}
        settings = replace(self.settings, pump_per_us=pump_per_us)
        if hole_to_electron is not None:
            settings = replace(settings, hole_to_electron=hole_to_electron)
        return {**self.values, **_shared_out(settings)}


def choose_model(settings: ModelSettings, *, pumped: bool = True) -> ChosenModel:
    """Return the model that is meant.

    Parameters
    ----------
    settings : ModelSettings
    pumped : bool
        Whether the pump has to be given; a scan brings its own.

    Raises
    ------
    ConfigurationError, FormatError
        If something is missing, out of bounds, or contradicts itself; names it.
    """
    if (settings.kind is None) == (settings.model_file is None):
        raise ConfigurationError(
            "expected one model; give either --kind pl, pl-charged or el, or --model FILE"
        )
    if settings.model_file is not None:
        declared = read_model_file(settings.model_file)
        values = declared.parameters.values(settings.parameters)
        return ChosenModel(settings, declared, values, ())
    if settings.kind not in MODELS:
        raise ConfigurationError(
            f"found the kind {settings.kind!r}, expected one of {', '.join(MODELS)}; correct it"
        )
    if settings.kind == "el":
        return _choose_el(settings, pumped)
    return _choose_pl(settings, pumped)


def _choose_pl(settings: ModelSettings, pumped: bool) -> ChosenModel:
    declared = MODELS[str(settings.kind)]()
    given: dict[str, float] = {
        name: value
        for name, value in dot_values(settings.dot).items()
        if name in declared.parameters.names
    }
    if settings.pump_per_us is not None:
        given[PUMP.name] = settings.pump_per_us
    elif pumped and PUMP.name not in settings.parameters:
        raise ConfigurationError("the PL model needs its pump rate; give --pump, in 1/us")
    values = declared.parameters.values({**given, **settings.parameters})
    charged = settings.kind != "pl"
    return ChosenModel(settings, declared, values, contradictions(dot_of(values), charged=charged))


def _choose_el(settings: ModelSettings, pumped: bool) -> ChosenModel:
    named = {"x": "coulomb_x", "attraction": "coulomb_attraction", "repulsion": "coulomb_repulsion"}
    given = {
        named[name]: float(value)
        for name, value in settings.coulomb_parameters.items()
        if value is not None and name in named
    }
    of_law = law_parameters(settings.coulomb).names
    given = {name: value for name, value in given.items() if name in of_law}
    stated = {**given, **settings.parameters}
    rates = _rates(settings, pumped)
    # Says which option is missing, before the defaults fill it in.
    coulomb_law(settings.coulomb, **_law_values(settings, stated))
    declared = _declare_el(settings)
    values = declared.parameters.values({**dot_values(settings.dot), **rates, **stated})
    warnings = [*contradictions(dot_of(values)), *_against_attraction(values)]
    if settings.pump_per_us is None and values[ELECTRONS.name] > 0 and values[HOLES.name] > 0:
        ratio = values[HOLES.name] / values[ELECTRONS.name]
        settings = replace(settings, hole_to_electron=ratio)
    return ChosenModel(settings, declared, values, tuple(warnings))


def _declare_el(settings: ModelSettings) -> DeclaredModel:
    return declare_el(
        coulomb=settings.coulomb,
        table=settings.coulomb_parameters.get("table"),
        carriers=settings.carriers,
        overflow=settings.overflow,
        count_trions=settings.count_trions,
    )


def _law_values(settings: ModelSettings, values: Mapping[str, float]) -> dict[str, Any]:
    return {
        "x": values.get("coulomb_x"),
        "attraction": values.get("coulomb_attraction"),
        "repulsion": values.get("coulomb_repulsion"),
        "table": settings.coulomb_parameters.get("table"),
    }


def _rates(settings: ModelSettings, pumped: bool) -> dict[str, float]:
    both = {ELECTRONS.name: settings.electron_per_us, HOLES.name: settings.hole_per_us}
    given = {name: rate for name, rate in both.items() if rate is not None}
    if settings.pump_per_us is not None:
        if given:
            raise ConfigurationError(
                "found a pump and a rate of one carrier; give either --pump, or --electron-rate "
                "and --hole-rate"
            )
        return _shared_out(settings)
    stated = {*given, *settings.parameters}
    if pumped and not {ELECTRONS.name, HOLES.name} <= stated:
        raise ConfigurationError(
            "the EL model needs both injection rates; give --electron-rate and --hole-rate, or "
            "--pump, in 1/us"
        )
    return given


def _shared_out(settings: ModelSettings) -> dict[str, float]:
    pump, ratio = settings.pump_per_us or 0.0, settings.hole_to_electron
    if not ratio > 0:
        raise ConfigurationError(
            f"--hole-to-electron: found {ratio:g}, expected a ratio above 0; correct it"
        )
    electron = pump / (1.0 + ratio) if settings.pump_is == "sum" else pump / ratio**0.5
    return {ELECTRONS.name: electron, HOLES.name: electron * ratio}


def _against_attraction(values: Mapping[str, float]) -> list[str]:
    found = []
    if values.get("coulomb_x", 0.0) < 0:
        found.append(f"coulomb_x is {values['coulomb_x']:g}: below 0, like charges attract")
    if values.get("coulomb_attraction", 1.0) < values.get("coulomb_repulsion", 1.0):
        found.append(
            f"coulomb_attraction is {values['coulomb_attraction']:g} and coulomb_repulsion "
            f"{values['coulomb_repulsion']:g}: like charges attract"
        )
    return found
