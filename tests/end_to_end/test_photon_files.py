"""``qdimage run`` of fields with time tags: each file is analysed and attached to its dot."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from folders import DEMO, qdimage

from qdimage.rates.dot import DotParameters
from qdimage.rates.pl import pl_model
from qdimage.rates.solution import solve
from qdimage.simulation.photon_options import PhotonStreamOptions
from qdimage.simulation.photon_stream import simulate_photons
from qdimage.simulation.ptu_writer import write_ptu

pytestmark = pytest.mark.slow

MODEL = pl_model(DotParameters(biexciton_qy=0.1), pump_per_us=5.0)
IMAGED = """
contract = 1
[experiment]
name = "imaged"
device = "device-A"
pixel_size_um = 0.107
[optics]
collection_efficiency = 0.05
stage_from_px = [[0.107, 0.0, 500.0], [0.0, 0.107, -20.0]]
[[channels]]
name = "PL"
kind = "pl"
stack = "pl.tif"
exposure_s = 0.1
"""
ALONE = """
contract = 1
[experiment]
name = "alone"
device = "device-A"
sample = "quartz"
[[photons]]
file = "dot.ptu"
kind = "pl"
response_fwhm_ns = 0.5
[[photons]]
file = "dot.csv"
kind = "pl"
duration_s = 10.0
rate_counts_s = [1e4, 1e4]
[[photons]]
file = "missing.ptu"
kind = "pl"
"""


@dataclass(frozen=True)
class Run:
    """A finished run, and where the file was taken."""

    out: Path
    code: int
    stderr: str
    x_px: float
    y_px: float

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.out / f"{name}.csv")

    def photons(self, file: str) -> "pd.Series[object]":
        rows = self.table("photons")
        return rows[rows["file"] == file].iloc[0]


def write_tags(path: Path) -> Path:
    """Ten seconds of a dot under light."""
    options = PhotonStreamOptions(duration_s=10.0, detection_efficiency=0.05)
    blocks = list(simulate_photons(MODEL, options, np.random.default_rng(11)).reader())
    return write_ptu(
        path,
        np.concatenate([block.time for block in blocks]),
        np.concatenate([block.channel for block in blocks]),
        record_type="PicoHarp T2",
        tick_s=4e-12,
        duration_s=10.0,
    )


def isolated_place() -> tuple[float, float]:
    """Where a bright dot of the demo's first field stands alone."""
    truth = json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))
    sources = truth["fields"]["field-01"]["sources"]
    x, y, flux = np.array(
        [[each[k] for k in ("x_px", "y_px", "pl_photons_s")] for each in sources]
    ).T
    distance = np.hypot(x[:, None] - x, y[:, None] - y) + 1e3 * np.eye(len(x))
    inside = (np.minimum(x, y) > 15) & (np.maximum(x, y) < 240)
    best = np.argmax(np.where((distance.min(axis=1) > 12) & inside, flux, 0.0))
    return float(x[best]), float(y[best])


def entry(file: str, kind: str, **keys: float) -> str:
    lines = [f"{name} = {value}" for name, value in keys.items()]
    return "\n".join(["[[photons]]", f'file = "{file}"', f'kind = "{kind}"', *lines, ""])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("photons")
    imaged, alone = root / "in" / "imaged", root / "in" / "alone"
    imaged.mkdir(parents=True)
    alone.mkdir()
    shutil.copyfile(DEMO / "field-01" / "pl.tif", imaged / "pl.tif")
    tags = write_tags(imaged / "a.ptu")
    for copy in (imaged / "b.ptu", imaged / "far.ptu", alone / "dot.ptu"):
        shutil.copyfile(tags, copy)
    (imaged / "cut.ptu").write_bytes(tags.read_bytes()[:300])
    (alone / "dot.csv").write_text("lag_ns,counts\n-0.5,1\n0.5,0\n", encoding="utf-8")
    x, y = isolated_place()
    entries = [
        entry("a.ptu", "el", voltage_v=2.6, x_px=x + 1, y_px=y, response_fwhm_ns=0.5),
        entry("b.ptu", "pl", x_um=500 + 0.107 * x, y_um=-20 + 0.107 * (y - 1)),
        entry("far.ptu", "pl", x_px=-400.0, y_px=-400.0),
        entry("cut.ptu", "pl", x_px=x, y_px=y),
    ]
    (imaged / "experiment.toml").write_text(IMAGED + "".join(entries), encoding="utf-8")
    (alone / "experiment.toml").write_text(ALONE, encoding="utf-8")
    done = qdimage("run", root / "in", "-o", root / "out", "--quiet")
    return Run(root / "out", done.returncode, done.stderr, x, y)


