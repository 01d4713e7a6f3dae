"""The call that fits rate models to measured g2 curves."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdimage.api.arguments import PathLike, analysis_options, known_dot

if TYPE_CHECKING:
    from qdimage.config import AnalysisOptions
    from qdimage.domain.g2_curve import G2Curve
    from qdimage.pipeline.dot_knowledge import DotKnowledge
    from qdimage.pipeline.rate_fit import CurveToFit, FileToFit, RateFitAnswer


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
    built = analysis_options(options, assignments)
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
    return fit_curves(to_fit, dot=known_dot(dot), options=built.rates)


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
