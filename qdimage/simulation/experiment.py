"""A simulated device on disk: experiment folders, their recipe, and the ground truth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qdimage.errors import ConfigurationError
from qdimage.io.atomic import sha256, write_text
from qdimage.io.documents import format_json
from qdimage.simulation.declaration import format_declaration
from qdimage.simulation.field import Channel, Field, channels_of, draw_field
from qdimage.simulation.files import filling, write_stack
from qdimage.simulation.histograms import declare_delays, draw_delays, write_delays
from qdimage.simulation.iv import FILE as IV_FILE
from qdimage.simulation.iv import has_iv, write_device_iv
from qdimage.simulation.measurements import Measurement, measured_dots, plan_measurements
from qdimage.simulation.options import SimulateOptions
from qdimage.simulation.recipe import Recipe, write_recipe
from qdimage.simulation.recording import record
from qdimage.simulation.spectrum_files import (
    PlannedSpectrum,
    declare_spectra,
    describe_spectrum,
    draw_planned,
    plan_spectra,
    write_spectrum,
)
from qdimage.simulation.time_tags import (
    declare_dot,
    declare_photons,
    describe_time_tags,
    draw_time_tags,
    write_time_tags,
)
from qdimage.simulation.truth import CONVENTIONS, describe_field

Progress = Callable[[str, int, int], None]


def simulate_experiment(
    out: Path,
    *,
    options: SimulateOptions,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Path]:
    """Write a device's fields with their ground truth.

    Parameters
    ----------
    out : pathlib.Path
        The device's folder; new or empty. It receives one folder for each field
        (``field-01``, ...) with ``experiment.toml``, ``pl.tif``, ``el_*V.tif`` and, where asked
        for, ``dots/*.ptu``, histograms and spectra, and beside them ``truth.json``,
        ``recipe.toml`` and ``sha256.json`` (of every file that was measured).
    options : SimulateOptions
    seed : int
        The same options and seed give the same bytes on one machine.
    progress : callable, optional
        Called as ``progress(file, done, total)`` after each file that is measured.

    Returns
    -------
    list of pathlib.Path
        The fields' folders.

    Raises
    ------
    ConfigurationError
        If ``out`` is a file or holds anything or cannot be written to, the seed is negative, or
        the options contradict each other.

    Notes
    -----
    After an error or an interrupt, all that was written until then is removed, so that the same
    call can be made again.
    """
    out = Path(out)
    _check(out, seed)
    with filling(out) as made:
        return _write_device(out, options, seed, progress, made)


def _write_device(
    out: Path,
    options: SimulateOptions,
    seed: int,
    progress: Progress | None,
    made: list[Path],
) -> list[Path]:
    folders = [out / f"field-{number:02d}" for number in range(1, options.experiment.n_fields + 1)]
    plans = [_plan(folder.name, number, options, seed) for number, folder in enumerate(folders)]
    n_files = sum(each.n_files for each in plans)
    fields: dict[str, Any] = {}
    hashes: dict[str, str] = {}

    def count(file: Path) -> None:
        relative = file.relative_to(out).as_posix()
        hashes[relative] = sha256(file)
        if progress is not None:
            progress(relative, len(hashes), n_files)

    for number, folder in enumerate(folders):
        folder.mkdir()
        made.append(folder)
        fields[folder.name] = _write_field(folder, number, options, seed, plans[number], count)
    made += [out / name for name in ("sha256.json", "recipe.toml", "truth.json")]
    write_text(out / "sha256.json", format_json(hashes) + "\n")
    write_recipe(out / "recipe.toml", Recipe(options, seed))
    truth = {"device": options.experiment.device, "seed": seed, "conventions": CONVENTIONS}
    write_text(out / "truth.json", format_json({**truth, "fields": fields}) + "\n")
    return folders


def _check(out: Path, seed: int) -> None:
    if seed < 0:
        raise ConfigurationError(f"seed: found {seed}, expected an integer of at least 0")
    if out.is_file():
        raise ConfigurationError(f"{out}: found a file, expected a new folder; name another")
    if out.is_dir() and any(out.iterdir()):
        raise ConfigurationError(f"{out}: the folder is not empty; empty it or name another")


def _write_field(
    folder: Path,
    number: int,
    options: SimulateOptions,
    seed: int,
    plan: "_Plan",
    count: Callable[[Path], None],
) -> dict[str, Any]:
    """Write one field into its new folder, its declaration last, and return its truth."""
    field = draw_field(folder.name, options=options, seed=seed)
    recordings = [record(field, channel) for channel in plan.channels]
    for recording in recordings:
        stack = folder / recording.channel.stack
        write_stack(stack, recording.frames(), shape=recording.shape)
        count(stack)
    truth = describe_field(field, recordings)
    declared: dict[str, Any] = {}
    if plan.measurements:
        written = [_write_measurement(folder, field, each, count) for each in plan.measurements]
        declared = declare_dot(options) | {"photons": [keys for keys, _ in written]}
        truth["photons"] = [each for _, each in written]
    if plan.spectra:
        declared |= declare_spectra(options, plan.spectra)
        truth["spectra"] = [_write_spectrum(folder, field, each, count) for each in plan.spectra]
    if plan.iv:
        keys, truth["iv"] = write_device_iv(folder, options.iv, seed)
        declared |= keys
        count(folder / IV_FILE)
    text = format_declaration(
        folder.name, number=number, recordings=recordings, further=declared, options=options
    )
    write_text(folder / "experiment.toml", text)
    return truth


@dataclass(frozen=True)
class _Plan:
    """What is measured of a field."""

    channels: list[Channel]
    measurements: list[Measurement]
    spectra: list[PlannedSpectrum]
    iv: bool

    @property
    def n_files(self) -> int:
        return len(self.channels) + len(self.measurements) + len(self.spectra) + self.iv


def _plan(name: str, number: int, options: SimulateOptions, seed: int) -> _Plan:
    field = draw_field(name, options=options, seed=seed)
    dots = measured_dots(field, number)
    return _Plan(
        channels_of(options) if options.experiment.imaging else [],
        plan_measurements(field, number),
        plan_spectra(field, dots, number),
        has_iv(options.iv, number),
    )


def _write_measurement(
    folder: Path, field: Field, measurement: Measurement, count: Callable[[Path], None]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write time tags or a histogram, and return what is declared of it and its truth."""
    path, options = folder / measurement.file, field.options
    path.parent.mkdir(exist_ok=True)
    if measurement.is_histogram:
        delays = draw_delays(field, measurement)
        write_delays(path, delays)
        on_fraction, counts = options.photons.on_fraction, list(delays.counts)
        declared = declare_delays(options, measurement, delays)
    else:
        tags = draw_time_tags(field, measurement)
        on_fraction, counts = tags.on_fraction, write_time_tags(path, tags.stream)
        declared = declare_photons(options, measurement)
    count(path)
    return declared, describe_time_tags(measurement, on_fraction, counts, options)


def _write_spectrum(
    folder: Path, field: Field, planned: PlannedSpectrum, count: Callable[[Path], None]
) -> Mapping[str, Any]:
    path = folder / planned.file
    path.parent.mkdir(exist_ok=True)
    write_spectrum(path, draw_planned(field, planned), field.options.spectra.exposure_s)
    count(path)
    return describe_spectrum(planned, field.options)
