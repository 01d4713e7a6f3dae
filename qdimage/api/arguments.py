"""What the public calls share: how their arguments are read."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qdimage.config import AnalysisOptions
    from qdimage.domain.experiment import CameraKeys
    from qdimage.pipeline.dot_knowledge import DotKnowledge

Progress = Callable[[str, int, int], None]
PathLike = str | os.PathLike[str]


def paths_of(paths: PathLike | Iterable[PathLike]) -> list[Path]:
    """Return one path or many as a list."""
    if isinstance(paths, str | os.PathLike):
        return [Path(paths)]
    return [Path(each) for each in paths]


def analysis_options(
    options: Mapping[str, Any] | None, assignments: Sequence[str]
) -> "AnalysisOptions":
    """Return all analysis options from nested ones and assignments, which win."""
    from qdimage.config import AnalysisOptions, build_options

    return build_options(
        AnalysisOptions, options or {}, assignments=assignments, source="the options"
    )


def camera_keys(camera: Mapping[str, float] | PathLike | None) -> "tuple[CameraKeys, str]":
    """Return the camera's keys, and where they are from."""
    from pydantic import ValidationError

    from qdimage.domain.experiment import CameraKeys
    from qdimage.errors import ConfigurationError
    from qdimage.io.camera_file import read_camera_file
    from qdimage.io.explain import explain

    if camera is None:
        return CameraKeys(), ""
    if isinstance(camera, Mapping):
        try:
            return CameraKeys.model_validate(dict(camera)), "the call"
        except ValidationError as error:
            raise ConfigurationError(f"camera: {explain(error, CameraKeys)}") from error
    return read_camera_file(Path(camera)), str(camera)


def known_dot(dot: "Mapping[str, float] | PathLike | DotKnowledge | None") -> "DotKnowledge":
    """Return what is known of a dot, from values or a file."""
    from qdimage.pipeline.dot_knowledge import DotKnowledge, dot_knowledge, read_dot_knowledge

    if isinstance(dot, DotKnowledge):
        return dot
    if isinstance(dot, str | os.PathLike):
        return read_dot_knowledge(Path(dot))
    return dot_knowledge(dot or {})
