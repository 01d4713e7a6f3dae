"""An experiment folder's declaration: the keys of ``experiment.toml``, validated once."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from qdimage.domain.curation import Curation, FieldKey

_SMALLEST_DETERMINANT = 1e-9
_Rows = tuple[tuple[float, float, float], tuple[float, float, float]]


def _invertible(rows: _Rows) -> _Rows:
    (a, b, _), (c, d, _) = rows
    if abs(a * d - b * c) <= _SMALLEST_DETERMINANT * (abs(a) + abs(b)) * (abs(c) + abs(d)):
        raise ValueError("the matrix maps the plane to a line; give one that can be inverted")
    return rows


Affine = Annotated[_Rows, AfterValidator(_invertible)]
Kind = Literal["pl", "el"]


class Declared(BaseModel):
    """Base of the declared tables: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_not_one(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what pydantic would take for the number 1, such as ``exposure_s = true``."""
        field = cls.model_fields[info.field_name or ""]
        if isinstance(value, bool) and field.annotation is not bool:
            raise ValueError("expected no truth value")
        return value


class ExperimentTable(Declared):
    """``[experiment]``"""

    name: str | None = Field(default=None, min_length=1)
    device: str | None = Field(default=None, min_length=1)
    batch: str | None = None
    sample: str = "device"
    pixel_size_um: float | None = Field(default=None, gt=0)


class DeviceTable(Declared):
    """``[device]``"""

    pmma_nm: float | None = Field(default=None, ge=0)


class CameraKeys(Declared):
    """The keys of ``[camera]``; any of them may also stand in a channel."""

    bias_adu: float | None = None
    electrons_per_adu: float | None = Field(default=None, gt=0)
    em_gain: float | None = Field(default=None, ge=1)
    quantum_efficiency: float | None = Field(default=None, gt=0, le=1)
    read_noise_e: float | None = Field(default=None, ge=0)
    clock_induced_charge_e: float | None = Field(default=None, ge=0)
    saturation_adu: float | None = Field(default=None, gt=0)


class CameraFileKeys(CameraKeys):
    """What a camera file may hold: the keys of the camera, and where its bias map is."""

    bias_map: str | None = Field(default=None, min_length=1)
    bias_map_binning: int = Field(default=1, ge=1)
    bias_map_offset_px: tuple[float, float] = (0.0, 0.0)


class CameraTable(CameraFileKeys):
    """``[camera]``"""

    file: str | None = None


class OpticsTable(Declared):
    """``[optics]``"""

    numerical_aperture: float | None = Field(default=None, gt=0, lt=2)
    emission_nm: float | None = Field(default=None, gt=0)
    collection_efficiency: float | None = Field(default=None, gt=0, le=1)
    camera_collection_efficiency: float | None = Field(default=None, gt=0, le=1)
    pinhole_um: float | None = Field(default=None, gt=0)
    stage_from_px: Affine | None = None
    stage_z_um: float | None = None


class ChannelTable(CameraKeys):
    """``[[channels]]``"""

    name: str = Field(min_length=1)
    kind: Kind
    stack: str = Field(min_length=1)
    exposure_s: float | None = Field(default=None, gt=0)
    voltage_v: float | None = None
    reference: bool = False
    excitation_power_uw: float | None = Field(default=None, ge=0)
    frames: tuple[int, int] | None = None
    frames_excluded: tuple[int, ...] = ()
    channel_index: int | None = Field(default=None, ge=0)
    binning: int = Field(default=1, ge=1)
    roi_offset_px: tuple[float, float] = (0.0, 0.0)
    acquired_at: str | None = None
    order: int | None = None
    transform: Affine | None = None
    pins: tuple[tuple[float, float, float, float], ...] = ()

    @model_validator(mode="after")
    def _voltage_of_el(self) -> Self:
        if self.kind == "el" and self.voltage_v is None:
            raise ValueError(f"channel {self.name!r} is EL and has no voltage_v")
        return self


class PhotonsTable(Declared):
    """``[[photons]]``"""

    file: str = Field(min_length=1)
    kind: Kind
    voltage_v: float | None = None
    x_px: float | None = None
    y_px: float | None = None
    x_um: float | None = None
    y_um: float | None = None
    excitation: Literal["cw", "pulsed"] | None = None
    detectors: tuple[int, int] | None = None
    duration_s: float | None = Field(default=None, gt=0)
    rate_counts_s: tuple[float, float] | None = None
    response_fwhm_ns: float | None = Field(default=None, gt=0)
    response_file: str | None = None
    dark_counts_s: tuple[float, float] | None = None
    background_file: str | None = None
    absorption_cross_section_cm2: float | None = Field(default=None, gt=0)
    excitation_power_density_w_cm2: float | None = Field(default=None, gt=0)
    excitation_nm: float | None = Field(default=None, gt=0)


class SpectrumTable(Declared):
    """``[[spectra]]``"""

    file: str = Field(min_length=1)
    scope: Literal["dot", "area"] = "dot"
    area_mm2: float | None = Field(default=None, gt=0)
    dark_file: str | None = Field(default=None, min_length=1)
    rows: tuple[int, int] | None = None
    kind: Kind
    voltage_v: float | None = None
    exposure_s: float | None = Field(default=None, gt=0)
    x_px: float | None = None
    y_px: float | None = None
    x_um: float | None = None
    y_um: float | None = None


class IvTable(Declared):
    """``[[iv]]``"""

    file: str = Field(min_length=1)
    area_mm2: float | None = Field(default=None, gt=0)
    voltage_column: str | None = Field(default=None, min_length=1)
    current_column: str | None = Field(default=None, min_length=1)
    time_column: str | None = Field(default=None, min_length=1)
    limit_a: float | None = Field(default=None, gt=0)


class DotParametersTable(Declared):
    """``[dot_parameters]``"""

    exciton_lifetime_ns: float | None = Field(default=None, gt=0)
    exciton_lifetime_err_ns: float | None = Field(default=None, ge=0)
    exciton_qy: float | None = Field(default=None, ge=0, le=1)
    exciton_qy_err: float | None = Field(default=None, ge=0)
    negative_trion_lifetime_ns: float | None = Field(default=None, gt=0)
    negative_trion_lifetime_err_ns: float | None = Field(default=None, ge=0)
    negative_trion_qy: float | None = Field(default=None, ge=0, le=1)
    negative_trion_qy_err: float | None = Field(default=None, ge=0)
    positive_trion_lifetime_ns: float | None = Field(default=None, gt=0)
    positive_trion_lifetime_err_ns: float | None = Field(default=None, ge=0)
    positive_trion_qy: float | None = Field(default=None, ge=0, le=1)
    positive_trion_qy_err: float | None = Field(default=None, ge=0)
    biexciton_lifetime_ns: float | None = Field(default=None, gt=0)
    biexciton_lifetime_err_ns: float | None = Field(default=None, ge=0)
    biexciton_qy: float | None = Field(default=None, ge=0, le=1)
    biexciton_qy_err: float | None = Field(default=None, ge=0)


class ExperimentFile(Declared):
    """The whole of ``experiment.toml``; `analysis` is validated by `qdimage.config`."""

    contract: Literal[1] = 1
    experiment: ExperimentTable = ExperimentTable()
    device: DeviceTable = DeviceTable()
    camera: CameraTable = CameraTable()
    optics: OpticsTable = OpticsTable()
    channels: tuple[ChannelTable, ...] = ()
    photons: tuple[PhotonsTable, ...] = ()
    spectra: tuple[SpectrumTable, ...] = ()
    iv: tuple[IvTable, ...] = ()
    dot_parameters: DotParametersTable = DotParametersTable()
    analysis: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_reference(self) -> Self:
        names = [channel.name for channel in self.channels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two channels are named {twice[0]!r}; names must differ")
        if self.channels and len(self._references()) != 1:
            raise ValueError(
                f"found {len(self._references())} reference channels among {len(self.channels)}; "
                "declare one channel of kind 'pl', or mark one with reference = true"
            )
        return self

    @model_validator(mode="after")
    def _reference_is_pl(self) -> Self:
        marked = [each.name for each in self.channels if each.reference and each.kind == "el"]
        if marked:
            raise ValueError(
                f"the reference channel {marked[0]!r} is EL; mark a channel of kind 'pl'"
            )
        return self

    def _references(self) -> list[ChannelTable]:
        marked = [channel for channel in self.channels if channel.reference]
        return marked or [channel for channel in self.channels if channel.kind == "pl"]

    @property
    def reference(self) -> ChannelTable:
        """The PL channel in whose pixels the field is described."""
        return self._references()[0]

    @property
    def el_channels(self) -> tuple[ChannelTable, ...]:
        """EL channels in order of voltage, then name."""
        el = [channel for channel in self.channels if channel.kind == "el"]
        return tuple(sorted(el, key=lambda channel: (channel.voltage_v or 0.0, channel.name)))


class Experiment(Declared):
    """One field: its declaration, and where it was found.

    Attributes
    ----------
    path : pathlib.Path
        The ``experiment.toml``.
    name, device : str
        Declared, or the folder's and its parent's name.
    declared : ExperimentFile
    curation : Curation
        What a person decided about its dots.
    curation_path : pathlib.Path or None
        Where that was read; None for nowhere.
    """

    path: Path
    name: str
    device: str
    declared: ExperimentFile
    curation: Curation = Curation()
    curation_path: Path | None = None

    @property
    def key(self) -> FieldKey:
        """Device and name."""
        return FieldKey(self.device, self.name)

    @property
    def folder(self) -> Path:
        """The folder that relative paths refer to."""
        return self.path.parent
