"""The public calls. The command line and the plugin use nothing else."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

# Each call imports what it needs, so that a short one does not wait for numba and pandas.
if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from qdimage.config import AnalysisOptions
    from qdimage.domain.curation import Curation
    from qdimage.domain.experiment import CameraKeys
    from qdimage.domain.g2_curve import G2Curve
    from qdimage.domain.refusal import Refusal
    from qdimage.io.table_file import TableFormat
    from qdimage.pipeline.check import CheckResult
    from qdimage.pipeline.curation import Judged, JudgedDots, MatchedCuration
    from qdimage.pipeline.declare import Declaration
    from qdimage.pipeline.dot_knowledge import DotKnowledge
    from qdimage.pipeline.finished import FinishedRun
    from qdimage.pipeline.g2 import G2Answer
    from qdimage.pipeline.lifetime import LifetimeAnswer
    from qdimage.pipeline.model_choice import ModelSettings, PumpIs
    from qdimage.pipeline.model_decay import DecayPrediction
    from qdimage.pipeline.model_scan import ModelScan
    from qdimage.pipeline.photons import Method
    from qdimage.pipeline.prediction import Prediction
    from qdimage.pipeline.rate_fit import CurveToFit, FileToFit, RateFitAnswer
    from qdimage.pipeline.registration import Registered
    from qdimage.pipeline.run import Plan, RunResult
    from qdimage.pipeline.single import LocatedStack, StackSource
    from qdimage.pipeline.spectrum import SpectrumAnswer
    from qdimage.pipeline.trace import TraceAnswer
    from qdimage.rates.el import Overflow

Progress = Callable[[str, int, int], None]
PathLike = str | os.PathLike[str]

__all__ = [
    "check",
    "correlate",
    "curate",
    "curated_dots",
    "decay_model",
    "draw_model",
    "draw_spectra",
    "empty_tables",
    "fit_rates",
    "follow_g2",
    "g2",
    "init",
    "lifetime",
    "locate",
    "match_curation",
    "model",
    "options",
    "plan",
    "read_curation",
    "read_run",
    "register",
    "report",
    "run",
    "same_dots",
    "scan_model",
    "simulate",
    "spectrum",
    "trace",
    "write_curation",
    "write_tables",
]


def plan(
    paths: PathLike | Iterable[PathLike],
    *,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    allow_outside: bool = False,
    curation: "PathLike | Curation | None" = None,
) -> "Plan":
    """Say what `run` would analyse, reading the declarations alone.

    Parameters
    ----------
    paths : path or iterable of paths
        Folders; every ``experiment.toml`` in and below them is a field.
    options : mapping, optional
        Analysis options nested as in TOML, such as ``{"localize": {"max_rounds": 2}}``; they win
        over those of the experiments.
    assignments : sequence of str
        ``"stage.option=value"``; they win over everything.
    allow_outside : bool
        Accept paths that leave an experiment's folder.
    curation : path or Curation, optional
        What a person decided about dots; instead of the ``curation.json`` beside each experiment.

    Raises
    ------
    FormatError, ConfigurationError
        If no declaration can be read, or an option or the curation is wrong.
    """
    from qdimage.pipeline.run import plan_run

    if isinstance(curation, str | os.PathLike):
        curation = Path(curation)

    return plan_run(
        _paths(paths),
        overrides=options or {},
        assignments=assignments,
        allow_outside=allow_outside,
        curation=curation,
    )


def run(
    paths: PathLike | Iterable[PathLike],
    out: PathLike,
    *,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    allow_outside: bool = False,
    curation: "PathLike | Curation | None" = None,
    table_format: "TableFormat" = "csv",
    workers: int = 1,
    resume: bool = False,
    progress: Progress | None = None,
) -> "RunResult":
    """Analyse every field found; write tables, pictures and a report.

    Parameters
    ----------
    paths, options, assignments, allow_outside, curation
        As in `plan`.
    out : path
        New, empty, or the output of an earlier run, which is replaced once all is there.
    table_format : {"csv", "parquet"}
    workers : int
        Processes, each with a field of its own; tables do not depend on it. A script that asks for
        more than one has to guard its start with ``if __name__ == "__main__":``, since the
        processes import it.
    resume : bool
        Keep each finished field in `out` until all are there, and go on with those that an
        interrupted run has kept there, as far as files, options and qdimage are the same.
    progress : callable, optional
        Called as ``progress(what, done, total)``.

    Returns
    -------
    RunResult
        With the tables as data frames, and what failed.

    Raises
    ------
    FormatError, ConfigurationError
        If nothing can be analysed. A stack that cannot be read raises nothing: it has the status
        `failed` in the tables, and is named in ``RunResult.failures``.

    Examples
    --------
    >>> import qdimage
    >>> result = qdimage.run("sample_stacks/demo_device", "results")  # doctest: +SKIP
    >>> result.tables["turn_on"]  # doctest: +SKIP
    """
    from qdimage.pipeline.run import run_plan
    from qdimage.reporting.build import build_report

    planned = plan(
        paths,
        options=options,
        assignments=assignments,
        allow_outside=allow_outside,
        curation=curation,
    )
    return run_plan(
        planned,
        Path(out),
        table_format=table_format,
        workers=workers,
        resume=resume,
        progress=progress,
        finish=build_report,
    )


def check(
    paths: PathLike | Iterable[PathLike],
    *,
    allow_outside: bool = False,
    progress: Progress | None = None,
) -> "CheckResult":
    """Read every input of every field and say what is wrong with it, analysing nothing.

    Raises
    ------
    FormatError
        If a path holds no experiment.
    """
    from qdimage.pipeline.check import check_inputs

    return check_inputs(_paths(paths), allow_outside=allow_outside, progress=progress)


def init(
    folder: PathLike,
    *,
    ask: Callable[[str], str] | None = None,
    answers: Mapping[str, Mapping[str, str | float]] | None = None,
) -> "Declaration":
    """Write ``experiment.toml`` into a folder of stacks, from file names and metadata.

    Parameters
    ----------
    folder : path
    ask : callable, optional
        Called with a question where something cannot be found; returns "" for no answer.
    answers : mapping of str to mapping, optional
        By the file's name of a stack: ``kind``, ``voltage_v``, ``exposure_s``, ``pixel_size_um``,
        where they are known beforehand.

    Raises
    ------
    FormatError, ConfigurationError
        If the folder holds no stack, or is declared already.
    """
    from qdimage.pipeline.declare import declare_experiment

    return declare_experiment(Path(folder), ask=ask, answers=answers)


def locate(
    stack: "StackSource",
    *,
    camera: Mapping[str, float] | PathLike | None = None,
    exposure_s: float | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    psf_sigma_px: float | None = None,
    **selection: Any,
) -> "LocatedStack":
    """Localize the dots of one stack.

    Parameters
    ----------
    stack : path or ndarray, shape (t, y, x) or (y, x)
        ADU.
    camera : mapping or path, optional
        Keys of ``[camera]``, or a file with them; they win over the file's metadata.
    exposure_s : float, optional
        Of one frame; from the file's metadata where not given.
    options, assignments
        As in `plan`.
    psf_sigma_px : float, optional
        Expected width of a dot; measured where the stack has bright dots.
    **selection
        ``channel_index``, ``frames``, ``frames_excluded``.

    Raises
    ------
    FormatError, ConfigurationError
        If the stack cannot be read, or its exposure is not known.
    """
    from qdimage.pipeline.single import locate_stack

    keys, source = _camera(camera)
    return locate_stack(
        stack,
        camera=keys,
        camera_source=source,
        exposure_s=exposure_s,
        options=_options(options, assignments),
        psf_sigma_px=psf_sigma_px,
        selection=selection,
    )


def register(
    pl: "StackSource | LocatedStack",
    el: "StackSource | LocatedStack",
    *,
    camera: Mapping[str, float] | PathLike | None = None,
    exposure_s: float | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
) -> "Registered | Refusal":
    """Find the transform from an EL stack's pixels to a PL stack's, or refuse.

    Parameters
    ----------
    pl, el : path, ndarray or LocatedStack
    camera, exposure_s, options, assignments
        As in `locate`, for both stacks.

    Returns
    -------
    Registered or Refusal
        A refusal says why the dots' agreement could be chance.
    """
    from qdimage.pipeline.single import LocatedStack, register_stacks

    if not isinstance(pl, LocatedStack):
        pl = locate(
            pl, camera=camera, exposure_s=exposure_s, options=options, assignments=assignments
        )
    if not isinstance(el, LocatedStack):
        el = locate(
            el,
            camera=camera,
            exposure_s=exposure_s,
            options=options,
            assignments=assignments,
            psf_sigma_px=pl.dots.psf_sigma_px,
        )
    return register_stacks(pl, el, options=_options(options, assignments))


def g2(
    file: PathLike,
    *,
    detectors: tuple[int, int] = (0, 1),
    bin_ns: float = 0.512,
    longest_ns: float = 500.0,
    response_fwhm_ns: float = 0.0,
    delay_ns: float | None = None,
    period_ns: float | None = None,
    dark_counts_s: tuple[float, float] = (0.0, 0.0),
    duration_s: float | None = None,
    rate_counts_s: tuple[float, float] | None = None,
    window_s: tuple[float, float] | None = None,
    bright_only: bool = False,
    excitation: Literal["cw", "pulsed"] | None = None,
    background_file: PathLike | None = None,
    response_file: PathLike | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
) -> "G2Answer":
    """Correlate a time-tag file, or read a histogram, and find g2(0) with its intervals.

    Parameters
    ----------
    file : path
        ``.ptu``; or ``.phu``, or ``.csv`` with the columns lag_ns,counts.
    detectors : (int, int)
        Numbered from 0 in the order of the device's inputs.
    bin_ns, longest_ns : float
        Bins and reach of the correlation.
    response_fwhm_ns : float
        Of the two detectors together.
    delay_ns : float, optional
        Of the second detector; found in the curve where not given.
    period_ns : float, optional
        Between pulses; else of the sync, or found in the coincidences.
    dark_counts_s : (float, float)
        For the background-corrected value.
    duration_s, rate_counts_s : optional
        Of a histogram whose file does not state them.
    window_s : (float, float), optional
        Only photons from the first of these times on, and before the second.
    bright_only : bool
        Only photons while the emitter was on, as `trace` finds it; refused where it finds none.
    excitation : {"cw", "pulsed"}, optional
        None: pulsed where there is a period, given, of the sync, or found in the curve.
    background_file : path, optional
        Time tags without the emitter; their rates are the dark counts.
    response_file : path, optional
        Histogram of coincidences of short pulses, instead of the response's width.
    options, assignments
        As in `plan`; those of ``g2`` count, and of ``trace`` for what is bright.

    Returns
    -------
    G2Answer
        With the curve, and the value or the reason why there is none.

    Raises
    ------
    FormatError, ConfigurationError
        If the file cannot be read, or the settings make no sense.
    """
    from qdimage.pipeline.g2 import G2Settings, g2_of_file

    settings = G2Settings(
        detectors,
        bin_ns,
        longest_ns,
        response_fwhm_ns,
        delay_ns,
        period_ns,
        dark_counts_s,
        duration_s,
        rate_counts_s,
        window_s,
        bright_only,
        excitation,
        None if background_file is None else Path(background_file),
        None if response_file is None else Path(response_file),
    )
    analysis = _options(options, assignments)
    return g2_of_file(
        Path(file), settings=settings, options=analysis.g2, trace_options=analysis.trace
    )


def follow_g2(
    file: PathLike,
    *,
    show: "Callable[[G2Answer], None]",
    stopped: Callable[[], bool] = lambda: False,
    until_width: float | None = None,
    idle_s: float = 30.0,
    every_s: float = 5.0,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    **settings: Any,
) -> "G2Answer":
    """Find g2(0) of a time-tag file while it is being recorded.

    Parameters
    ----------
    file : path
        ``.ptu``, ``.pt2``, ``.pt3``, ``.ht2`` or ``.ht3``.
    show : callable
        Called with the answer so far, every `every_s` seconds at most.
    stopped : callable
        Ends it when True.
    until_width : float, optional
        End when the 95 % interval of g2(0) is not wider.
    idle_s : float
        End when the file has not grown for so long; it also ends when the recorder has closed it.
    options, assignments, settings
        As for `g2`, but for ``window_s`` and ``bright_only``, which are refused.

    Returns
    -------
    G2Answer
        The last one; that of `g2` for the finished file, unless it was stopped before.

    Raises
    ------
    FormatError, ConfigurationError
        As for `g2`.
    """
    from qdimage.pipeline.follow import FollowSettings, follow_g2
    from qdimage.pipeline.g2 import G2Settings

    for name in ("background_file", "response_file"):
        if settings.get(name) is not None:
            settings[name] = Path(settings[name])
    return follow_g2(
        Path(file),
        settings=G2Settings(**settings),
        options=_options(options, assignments).g2,
        follow=FollowSettings(every_s, idle_s, until_width),
        show=show,
        stopped=stopped,
    )


def correlate(
    file: PathLike,
    *,
    detectors: tuple[int, int] = (0, 1),
    bin_ns: float = 0.512,
    longest_ns: float = 500.0,
    method: "Method" = "all pairs",
    bins_per_decade: int = 10,
    window_s: tuple[float, float] | None = None,
    workers: int = 1,
) -> tuple["G2Curve", list[str]]:
    """Count pairs of photons by their delay, exactly.

    Parameters
    ----------
    file : path
        Time tags.
    detectors, bin_ns, longest_ns, method, bins_per_decade, window_s, workers
        As in `qdimage.pipeline.photons.correlate_file`.

    Returns
    -------
    G2Curve
    list of str
        What was wrong with the file and could be passed over.

    Raises
    ------
    FormatError, ConfigurationError
        In one line, what is wrong with the file or the settings, and what to do.
    """
    from qdimage.pipeline.photons import correlate_file

    return correlate_file(
        Path(file),
        detectors=detectors,
        bin_ns=bin_ns,
        longest_ns=longest_ns,
        method=method,
        bins_per_decade=bins_per_decade,
        window_s=window_s,
        workers=workers,
    )


def trace(
    file: PathLike,
    *,
    detectors: tuple[int, int] = (0, 1),
    bin_s: float = 0.01,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
) -> "TraceAnswer":
    """Find the levels of a time-tag file's intensity, and how long the emitter is on and off.

    Parameters
    ----------
    file : path
        Time tags.
    detectors : (int, int)
        Numbered from 0 in the order of the device's inputs.
    bin_s : float
        Width of a bin of the trace; steps are found in the arrivals, not in the bins.
    options, assignments
        As in `plan`; those of ``trace`` count.

    Returns
    -------
    TraceAnswer
        With the trace, its levels, and its blinking, each or the reason why there is none.

    Raises
    ------
    FormatError, ConfigurationError
        If the file cannot be read, or the settings make no sense.
    """
    from qdimage.pipeline.trace import TraceSettings, trace_of_file

    settings = TraceSettings(detectors, bin_s)
    return trace_of_file(
        Path(file), settings=settings, options=_options(options, assignments).trace
    )


def lifetime(
    file: PathLike,
    *,
    irf: PathLike | None = None,
    response_fwhm_ns: float | None = None,
    period_ns: float | None = None,
    components: int | None = None,
    detectors: Sequence[int] | None = None,
    bin_ns: float | None = None,
    window_s: tuple[float, float] | None = None,
    mean_excitations: float | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
) -> "LifetimeAnswer":
    """Find the lifetimes of a decay after pulses, with their intervals.

    Parameters
    ----------
    file : path
        Time tags; or a decay as ``.phu``, or as ``.csv`` with the columns time_ns,counts.
    irf : path, optional
        The response as it was measured, in any of these formats.
    response_fwhm_ns : float, optional
        Of a Gaussian response, 0 for none; its width is fitted where neither is given.
    period_ns : float, optional
        Between pulses; from the file where not given. T2 time tags need it, to three digits.
    components : int, optional
        Exponentials, 1 ... 3; chosen by evidence where not given.
    detectors : sequence of int, optional
        Numbered from 0 in the order of the device's inputs; all where not given.
    bin_ns : float, optional
    window_s : (float, float), optional
        Only photons from the first of these times on, and before the second.
    mean_excitations : float, optional
        Excitons that a pulse makes on average.
    options, assignments
        As in `plan`; those of ``lifetime`` count.

    Returns
    -------
    LifetimeAnswer
        With the decay, and its lifetimes or the reason why there are none.

    Raises
    ------
    FormatError, ConfigurationError
        If a file cannot be read, or the settings make no sense.
    """
    from qdimage.pipeline.lifetime import LifetimeSettings, lifetime_of_file

    settings = LifetimeSettings(
        detectors=None if detectors is None else tuple(detectors),
        bin_ns=bin_ns,
        period_ns=period_ns,
        components=components,
        response_fwhm_ns=response_fwhm_ns,
        response_file=None if irf is None else Path(irf),
        window_s=window_s,
        mean_excitations=mean_excitations,
    )
    analysis = _options(options, assignments)
    return lifetime_of_file(Path(file), settings=settings, options=analysis.lifetime)


def spectrum(
    file: PathLike,
    *,
    against: PathLike | None = None,
    dark: PathLike | None = None,
    rows: tuple[int, int] | None = None,
    exposure_s: float | None = None,
    turn_on_v: float | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
) -> "SpectrumAnswer":
    """Find the line of a spectrum and the light in its bands, with errors and limits.

    Parameters
    ----------
    file : path
        ``.asc``, ``.sif``, ``.spe``, ``.txt`` or ``.csv``.
    against : path, optional
        Spectrum of the same dot to compare with, as of PL.
    dark : path, optional
        Spectrum without light, which is subtracted.
    rows : (int, int), optional
        Half-open range of the rows of an image, or tracks, that are summed.
    exposure_s : float, optional
        Of all frames; from the file where not given.
    turn_on_v : float, optional
        Voltage at which the dot begins to emit; gives how far below the photon's energy that is.
    options, assignments
        As in `plan`; those of ``spectrum`` count.

    Returns
    -------
    SpectrumAnswer
        With the spectrum, and its line and bands or the reason why there are none.

    Raises
    ------
    FormatError, ConfigurationError
        If a file cannot be read, or the settings make no sense.
    """
    from dataclasses import replace

    from qdimage.pipeline.spectrum import SpectrumSettings, compare_answers, spectrum_of_file

    settings = SpectrumSettings(
        dark=None if dark is None else Path(dark),
        rows=rows,
        exposure_s=exposure_s,
        turn_on_v=turn_on_v,
    )
    analysis = _options(options, assignments)
    found = spectrum_of_file(Path(file), settings=settings, options=analysis.spectrum)
    if against is None:
        return found
    other = spectrum_of_file(
        Path(against), settings=SpectrumSettings(rows=rows), options=analysis.spectrum
    )
    return replace(found, against=Path(against), comparison=compare_answers(found, other))


def draw_spectra(found: "Sequence[SpectrumAnswer]", file: PathLike) -> None:
    """Draw what `spectrum` found into a file, one spectrum below the other.

    Parameters
    ----------
    found : sequence of SpectrumAnswer
        At most 12.
    file : path
        ``.png``, ``.svg`` or ``.pdf``.

    Raises
    ------
    ConfigurationError
        If the file's name ends otherwise, or there are none or too many.
    """
    from qdimage.reporting.spectrum_figures import write_spectra

    write_spectra(found, Path(file))


def model(
    kind: str | None = None,
    *,
    lags_ns: Sequence[float] = (0.0,),
    lines: Sequence[str] | None = None,
    against: Sequence[str] | None = None,
    response_fwhm_ns: float = 0.0,
    bin_ns: float = 0.0,
    background_share: float = 0.0,
    sensitivity: bool = False,
    **settings: Any,
) -> "Prediction":
    """Return what a rate model predicts, without data.

    Parameters
    ----------
    kind : {"pl", "pl-charged", "el"}, optional
        Or ``model_file``.
    lags_ns : sequence of float
    lines, against : sequence of str, optional
        Count the photons of these lines only, such as ``["X"]``; correlate them with those of
        other lines.
    response_fwhm_ns, bin_ns : float
        Response of the pair of detectors, and width of the bins, over which g2 is averaged.
    background_share : float
        Of each detector's counts, those that come at random.
    sensitivity : bool
        Add the derivatives of g2(0) and brightness by every parameter.
    **settings
        ``model_file``, a TOML file with a model of one's own; ``dot``, a mapping or a file with
        lifetimes and yields as in ``[dot_parameters]``, as published where not stated;
        ``pump_per_us``; for EL ``electron_rate_per_us`` and ``hole_rate_per_us`` in its place, or
        ``pump_is`` ("each" or "sum") and ``hole_to_electron``; ``coulomb``, ``coulomb_x``,
        ``coulomb_attraction``, ``coulomb_repulsion``, ``coulomb_table``, see
        `qdimage.rates.coulomb`; ``carriers``, ``overflow``, ``count_trions``, see
        `qdimage.rates.el.el_model`; ``parameters``, a mapping with values of any of the model's
        parameters, which win.

    Raises
    ------
    ConfigurationError, FormatError
        If a rate or a parameter is missing or wrong.
    """
    from qdimage.pipeline.model_choice import choose_model
    from qdimage.pipeline.prediction import Seen, predict

    seen = Seen(
        lags_ns,
        lines,
        against,
        response_fwhm_ns,
        bin_ns,
        background_share,
        sensitivity,
    )
    return predict(choose_model(_model_settings(kind, **settings)), seen)


def decay_model(
    kind: str | None = None,
    *,
    times_ns: Sequence[float],
    pulse_pairs: float | None = None,
    start: Mapping[str, float] | None = None,
    lines: Sequence[str] | None = None,
    response_fwhm_ns: float = 0.0,
    bin_ns: float = 0.0,
    **settings: Any,
) -> "DecayPrediction":
    """Return the light of a rate model after a pulse, when nothing drives it any more.

    Parameters
    ----------
    kind, lines, **settings
        As in `model`; no pump is needed.
    times_ns : sequence of float
        From the pulse on.
    pulse_pairs, start
        One of them: mean number of pairs that the pulse brings, Poisson distributed; or the
        populations of states.
    response_fwhm_ns, bin_ns : float
        Response of the detector, and width of the bins, over which the light is averaged.

    Raises
    ------
    ConfigurationError, FormatError
        If a parameter is wrong, or the model does not say where a pulse leads.
    """
    from qdimage.pipeline.model_choice import choose_model
    from qdimage.pipeline.model_decay import predict_decay

    return predict_decay(
        choose_model(_model_settings(kind, **settings), pumped=False),
        times_ns,
        pairs=pulse_pairs,
        start=start,
        lines=lines,
        response_fwhm_ns=response_fwhm_ns,
        bin_ns=bin_ns,
    )


def scan_model(
    kind: str | None = None,
    *,
    pumps_per_us: Sequence[float] | None = None,
    hole_to_electron_ratios: Sequence[float] | None = None,
    parameter: tuple[str, Sequence[float]] | None = None,
    beside_pl: bool = False,
    lines: Sequence[str] | None = None,
    **settings: Any,
) -> "ModelScan":
    """Return g2(0) and brightness of a rate model over a range of one number.

    Parameters
    ----------
    kind, lines, **settings
        As in `model`.
    pumps_per_us, hole_to_electron_ratios, parameter
        One of them: pump rates; ratios of the injection rates at one pump; a parameter's name and
        its values.
    beside_pl : bool
        With `pumps_per_us`: add the three-state PL model of the same dot.

    Raises
    ------
    ConfigurationError, FormatError
        If it is not one range, or a rate or a parameter is missing or wrong.
    """
    from qdimage.errors import ConfigurationError
    from qdimage.pipeline.model_choice import choose_model
    from qdimage.pipeline.model_scan import scan_parameter, scan_pump, scan_ratio

    if sum(each is not None for each in (pumps_per_us, hole_to_electron_ratios, parameter)) != 1:
        raise ConfigurationError(
            "expected one range; give either --scan, or --scan-ratio, or --scan with "
            "--scan-parameter"
        )
    pumped = pumps_per_us is None
    if parameter is not None:
        # The range itself gives a value to what would else be missing.
        given = {**(settings.get("parameters") or {}), parameter[0]: parameter[1][0]}
        settings["parameters"] = given
    chosen = choose_model(_model_settings(kind, **settings), pumped=pumped)
    if parameter is not None:
        return scan_parameter(chosen, *parameter, lines=lines)
    if hole_to_electron_ratios is not None:
        return scan_ratio(chosen, hole_to_electron_ratios, lines=lines)
    models = [chosen]
    if beside_pl:
        pl = _model_settings("pl", dot=settings.get("dot"))
        models.append(choose_model(pl, pumped=False))
    return scan_pump(models, pumps_per_us or (), lines=lines)


def draw_model(found: "Prediction | ModelScan | DecayPrediction", file: PathLike) -> None:
    """Draw what `model`, `scan_model` or `decay_model` found into a file.

    Parameters
    ----------
    found : Prediction, ModelScan or DecayPrediction
    file : path
        ``.png`` or ``.svg``.

    Raises
    ------
    ConfigurationError
        If the file's name ends otherwise.
    """
    from qdimage.reporting.model_figures import write_figure

    write_figure(found, Path(file))


def _model_settings(
    kind: str | None,
    *,
    model_file: PathLike | None = None,
    dot: Mapping[str, float] | PathLike | None = None,
    pump_per_us: float | None = None,
    electron_rate_per_us: float | None = None,
    hole_rate_per_us: float | None = None,
    hole_to_electron: float = 1.0,
    pump_is: "PumpIs" = "each",
    coulomb: str = "exp",
    coulomb_x: float | None = None,
    coulomb_attraction: float | None = None,
    coulomb_repulsion: float | None = None,
    coulomb_table: Mapping[int, float] | None = None,
    carriers: int = 6,
    overflow: "Overflow" = "recombine",
    count_trions: bool = True,
    parameters: Mapping[str, float] | None = None,
) -> "ModelSettings":
    from qdimage.pipeline.model_choice import ModelSettings

    return ModelSettings(
        kind=kind,
        model_file=None if model_file is None else Path(model_file),
        dot=_dot_knowledge(dot).dot,
        pump_per_us=pump_per_us,
        electron_per_us=electron_rate_per_us,
        hole_per_us=hole_rate_per_us,
        hole_to_electron=hole_to_electron,
        pump_is=pump_is,
        coulomb=coulomb,
        coulomb_parameters={
            "x": coulomb_x,
            "attraction": coulomb_attraction,
            "repulsion": coulomb_repulsion,
            "table": coulomb_table,
        },
        carriers=carriers,
        overflow=overflow,
        count_trions=count_trions,
        parameters=parameters or {},
    )


def fit_rates(
    curves: "PathLike | G2Curve | Iterable[PathLike | G2Curve]",
    *,
    kind: str,
    voltage_v: float | Sequence[float] | None = None,
    dot: "Mapping[str, float] | PathLike | DotKnowledge | None" = None,
    efficiency: float | None = None,
    on_fraction: float = 1.0,
    pump_per_us: float | None = None,
    absorption_cross_section_cm2: float | None = None,
    excitation_power_density_w_cm2: float | None = None,
    excitation_nm: float | None = None,
    detectors: tuple[int, int] = (0, 1),
    bin_ns: float = 0.512,
    longest_ns: float = 500.0,
    response_fwhm_ns: float = 0.0,
    delay_ns: float | None = None,
    dark_counts_s: tuple[float, float] = (0.0, 0.0),
    duration_s: float | None = None,
    rate_counts_s: tuple[float, float] | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
) -> "list[RateFitAnswer]":
    """Fit injection or pump rates of a rate model to g2 curves of one dot.

    Several curves are fitted jointly: own rates for each, one set of dot parameters for all.

    Parameters
    ----------
    curves : path, G2Curve, or iterable of them
        Files are correlated as in `g2`.
    kind : {"pl", "el"}
    voltage_v : float or sequence of float, optional
        Of all curves, or of each.
    dot : mapping or path, optional
        Lifetimes and yields, as in ``[dot_parameters]``; those with an error enter as priors.
    efficiency : float, optional
        Counts per emitted photon.
    on_fraction : float
        Share of the time that the dot is on.
    pump_per_us : float, optional
        PL: pump rate, if it is known.
    absorption_cross_section_cm2, excitation_power_density_w_cm2, excitation_nm : float, optional
        PL: all three together give the pump rate.
    detectors, bin_ns, longest_ns, response_fwhm_ns, delay_ns, dark_counts_s, duration_s
        As in `g2`.
    rate_counts_s, options, assignments
        As in `g2`; options of ``rates`` and ``g2`` count.

    Returns
    -------
    list of RateFitAnswer
        One for each curve: the fit, or the reason why there is none.

    Raises
    ------
    FormatError, ConfigurationError
        If a file cannot be read, or the settings make no sense.
    """
    from qdimage.errors import ConfigurationError
    from qdimage.pipeline.g2 import G2Settings
    from qdimage.pipeline.rate_fit import FileToFit, fit_curves, pump_rate_per_us

    if kind not in ("pl", "el"):
        raise ConfigurationError(f"found the kind {kind!r}, expected 'pl' or 'el'; correct it")
    built = _options(options, assignments)
    given = [curves] if not isinstance(curves, Iterable) or isinstance(curves, str) else curves
    sources: list[Any] = list(given)
    voltages = _each_voltage(voltage_v, len(sources))
    pump = pump_rate_per_us(
        absorption_cross_section_cm2=absorption_cross_section_cm2,
        excitation_power_density_w_cm2=excitation_power_density_w_cm2,
        excitation_nm=excitation_nm,
    )
    settings = G2Settings(
        detectors,
        bin_ns,
        longest_ns,
        response_fwhm_ns,
        delay_ns,
        None,
        dark_counts_s,
        duration_s,
        rate_counts_s,
    )
    shared: dict[str, Any] = {
        "efficiency": efficiency,
        "on_fraction": on_fraction,
        "pump_per_us": pump if pump_per_us is None else pump_per_us,
    }
    files = [
        FileToFit(Path(), settings, kind, voltage_v=voltage, **shared)  # type: ignore[arg-type]
        for voltage in voltages
    ]
    to_fit = [
        _curve_to_fit(source, file, number, built)
        for number, (source, file) in enumerate(zip(sources, files, strict=True), start=1)
    ]
    return fit_curves(to_fit, dot=_dot_knowledge(dot), options=built.rates)


def simulate(
    out: PathLike,
    *,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Path]:
    """Write a simulated device with its ground truth.

    Parameters
    ----------
    out : path
        New or empty folder.
    options : mapping, optional
        Options of the simulator, nested as in its recipe.
    assignments : sequence of str
        ``"group.option=value"``.
    seed : int
        The same options and seed give the same bytes on one machine.
    progress : callable, optional
        Called as ``progress(what, done, total)``.

    Returns
    -------
    list of pathlib.Path
        The fields' folders.
    """
    from qdimage.config import build_options
    from qdimage.simulation.experiment import simulate_experiment
    from qdimage.simulation.options import SimulateOptions

    built = build_options(
        SimulateOptions, options or {}, assignments=assignments, source="the simulator's options"
    )
    return simulate_experiment(Path(out), options=built, seed=seed, progress=progress)


def read_run(out: PathLike) -> "FinishedRun":
    """Read the record and the tables of a finished run.

    Raises
    ------
    FormatError
        If the folder holds no finished run, or a table of it is damaged.
    """
    from qdimage.pipeline.finished import read_run

    return read_run(Path(out))


def empty_tables() -> dict[str, "pd.DataFrame"]:
    """Return every table of a run without a row, by name."""
    from qdimage.pipeline.finished import empty_tables

    return empty_tables()


def write_tables(
    tables: "Mapping[str, pd.DataFrame]", folder: PathLike, *, table_format: "TableFormat" = "csv"
) -> tuple[Path, ...]:
    """Write every table of a run, as `run` does, and return the files.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        All of them, by name; from `run`, `read_run` or `curate`.
    folder : path
        Made if it is not there.
    table_format : {"csv", "parquet"}

    Raises
    ------
    ConfigurationError
        If Parquet cannot be written.
    """
    from qdimage.pipeline.table_output import write_tables

    Path(folder).mkdir(parents=True, exist_ok=True)
    return write_tables(tables, Path(folder), table_format=table_format)


def read_curation(path: PathLike) -> "Curation":
    """Read the decisions of a ``curation.json``.

    Raises
    ------
    FormatError
        If the file is missing, damaged, of a newer version, or says what it cannot.
    """
    from qdimage.io.curation_file import read_curation

    return read_curation(Path(path))


def write_curation(curation: "Curation", path: PathLike) -> None:
    """Write decisions about dots, whole or not at all."""
    from qdimage.io.curation_file import write_curation

    write_curation(Path(path), curation)


def match_curation(dots: "pd.DataFrame", curation: "Curation") -> "MatchedCuration":
    """Find the dots that decisions are about, by place.

    Parameters
    ----------
    dots : pandas.DataFrame
        The table `dots` of a run, made with these decisions, older ones, or none.
    curation : Curation
        Every entry names its field.
    """
    from qdimage.pipeline.curation import match_curation

    return match_curation(dots, curation)


def same_dots(before: "pd.DataFrame", after: "pd.DataFrame") -> "NDArray[np.int64]":
    """Return for each row of `after` the dot_id of the same dot in `before`, by place; 0 for none.

    Parameters
    ----------
    before, after : pandas.DataFrame
        Rows of the table `dots` of one field, of different runs.
    """
    from qdimage.pipeline.curation import same_dots

    return same_dots(before, after)


def curated_dots(dots: "pd.DataFrame", judged: "JudgedDots") -> "pd.DataFrame":
    """Return one field's rows of `dots` as decisions leave them.

    Parameters
    ----------
    dots : pandas.DataFrame
    judged : mapping of int to JudgedPlace
        By dot_id.
    """
    from qdimage.pipeline.curated_dots import curated_dots

    return curated_dots(dots, judged)


def curate(tables: "Mapping[str, pd.DataFrame]", judged: "Judged") -> dict[str, "pd.DataFrame"]:
    """Return a run's tables with decisions applied and the fractions computed anew.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
    judged : mapping
        By (device, field), then by dot_id; from `match_curation`.
    """
    from qdimage.pipeline.curated_tables import curate

    return curate(tables, judged)


def report(out: PathLike) -> Path:
    """Build pictures and ``report.html`` of a finished run anew, and return the report's path.

    Raises
    ------
    FormatError
        If the folder holds no finished run.
    """
    from qdimage.reporting.build import build_report

    return build_report(Path(out))


def options(*, simulator: bool = False) -> list[dict[str, Any]]:
    """Return name, default, unit and meaning of every analysis (or simulator) option."""
    from qdimage.config import AnalysisOptions, option_rows
    from qdimage.simulation.options import SimulateOptions

    return option_rows(SimulateOptions if simulator else AnalysisOptions)


def _paths(paths: PathLike | Iterable[PathLike]) -> list[Path]:
    if isinstance(paths, str | os.PathLike):
        return [Path(paths)]
    return [Path(each) for each in paths]


def _options(options: Mapping[str, Any] | None, assignments: Sequence[str]) -> "AnalysisOptions":
    from qdimage.config import AnalysisOptions, build_options

    return build_options(
        AnalysisOptions, options or {}, assignments=assignments, source="the options"
    )


def _each_voltage(
    voltage_v: float | Sequence[float] | None, n_curves: int
) -> Sequence[float | None]:
    from qdimage.errors import ConfigurationError

    if voltage_v is None or isinstance(voltage_v, int | float):
        return [voltage_v] * n_curves
    if len(voltage_v) == 1:
        return [*voltage_v] * n_curves
    if len(voltage_v) != n_curves:
        raise ConfigurationError(
            f"found {len(voltage_v)} voltages for {n_curves} curves, expected one for each; "
            "correct them"
        )
    return voltage_v


def _curve_to_fit(
    source: "PathLike | G2Curve", file: "FileToFit", number: int, options: "AnalysisOptions"
) -> "CurveToFit":
    from dataclasses import replace

    from qdimage.domain.g2_curve import G2Curve
    from qdimage.pipeline.rate_fit import CurveToFit, curve_of_file

    if not isinstance(source, G2Curve):
        curve, _ = curve_of_file(replace(file, path=Path(source)), options=options.g2)
        return curve
    return CurveToFit(
        f"curve {number}",
        source,
        file.kind,
        voltage_v=file.voltage_v,
        response_fwhm_ns=file.settings.response_fwhm_ns,
        dark_counts_s=file.settings.dark_counts_s,
        delay_ns=file.settings.delay_ns,
        efficiency=file.efficiency,
        on_fraction=file.on_fraction,
        pump_per_us=file.pump_per_us,
    )


def _dot_knowledge(dot: "Mapping[str, float] | PathLike | DotKnowledge | None") -> "DotKnowledge":
    from qdimage.pipeline.dot_knowledge import DotKnowledge, dot_knowledge, read_dot_knowledge

    if isinstance(dot, DotKnowledge):
        return dot
    if isinstance(dot, str | os.PathLike):
        return read_dot_knowledge(Path(dot))
    return dot_knowledge(dot or {})


def _camera(camera: Mapping[str, float] | PathLike | None) -> "tuple[CameraKeys, str]":
    from qdimage.domain.experiment import CameraKeys
    from qdimage.io.camera_file import read_camera_file

    if camera is None:
        return CameraKeys(), ""
    if isinstance(camera, Mapping):
        return CameraKeys(**camera), "the call"
    return read_camera_file(Path(camera)), str(camera)
