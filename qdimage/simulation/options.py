"""Every quantity of a simulated experiment; the defaults follow the published measurement."""

import re
from typing import Literal, Self

from pydantic import field_validator, model_validator

from qdimage.domain.options import option
from qdimage.simulation.group import Group, refuse_disorder
from qdimage.simulation.histogram_options import HistogramOptions
from qdimage.simulation.iv_options import IvOptions
from qdimage.simulation.photon_options import DetectorOptions
from qdimage.simulation.spectrum_options import SpectrumFileOptions
from qdimage.simulation.time_tag_options import DotOptions, TimeTagOptions

_ASSIGNMENT = re.compile(r"[a-z_]+\.[a-z0-9_]+=.+")


class ExperimentOptions(Group):
    """What is recorded."""

    device: str = option("simulated-device", "name of the device", min_length=1)
    sample: str = option("device", "kind of sample: `device`, `quartz` or any word", min_length=1)
    batch: str | None = option(None, "name of the batch; none if empty")
    pmma_nm: float = option(12.0, "thickness of the PMMA layer, carried as a label", "nm", ge=0)
    imaging: bool = option(True, "record stacks; else time tags, histograms and spectra alone")
    n_fields: int = option(1, "areas of the device that are recorded", ge=1)
    voltages_v: tuple[float, ...] = option(
        (2.1, 2.2, 2.4, 2.6), "voltages at which EL is recorded", "V"
    )
    n_frames: int = option(20, "frames in each stack", ge=1)
    exposure_s: float = option(0.1, "exposure of each frame, without dead time", "s", gt=0)
    width_px: int = option(256, "columns of a frame", "px", ge=8)
    height_px: int = option(256, "rows of a frame", "px", ge=8)
    pixel_size_um: float = option(0.107, "pixel size in the sample plane", "um", gt=0)
    analysis: tuple[str, ...] = option(
        (), "analysis options that the experiment declares, each as `stage.option=value`"
    )

    @field_validator("voltages_v")
    @classmethod
    def _differ(cls, voltages: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(voltages)) != len(voltages):
            raise ValueError("the same voltage is listed twice; list each voltage once")
        return voltages

    @field_validator("analysis")
    @classmethod
    def _assign(cls, assignments: tuple[str, ...]) -> tuple[str, ...]:
        for each in assignments:
            if not _ASSIGNMENT.fullmatch(each):
                raise ValueError(f"found {each!r}, expected stage.option=value in TOML")
        return assignments


class SceneOptions(Group):
    """Which emitters there are."""

    density_per_um2: float = option(0.1, "quantum dots per area, placed at random", "1/um^2", ge=0)
    pl_dark_fraction: float = option(
        0.05, "share of the quantum dots that emit EL and no PL", ge=0, le=1
    )
    defect_density_per_um2: float = option(
        0.003, "EL-only defects per area, which are no quantum dots", "1/um^2", ge=0
    )


class PlOptions(Group):
    """Light under excitation."""

    median_photons_s: float = option(
        10000.0, "median PL of a dot at the camera, while it is on", "photons/s", gt=0
    )
    spread: float = option(0.4, "standard deviation of the logarithm of the dots' PL", ge=0, le=5)
    background_photons_px_s: float = option(
        100.0, "PL of the Poly-TPD layer where the excitation is brightest", "photons/px/s", ge=0
    )
    illumination_sigma_um: float = option(
        20.0, "standard deviation of the Gaussian excitation profile", "um", gt=0
    )
    illumination_offset_um: float = option(
        2.0, "distance of the profile's peak from the frame's centre, to the right", "um"
    )


class ElOptions(Group):
    """Light under voltage."""

    turn_on_median_v: float = option(2.4, "voltage at which half of the dots are lit", "V")
    turn_on_spread_v: float = option(
        0.15, "standard deviation of the dots' turn-on voltages", "V", ge=0
    )
    defect_turn_on_median_v: float = option(
        2.2, "voltage at which half of the EL-only defects are lit", "V"
    )
    onset_photons_s: float = option(
        1500.0, "median EL of a dot at its turn-on voltage, while it is on", "photons/s", gt=0
    )
    spread: float = option(0.4, "standard deviation of the logarithm of the dots' EL", ge=0, le=5)
    minimum_photons_s: float = option(
        500.0, "least EL of a dot at its turn-on voltage, while it is on", "photons/s", ge=0
    )
    rise_v: float = option(
        0.3, "increase of the voltage that multiplies a lit dot's EL by e", "V", gt=0
    )
    background_photons_px_s: float = option(
        0.0,
        "uniform EL of the Poly-TPD layer at the voltage at which half of the dots are lit; "
        "100 or more resembles a device without PMMA",
        "photons/px/s",
        ge=0,
    )
    background_rise_v: float = option(
        0.3, "increase of the voltage that multiplies the EL background by e", "V", gt=0
    )
    unrelated: bool = option(
        False, "take the EL stacks from another area: nothing in them belongs to the PL dots"
    )
    unlit: bool = option(False, "record the EL stacks from a device that does not emit")


class BlinkingOptions(Group):
    """Random telegraph switching of every emitter, in PL and EL."""

    on_fraction: float = option(
        0.9, "share of the time, in the long run, during which an emitter is on", gt=0, le=1
    )
    off_time_s: float = option(0.2, "mean duration of a dark interval", "s", ge=1e-4)


