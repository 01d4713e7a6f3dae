"""The sample: the simulated device of the source tree, or one simulated here."""

from pathlib import Path
from typing import Any

_DEVICE = Path("sample_stacks") / "demo_device"
_SEED = 2017
# One small field with all that the shipped one has, in seconds.
_OPTIONS: dict[str, Any] = {
    "experiment": {
        "device": "demo-device",
        "n_fields": 1,
        "voltages_v": [2.1, 2.2, 2.4, 2.6],
        "n_frames": 20,
        "exposure_s": 0.1,
        "width_px": 256,
        "height_px": 256,
        "pixel_size_um": 0.107,
    },
}


def shipped_device() -> Path | None:
    """Return the folder of the device in the source tree; None where that is not there."""
    folder = Path(__file__).resolve().parents[2] / _DEVICE
    return folder if next(folder.glob("*/experiment.toml"), None) is not None else None


def simulated_device_path() -> Path:
    """Return the folder that `simulate_device` writes to."""
    from platformdirs import user_data_path

    return user_data_path("qdimage", appauthor=False) / "sample_device"


def simulate_device(folder: Path) -> Path:
    """Simulate a device, unless that was done before, and return its folder."""
    import qdimage

    if not (folder.is_dir() and next(folder.rglob("experiment.toml"), None)):
        folder.parent.mkdir(parents=True, exist_ok=True)
        qdimage.simulate(folder, options=_OPTIONS, seed=_SEED)
    return folder


def sample_device() -> list[Any]:
    """Return the sample's first field as layers, for napari's menu."""
    from napari_qdimage.reader import read

    return read(str(shipped_device() or simulate_device(simulated_device_path())))
