"""What a run was made from: versions, options, inputs, timings, warnings."""

import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from qdimage.domain.photon_tables import PHOTONS
from qdimage.domain.spectrum_tables import SPECTRA
from qdimage.io.atomic import sha256
from qdimage.io.curation_file import curation_sha256
from qdimage.pipeline.field import FieldResult

CONTRACT = 1
_PACKAGES = ("numpy", "scipy", "scikit-image", "tifffile", "trackpy", "pandas", "numba")


def package_version(name: str) -> str:
    """Return an installed package's version; "unknown" where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def run_record(
    fields: Sequence[FieldResult],
    *,
    unreadable: Mapping[str, str],
    warnings: Sequence[str],
    started: datetime,
    seconds: Mapping[str, float],
    table_format: str,
) -> dict[str, Any]:
    """Return the content of ``run.json``.

    Parameters
    ----------
    fields : sequence of FieldResult
    unreadable : mapping of str to str
        ``experiment.toml`` files that could not be read, and why.
    warnings : sequence of str
        About the run as a whole.
    started : datetime
    seconds : mapping of str to float
        Time for each part of the run.
    table_format : str
    """
    return {
        "contract": CONTRACT,
        "qdimage": package_version("qdimage"),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": {name: package_version(name) for name in _PACKAGES},
        "started": started.astimezone(UTC).isoformat(timespec="seconds"),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "table_format": table_format,
        "warnings": [*warnings, *run_warnings(fields, unreadable)],
        "steps": _steps_done(fields),
        "fields": [_field(field) for field in fields],
    }


def _steps_done(fields: Sequence[FieldResult]) -> dict[str, dict[str, int]]:
    """Count how often each step was done, and how often an earlier run had done it."""
    counts: dict[str, dict[str, int]] = {}
    for each in (step for field in fields for step in field.steps):
        counts.setdefault(each.step, {"done": 0, "kept": 0})["kept" if each.kept else "done"] += 1
    return counts


def _field(field: FieldResult) -> dict[str, Any]:
    experiment = field.experiment
    return {
        "device": experiment.device,
        "field": experiment.name,
        "experiment": str(experiment.path),
        "experiment_sha256": sha256(experiment.path),
        "pixel_um": field.reference.pixel_um if field.reference else None,
        "optics": experiment.declared.optics.model_dump(mode="json", exclude_none=True),
        "curation": str(experiment.curation_path) if experiment.curation_path else None,
        "curation_sha256": curation_sha256(experiment.curation) if experiment.curation else None,
        "options": field.options.model_dump(mode="json"),
        "stacks": {
            channel.declared.stack: channel.row.get("stack_sha256") for channel in field.channels
        },
        "photon_files": {
            declared.file: _hash(experiment.folder / declared.file)
            for declared in experiment.declared.photons
        },
        "spectrum_files": {
            file: _hash(experiment.folder / file)
            for declared in experiment.declared.spectra
            for file in (declared.file, declared.dark_file)
            if file
        },
    }


def _hash(path: Path) -> str | None:
    try:
        # A pipe would be waited for.
        return sha256(path) if path.is_file() else None
    except OSError:
        return None


def run_warnings(fields: Sequence[FieldResult], unreadable: Mapping[str, str]) -> list[str]:
    """Return what a reader of the results has to know first."""
    warnings = [f"{path}: not analysed: {reason}" for path, reason in unreadable.items()]
    for field in fields:
        name = f"{field.experiment.device}, {field.experiment.name}"
        for channel in field.channels:
            message = channel.row.get("message")
            if message:
                warnings.append(f"{name}, {channel.declared.name}: {message}")
        if field.curated is not None:
            warnings += [f"{name}, curation: {each}" for each in field.curated.warnings]
        for row in field.photons[PHOTONS.name]:
            if row["message"]:
                warnings.append(f"{name}, {row['file']}: {row['message']}")
        declared = field.experiment.declared
        if not (declared.channels or declared.photons or declared.spectra):
            warnings.append(
                f"{name}: no channel is declared; add [[channels]] to {field.experiment.path}"
            )
        for row in field.photons.get(SPECTRA.name, []):
            # Of an area that is an answer.
            if row["message"] and row.get("flags") != "no_line":
                warnings.append(f"{name}, {row['file']}: {row['message']}")
    return warnings
