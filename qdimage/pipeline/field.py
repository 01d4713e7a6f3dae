"""One field: its channels measured and registered, and the EL flux of every PL dot."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from qdimage.config import AnalysisOptions
from qdimage.domain.experiment import ChannelTable, Experiment
from qdimage.domain.field_psf import FieldPsf
from qdimage.domain.localizations import Localizations
from qdimage.domain.matches import Matches
from qdimage.domain.overlap_light import OverlapLight
from qdimage.domain.photometry import ForcedPhotometry
from qdimage.domain.refusal import Failure, Refusal
from qdimage.domain.transform import Transform
from qdimage.io.image_file import write_image
from qdimage.match.faint import flag_faint
from qdimage.match.pairing import match
from qdimage.match.photometry import forced_photometry
from qdimage.pipeline.attempt import attempt
from qdimage.pipeline.camera import camera_files
from qdimage.pipeline.channel import MeasuredChannel, channel_pixel_um, measure_channel
from qdimage.pipeline.channel_light import channel_light
from qdimage.pipeline.channel_row import channel_row
from qdimage.pipeline.curated_field import CuratedDots, curate_field
from qdimage.pipeline.iv import IvAnswer, analyse_iv, failed_iv
from qdimage.pipeline.kept_steps import KeptSteps, StepDone, file_marks
from qdimage.pipeline.names import image_path
from qdimage.pipeline.photon_files import (
    PhotonWork,
    Rows,
    analyse_photon_files,
    begin_photon_files,
    failed_photon_files,
)
from qdimage.pipeline.registration import Found, Registered, register_channels
from qdimage.pipeline.spectrum_files import analyse_spectra, failed_spectra

Progress = Callable[[str], None]
# What waits for each channel's image and dots.
Started = Mapping[str, Callable[[], MeasuredChannel]]


@dataclass(frozen=True)
class ElResult:
    """The EL fluxes of a registered channel.

    Attributes
    ----------
    matches : Matches
        Of the channel's dots to the PL dots.
    photometry : ForcedPhotometry
        At every PL dot.
    light : OverlapLight or None
        Of the whole channel within the field.
    """

    matches: Matches
    photometry: ForcedPhotometry
    light: OverlapLight | None = None


@dataclass(frozen=True)
class ChannelResult:
    """What became of one channel; its pixels are no longer held.

    Attributes
    ----------
    declared : ChannelTable
    row : dict
        Of the table `channels`.
    dots : Localizations or Failure
    exposure_s : float
        NaN where the stack failed.
    pixel_um : float or None
        Size of the channel's pixel; None where not known.
    signal_unit : str
    registered : Registered, Refusal, Failure or None
        None for a PL channel.
    el : ElResult, Failure or None
        None unless registered.
    """

    declared: ChannelTable
    row: dict[str, Any]
    dots: Localizations | Failure
    exposure_s: float
    pixel_um: float | None
    signal_unit: str
    registered: Registered | Refusal | Failure | None = None
    el: ElResult | Failure | None = None


@dataclass(frozen=True)
class FieldResult:
    """Everything that one field gives before fields are looked at together.

    Attributes
    ----------
    experiment : Experiment
    options : AnalysisOptions
    reference : ChannelResult or None
        The PL channel; None where none is declared.
    others : tuple of ChannelResult
        Further PL channels, and the EL channels in order of voltage.
    photons : mapping of str to list of dict
        Rows of the time-tag files, of spectra and of I-V files, by table.
    curated : CuratedDots or None
        The PL dots; None where there is no image of them.
    steps : tuple of StepDone
        What was done for it, and what an earlier run had done.
    iv : tuple of IvAnswer
        Of the I-V files that could be read.
    """

    experiment: Experiment
    options: AnalysisOptions
    reference: ChannelResult | None
    others: tuple[ChannelResult, ...]
    photons: Rows
    curated: CuratedDots | None = None
    steps: tuple[StepDone, ...] = ()
    iv: tuple[IvAnswer, ...] = ()

    @property
    def channels(self) -> tuple[ChannelResult, ...]:
        """All channels, the reference first."""
        return (*((self.reference,) if self.reference else ()), *self.others)

    @property
    def el(self) -> tuple[ChannelResult, ...]:
        """The EL channels in order of voltage."""
        return tuple(each for each in self.others if each.declared.kind == "el")


@dataclass(frozen=True)
class Located(Found):
    """Dots of one channel with what turns them into rows of a table.

    Attributes
    ----------
    exposure_s : float
    pixel_um : float or None
    signal_unit : str
    """

    exposure_s: float
    pixel_um: float | None
    signal_unit: str


@dataclass(frozen=True)
class RegisteredField:
    """The dots of every channel of a field, and how its EL channels lie on its reference.

    Attributes
    ----------
    experiment : Experiment
    found : mapping of str to (Located or Failure)
        By channel, the reference first.
    answers : mapping of str to (Registered, Refusal or Failure)
        By EL channel.
    """

    experiment: Experiment
    found: Mapping[str, Located | Failure]
    answers: Mapping[str, Registered | Refusal | Failure]


def analyse_field(
    experiment: Experiment,
    *,
    number: int,
    options: AnalysisOptions,
    out: Path,
    steps: KeptSteps | None = None,
    progress: Progress = lambda _: None,
) -> FieldResult:
    """Analyse one field; what fails keeps its place and stops nothing else.

    Parameters
    ----------
    experiment : Experiment
    number : int
        Of the field in the run; names its files.
    options : AnalysisOptions
    out : pathlib.Path
        Folder that receives ``images/`` and ``curves/``.
    steps : KeptSteps, optional
        Where steps are computed and kept.
    progress : callable
        Called with a text after each channel and each file.
    """
    steps = steps or KeptSteps()
    reference: ChannelResult | None = None
    others: tuple[ChannelResult, ...] = ()
    curated: CuratedDots | None = None
    work = _Work(experiment, number, options, out, progress, steps)
    first = work.start_reference()
    begun = begin_photon_files(experiment, options, steps)
    if first:
        reference, others, curated = _analyse_channels(work, first)
    photons = PhotonWork(
        experiment,
        number,
        options,
        out,
        curated.dots if curated is not None else None,
        reference.pixel_um if reference is not None else None,
        steps,
    )
    currents, iv = analyse_iv(experiment, number=number, options=options.series, out=out)
    rows = {
        **analyse_photon_files(photons, begun, progress),
        **analyse_spectra(photons),
        **currents,
    }
    return FieldResult(experiment, options, reference, others, rows, curated, tuple(steps.log), iv)


def _analyse_channels(
    work: "_Work", first: Started
) -> tuple[ChannelResult, tuple[ChannelResult, ...], CuratedDots | None]:
    """Measure and register every channel; the reference comes first, then the others.

    Registration rests on the dots as they were found; everything later on what a person made of
    them.
    """
    reference, further = work.experiment.declared.reference, _further(work.experiment)
    fixed, measured, registered = _measure_and_register(work, first)
    curated, kept = None, fixed
    if isinstance(fixed, MeasuredChannel):
        experiment = work.experiment
        dots = flag_faint(fixed.dots, work.options.match.faint_share)
        curated = curate_field(fixed.image, dots, experiment.curation.of_field(experiment.key))
        kept = replace(fixed, dots=curated.dots)
    fluxes = {
        channel.name: work.start_fluxes(
            channel, measured[channel.name], registered.get(channel.name), kept
        )
        for channel in further
    }
    others = tuple(
        work.finish(
            channel, measured[channel.name], registered.get(channel.name), fluxes[channel.name]
        )
        for channel in further
    )
    return work.finish(reference, fixed, None, None), others, curated


def _measure_and_register(
    work: "_Work", first: Started
) -> tuple[
    MeasuredChannel | Failure,
    dict[str, MeasuredChannel | Failure],
    dict[str, Registered | Refusal | Failure],
]:
    """Return the reference and the other channels as measured, and the EL channels' transforms."""
    reference = work.experiment.declared.reference
    fixed = work.wait(first)[reference.name]
    psf = fixed.dots.field_psf if isinstance(fixed, MeasuredChannel) else None
    started = {
        each.name: work.start_measuring(each, _scaled(psf, reference, each))
        for each in _further(work.experiment)
    }
    measured = work.wait(started)
    return fixed, measured, work.register(measured, fixed)


