"""Targets of small runs: what is missing is said, and never made up."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from finished_run import El, Field, make_run

from qdimage.domain.photon_tables import PHOTONS
from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.table_file import write_table
from qdimage.pipeline.tables import as_frame
from qdimage.pipeline.targets import TargetRequest, TargetsAnswer, find_targets
from qdimage.pipeline.targets_output import read_maps, write_targets
from qdimage.steering.options import TargetOptions

OPTICS = {
    "collection_efficiency": 0.08,
    "camera_collection_efficiency": 0.1,
    "pinhole_um": 0.5,
    "stage_from_px": [[0.107, 0.0, 100.0], [0.0, 0.107, -20.0]],
    "stage_z_um": 5.0,
}
ANY = TargetOptions(isolated=False, lit=False)


def run_with(tmp_path: Path, *fields: Field, **optics: Any) -> Path:
    """A finished run whose experiment.toml is gone, so that its record says the optics."""
    out = make_run(tmp_path / "out", fields or (Field(),))
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    known = {name: value for name, value in (OPTICS | optics).items() if value is not None}
    for each in record["fields"]:
        each["optics"] = known
    (out / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return out


def found(out: Path, *, options: TargetOptions = ANY, **request: Any) -> TargetsAnswer:
    return find_targets(out, request=TargetRequest(**request), options=options)


def test_targets_rest_on_the_record_where_the_experiment_is_gone(tmp_path: Path) -> None:
    answer = found(run_with(tmp_path), voltage_v=2.4)
    table = answer.table
    assert len(table) == 9
    assert table["stage_x_um"].to_numpy() == pytest.approx(0.107 * table["x_px"] + 100)
    assert table["stage_y_um"].to_numpy() == pytest.approx(0.107 * table["y_px"] - 20)
    assert set(table["stage_z_um"]) == {5.0}
    assert sorted(table["order"]) == list(range(1, 10))


def test_counts_and_floor_are_those_of_the_light_in_the_pinhole(tmp_path: Path) -> None:
    options = TargetOptions(isolated=False, dark_counts_s=100.0)
    row = found(run_with(tmp_path, Field(n_dots=1, el=())), options=options).table.iloc[0]
    # The finished run's dot: 1000 photons/s on 10 photons/s and px, spots of 1.1 px.
    passed = 1000 * (1 - np.exp(-0.5 * (0.5 / (1.1 * 0.107)) ** 2))
    background = 10 / 0.107**2 * np.pi * 0.5**2
    counts = 1000 / 0.1 * 0.08 * (passed + background) / passed + 100
    assert row["counts_s"] == pytest.approx(counts)
    own = 1000 / 0.1 * 0.08 / counts
    assert row["background_share"] == pytest.approx(1 - own)
    assert row["g2_floor"] == pytest.approx(1 - own**2)
    assert row["g2_0_expected"] == pytest.approx(1 - own**2 * (1 - 0.05))


def test_a_neighbour_in_the_pinhole_raises_the_floor(tmp_path: Path) -> None:
    crowded = Field(n_dots=60)
    table = found(run_with(tmp_path, crowded)).table
    shared = table["neighbour_share"] > 0.2
    assert shared.any()
    assert table["g2_floor"][shared].min() > table["g2_floor"][~shared].median()
    assert (table["message"] == "").all()
    isolated = found(tmp_path / "out", options=TargetOptions()).table
    assert set(isolated["dot_id"]) == set(table["dot_id"][table["isolated"]])


def test_without_optics_there_are_places_and_no_minutes(tmp_path: Path) -> None:
    out = run_with(tmp_path, pinhole_um=None, collection_efficiency=None, stage_z_um=None)
    answer = found(out, voltage_v=2.4)
    assert answer.table[["g2_floor", "minutes", "counts_s"]].isna().all(axis=None)
    said = " ".join(answer.warnings)
    for missing in ("pinhole_um", "collection_efficiency", "stage_z_um"):
        assert missing in said
    given = found(out, voltage_v=2.4, options=TargetOptions(isolated=False, counts_s=9e4))
    assert (given.table["minutes"] > given.table["minutes_known_shape"]).all()


def test_dips_of_the_run_at_the_nearest_voltage_say_how_fast_they_are(tmp_path: Path) -> None:
    out = run_with(tmp_path)
    rows = [
        {"device": "device-A", "field": "field-01", "file": f"{k}.ptu", "kind": "el"}
        | {"voltage_v": voltage, "rise_time_ns": rise_ns, "status": "ok"}
        for k, (voltage, rise_ns) in enumerate([(2.1, 40.0), (2.4, 14.0), (2.4, 16.0), (2.4, None)])
    ]
    write_table(as_frame(rows, PHOTONS), PHOTONS, out)
    lit = TargetOptions(isolated=False)
    near = found(out, voltage_v=2.4, options=lit).table["minutes"]
    given = TargetOptions(isolated=False, rise_time_ns=15)
    told = found(out, voltage_v=2.4, options=given).table["minutes"]
    assert near.to_numpy() == pytest.approx(told.to_numpy())


def test_fluxes_without_quantum_efficiency_give_no_counts(tmp_path: Path) -> None:
    answer = found(run_with(tmp_path, Field(unit="photoelectrons")), voltage_v=2.4)
    assert answer.table["minutes"].isna().all()
    assert answer.table["g2_floor"].notna().any()
    assert "photoelectrons" in " ".join(answer.warnings)


def test_fields_without_pl_or_voltage_are_passed_over(tmp_path: Path) -> None:
    fields = (
        Field(),
        Field("field-02", pl_failure="pl.tif: no file"),
        Field("field-03", el=(El(2.1, 2),)),
    )
    answer = found(run_with(tmp_path, *fields), voltage_v=2.4)
    assert set(answer.table["field"]) == {"field-01"}
    assert set(found(tmp_path / "out").table["field"]) == {"field-01", "field-03"}


def test_a_refused_channel_is_no_voltage_to_choose_at(tmp_path: Path) -> None:
    out = run_with(tmp_path, Field(el=(El(2.1, 2), El(2.4, 3, "refused", "too few dots"))))
    with pytest.raises(ConfigurationError, match=r"no EL measured at 2\.4 V, only at 2\.1 V"):
        found(out, voltage_v=2.4)


def test_no_lit_dot_is_a_refusal_that_counts(tmp_path: Path) -> None:
    out = run_with(tmp_path, Field(el=(El(1.9, 0),)))
    answer = found(out, voltage_v=1.9, options=TargetOptions(isolated=False))
    assert answer.refusal is not None
    assert "9 not lit" in answer.refusal.reason
    assert answer.table.empty
    with pytest.raises(ConfigurationError, match="found no dot 77"):
        found(out, voltage_v=1.9, dots=(77,))


def test_a_field_without_dots_is_a_refusal(tmp_path: Path) -> None:
    out = run_with(tmp_path, Field(n_dots=0, el=()))
    refusal = found(out).refusal
    assert refusal is not None
    assert "there are no dots" in refusal.reason


def test_a_unit_mixed_up_is_pointed_at(tmp_path: Path) -> None:
    out = run_with(tmp_path, stage_from_px=[[107.0, 0.0, 0.0], [0.0, 107.0, 0.0]])
    assert "check the units" in " ".join(found(out).warnings)


def test_fields_at_one_place_of_the_stage_are_pointed_at(tmp_path: Path) -> None:
    out = run_with(tmp_path, Field(), Field("field-02"), Field("field-03"))
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    elsewhere = {"stage_from_px": [[0.107, 0.0, 400.0], [0.0, 0.107, -20.0]]}
    record["fields"][1]["optics"] = OPTICS | elsewhere
    (out / "run.json").write_text(json.dumps(record), encoding="utf-8")
    warned = [each for each in found(out).warnings if "same place of the stage" in each]
    assert len(warned) == 1
    assert "field-01 and device-A/field-03 lie" in warned[0]
    assert not any("same place" in each for each in found(out, fields=("field-01",)).warnings)


def test_maps_are_kept_for_later(tmp_path: Path) -> None:
    out = run_with(tmp_path)
    with pytest.raises(FormatError, match="choose the targets again"):
        read_maps(out)
    answer = found(out)
    write_targets(answer)
    (kept,) = read_maps(out).values()
    (used,) = answer.maps.values()
    assert kept.stage.matrix == pytest.approx(used.stage.matrix)
    assert kept.source == "stage_from_px"
