"""Targets after the sample has moved: one new PL image, registered to the field's."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qdimage.config import AnalysisOptions, build_options
from qdimage.domain.camera import CAMERA_KEYS
from qdimage.domain.experiment import CameraKeys, ChannelTable
from qdimage.domain.flags import flag_bits
from qdimage.domain.localizations import Localizations
from qdimage.domain.refusal import Refusal
from qdimage.domain.target_tables import STAGE_SHIFTS
from qdimage.domain.transform import Transform
from qdimage.errors import ConfigurationError
from qdimage.io.table_file import write_table
from qdimage.pipeline.finished import FinishedRun, read_run
from qdimage.pipeline.registration import Found, Registered, register_channels
from qdimage.pipeline.single import locate_stack
from qdimage.pipeline.tables import as_frame
from qdimage.pipeline.targets_attach import targets_of
from qdimage.pipeline.targets_output import read_maps, write_places

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

_NEW = "new image"


@dataclass(frozen=True)
class DriftAnswer:
    """Where the targets are now, or why that cannot be said.

    Attributes
    ----------
    table : pandas.DataFrame
        The table `targets`, corrected; as it was where refused.
    summary : pandas.DataFrame
        The table `stage_shifts`, one row.
    answer : Registered or Refusal
        Of the new image on the field's PL.
    """

    table: "pd.DataFrame"
    summary: "pd.DataFrame"
    answer: Registered | Refusal


def correct_drift(
    out: Path, image: Path, *, field: str | None = None, exposure_s: float | None = None
) -> DriftAnswer:
    """Correct the targets of a field for what a new image shows, and write their files anew.

    The image is taken with the stage where it was for the field's PL. Corrections do not add up:
    each starts from the field's own pixels.

    Parameters
    ----------
    out : pathlib.Path
        Folder of the run, with its targets.
    image : pathlib.Path
        A PL stack, or one frame.
    field : str, optional
        Needed where the targets are of several.
    exposure_s : float, optional
        Of a frame; else from the file, else that of the field's PL.

    Raises
    ------
    FormatError, ConfigurationError
        If the image cannot be read, or there are no targets in the field.
    """
    targets = targets_of(out)
    device, name = _one_field(targets, field)
    run = read_run(out, names=("channels", "localizations"))
    maps = read_maps(out)
    own = (targets["device"] == device) & (targets["field"] == name)
    answer = _registered(run, device, name, image, exposure_s)
    summary: dict[str, Any] = {
        "device": device,
        "field": name,
        "check": "image",
        "file": image.name,
        "status": "ok",
        "message": "",
    }
    if isinstance(answer, Refusal):
        summary |= {"status": "refused", "message": answer.reason}
    else:
        stage = maps[device, name].stage
        before = stage.apply(_positions(targets[own]))
        targets = _moved(targets, own, answer, maps[device, name].source, stage, image.name)
        summary |= _shift(answer, before, targets[own], stage.pixel_um)
        write_places(out, targets)
    frame = as_frame([summary], STAGE_SHIFTS)
    write_table(frame, STAGE_SHIFTS, out)
    return DriftAnswer(targets, frame, answer)


def _one_field(targets: "pd.DataFrame", field: str | None) -> tuple[str, str]:
    fields = list(dict.fromkeys(zip(targets["device"], targets["field"], strict=True)))
    chosen = [each for each in fields if field in (None, each[1])]
    if len(chosen) != 1:
        listed = ", ".join("/".join(each) for each in fields)
        raise ConfigurationError(
            f"the targets are of {listed}, expected one field that the image shows; name it with "
            "--field"
        )
    return chosen[0]


def _positions(rows: "pd.DataFrame") -> Array:
    return np.asarray(rows[["x_px", "y_px"]].to_numpy(float))


def _registered(
    run: FinishedRun, device: str, field: str, image: Path, exposure_s: float | None
) -> Registered | Refusal:
    """The new image on the field's PL, as in a run."""
    channels = run.tables["channels"]
    here = (channels["device"] == device) & (channels["field"] == field)
    reference = channels[here & channels["reference"].fillna(False).to_numpy(bool)].iloc[0]
    recorded = next(
        each for each in run.record["fields"] if (each["device"], each["field"]) == (device, field)
    )
    options = build_options(
        AnalysisOptions, recorded.get("options") or {}, source=f"the options of {field}"
    )
    psf_sigma_px = float(reference["psf_sigma_px"])
    located = locate_stack(
        image,
        camera=_camera(reference),
        camera_source="the run",
        exposure_s=exposure_s or _exposure_s(image, float(reference["exposure_s"])),
        options=options,
        psf_sigma_px=psf_sigma_px,
    )
    found = run.tables["localizations"]
    own = (found["device"] == device) & (found["field"] == field)
    fixed = _localizations(found[own & (found["channel"] == reference["channel"])], psf_sigma_px)
    shape = int(reference["height_px"]), int(reference["width_px"])
    answers = register_channels(
        {_NEW: (ChannelTable(name=_NEW, kind="pl", stack="-"), Found(located.dots, located.shape))},
        (ChannelTable(name="PL", kind="pl", stack="-"), Found(fixed, shape)),
        options=options.register,
    )
    return answers[_NEW]


