"""Calls that predict from rate models, without data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdimage.api.arguments import PathLike, known_dot

if TYPE_CHECKING:
    from qdimage.pipeline.model_choice import ModelSettings, PumpIs
    from qdimage.pipeline.model_decay import DecayPrediction
    from qdimage.pipeline.model_scan import ModelScan
    from qdimage.pipeline.prediction import Prediction
    from qdimage.rates.el import Overflow


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

    Returns
    -------
    Prediction
        g2 at the lags, intensity, lines, populations, and what the weak limit tends to.

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

    Returns
    -------
    DecayPrediction
        The light at the times.

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

    Returns
    -------
    ModelScan
        A row for each value that was scanned.

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
        dot=known_dot(dot).dot,
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
