"""What a validated document got wrong, in one line."""

import difflib
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Say in one line what a model refused first, and what to do."""
    first = error.errors()[0]
    place = list(first["loc"])
    name = ".".join(str(part) for part in place)
    if first["type"] == "extra_forbidden":
        known = sorted(_model_at(model, place[:-1]).model_fields)
        near = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(known)}"
        return f"unknown key {name!r}; {hint}"
    found = "" if isinstance(first["input"], dict | list) else f" (found {first['input']!r:.80})"
    message = first["msg"].removeprefix("Value error, ")
    return f"{name + ': ' if name else ''}{message}{found}; correct it"


def _model_at(model: type[BaseModel], place: list[int | str]) -> type[BaseModel]:
    """Follow a validation error's location down to the model that it lies in."""
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            inner = _models_in(model.model_fields[part].annotation)
            model = inner[0] if inner else model
    return model


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (tuple, list, Union, UnionType):
        return [model for each in get_args(annotation) for model in _models_in(each)]
    return []