def _exposure_s(image: Path, reference_s: float) -> float:
    from qdimage.io import open_stack

    with open_stack(image) as stack:
        return float(stack.metadata.get("exposure_s", reference_s))


def _camera(reference: "pd.Series[Any]") -> CameraKeys:
    """The camera as the run used it; what it estimated from the stack is estimated anew."""
    from qdimage.image.calibration import ESTIMATED

    sources = dict(
        each.strip().partition(": ")[::2] for each in str(reference["camera_sources"]).split(";")
    )
    known = {
        key: float(reference[key])
        for key in CAMERA_KEYS
        if reference[key] == reference[key] and ESTIMATED not in sources.get(key, "")
    }
    return CameraKeys(**known)


def _localizations(rows: "pd.DataFrame", psf_sigma_px: float) -> Localizations:
    def numbers(name: str) -> Array:
        return np.asarray(rows[name].to_numpy(np.float64, na_value=np.nan))

    return Localizations(
        numbers("x_px"),
        numbers("y_px"),
        numbers("x_err_px"),
        numbers("y_err_px"),
        numbers("photons_s"),
        numbers("photons_err_s"),
        numbers("background_photons_px_s"),
        numbers("sigma_px"),
        numbers("false_alarm_p"),
        np.array([flag_bits(str(each)) for each in rows["flags"]], np.int64),
        psf_sigma_px,
    )


def _moved(
    targets: "pd.DataFrame",
    own: "pd.Series[bool]",
    answer: Registered,
    source: str,
    stage: Any,
    image: str,
) -> "pd.DataFrame":
    """The table with one field's stage coordinates as the new image has them."""
    moved = targets.copy()
    in_field = _positions(targets[own])
    errors = targets.loc[own, ["x_err_px", "y_err_px"]].to_numpy(float)
    now, covariance = in_new_image(answer.registration.transform, in_field, errors)
    at = stage.apply(now)
    spread = stage.position_covariance(now, covariance)
    moved.loc[own, "stage_x_um"], moved.loc[own, "stage_y_um"] = at[:, 0], at[:, 1]
    moved.loc[own, "stage_x_err_um"] = np.sqrt(spread[:, 0, 0])
    moved.loc[own, "stage_y_err_um"] = np.sqrt(spread[:, 1, 1])
    moved.loc[own, "stage_source"] = f"{source}; drift of {image}"
    moved = moved.sort_values("order", ignore_index=True)
    places = moved[["stage_x_um", "stage_y_um"]].to_numpy(float)
    moved.loc[1:, "step_um"] = np.hypot(*np.diff(places, axis=0).T)
    return moved


def in_new_image(transform: Transform, places: Array, errors: Array) -> tuple[Array, Array]:
    """Positions of field places in the new image, and their covariance."""
    now = transform.inverse(places)
    of_map = transform.position_covariance(now)
    back = np.linalg.inv(transform.matrix[:, :2])
    own = np.einsum("ni,ij->nij", errors**2, np.eye(2))
    return now, np.asarray(np.einsum("ik,nkl,jl->nij", back, of_map + own, back))


def _shift(
    answer: Registered, before: Array, rows: "pd.DataFrame", pixel_um: float
) -> Mapping[str, Any]:
    """How far, and how turned, the targets are from where they were in the field's PL."""
    found = answer.registration
    after = rows[["stage_x_um", "stage_y_um"]].to_numpy(float)
    offset = np.mean(after - before, axis=0)
    linear = np.linalg.inv(found.transform.matrix[:, :2])
    middle = _positions(rows).mean(axis=0, keepdims=True)
    err = np.sqrt(np.trace(found.transform.position_covariance(middle)[0]) / 2)
    return {
        "n_places": found.n_inliers,
        "n_off": 0,
        "offset_x_um": offset[0],
        "offset_y_um": offset[1],
        "offset_err_um": err * pixel_um,
        "rotation_deg": float(
            np.rad2deg(np.arctan2(linear[1, 0] - linear[0, 1], linear[0, 0] + linear[1, 1]))
        ),
        "scale": float(np.sqrt(abs(np.linalg.det(linear)))),
        "rms_um": found.rms_px * pixel_um,
        "left_um": found.rms_px * pixel_um,
        "message": answer.note,
    }
