"""Camera files: the keys of ``[camera]`` on their own, beside what they were measured from."""

from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

from pydantic import ValidationError

from qdimage.domain.experiment import CameraFileKeys
from qdimage.errors import ConfigurationError
from qdimage.io.atomic import write_text
from qdimage.io.documents import format_toml
from qdimage.io.experiment_file import read_toml
from qdimage.io.explain import explain
from qdimage.io.inside import COPY_IT, is_link_out

# What a calibration adds to the keys; it is for people, nothing is computed from it.
_RECORDS = ("calibration", "errors", "intervals", "stacks")


def read_camera_file(path: Path) -> CameraFileKeys:
    """Read camera keys, at the top of a TOML file or in its table ``[camera]``.

    Raises
    ------
    FormatError
        If it is missing or not TOML.
    ConfigurationError
        If a key or value is not allowed; names the key, and the nearest known one.
    """
    document = read_toml(path)
    inner = document.get("camera")
    rest = {key for key in document if key != "camera"}
    keys = inner if isinstance(inner, dict) and rest <= set(_RECORDS) else document
    try:
        declared = CameraFileKeys.model_validate(keys)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {explain(error, CameraFileKeys)}") from error
    if declared.bias_map and PureWindowsPath(declared.bias_map).name != declared.bias_map:
        raise ConfigurationError(
            f"{path}: bias_map is {declared.bias_map!r}, expected the name of a file beside this "
            "one; move the map there"
        )
    if declared.bias_map and is_link_out(path.parent / declared.bias_map):
        raise ConfigurationError(
            f"{path}: bias_map {declared.bias_map!r} is a link out of this file's folder; {COPY_IT}"
        )
    return declared


def write_camera_file(
    path: Path, keys: Mapping[str, Any], records: Mapping[str, Any], *, head: str
) -> None:
    """Write a camera file, whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
    keys : mapping
        Of ``[camera]``; what is None is left out.
    records : mapping
        Tables beside it: calibration, errors, intervals, stacks.
    head : str
        Comment of one line.
    """
    CameraFileKeys.model_validate({key: value for key, value in keys.items() if value is not None})
    write_text(path, f"# {head}\n{format_toml({'camera': keys, **records})}")
