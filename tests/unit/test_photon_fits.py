"""Which declared curves a rate model is fitted to, and through which response."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qdimage.config import AnalysisOptions
from qdimage.domain.experiment import Experiment, ExperimentFile
from qdimage.domain.refusal import Refusal
from qdimage.pipeline.kept_steps import KeptSteps
from qdimage.pipeline.photon_fits import Measured, fit_files
from qdimage.pipeline.photon_steps import G2, Declared

EDGES_NS = np.linspace(-200.25, 200.25, 802)
LAGS_NS = (EDGES_NS[1:] + EDGES_NS[:-1]) / 2


def declared(folder: Path, **keys: object) -> Declared:
    photons = {
        "file": "dot.csv",
        "kind": "pl",
        "duration_s": 10.0,
        "rate_counts_s": (1e5, 1e5),
        **keys,
    }
    file = ExperimentFile.model_validate({"photons": [photons]})
    experiment = Experiment(
        path=folder / "experiment.toml", name="field", device="device", declared=file
    )
    return Declared(experiment, file.photons[0], AnalysisOptions())


def write_histogram(path: Path, counts: np.ndarray) -> None:
    rows = [f"{lag:.4f},{int(count)}" for lag, count in zip(LAGS_NS, counts, strict=True)]
    path.write_text("\n".join(["lag_ns,counts", *rows, ""]), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dip of a dot of 40 ns, and the peak of a response of 1.2 ns."""
    rng = np.random.default_rng(3)
    expected = 500 * (1 - 0.9 * np.exp(-np.abs(LAGS_NS) / 30))
    write_histogram(tmp_path / "dot.csv", rng.poisson(expected))
    write_histogram(tmp_path / "peak.csv", 1e5 * np.exp(-4 * np.log(2) * (LAGS_NS / 1.2) ** 2))
    return tmp_path


def test_a_measured_response_of_the_pair_reaches_the_rates(folder: Path) -> None:
    steady = declared(folder, excitation="cw", response_file="peak.csv")
    found = G2.analyse(steady).g2
    assert found is not None
    (fit,) = fit_files([Measured(steady, None, found, {}, None)], KeptSteps())
    assert fit.row["status"] == "ok"
    # The prior of its width is 10 %, and the curve says little of it.
    assert fit.row["fitted_response_fwhm_ns"] == pytest.approx(1.2, rel=0.3)


@pytest.mark.parametrize(("excitation", "status"), [(None, "refused"), ("cw", "ok")])
def test_light_that_was_found_to_be_pulsed_has_no_rates_of_steady_light(
    folder: Path, excitation: str | None, status: str
) -> None:
    asked = declared(folder, excitation=excitation)
    found = G2.analyse(declared(folder, excitation="cw")).g2
    assert found is not None
    pulsed = replace(found, answer=Refusal("too few peaks"), period_ns=100.0)
    (fit,) = fit_files([Measured(asked, None, pulsed, {}, None)], KeptSteps())
    assert fit.row["status"] == status
