"""Calls about time-tag files and histograms."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from qdimage.api.arguments import PathLike, analysis_options

if TYPE_CHECKING:
    from qdimage.domain.g2_curve import G2Curve
    from qdimage.pipeline.g2 import G2Answer
    from qdimage.pipeline.lifetime import LifetimeAnswer
    from qdimage.pipeline.photons import Method
    from qdimage.pipeline.trace import TraceAnswer


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
    analysis = analysis_options(options, assignments)
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
        options=analysis_options(options, assignments).g2,
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
    detectors : (int, int)
        Numbered from 0 in the order of the device's inputs; one twice for its own pairs.
    bin_ns : float
        Width of a bin, rounded to a whole number of ticks; of growing bins the shortest delay.
    longest_ns : float
        Longest delay.
    method : {"all pairs", "growing bins", "start-stop"}
        All pairs in equal or growing bins, or each start with its next stop.
    bins_per_decade : int
        Of growing bins.
    window_s : (float, float), optional
        Only photons from the first of these times on, and before the second.
    workers : int
        Threads that read a PicoQuant file in as many parts, to the same counts.

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
        Path(file), settings=settings, options=analysis_options(options, assignments).trace
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
    analysis = analysis_options(options, assignments)
    return lifetime_of_file(Path(file), settings=settings, options=analysis.lifetime)
