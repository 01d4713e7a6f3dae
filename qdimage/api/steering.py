"""Calls about the hand-off from the camera to the confocal arm."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdimage.api.arguments import PathLike

if TYPE_CHECKING:
    from qdimage.pipeline.targets import TargetsAnswer
    from qdimage.pipeline.targets_attach import AttachAnswer
    from qdimage.pipeline.targets_check import CheckAnswer
    from qdimage.pipeline.targets_drift import DriftAnswer


def targets(
    out: PathLike,
    *,
    voltage_v: float | None = None,
    device: str | None = None,
    fields: Sequence[str] = (),
    dots: Sequence[int] = (),
    pairs: PathLike | None = None,
    start_um: tuple[float, float] | None = None,
    stage_z_um: float | None = None,
    curation: PathLike | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    write: bool = True,
    save_map: bool = False,
) -> "TargetsAnswer":
    """Choose dots of a finished run to steer to, with stage coordinates and what to expect.

    Parameters
    ----------
    out : path
        Folder of the run; ``targets.csv`` and ``targets_poi_list.dat`` are written into it.
    voltage_v : float, optional
        EL at that voltage; PL where not given.
    device, fields : str, sequence of str, optional
        Which fields; all where not given.
    dots : sequence of int, optional
        These dot_ids of one field, whatever the rules say.
    pairs : path, optional
        CSV with x_px, y_px, stage_x_um, stage_y_um of three or more clicked dots of one field,
        instead of ``stage_from_px``.
    start_um : (float, float), optional
        Where the stage is, to begin near it.
    stage_z_um : float, optional
        Instead of that of ``[optics]``.
    curation : path, optional
        Decisions about dots, instead of the ``curation.json`` beside each experiment.
    options, assignments
        Of `qdimage.steering.options.TargetOptions`: ``{"number": 20}``, ``"number=20"``.
    write : bool
    save_map : bool
        Write the map of `pairs` as ``stage_from_px`` into the field's ``experiment.toml``.

    Returns
    -------
    TargetsAnswer
        With the table; or with a refusal where no dot passes the rules.

    Raises
    ------
    FormatError, ConfigurationError
        If the run or the pairs cannot be read, or something asked for is not there.
    """
    from qdimage.config import build_options
    from qdimage.pipeline.targets import TargetRequest, find_targets
    from qdimage.pipeline.targets_output import save_map as save
    from qdimage.pipeline.targets_output import write_targets
    from qdimage.steering.options import TargetOptions

    answer = find_targets(
        Path(out),
        request=TargetRequest(
            voltage_v=voltage_v,
            device=device,
            fields=tuple(fields),
            dots=tuple(dots),
            pairs=None if pairs is None else Path(pairs),
            start_um=start_um,
            stage_z_um=stage_z_um,
            curation=None if curation is None else Path(curation),
        ),
        options=build_options(
            TargetOptions, options or {}, assignments=assignments, source="the options of targets"
        ),
    )
    if write:
        write_targets(answer)
    if save_map:
        save(answer)
    return answer


def attach_files(
    out: PathLike, source: PathLike, *, within_um: float = 0.5, allow_outside: bool = False
) -> "AttachAnswer":
    """Declare files that were measured at targets in the ``experiment.toml`` of their fields.

    Parameters
    ----------
    out : path
        Folder of the run, with its targets.
    source : path
        A folder of files that carry the names of targets (``d007_el_2.6V.ptu``); or a CSV file
        with the columns file, stage_x_um, stage_y_um, whose files are matched by place.
    within_um : float
        Largest distance of a target from a place.
    allow_outside : bool
        Declare files outside an experiment's folder too.

    Raises
    ------
    FormatError, ConfigurationError
        If there are no targets or files, or an experiment cannot be found or changed; then no
        experiment of a field is changed by half.
    """
    from qdimage.pipeline.targets_attach import attach_files

    return attach_files(Path(out), Path(source), within_um=within_um, allow_outside=allow_outside)


def check_targets(out: PathLike, measured: PathLike) -> "CheckAnswer":
    """Compare targets with places measured again: residuals, offset, rotation, scale, who is off.

    Parameters
    ----------
    out : path
        Folder of the run, with its targets; ``target_check.csv`` and ``stage_shifts.csv`` are
        written into it.
    measured : path
        CSV with target, stage_x_um, stage_y_um; or a list of POIs as qudi saves it.

    Raises
    ------
    FormatError, ConfigurationError
        If the file cannot be read, or names no target.
    """
    from qdimage.pipeline.targets_check import check_places

    return check_places(Path(out), Path(measured))


def correct_drift(
    out: PathLike,
    image: PathLike,
    *,
    field: str | None = None,
    exposure_s: float | None = None,
) -> "DriftAnswer":
    """Correct the targets of a field by one new PL image, or refuse with the reason.

    Parameters
    ----------
    out : path
        Folder of the run, with its targets, whose files are written anew.
    image : path
        A PL stack or frame, taken with the stage where it was for the field's PL.
    field : str, optional
        Needed where the targets are of several.
    exposure_s : float, optional
        Of a frame; else from the file, else that of the field's PL.

    Raises
    ------
    FormatError, ConfigurationError
        If the image cannot be read, or there are no targets in the field.
    """
    from qdimage.pipeline.targets_drift import correct_drift

    return correct_drift(Path(out), Path(image), field=field, exposure_s=exposure_s)
