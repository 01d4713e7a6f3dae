"""Answers about quantum dots, from EL and PL micrographs and from photon time tags.

The public calls are `run`, `plan`, `check`, `init`, `locate`, `register`, `correlate`, `g2`,
`follow_g2`, `trace`, `lifetime`, `fit_rates`, `model`, `decay_model`, `scan_model`, `draw_model`,
`simulate`, `report`, `read_run`, `curate` and `options`, and what goes with them; see
`qdimage.api`. Nothing heavy is imported before one of them is used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qdimage.api import (
        attach_files,
        calibrate,
        check,
        check_targets,
        correct_drift,
        correlate,
        curate,
        curated_dots,
        decay_model,
        dot_traces,
        draw_calibration,
        draw_model,
        draw_spectra,
        empty_tables,
        fit_rates,
        follow_g2,
        g2,
        init,
        lifetime,
        locate,
        match_curation,
        model,
        options,
        plan,
        read_curation,
        read_run,
        register,
        report,
        run,
        same_dots,
        scan_model,
        simulate,
        simulate_study,
        spectrum,
        targets,
        trace,
        track,
        write_curation,
        write_tables,
    )

__all__ = [
    "attach_files",
    "calibrate",
    "check",
    "check_targets",
    "correct_drift",
    "correlate",
    "curate",
    "curated_dots",
    "decay_model",
    "dot_traces",
    "draw_calibration",
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
    "simulate_study",
    "spectrum",
    "targets",
    "trace",
    "track",
    "write_curation",
    "write_tables",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("qdimage")
    if name not in __all__:
        raise AttributeError(f"module 'qdimage' has no attribute {name!r}")
    from qdimage import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