class GeometryOptions(Group):
    """How the EL frames lie to the PL frame; drawn anew for each field."""

    shift_min_px: float = option(3.0, "least displacement from PL to EL", "px", ge=0)
    shift_max_px: float = option(20.0, "greatest displacement from PL to EL", "px", ge=0)
    rotation_max_deg: float = option(0.3, "greatest rotation, either way", "deg", ge=0, le=45)
    scale_max: float = option(0.003, "greatest relative change of scale, either way", ge=0, le=0.2)
    radial_max_px: float = option(
        0.3, "greatest radial displacement at the frame's corner, either way", "px", ge=0
    )
    voltage_shift_max_px: float = option(
        0.3, "greatest further displacement of each EL channel", "px", ge=0
    )
    drift_px: float = option(
        0.3, "distance between the positions in a stack's first and last frame", "px", ge=0
    )
    declared: bool = option(
        False, "declare how the EL frames lie, as one does who knows it from a brighter device"
    )

    @model_validator(mode="after")
    def _shift_in_order(self) -> Self:
        refuse_disorder(self, "shift_min_px", "shift_max_px")
        return self


class PsfOptions(Group):
    """The image of a point."""

    kind: Literal["gaussian", "airy", "defocused"] = option(
        "gaussian", "shape: a Gaussian, an Airy pattern, or the scalar pupil integral with defocus"
    )
    width_factor: float = option(
        1.2, "width relative to that of a perfect objective, for each shape", gt=0
    )
    numerical_aperture: float = option(1.46, "of the objective", gt=0, lt=2)
    immersion_index: float = option(1.518, "refractive index of the immersion oil", gt=1)
    emission_nm: float = option(630.0, "wavelength of the emission", "nm", gt=0)
    defocus_nm: float = option(200.0, "distance from focus, for the shape `defocused`", "nm")

    @model_validator(mode="after")
    def _aperture_below_index(self) -> Self:
        if self.numerical_aperture >= self.immersion_index:
            raise ValueError(
                f"found numerical_aperture = {self.numerical_aperture}, expected less than "
                f"immersion_index = {self.immersion_index}; lower the one or raise the other"
            )
        return self


class OpticsOptions(Group):
    """Facts that the experiment declares and the images do not depend on."""

    collection_efficiency: float = option(
        0.08, "counts on the photon counters for each photon emitted", gt=0, le=1
    )
    camera_collection_efficiency: float = option(
        0.1, "photons at the camera for each photon emitted", gt=0, le=1
    )
    pinhole_um: float = option(
        0.5, "radius that the photon counters see in the sample plane", "um", gt=0
    )
    field_distance_um: float = option(
        60.0, "distance on the stage from one field to the next", "um", ge=0
    )


class CameraOptions(Group):
    """The EMCCD: photons in, ADU out."""

    quantum_efficiency: float = option(0.92, "photoelectrons for each photon", gt=0, le=1)
    clock_induced_charge_e: float = option(
        0.005, "clock-induced electrons for each pixel and frame", "electrons", ge=0, le=1000
    )
    em_gain: float = option(
        300.0, "mean gain of the multiplication register; 1 switches it off", ge=1
    )
    read_noise_e: float = option(
        45.0, "standard deviation of the read noise at the output", "electrons", ge=0
    )
    electrons_per_adu: float = option(12.3, "electrons at the output for one ADU", gt=0)
    bias_adu: float = option(200.0, "output without light", "ADU", ge=0)
    saturation_adu: int = option(
        65535, "ceiling of the analogue-to-digital converter", "ADU", gt=0, le=65535
    )

    @model_validator(mode="after")
    def _bias_below_ceiling(self) -> Self:
        refuse_disorder(self, "bias_adu", "saturation_adu")
        return self


class DefectOptions(Group):
    """Hot pixels and cosmic rays."""

    hot_pixel_fraction: float = option(
        1e-4, "share of the sensor's pixels that are hot, in every stack the same", ge=0, le=1
    )
    hot_pixel_electrons_s: float = option(
        300.0,
        "median dark current of a hot pixel, before multiplication",
        "electrons/s",
        ge=0,
        le=1e9,
    )
    hot_pixel_spread: float = option(
        0.7, "standard deviation of the logarithm of the hot pixels' dark current", ge=0, le=5
    )
    cosmic_rays_per_frame: float = option(0.02, "mean number of cosmic rays in a frame", ge=0)
    cosmic_electrons_min: float = option(
        1e3, "least charge that a cosmic ray leaves, before multiplication", "electrons", gt=0
    )
    cosmic_electrons_max: float = option(
        1e4, "greatest charge that a cosmic ray leaves, before multiplication", "electrons", gt=0
    )
    cosmic_track_px: float = option(3.0, "mean length of a cosmic ray's track", "px", ge=0, le=1000)

    @model_validator(mode="after")
    def _charge_in_order(self) -> Self:
        refuse_disorder(self, "cosmic_electrons_min", "cosmic_electrons_max")
        return self


class SimulateOptions(Group):
    """All of it, in groups."""

    experiment: ExperimentOptions = ExperimentOptions()
    scene: SceneOptions = SceneOptions()
    pl: PlOptions = PlOptions()
    el: ElOptions = ElOptions()
    blinking: BlinkingOptions = BlinkingOptions()
    geometry: GeometryOptions = GeometryOptions()
    psf: PsfOptions = PsfOptions()
    optics: OpticsOptions = OpticsOptions()
    camera: CameraOptions = CameraOptions()
    defects: DefectOptions = DefectOptions()
    photons: TimeTagOptions = TimeTagOptions()
    dot: DotOptions = DotOptions()
    histograms: HistogramOptions = HistogramOptions()
    spectra: SpectrumFileOptions = SpectrumFileOptions()
    detectors: DetectorOptions = DetectorOptions()
    iv: IvOptions = IvOptions()
