"""The population's tables, from photons and dots alone."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from qdimage.domain.photon_tables import PHOTONS, POPULATION, POPULATION_DOTS
from qdimage.domain.tables import DOTS
from qdimage.photons.population_options import PopulationOptions
from qdimage.pipeline.population import FieldFacts, population_tables
from qdimage.pipeline.tables import as_frame

Row = dict[str, Any]
STATED = PopulationOptions(limit_g2_0=0.07)


def file(
    dot: int | None,
    g2_0: float | None,
    err: float = 0.005,
    *,
    kind: str = "el",
    voltage_v: float | None = 2.4,
    **more: Any,
) -> Row:
    row = {
        "device": "A",
        "field": "f1",
        "dot_id": dot,
        "file": f"{kind}_{dot}_{voltage_v}_{err}.ptu",
        "kind": kind,
        "sample": "device",
        "voltage_v": voltage_v if kind == "el" else None,
        "status": "refused" if g2_0 is None else "ok",
    }
    if g2_0 is not None:
        row |= {"g2_0": g2_0, "g2_0_low": max(g2_0 - 2 * err, 0), "g2_0_high": g2_0 + 2 * err}
    return row | more


def tables(
    files: list[Row],
    dots: list[Row] | None = None,
    options: PopulationOptions | None = STATED,
    fields: tuple[FieldFacts, ...] = (),
) -> tuple[list[Row], list[Row]]:
    found = population_tables(
        as_frame(files, PHOTONS), as_frame(dots or [], DOTS), options=options, fields=fields
    )
    for table in (POPULATION, POPULATION_DOTS):
        as_frame(found[table.name], table)
    return found[POPULATION.name], found[POPULATION_DOTS.name]


def one(rows: list[Row], **wanted: Any) -> Row:
    (row,) = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    return row


def test_a_dot_counts_once_by_its_narrowest_interval() -> None:
    files = [file(k, 0.03 + 0.02 * k) for k in range(1, 6)]
    files += [file(1, 0.9, err=0.05), file(1, 0.2, err=0.02, voltage_v=2.6)]
    rows, dots = tables(files)
    together = one(rows, voltage_v=None)
    assert (together["n_dots"], together["n_below"]) == (5, 1)
    assert together["smallest_g2_0"] == 0.05
    assert one(rows, voltage_v=2.4)["n_dots"] == 5
    assert one(rows, voltage_v=2.6)["median_g2_0"] == 0.2
    assert [row["g2_0"] for row in dots] == [row["g2_0"] for row in files[:5]]
    assert [row["n_files"] for row in dots] == [3, 1, 1, 1, 1]


def test_rejected_dots_do_not_count() -> None:
    files = [file(k, 0.03 + 0.02 * k) for k in range(1, 6)]
    place = {"device": "A", "field": "f1"}
    dots = [place | {"dot_id": k, "accepted": k != 1} for k in range(1, 6)]
    rows, _ = tables(files, dots)
    assert one(rows, voltage_v=None)["n_dots"] == 4
    assert one(rows, voltage_v=None)["n_below"] == 0


def test_values_that_rest_on_a_poor_fit_do_not_count() -> None:
    files = [file(k, 0.1 + 0.02 * k) for k in range(1, 6)]
    files.append(file(1, 0.0, err=0.001, voltage_v=2.6, flags="dead_time;poor_fit"))
    files.append(file(9, 0.0, err=0.001, flags="pulsed_light"))
    rows, dots = tables(files)
    together = one(rows, voltage_v=None)
    assert (together["n_dots"], together["n_below"]) == (5, 0)
    assert "dots left out: 1, every file of them flagged poor_fit" in together["message"]
    assert [row["dot_id"] for row in dots] == [1, 2, 3, 4, 5]
    assert one(rows, voltage_v=2.6)["status"] == "refused"


def test_files_without_a_dot_each_count_and_are_named() -> None:
    rows, _ = tables([file(None, 0.03 + 0.02 * k, file=f"{k}.ptu") for k in range(4)])
    row = one(rows, voltage_v=None)
    assert row["n_dots"] == 4
    assert "4 of these are files without a dot" in row["message"]


def test_devices_batches_and_samples_have_rows_of_their_own() -> None:
    files = [
        file(k, 0.1 + 0.01 * k, kind=kind, device=device, sample=sample)
        for device, sample, kind in (("A", "device", "el"), ("B", "device", "el"))
        for k in range(1, 5)
    ]
    files += [file(k, 0.08, kind="pl", device="Q", sample="quartz") for k in range(1, 4)]
    fields = tuple(FieldFacts(device, "f1", f"batch {device}") for device in "AQ")
    rows, dots = tables(files, fields=fields)
    everyone = one(rows, device="all", batch="all", sample="device", kind="el", voltage_v=None)
    assert everyone["n_dots"] == 8
    assert one(rows, device="A", voltage_v=None)["batch"] == "batch A"
    assert one(rows, device="all", batch="batch Q")["kind"] == "pl"
    assert len(dots) == 11
    assert all(row["field"] == "all" for row in rows)


def test_limit_is_stated_or_of_the_yields_or_where_pl_ends() -> None:
    files = [file(k, 0.03 + 0.02 * k) for k in range(1, 6)]
    files += [file(k, 0.08 + 0.01 * k, kind="pl") for k in range(10)]
    yields = {"biexciton_qy": 0.06, "exciton_qy": 1.0, "biexciton_qy_err": 0.006}
    declared = (FieldFacts("A", "f1", "", yields),)
    by_choice, _ = tables(files, fields=declared)
    by_yields, _ = tables(files, options=None, fields=declared)
    by_pl, _ = tables(files, options=None)
    assert {row["limit"] for row in by_choice} == {0.07}
    assert {row["limit"] for row in by_yields} == {0.06}
    edge = one(by_pl, kind="el", voltage_v=None)
    assert edge["limit"] == pytest.approx(0.08, abs=0.01)
    assert edge["limit_low"] < edge["limit"] < edge["limit_high"]
    assert edge["limit_source"] == "smallest g2(0) of 10 PL dots"
    assert edge["share_below"] > 0
    of_pl = one(by_pl, kind="pl")
    assert of_pl.get("share_below") is None
    assert "does not say how many pass it" in of_pl["message"]
    assert one(by_yields, kind="pl")["share_below"] < 0.1


def test_what_cannot_be_told_is_said() -> None:
    rows, dots = tables([file(1, None), file(2, None)])
    row = one(rows, voltage_v=None)
    assert (row["status"], row["n_dots"]) == ("refused", 0)
    assert "none of the files (2) gave a g2(0)" in row["message"]
    assert dots == []
    rows, dots = tables([file(1, 0.05), file(2, 0.06)], options=None)
    row = one(rows, voltage_v=None)
    assert row["status"] == "refused"
    assert (row["n_dots"], row["smallest_g2_0"]) == (2, 0.05)
    assert row.get("share_below") is None
    assert "no limit to compare with" in row["message"]
    assert len(dots) == 2


def test_no_files_give_no_rows() -> None:
    assert tables([]) == ([], [])


def test_rows_can_be_made_again_from_the_tables() -> None:
    rng = np.random.default_rng(1)
    files = [file(k, float(rng.uniform(0.03, 0.2))) for k in range(1, 8)]
    first, again = tables(files), tables(files[::-1])
    key = "voltage_v"
    a = pd.DataFrame(first[0]).sort_values(key).reset_index(drop=True)
    b = pd.DataFrame(again[0]).sort_values(key).reset_index(drop=True)
    pd.testing.assert_frame_equal(a, b, rtol=1e-6)
