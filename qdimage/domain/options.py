"""The base of every stage's options: frozen, validated, each with its unit and its meaning."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """Options of one stage. Unknown keys are refused; values cannot be changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def option(default: Any, meaning: str, unit: str = "", **bounds: Any) -> Any:
    """Declare one option: its default, what it means, its unit ("" for a pure number), its bounds.

    ``bounds`` are pydantic's constraints: ``ge``, ``gt``, ``le``, ``lt``.
    """
    return Field(default=default, description=meaning, json_schema_extra={"unit": unit}, **bounds)
