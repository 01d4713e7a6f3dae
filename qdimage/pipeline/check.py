"""Reading every input of every field, analysing nothing."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from qdimage.config import AnalysisOptions, build_options
from qdimage.domain.experiment import ChannelTable, Experiment, PhotonsTable, SpectrumTable
from qdimage.domain.refusal import Failure
from qdimage.errors import QdimageError
from qdimage.io.experiment_file import check_distinct, find_experiments, read_experiment
from qdimage.pipeline.attempt import attempt
from qdimage.pipeline.channel import read_channel
from qdimage.pipeline.comparison import plan_comparison
from qdimage.pipeline.iv import read_iv
from qdimage.pipeline.photons import read_photons
from qdimage.pipeline.spectrum_check import spectrum_errors_and_warnings

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Finding:
    """Something wrong with an input: an `error` stops its analysis, a `warning` does not."""

    experiment: str
    severity: Literal["error", "warning"]
    message: str


@dataclass(frozen=True)
class CheckResult:
    """What was read, and what is wrong with it.

    Attributes
    ----------
    n_fields, n_stacks, n_photon_files, n_spectra : int
        Declarations, stacks, time-tag files and histograms, and spectra that were looked at.
    findings : tuple of Finding
    """

    n_fields: int
    n_stacks: int
    n_photon_files: int
    n_spectra: int
    findings: tuple[Finding, ...]

    @property
    def n_errors(self) -> int:
        """How many findings stop an analysis."""
        return sum(finding.severity == "error" for finding in self.findings)


def check_inputs(
    paths: Iterable[Path], *, allow_outside: bool, progress: Progress | None = None
) -> CheckResult:
    """Read every declaration, every frame of every stack, every photon and every spectrum.

    Raises
    ------
    FormatError
        If a path holds no experiment.
    """
    findings: list[Finding] = []
    experiments: list[Experiment] = []
    options: dict[Path, AnalysisOptions] = {}
    paths = list(paths)
    files = find_experiments(paths)
    for path in files:
        try:
            experiment = read_experiment(path, allow_outside=allow_outside)
            layer = experiment.declared.analysis
            options[path] = build_options(AnalysisOptions, layer, source=f"{path}, analysis")
        except QdimageError as error:
            findings.append(Finding(str(path), "error", str(error)))
        else:
            experiments.append(experiment)
    findings += _same_names(experiments)
    findings += _expectations(paths, allow_outside)
    n_stacks = sum(len(each.declared.channels) for each in experiments)
    n_photon_files = sum(len(each.declared.photons) for each in experiments)
    n_spectra = sum(len(each.declared.spectra) for each in experiments)
    done, total = 0, n_stacks + n_photon_files + n_spectra
    for experiment in experiments:
        findings += _check_iv(experiment)
        declared = experiment.declared
        if not (declared.channels or declared.photons or declared.spectra or declared.iv):
            message = "no channel, time tags or spectrum is declared; add [[channels]]"
            findings.append(Finding(str(experiment.path), "error", message))
        for channel in experiment.declared.channels:
            findings += _check_stack(experiment, channel, options[experiment.path])
            done += 1
            if progress is not None:
                progress(f"{experiment.name}: {channel.name}", done, total)
        for photons in experiment.declared.photons:
            findings += _check_photons(experiment, photons)
            done += 1
            if progress is not None:
                progress(f"{experiment.name}: {photons.file}", done, total)
        for spectrum in experiment.declared.spectra:
            findings += _check_spectrum(experiment, spectrum, options[experiment.path])
            done += 1
            if progress is not None:
                progress(f"{experiment.name}: {spectrum.file}", done, total)
    return CheckResult(len(files), n_stacks, n_photon_files, n_spectra, tuple(findings))


def _same_names(experiments: list[Experiment]) -> list[Finding]:
    try:
        check_distinct(sorted(experiments, key=lambda each: (each.device, each.name)))
    except QdimageError as error:
        return [Finding(str(experiments[0].path), "error", str(error))]
    return []


def _expectations(paths: list[Path], allow_outside: bool) -> list[Finding]:
    try:
        plan_comparison(paths, allow_outside=allow_outside)
    except QdimageError as error:
        return [Finding(", ".join(map(str, paths)), "error", str(error))]
    return []


def _check_stack(
    experiment: Experiment, channel: ChannelTable, options: AnalysisOptions
) -> list[Finding]:
    where = str(experiment.path)
    read = attempt(
        lambda: read_channel(experiment, channel, options=options.image),
        f"{experiment.name}, {channel.name}",
    )
    if isinstance(read, Failure):
        return [Finding(where, "error", f"{channel.name}: {read.reason}")]
    unit, contradiction = read.image.noise.unit, read.image.noise_message
    messages = [contradiction] if contradiction else []
    if unit != "photons":
        messages.append(f"fluxes will be in {unit}; complete the camera's keys in [camera]")
    return [Finding(where, "warning", f"{channel.name}: {each}") for each in messages]


def _check_photons(experiment: Experiment, declared: PhotonsTable) -> Iterator[Finding]:
    where = str(experiment.path)
    found = attempt(
        lambda: read_photons(
            experiment.folder / declared.file,
            duration_s=declared.duration_s,
            rate_counts_s=declared.rate_counts_s,
        ),
        f"{experiment.name}, {declared.file}",
    )
    if isinstance(found, Failure):
        yield Finding(where, "error", found.reason)
    else:
        for warning in found:
            yield Finding(where, "warning", f"{declared.file}: {warning}")


def _check_iv(experiment: Experiment) -> Iterator[Finding]:
    where = str(experiment.path)
    for declared in experiment.declared.iv:
        found = attempt(
            partial(read_iv, experiment, declared), f"{experiment.name}, {declared.file}"
        )
        if isinstance(found, Failure):
            yield Finding(where, "error", found.reason)
            continue
        for warning in found.warnings:
            yield Finding(where, "warning", f"{declared.file}: {warning}")
        if declared.area_mm2 is None:
            message = f"{declared.file}: area_mm2 is not declared, so that there is no efficiency"
            yield Finding(where, "warning", message)


def _check_spectrum(
    experiment: Experiment, declared: SpectrumTable, options: AnalysisOptions
) -> list[Finding]:
    errors, warnings = spectrum_errors_and_warnings(experiment, declared, options.spectrum)
    where = str(experiment.path)
    return [
        *(Finding(where, "error", each) for each in errors),
        *(Finding(where, "warning", each) for each in warnings),
    ]
