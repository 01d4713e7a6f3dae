"""The public calls. The command line and the plugin use nothing else.

Each call imports what it needs, so that a short one does not wait for numba and pandas.
"""

from qdimage.api.calibration import calibrate, draw_calibration
from qdimage.api.decisions import (
    curate,
    curated_dots,
    match_curation,
    read_curation,
    same_dots,
    write_curation,
)
from qdimage.api.models import decay_model, draw_model, model, scan_model
from qdimage.api.photons import correlate, follow_g2, g2, lifetime, trace
from qdimage.api.rate_fits import fit_rates
from qdimage.api.runs import (
    check,
    empty_tables,
    init,
    options,
    plan,
    read_run,
    report,
    run,
    simulate,
    simulate_study,
    write_tables,
)
from qdimage.api.spectra import draw_spectra, spectrum
from qdimage.api.stacks import dot_traces, locate, register, track
from qdimage.api.steering import attach_files, check_targets, correct_drift, targets

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
