"""Declarations, decisions and tables that are fuzzed, and who reads them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from folders import CLONE, DEMO

from qdimage.config import read_options_file
from qdimage.domain.tables import DOTS
from qdimage.errors import ConfigurationError
from qdimage.io.camera_file import read_camera_file
from qdimage.io.curation_file import read_curation
from qdimage.io.expectations_file import read_expectations
from qdimage.io.experiment_file import read_experiment, read_toml
from qdimage.io.model_file import read_model_file
from qdimage.io.place_list import read_places
from qdimage.io.poi_list import read_poi_list
from qdimage.io.table_file import read_table
from qdimage.pipeline.dot_knowledge import read_dot_knowledge
from qdimage.pipeline.finished import read_run
from qdimage.simulation.study import read_study

_CURATION = {
    "curation": 1,
    "entries": [
        {"action": "rejected", "x_px": 3.0, "y_px": 4.0, "field": "a", "device": "b"},
        {"action": "flagged", "x_px": 30.0, "y_px": 4.0, "flag": "odd", "note": "a, b"},
    ],
}
PAPER = CLONE / "sample_stacks" / "paper_device"
_EXPERIMENT = (DEMO / "field-02" / "experiment.toml").read_text(encoding="utf-8")
_CAMERA = "bias_adu = 200.0\nem_gain = 300.0\nread_noise_e = 45.0\n"
_MODEL = """name = "two states"
states = ["0", "X"]
drive = ["pump_per_us"]

[parameters.pump_per_us]
default = 10.0
high = 1e4

[[transitions]]
source = "0"
target = "X"
rate = "pump_per_us * (1 + exp(-2.0))"

[[transitions]]
source = "X"
target = "0"
rate = "1000 / 40"
photon_yield = 1
line = "X"
"""
_RUN = json.dumps({"qdimage": "0.1.0", "fields": [{"field": "a", "device": "b"}], "warnings": []})


def _found(path: Path) -> Path:
    """Read a document as TOML, which is its header."""
    read_toml(path)
    return path


def _of(read: Callable[[Path], Any]) -> tuple[Callable[[Path], Any], Callable[[Path], Any]]:
    return _found, read


def _json(path: Path) -> Path:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigurationError("no JSON") from error
    return path


def _dots() -> str:
    kinds = {"text": "a", "integer": "1", "number": "1.5", "boolean": "true"}
    row = ",".join(kinds.get(column.kind, "1.5") for column in DOTS.columns)
    return "\n".join([",".join(DOTS.column_names), row, row, row]) + "\n"


_STUDY = (PAPER / "recipe.toml").read_text(encoding="utf-8")

# Name of the file, a valid text, what opens it, and what reads it.
DOCUMENTS: dict[str, tuple[str, str, Callable[[Path], Any], Callable[[Path], Any]]] = {
    "experiment.toml": ("experiment.toml", _EXPERIMENT, *_of(read_experiment)),
    "camera.toml": ("camera.toml", _CAMERA, *_of(read_camera_file)),
    "model.toml": ("model.toml", _MODEL, *_of(read_model_file)),
    "dot.toml": (
        "dot.toml",
        "[dot_parameters]\nexciton_lifetime_ns = 40.0\nexciton_qy = 1.0\n",
        *_of(read_dot_knowledge),
    ),
    "expectations.toml": (
        "expectations.toml",
        'source = "a"\n[[statements]]\nstatement = "b"\nstated = 0.5\ntable = "dots"\n'
        'column = "pl_g2_0"\naggregate = "mean"\n',
        *_of(read_expectations),
    ),
    "options.toml": (
        "options.toml",
        "[localize]\nmax_rounds = 2\n[match]\nconfidence = 0.9\n",
        *_of(read_options_file),
    ),
    "recipe.toml": ("recipe.toml", _STUDY, *_of(read_study)),
    "curation.json": ("curation.json", json.dumps(_CURATION, indent=1), _json, read_curation),
    "run.json": ("run.json", _RUN, _json, lambda path: read_run(path.parent, names=())),
}
TABLES: dict[str, tuple[str, str, Callable[[Path], Any]]] = {
    "table, dots": ("dots.csv", _dots(), lambda path: read_table(path.parent, DOTS, older=True)),
    "places": (
        "a.csv",
        "stage_x_um,stage_y_um,file\n" + "1.5,2.5,a.ptu\n" * 20,
        lambda path: read_places(path, numbers=("stage_x_um", "stage_y_um"), texts=("file",)),
    ),
    "qudi pois": ("a.poi", "".join(f"d{k}\t{k}e-6\t2e-6\t0\n" for k in range(9)), read_poi_list),
}
