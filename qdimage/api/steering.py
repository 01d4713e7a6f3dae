"""Calls about the hand-off from the camera to the confocal arm."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdimage.api.arguments import PathLike

if TYPE_CHECKING:
    from qdimage.pipeline.targets import TargetsAnswer


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
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    write: bool = True,
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
    options, assignments
        Of `qdimage.steering.options.TargetOptions`: ``{"number": 20}``, ``"number=20"``.
    write : bool

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
        ),
        options=build_options(
            TargetOptions, options or {}, assignments=assignments, source="the options of targets"
        ),
    )
    if write:
        write_targets(answer)
    return answer