def _further(experiment: Experiment) -> tuple[ChannelTable, ...]:
    """All channels but the reference, PL first, then EL in order of voltage."""
    declared = experiment.declared
    further = [
        each for each in declared.channels if each.kind == "pl" and each != declared.reference
    ]
    return (*further, *declared.el_channels)


def register_field(
    experiment: Experiment, *, options: AnalysisOptions, progress: Progress = lambda _: None
) -> RegisteredField:
    """Localize and register every channel of a field, and go no further.

    Parameters
    ----------
    experiment : Experiment
        With at least one channel.
    options : AnalysisOptions
    progress : callable
        Called with a text after each channel.
    """
    work = _Work(experiment, 0, options, Path(), progress, KeptSteps())
    fixed, measured, registered = _measure_and_register(work, work.start_reference())
    declared = {channel.name: channel for channel in experiment.declared.channels}
    every = {experiment.declared.reference.name: fixed, **measured}
    found = {
        name: _located(experiment, declared[name], each)
        if isinstance(each, MeasuredChannel)
        else each
        for name, each in every.items()
    }
    return RegisteredField(experiment, found, registered)


def _located(experiment: Experiment, channel: ChannelTable, measured: MeasuredChannel) -> Located:
    return Located(
        measured.dots,
        measured.shape,
        measured.image.exposure_s,
        channel_pixel_um(experiment, channel, measured.pixel_size_um),
        measured.image.noise.unit,
    )


