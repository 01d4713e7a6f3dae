"""The map from a field's pixels to the stage: declared, or fitted to clicked pairs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from qdimage.domain.experiment import OpticsTable
from qdimage.domain.refusal import Refusal
from qdimage.domain.stage_map import StageMap
from qdimage.errors import ConfigurationError, QdimageError
from qdimage.io.experiment_file import read_experiment
from qdimage.io.place_list import read_places
from qdimage.steering.options import TargetOptions
from qdimage.steering.stage_fit import Model, fit_stage_map, odd_one_out

PAIR_COLUMNS = ("x_px", "y_px", "stage_x_um", "stage_y_um")
DECLARED = "stage_from_px"
# Beyond which a pixel on the stage is not that of the camera.
_PIXEL_TOLERANCE = 0.05


@dataclass(frozen=True)
class MapToStage:
    """A map, where it is from, and what to look at."""

    stage: StageMap
    source: str
    notes: tuple[str, ...] = ()


def optics_of(recorded: Mapping[str, Any]) -> OpticsTable:
    """Return ``[optics]`` of a field as its file says now, else as the run recorded it.

    Parameters
    ----------
    recorded : mapping
        The field in ``run.json``.
    """
    path = Path(str(recorded.get("experiment", "")))
    if path.is_file():
        try:
            return read_experiment(path, allow_outside=True).declared.optics
        except QdimageError as error:
            raise ConfigurationError(str(error)) from error
    try:
        return OpticsTable.model_validate(recorded.get("optics") or {})
    except ValidationError as error:
        raise ConfigurationError(
            f"run.json: optics of {recorded.get('field')!r} cannot be used; run the analysis again"
        ) from error


def map_to_stage(
    field: str,
    optics: OpticsTable,
    *,
    pairs: Path | None,
    pixel_um: float | None,
    options: TargetOptions,
) -> MapToStage:
    """Return a field's map to the stage.

    Raises
    ------
    FormatError
        If the file of pairs cannot be read.
    ConfigurationError
        If there is no map, or the pairs do not determine one.
    """
    if pairs is not None:
        return _fitted(pairs, field, pixel_um, options)
    if optics.stage_from_px is None:
        raise ConfigurationError(
            f"{field}: found no stage_from_px in [optics], expected the map from field px to stage "
            "um; add it, or click three or more dots on both and give their file with --pairs"
        )
    stage = StageMap(np.array(optics.stage_from_px), np.zeros((6, 6)))
    return MapToStage(stage, DECLARED, _scale_notes(stage, pixel_um))


def _fitted(path: Path, field: str, pixel_um: float | None, options: TargetOptions) -> MapToStage:
    found = read_places(path, numbers=PAIR_COLUMNS, texts=("field", "off"))
    # A table of checked targets names their fields, and which of them are off.
    rows = [each for each in found if each["field"] in ("", field) and each["off"] != "true"]
    values = np.array([[float(row[name]) for name in PAIR_COLUMNS] for row in rows])
    values = values.reshape(-1, len(PAIR_COLUMNS))
    model: Model = "affine" if len(rows) > 3 or options.click_err_um is not None else "similarity"
    if options.stage_model != "auto":
        model = options.stage_model
    fitted = fit_stage_map(
        values[:, :2], values[:, 2:], model=model, place_err_um=options.click_err_um
    )
    if isinstance(fitted, Refusal):
        raise ConfigurationError(f"{path}: {fitted.reason}")
    notes = list(_scale_notes(fitted, pixel_um))
    odd = odd_one_out(values[:, :2], values[:, 2:], model=model)
    if odd is not None:
        notes.append(
            f"pair {odd.index + 1} lies {odd.distance_um:.3g} um from where the others put it "
            f"(chance {odd.chance_p:.1g}); click it again, or leave it out"
        )
    source = f"{len(rows)} pairs of {path.name}, {model}"
    return MapToStage(fitted, source, tuple(notes))


def _scale_notes(stage: StageMap, pixel_um: float | None) -> tuple[str, ...]:
    if pixel_um is None or abs(stage.pixel_um / pixel_um - 1) <= _PIXEL_TOLERANCE:
        return ()
    return (
        f"a pixel is {stage.pixel_um:.4g} um on the stage, and pixel_size_um is {pixel_um:.4g}; "
        "check the units",
    )