def test_files_that_cannot_be_read_fail_alone(run: Run) -> None:
    assert run.code == 3
    assert "cut.ptu" in run.stderr
    assert "missing.ptu" in run.stderr
    statuses = run.table("photons").set_index("file")["status"]
    assert statuses.to_dict() == {
        "a.ptu": "ok",
        "b.ptu": "ok",
        "far.ptu": "ok",
        "cut.ptu": "failed",
        "dot.ptu": "ok",
        "dot.csv": "refused",
        "missing.ptu": "failed",
    }


def test_a_file_is_attached_to_the_dot_at_its_place(run: Run) -> None:
    dots = run.table("dots").set_index("dot_id")
    in_pixels, on_stage = run.photons("a.ptu"), run.photons("b.ptu")
    assert in_pixels["dot_id"] == on_stage["dot_id"]
    dot = dots.loc[in_pixels["dot_id"]]
    assert np.hypot(dot["x_px"] - run.x_px, dot["y_px"] - run.y_px) < 0.5
    assert in_pixels["dot_distance_px"] == pytest.approx(1.0, abs=0.5)
    assert (on_stage["x_px"], on_stage["y_px"]) == pytest.approx((run.x_px, run.y_px - 1))


def test_a_file_without_a_dot_is_analysed_all_the_same(run: Run) -> None:
    far, alone = run.photons("far.ptu"), run.photons("dot.ptu")
    assert pd.isna(far["dot_id"])
    assert "no PL dot lies within" in str(far["message"])
    assert pd.isna(alone["dot_id"])
    assert alone["sample"] == "quartz"
    assert far["g2_0"] == pytest.approx(alone["g2_0"], abs=0.05)


def test_the_interval_holds_the_truth_and_the_dot_carries_it(run: Run) -> None:
    row = run.photons("a.ptu")
    # One draw against a 95 % interval, the seed fixed.
    assert row["g2_0_low"] <= solve(MODEL).g2_0 <= row["g2_0_high"]
    # Each detector is dead for 25 ns after each of its counts, and one in 200 is an afterpulse.
    live = 1 - 25e-9 * row["counts_s"] / 2
    assert row["emitted_photons_s"] == pytest.approx(row["counts_s"] / 0.05 / live, rel=1e-3)
    dots = run.table("dots").set_index("dot_id")
    dot = dots.loc[row["dot_id"]]
    assert dot["el_g2_0"] == row["g2_0"]
    assert dot["el_g2_0_file"] == "a.ptu"
    assert dot["el_g2_0_voltage_v"] == 2.6
    assert dot["pl_g2_0_file"] == "b.ptu"
    assert dots["el_g2_0"].notna().sum() == 1


def test_the_curves_are_kept_beside_the_table(run: Run) -> None:
    row = run.photons("a.ptu")
    curve = pd.read_csv(run.out / str(row["curve"]))
    assert list(curve.columns) == ["lag_ns", "counts", "g2", "g2_err", "model", "rate_model"]
    assert curve["counts"].sum() == row["coincidences"]
    for model in ("model", "rate_model"):
        pull = ((curve["g2"] - curve[model]) / curve["g2_err"])[curve["counts"] > 10]
        assert np.mean(pull**2) == pytest.approx(1.0, abs=0.15), model
    centre = curve[np.abs(curve["lag_ns"] - row["delay_ns"]) < 0.3]
    assert centre["model"].max() < 0.4