def failed_field(experiment: Experiment, options: AnalysisOptions, reason: str) -> FieldResult:
    """Return a field of which nothing could be computed."""
    failure = Failure(reason)
    results = [
        ChannelResult(
            channel,
            channel_row(experiment, channel, failure, image_file=""),
            failure,
            float("nan"),
            None,
            "",
            failure if channel.kind == "el" else None,
        )
        for channel in experiment.declared.channels
    ]
    photons = {
        **failed_photon_files(experiment, reason),
        **failed_spectra(experiment, reason),
        **failed_iv(experiment, reason),
    }
    if not results:
        return FieldResult(experiment, options, None, (), photons)
    reference = experiment.declared.reference
    first = next(each for each in results if each.declared == reference)
    others = sorted(
        (each for each in results if each is not first),
        key=lambda each: (each.declared.kind == "el", each.declared.voltage_v or 0.0),
    )
    return FieldResult(experiment, options, first, tuple(others), photons)


def _scaled(
    psf: FieldPsf | None, reference: ChannelTable, channel: ChannelTable
) -> FieldPsf | None:
    """The reference's image of a point in the channel's pixels."""
    return None if psf is None else psf.scaled(reference.binning / channel.binning)


class _Work:
    """What the steps of one field share."""

    def __init__(
        self,
        experiment: Experiment,
        number: int,
        options: AnalysisOptions,
        out: Path,
        progress: Progress,
        steps: KeptSteps,
    ) -> None:
        self.experiment = experiment
        self.number = number
        self.options = options
        self.out = out
        self.progress = progress
        self.steps = steps
        # By channel: what its image and dots rest on.
        self.rests_on: dict[str, list[Any]] = {}
        # Channels that were registered together: one may have failed that does not the next time.
        self.together: list[str] = []

    def start_reference(self) -> Started:
        """Begin to measure the reference, where channels are declared."""
        if not self.experiment.declared.channels:
            return {}
        reference = self.experiment.declared.reference
        return {reference.name: self.start_measuring(reference, None)}

    def wait(self, started: Started) -> dict[str, MeasuredChannel | Failure]:
        """Return the channels as measured, or why that failed."""
        measured: dict[str, MeasuredChannel | Failure] = {}
        for name, answer in started.items():
            what = f"{self.experiment.name}, {name}"
            measured[name] = attempt(answer, what)
            self.progress(what)
        return measured

    def start_measuring(
        self, channel: ChannelTable, psf: FieldPsf | None
    ) -> Callable[[], MeasuredChannel]:
        """Begin to measure a channel with its expected image of a point."""
        rests_on = self.rests_on[channel.name] = self._image_rests_on(channel, psf)
        measure = partial(
            measure_channel,
            self.experiment,
            channel,
            options=self.options,
            psf=psf,
        )
        what = f"{self.experiment.name}, {channel.name}"
        return self.steps.start("localize", what, rests_on, measure)

    def _image_rests_on(self, channel: ChannelTable, psf: FieldPsf | None) -> list[Any]:
        declared, options = self.experiment.declared, self.options
        rests_on = [declared.camera, declared.optics, channel, options.image, options.localize]
        files = [channel.stack, *camera_files(self.experiment)]
        return [
            [each.model_dump(mode="json") for each in rests_on],
            declared.experiment.pixel_size_um,
            None if psf is None else asdict(psf),
            file_marks(self.experiment.folder, files),
        ]

    def register(
        self, measured: Mapping[str, MeasuredChannel | Failure], fixed: MeasuredChannel | Failure
    ) -> dict[str, Registered | Refusal | Failure]:
        """Register every EL channel, or say why it has no transform."""
        el = {channel.name: channel for channel in self.experiment.declared.el_channels}
        reference = self.experiment.declared.reference
        if isinstance(fixed, Failure):
            reason = f"the reference {reference.name!r} failed: {fixed.reason}"
            return dict.fromkeys(el, Failure(reason))
        found = {
            name: (channel, Found(each.dots, each.shape))
            for name, channel in el.items()
            if isinstance(each := measured[name], MeasuredChannel)
        }
        what = f"{self.experiment.name}, registration"
        register = partial(
            register_channels,
            found,
            (reference, Found(fixed.dots, fixed.shape)),
            options=self.options.register,
        )
        self.together = sorted(found)
        rests_on = self._transforms_rest_on()
        answers = attempt(lambda: self.steps.do("register", what, rests_on, register), what)
        if isinstance(answers, Failure):
            return dict.fromkeys(el, answers)
        failed = {name: each for name in el if isinstance(each := measured[name], Failure)}
        return {**answers, **failed}

    def start_fluxes(
        self,
        channel: ChannelTable,
        measured: MeasuredChannel | Failure,
        registered: Registered | Refusal | Failure | None,
        fixed: MeasuredChannel | Failure,
    ) -> "Callable[[], ElResult] | None":
        """Begin to measure the fluxes of a registered channel; None where it is not registered."""
        if not (
            isinstance(measured, MeasuredChannel)
            and isinstance(registered, Registered)
            and isinstance(fixed, MeasuredChannel)
        ):
            return None
        measure = partial(
            measure_fluxes, measured, fixed, registered.registration.transform, self.options
        )
        what = f"{self.experiment.name}, {channel.name}, photometry"
        return self.steps.start("photometry", what, self._fluxes_rest_on(channel), measure)

    def _transforms_rest_on(self) -> list[Any]:
        return [self.rests_on, self.together, self.options.register.model_dump(mode="json")]

    def finish(
        self,
        channel: ChannelTable,
        measured: MeasuredChannel | Failure,
        registered: Registered | Refusal | Failure | None,
        fluxes: "Callable[[], ElResult] | None",
    ) -> ChannelResult:
        """Wait for a channel's fluxes, keep its image on disk, and let its pixels go."""
        if isinstance(measured, Failure):
            row = channel_row(self.experiment, channel, measured, image_file="")
            return ChannelResult(channel, row, measured, float("nan"), None, "", registered)
        index = self.experiment.declared.channels.index(channel)
        file = image_path(self.number, self.experiment.name, index, channel.name)
        image = measured.image
        write_image(self.out / file, np.where(image.usable, image.mean, np.nan) / image.exposure_s)
        what = f"{self.experiment.name}, {channel.name}, photometry"
        el = None if fluxes is None else attempt(fluxes, what)
        return ChannelResult(
            channel,
            channel_row(self.experiment, channel, measured, image_file=file),
            measured.dots,
            image.exposure_s,
            channel_pixel_um(self.experiment, channel, measured.pixel_size_um),
            image.noise.unit,
            registered,
            el,
        )

    def _fluxes_rest_on(self, channel: ChannelTable) -> list[Any]:
        options, experiment = self.options, self.experiment
        return [
            channel.name,
            self._transforms_rest_on(),
            repr(experiment.curation.of_field(experiment.key)),
            options.match.model_dump(mode="json"),
            options.seed,
        ]


def measure_fluxes(
    measured: MeasuredChannel,
    fixed: MeasuredChannel,
    transform: Transform,
    options: AnalysisOptions,
) -> ElResult:
    """Match a channel's dots to the PL dots, and measure the flux at each of these.

    Parameters
    ----------
    measured, fixed : MeasuredChannel
        The EL channel; the reference with the dots as a person left them.
    transform : Transform
        Channel px to field px.
    options : AnalysisOptions
    """
    systematic_px = options.register.systematic_error_px
    matches = match(
        measured.dots,
        fixed.dots,
        transform,
        gate_probability=options.match.gate_probability,
        systematic_px=systematic_px,
        fixed_shape=fixed.shape,
    )
    photometry = forced_photometry(
        measured.image,
        fixed.dots,
        transform,
        measured.dots,
        matches,
        options=options.match,
        systematic_px=systematic_px,
        seed=options.seed,
    )
    light = channel_light(measured, fixed, transform, matches, photometry)
    return ElResult(matches, photometry, light)
