"""The options of all fields of a session, and the file of them for the command line."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from qdimage.config import AnalysisOptions, build_options, option_rows, to_toml
from qdimage.domain.curation import FieldKey


@dataclass(frozen=True)
class SessionOptions:
    """Options by field; fields differ where their declarations do.

    Attributes
    ----------
    fields : mapping of FieldKey to AnalysisOptions
    default : AnalysisOptions
        Where no field is open.
    """

    fields: Mapping[FieldKey, AnalysisOptions] = field(default_factory=dict)
    default: AnalysisOptions = field(default_factory=AnalysisOptions)

    def of_field(self, key: FieldKey | None) -> AnalysisOptions:
        """Return a field's options."""
        return self.default if key is None else self.fields.get(key, self.default)

    def with_option(self, name: str, value: Any) -> "SessionOptions":
        """Return the same with one option, such as ``localize.max_rounds``, set in all fields.

        Raises
        ------
        ConfigurationError
            If there is none of this name, or the value is not allowed.
        """
        layer: Any = value
        for part in reversed(name.split(".")):
            layer = {part: layer}

        def changed(options: AnalysisOptions) -> AnalysisOptions:
            layers = options.model_dump(mode="json"), layer
            return build_options(AnalysisOptions, *layers, source="the options")

        return SessionOptions(
            {key: changed(options) for key, options in self.fields.items()}, changed(self.default)
        )

    def changed(self) -> dict[FieldKey, dict[str, Any]]:
        """Return what differs from the defaults, by field and nested as in TOML."""
        return {
            key: options.model_dump(mode="json", exclude_defaults=True)
            for key, options in self.fields.items()
        }

    def restored(self, changed: Mapping[FieldKey, Mapping[str, Any]]) -> "SessionOptions":
        """Return these options, with those of some fields as `changed` gave them.

        Raises
        ------
        ConfigurationError
            If there is no such option any more.
        """
        found = {
            key: build_options(AnalysisOptions, changed[key], source=str(key))
            for key in self.fields
            if key in changed
        }
        return replace(self, fields={**self.fields, **found})

    def document(self) -> dict[str, Any]:
        """Return the options that all fields share, nested as in TOML.

        Where fields differ, each keeps what its own ``experiment.toml`` says.
        """
        each = [options.model_dump(mode="json") for options in self.fields.values()]
        each = each or [self.default.model_dump(mode="json")]
        shared: dict[str, Any] = {}
        for row in option_rows(AnalysisOptions):
            *stages, name = row["name"].split(".")
            values = [_inner(document, stages)[name] for document in each]
            if all(value == values[0] for value in values):
                _inner(shared, stages)[name] = values[0]
        return shared

    def toml(self) -> str:
        """Return the options that all fields share as the command line reads them."""
        return to_toml(self.document())


def _inner(document: dict[str, Any], stages: list[str]) -> dict[str, Any]:
    for stage in stages:
        document = document.setdefault(stage, {})
    return document
