"""The current of a simulated device, and the file of the source-meter that swept it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.io.atomic import write_text
from qdimage.numerics.random import generator
from qdimage.simulation.iv_options import IvOptions

Array = NDArray[np.float64]

FILE = "iv.csv"

_OVERFLOW = 9.91e37


@dataclass(frozen=True)
class Conduction:
    """What a device conducts: an ohmic leak, and injection that sets in at a voltage.

    Attributes
    ----------
    leak_ohm : float
    onset_v : float
        Where injection sets in.
    onset_width_v : float
        How softly it does.
    injected_a : float
        Injected current at 1 V above the onset.
    power : float
        Injected current rises as this power of the voltage above the onset, as in the
        space-charge-limited regime.
    falling_share : float
        Injected current of a falling sweep relative to a rising one.
    relative_noise, noise_a : float
        Standard deviations of a reading: share of the current, and the source-meter's own.
    limit_a : float
        Most current that the source-meter gives.
    """

    leak_ohm: float = 2e7
    onset_v: float = 1.8
    onset_width_v: float = 0.06
    injected_a: float = 2e-4
    power: float = 2.5
    falling_share: float = 0.9
    relative_noise: float = 2e-3
    noise_a: float = 2e-11
    limit_a: float = 1e-2

    def current_a(self, voltage_v: Array, *, falling: bool = False) -> Array:
        """Return the current without noise and limit."""
        volts = np.asarray(voltage_v, np.float64)
        above = self.onset_width_v * np.logaddexp(0.0, (volts - self.onset_v) / self.onset_width_v)
        injected = self.injected_a * above**self.power
        share = self.falling_share if falling else 1.0
        return np.asarray(volts / self.leak_ohm + share * injected)


@dataclass(frozen=True)
class Readings:
    """What the source-meter records, in order."""

    time_s: Array
    voltage_v: Array
    current_a: Array


def sweep_up_and_down(highest_v: float, *, step_v: float = 0.05) -> Array:
    """Return the voltages of a sweep from 0 to the highest and back."""
    up = np.arange(0.0, highest_v + step_v / 2, step_v)
    return np.concatenate([up, up[-2::-1]])


def draw_readings(
    device: Conduction, voltage_v: Array, rng: np.random.Generator, *, reading_s: float = 0.25
) -> Readings:
    """Draw the readings of a sweep, each direction as the device conducts in it."""
    volts = np.asarray(voltage_v, np.float64)
    falling = np.diff(volts, prepend=volts[0]) < 0
    amps = np.where(
        falling, device.current_a(volts, falling=True), device.current_a(volts, falling=False)
    )
    sd = np.hypot(device.relative_noise * amps, device.noise_a)
    noisy = amps + sd * rng.standard_normal(len(volts))
    amps = np.asarray(np.clip(noisy, -device.limit_a, device.limit_a), np.float64)
    return Readings(reading_s * np.arange(len(volts), dtype=np.float64), volts, amps)


def has_iv(options: IvOptions, number: int) -> bool:
    """Whether a field has an I-V file; ``number`` counts the fields from 0."""
    return number == 0 and options.highest_v > 0


def write_device_iv(
    folder: Path, options: IvOptions, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Sweep the device up and down into a field's folder.

    Returns
    -------
    dict, dict
        How the file is declared, and its truth.
    """
    values = options.model_dump()
    device = Conduction(**{each.name: values[each.name] for each in fields(Conduction)})
    volts = sweep_up_and_down(options.highest_v, step_v=options.step_v)
    readings = draw_readings(device, volts, generator(seed, "iv"))
    write_kickstart(folder / FILE, readings, limit_a=device.limit_a)
    declared = {"iv": [{"file": FILE, "area_mm2": options.area_mm2}]}
    return declared, {"file": FILE, "area_mm2": options.area_mm2, **asdict(device)}


def write_kickstart(path: Path, readings: Readings, *, limit_a: float | None = None) -> None:
    """Write readings in the columns that KickStart exports; a NaN current is an overflow."""
    lines: list[str] = ['"Test Name","I-V Characterizer"', '"Model","2450"']
    if limit_a is not None:
        lines.append(f'"Current Limit (A)",{limit_a:.6E}')
    lines += ["", _row(_HEADER)]
    rows = zip(readings.time_s, readings.voltage_v, readings.current_a, strict=True)
    for index, (time, volts, amps) in enumerate(rows, start=1):
        over = not np.isfinite(amps)
        current = _OVERFLOW if over else amps
        ohms = _OVERFLOW if over or amps == 0 else volts / amps
        lines.append(f"{index},{time:.6f},{volts:.6E},{current:.6E},{ohms:.6E}")
    write_text(path, "\n".join(lines) + "\n")


_HEADER = (
    "Index",
    "SMU-1 Time (s)",
    "SMU-1 Voltage (V)",
    "SMU-1 Current (A)",
    "SMU-1 Resistance (\u03a9)",
)


def _row(cells: Sequence[str]) -> str:
    return ",".join(f'"{cell}"' for cell in cells)
