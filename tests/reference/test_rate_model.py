"""The rate models against thirty-digit reference values, where these are at hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folders import CLONE

from qdimage.rates.coulomb import Law, enhancement, exponential, none
from qdimage.rates.declaration import RateModel
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.pl import pl_model
from qdimage.rates.solution import solve
from qdimage.rates.weak_limit import weak_limit_constant

REFERENCE = CLONE.parent / "shared" / "reference" / "rate_model.json"
pytestmark = pytest.mark.skipif(not REFERENCE.is_file(), reason="the reference values are absent")


def reference(path: Path = REFERENCE) -> dict[str, Any]:
    if not path.is_file():
        return {"cases": [], "weak_limit_constant": [], "x41": "0"}
    return json.loads(path.read_text(encoding="utf-8"))


X41 = float(reference()["x41"])
LAWS: dict[str, Law] = {
    "exp(s*x41)": exponential(X41),
    "none": none(),
    "enh x=1": enhancement(1.0),
}


def product(text: str) -> float:
    return float(np.prod([float(factor) for factor in text.split("*")]))


def model_of(inputs: dict[str, Any]) -> RateModel:
    dot = DotParameters()
    if inputs["model"] == "PL":
        return pl_model(dot, pump_per_us=float(inputs["W"]))
    return el_model(
        dot,
        electron_per_us=product(inputs["Ge"]),
        hole_per_us=product(inputs["Gh"]),
        coulomb=LAWS[inputs["coulomb"]],
        carriers=inputs["N"],
        overflow=inputs["overflow"],
    )


@pytest.mark.parametrize("case", reference()["cases"], ids=lambda case: case["name"])
def test_populations_intensity_and_g2_agree_to_nine_digits(case: dict[str, Any]) -> None:
    model = model_of(case["inputs"])
    light = solve(model)
    states = [tuple(state) if isinstance(state, list) else state for state in case["states"]]
    assert sorted(map(str, states)) == sorted(map(str, model.states))
    order = [model.states.index(state) for state in states]
    expected = np.array(case["p"], float)
    np.testing.assert_allclose(light.populations[order], expected, rtol=1e-9)
    assert light.intensity_per_us == pytest.approx(float(case["I_per_us"]), rel=1e-9)
    lags = np.array(reference()["tau_ns"], float)
    np.testing.assert_allclose(light.g2(lags), np.array(case["g2"], float), rtol=1e-9)


@pytest.mark.parametrize("row", reference()["weak_limit_constant"], ids=lambda row: str(row))
def test_weak_limit_constants_agree(row: dict[str, Any]) -> None:
    x = {None: 0.0, "x41": X41}.get(row["x"])
    law = none() if row["F"] == "1" else exponential(float(row["x"]) if x is None else x)
    found = weak_limit_constant(
        law, DotParameters(), largest_charge=row["Qmax"], count_trions=False
    )
    assert found == pytest.approx(float(row["C"]), rel=1e-12)
