"""Camera files: the keys of ``[camera]`` on their own."""

from pathlib import Path

from pydantic import ValidationError

from qdimage.domain.experiment import CameraKeys
from qdimage.errors import ConfigurationError
from qdimage.io.experiment_file import read_toml
from qdimage.io.explain import explain


def read_camera_file(path: Path) -> CameraKeys:
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
    keys = inner if isinstance(inner, dict) and len(document) == 1 else document
    try:
        return CameraKeys.model_validate(keys)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {explain(error, CameraKeys)}") from error