def test_every_file_has_a_row_in_every_table_whatever_happened_to_it(run: Run) -> None:
    files = sorted(run.table("photons")["file"])
    for name in ("traces", "lifetimes", "rate_fits"):
        table = run.table(name)
        assert sorted(table["file"]) == files, name
        assert table.loc[table["status"] != "ok", "message"].notna().all(), name
        assert set(table.loc[table["file"].isin(["cut.ptu", "missing.ptu"]), "status"]) == {
            "failed"
        }


def test_traces_hold_every_photon(run: Run) -> None:
    traces = run.table("traces").set_index("file")
    photons = run.photons("a.ptu")
    assert traces.loc["a.ptu", "counts"] == photons["counts_1"] + photons["counts_2"]
    assert traces.loc["a.ptu", "n_levels"] == 1
    curve = pd.read_csv(run.out / str(traces.loc["a.ptu", "curve"]))
    assert curve["counts"].sum() == traces.loc["a.ptu", "counts"]
    assert traces.loc["dot.csv", "status"] == "refused"


def test_rates_are_fitted_and_their_g2_0_stands_beside_the_dip(run: Run) -> None:
    fits = run.table("rate_fits").set_index("file")
    pump = fits.loc["dot.ptu"]
    assert pump["status"] == "ok"
    # One draw against a 95 % interval, the seed fixed.
    low, high = pump["injection_rate_low_per_us"], pump["injection_rate_high_per_us"]
    assert low <= 5.0 <= high
    photons = run.photons("dot.ptu")
    assert photons["g2_0_model"] == pump["g2_0_model"]
    assert photons["g2_0_model_high"] - photons["g2_0_model_low"] < (
        photons["g2_0_high"] - photons["g2_0_low"]
    )
    dots = run.table("dots").set_index("dot_id")
    el = run.photons("a.ptu")
    assert (
        dots.loc[el["dot_id"], "injection_rate_per_us"]
        == fits.loc["a.ptu", "injection_rate_per_us"]
    )


def test_steady_light_has_no_decay(run: Run) -> None:
    lifetimes = run.table("lifetimes").set_index("file")
    assert lifetimes.loc["a.ptu", "status"] == "refused"
    assert "period" in lifetimes.loc["a.ptu", "message"]


def test_the_population_counts_each_dot_once(run: Run) -> None:
    rows = run.table("population")
    quartz = rows[(rows["sample"] == "quartz") & (rows["device"] == "device-A")]
    assert set(quartz["kind"]) == {"pl"}
    assert set(quartz["n_dots"]) == {1}
    in_device = rows[(rows["sample"] == "device") & (rows["device"] == "device-A")]
    assert in_device[in_device["kind"] == "el"]["n_dots"].max() == 1


def test_the_record_names_every_file_and_what_is_wrong(run: Run) -> None:
    record = json.loads((run.out / "run.json").read_text(encoding="utf-8"))
    files = {
        name: value for field in record["fields"] for name, value in field["photon_files"].items()
    }
    assert files["a.ptu"] == files["dot.ptu"]
    assert files["missing.ptu"] is None
    assert any("missing.ptu" in warning for warning in record["warnings"])


def test_check_reads_the_files_as_well(run: Run) -> None:
    done = qdimage("check", run.out.parent / "in")
    assert done.returncode == 3
    assert "cut.ptu" in done.stderr
    assert "missing.ptu" in done.stderr
    assert "7 files of photons: 2 cannot be analysed" in done.stdout


def test_workers_change_nothing(run: Run, tmp_path: Path) -> None:
    done = qdimage("run", run.out.parent / "in", "-o", tmp_path, "--workers", "2", "--quiet")
    assert done.returncode == 3
    for name in ("photons", "dots"):
        assert (tmp_path / f"{name}.csv").read_bytes() == (run.out / f"{name}.csv").read_bytes()
    curves = sorted(path.relative_to(run.out) for path in (run.out / "curves").rglob("*.csv"))
    assert len(curves) == 13
    for curve in curves:
        assert (tmp_path / curve).read_bytes() == (run.out / curve).read_bytes()
