"""All options of an analysis in one tree, from files and from the command line."""

import difflib
import tomllib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from qdimage.domain.options import Options, option
from qdimage.electrical.options import SeriesOptions
from qdimage.errors import ConfigurationError
from qdimage.image.options import ImageOptions
from qdimage.io.documents import format_toml
from qdimage.io.experiment_file import not_finite, read_toml
from qdimage.io.explain import explain
from qdimage.localize.link_options import LinkOptions
from qdimage.localize.options import LocalizeOptions
from qdimage.match.options import MatchOptions
from qdimage.photons.decay_options import DecayOptions
from qdimage.photons.dip_options import DipOptions
from qdimage.photons.population_options import PopulationOptions
from qdimage.photons.trace_options import TraceOptions
from qdimage.rates.fit_options import RateFitOptions
from qdimage.registration.options import RegisterOptions
from qdimage.spectra.options import SpectrumOptions

Model = TypeVar("Model", bound=Options)


with warnings.catch_warnings():
    # `register` is also a method of every abstract class's type, which nobody calls on options.
    warnings.filterwarnings("ignore", message='Field name "register"')

    class AnalysisOptions(Options):
        """Every option that changes a result."""

        seed: int = option(0, "seed of everything random, such as the blank places", ge=0)
        image: ImageOptions = ImageOptions()
        localize: LocalizeOptions = LocalizeOptions()
        link: LinkOptions = LinkOptions()
        register: RegisterOptions = RegisterOptions()
        match: MatchOptions = MatchOptions()
        g2: DipOptions = DipOptions()
        rates: RateFitOptions = RateFitOptions()
        trace: TraceOptions = TraceOptions()
        lifetime: DecayOptions = DecayOptions()
        population: PopulationOptions = PopulationOptions()
        spectrum: SpectrumOptions = SpectrumOptions()
        series: SeriesOptions = SeriesOptions()


def build_options(
    model: type[Model], *layers: Mapping[str, Any], assignments: Sequence[str] = (), source: str
) -> Model:
    """Merge layers of options, later ones winning, and assignments ``STAGE.OPTION=VALUE``.

    Parameters
    ----------
    model : type
        `AnalysisOptions`, or the simulator's options.
    layers : mapping
        Nested as in TOML.
    assignments : sequence of str
        From the command line; they win.
    source : str
        Named in errors: where the layers come from.

    Raises
    ------
    ConfigurationError
        Names the option, and the nearest known one.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _merged(merged, layer)
    for assignment in assignments:
        merged = _merged(merged, _parse(assignment, model))
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        origin = _assignment_of(error, assignments) or source
        raise ConfigurationError(f"{origin}: {explain(error, model)}") from error


def _assignment_of(error: ValidationError, assignments: Sequence[str]) -> str | None:
    """The last assignment to the option that was refused first."""
    place = ".".join(str(part) for part in error.errors()[0]["loc"])
    for assignment in reversed(assignments):
        name = assignment.partition("=")[0].strip()
        if f"{place}.".startswith(f"{name}."):
            return _shown(assignment)
    return None


def _shown(assignment: str) -> str:
    return f"--set {' '.join(assignment.split())[:80]}"


def _merged(base: Mapping[str, Any], layer: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in layer.items():
        old = result.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = _merged(old, value)
        result[key] = value
    return result


def _parse(assignment: str, model: type[Options]) -> dict[str, Any]:
    name, equals, text = assignment.partition("=")
    known = [row["name"] for row in option_rows(model)]
    if not equals:
        raise ConfigurationError(
            f"{_shown(assignment)}: found no '=', expected STAGE.OPTION=VALUE; "
            "list the options with: qdimage options"
        )
    name = name.strip()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else "list the options with: qdimage options"
        raise ConfigurationError(f"{_shown(assignment)}: unknown option {name!r}; {hint}")
    document = _toml_value(text)
    if any(not_finite(document)):
        raise ConfigurationError(f"{_shown(assignment)}: expected a finite number; correct it")
    nested: Any = document["value"]
    for part in reversed(name.split(".")):
        nested = {part: nested}
    return dict(nested)


def _toml_value(text: str) -> dict[str, Any]:
    """The text as the only value of a TOML document; what is no TOML stands for itself."""
    try:
        document = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        document = {}
    return document if document.keys() == {"value"} else {"value": text}


def read_options_file(path: Path) -> dict[str, Any]:
    """Read options from a TOML file, at its top level or in a table ``[analysis]``."""
    document = read_toml(path)
    inner = document.get("analysis")
    return inner if isinstance(inner, dict) and len(document) == 1 else document


def option_rows(model: type[Options], prefix: str = "") -> list[dict[str, Any]]:
    """Return name, default, unit and meaning of every option, those of inner stages included."""
    rows: list[dict[str, Any]] = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Options):
            rows += option_rows(inner, f"{prefix}{name}.")
            continue
        extra = field.json_schema_extra
        rows.append(
            {
                "name": f"{prefix}{name}",
                "default": field.default,
                "unit": extra.get("unit", "") if isinstance(extra, dict) else "",
                "meaning": field.description or "",
            }
        )
    return rows


def to_toml(options: Options | Mapping[str, Any]) -> str:
    """Format options as TOML: all of them, or those of a mapping nested as in TOML."""
    document = options.model_dump(mode="json") if isinstance(options, Options) else options
    return format_toml(document)
