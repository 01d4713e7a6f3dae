"""A simulated device on disk: experiment folders, their recipe, and the ground truth."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qdimage.errors import ConfigurationError
from qdimage.io.atomic import sha256, write_text
from qdimage.io.documents import format_json
from qdimage.simulation.declaration import format_declaration
from qdimage.simulation.field import Field, channels_of, draw_field
from qdimage.simulation.files import filling, write_stack
from qdimage.simulation.measurements import FOLDER, Measurement, plan_measurements
from qdimage.simulation.options import SimulateOptions
from qdimage.simulation.recipe import Recipe, write_recipe
from qdimage.simulation.recording import record
from qdimage.simulation.time_tags import describe_time_tags, draw_time_tags, write_time_tags
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
        for, ``dots/*.ptu``, and beside them ``truth.json``, ``recipe.toml`` and ``sha256.json``
        (of every stack and time-tag file).
    options : SimulateOptions
    seed : int
        The same options and seed give the same bytes on one machine.
    progress : callable, optional
        Called as ``progress(file, done, total)`` after each stack or time-tag file.

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
    plans = [
        plan_measurements(draw_field(folder.name, options=options, seed=seed), number)
        for number, folder in enumerate(folders[: options.photons.n_fields])
    ]
    n_files = len(folders) * len(channels_of(options)) + sum(map(len, plans))
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
        planned = plans[number] if number < len(plans) else []
        fields[folder.name] = _write_field(folder, number, options, seed, planned, count)
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
    planned: list[Measurement],
    count: Callable[[Path], None],
) -> dict[str, Any]:
    """Write one field into its new folder, its declaration last, and return its truth."""
    field = draw_field(folder.name, options=options, seed=seed)
    channels = channels_of(options)
    recordings = [record(field, channel) for channel in channels]
    for recording in recordings:
        stack = folder / recording.channel.stack
        write_stack(stack, recording.frames(), shape=recording.shape)
        count(stack)
    truth = describe_field(field, recordings)
    if planned:
        (folder / FOLDER).mkdir()
        truth["photons"] = [_write_time_tags(folder, field, each, count) for each in planned]
    text = format_declaration(
        folder.name, number=number, channels=channels, measurements=planned, options=options
    )
    write_text(folder / "experiment.toml", text)
    return truth


def _write_time_tags(
    folder: Path, field: Field, measurement: Measurement, count: Callable[[Path], None]
) -> dict[str, Any]:
    tags = draw_time_tags(field, measurement)
    counts = write_time_tags(folder / measurement.file, tags.stream)
    count(folder / measurement.file)
    return describe_time_tags(measurement, tags, counts, field.options)
