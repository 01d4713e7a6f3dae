"""What is wrong with a declared spectrum, before anything is fitted to it."""

from collections.abc import Iterator
from functools import partial

from qdimage.domain.experiment import Experiment, SpectrumTable
from qdimage.domain.refusal import Failure, Refusal
from qdimage.pipeline.attempt import attempt
from qdimage.pipeline.spectrum import cleaned_file
from qdimage.pipeline.spectrum_files import settings_of
from qdimage.spectra.options import SpectrumOptions


def spectrum_errors_and_warnings(
    experiment: Experiment, declared: SpectrumTable, options: SpectrumOptions
) -> tuple[list[str], list[str]]:
    """Read a spectrum and its dark, and return what stops its analysis and what does not."""
    read = attempt(
        partial(
            cleaned_file,
            experiment.folder / declared.file,
            settings=settings_of(experiment, declared),
            options=options,
        ),
        f"{experiment.name}, {declared.file}",
    )
    if isinstance(read, Failure):
        return [read.reason], []
    spectrum, cleaned = read
    if isinstance(cleaned, Refusal):
        return [cleaned.reason], []
    warnings = [*spectrum.warnings, *([cleaned.warning] if cleaned.warning else [])]
    warnings += _not_declared(declared, spectrum.exposure_s)
    return [], [f"{declared.file}: {each}" for each in warnings]


def _not_declared(declared: SpectrumTable, exposure_s: float | None) -> Iterator[str]:
    if declared.kind == "el" and declared.voltage_v is None:
        yield "voltage_v is not declared, so that it is in no series"
    if declared.scope == "area" and declared.area_mm2 is None:
        yield "area_mm2 is not declared, so that there is no light per area"
    if exposure_s is None:
        yield "exposure_s is not declared and not in the file, so that there is no light per second"
