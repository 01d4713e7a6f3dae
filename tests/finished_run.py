"""Small output folders of a run, without the run."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from qdimage.domain.photon_tables import (
    LIFETIMES,
    PHOTONS,
    POPULATION,
    POPULATION_DOTS,
    TRACES,
)
from qdimage.domain.tables import DOTS, IMAGE_TABLES
from qdimage.io.curve_file import write_curve
from qdimage.io.image_file import write_image
from qdimage.io.table_file import read_table, write_table
from qdimage.pipeline.population import population_tables
from qdimage.pipeline.tables import as_frame

SIZE = 48
N_DOTS = 9
N_BLANKS = 400
SHIFT = (2.0, -1.5)
F_MIN = 8.0
OPTIONS = {
    "seed": 0,
    "image": {"correct_drift": True, "hot_threshold": 8.0, "cosmic_threshold": 10.0},
    "localize": {"false_alarms_per_frame": 0.25},
    "register": {"max_chance_probability": 0.001},
    "match": {
        "false_alarm_probability": 0.01,
        "f_min_photons_s": None,
        "f_min_sigma": 5.0,
        "confidence": 0.95,
    },
}


@dataclass(frozen=True)
class El:
    """An EL channel: its voltage, how many dots are lit, its status and why."""

    voltage_v: float | None
    n_lit: int = 0
    status: str = "ok"
    message: str = ""
    name: str = ""

    @property
    def channel(self) -> str:
        return self.name or f"EL {self.voltage_v}V"


@dataclass(frozen=True)
class Field:
    """A field with `N_DOTS` PL dots, or as many as said."""

    name: str = "field-01"
    device: str = "device-A"
    el: Sequence[El] = (El(2.1, 2), El(2.4, 7))
    n_dots: int = N_DOTS
    unit: str = "photons"
    pixel_um: float | None = 0.107
    pl_failure: str = ""
    image_value: float | None = None
    options: dict[str, Any] = field(default_factory=lambda: OPTIONS)


def make_run(out: Path, fields: Sequence[Field], warnings: Sequence[str] = ()) -> Path:
    """Write tables, images and record of a run; counts and fractions agree with each other."""
    out.mkdir(parents=True)
    rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in IMAGE_TABLES}
    for number, each in enumerate(fields, start=1):
        _Rows(out, number, each, rows).add()
    _add_pools(rows["turn_on"])
    for table in IMAGE_TABLES:
        write_table(as_frame(rows[table.name], table), table, out)
    record = {
        "contract": 1,
        "qdimage": "0.1.0",
        "python": "3.11.7",
        "platform": "Linux",
        "packages": {"numpy": "2.4.6"},
        "started": "2026-01-02T03:04:05+00:00",
        "seconds": {"fields": 1.5},
        "warnings": list(warnings),
        "fields": [
            {
                "device": each.device,
                "field": each.name,
                "experiment": f"data/{number}/experiment.toml",
                "experiment_sha256": f"{number:064d}",
                "pixel_um": each.pixel_um,
                "options": each.options,
            }
            for number, each in enumerate(fields, start=1)
        ],
    }
    (out / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return out


class _Rows:
    """Adds the rows of one field."""

    def __init__(
        self, out: Path, number: int, what: Field, rows: dict[str, list[dict[str, Any]]]
    ) -> None:
        self.out = out
        self.number = number
        self.what = what
        self.rows = rows
        self.place = {"device": what.device, "field": what.name}
        rng = np.random.default_rng(number)
        self.n = 0 if what.pl_failure else what.n_dots
        self.dots = rng.uniform(4, SIZE - 5, (self.n, 2))
        self.noise = rng.normal(0, 1, (SIZE, SIZE))
        self.jitter = rng.normal(0, 0.05, (self.n, 2))

    def add(self) -> None:
        failure = self.what.pl_failure
        self._channel("PL", "pl", None, "failed" if failure else "ok", failure, 0)
        for k in range(self.n):
            self.rows["dots"].append(self._dot(k))
        for index, el in enumerate(self.what.el, start=1):
            self._el(index, el)

    def _channel(
        self, name: str, kind: str, voltage: float | None, status: str, message: str, index: int
    ) -> None:
        row = self.place | {
            "channel": name,
            "kind": kind,
            "reference": kind == "pl",
            "voltage_v": voltage,
            "status": status,
            "message": message,
            "stack": f"{kind}_{index}.tif",
        }
        if status == "ok":
            file = f"images/{self.number:03d}/{index:02d}.tif"
            image = self.noise + 10
            if self.what.image_value is not None:
                image = np.full((SIZE, SIZE), self.what.image_value)
            write_image(self.out / file, image)
            row |= {
                "stack_sha256": f"{index:02d}" + 62 * "a",
                "image": file,
                "width_px": SIZE,
                "height_px": SIZE,
                "n_frames": 20,
                "exposure_s": 0.1,
                "exposure_source": "experiment.toml",
                "signal_unit": self.what.unit,
                "psf_sigma_px": 1.1,
                "background_photons_px_s": 10.0,
                "n_localizations": self.n,
                "em_gain": 300.0,
                "camera_sources": "em_gain: camera.toml",
            }
        self.rows["channels"].append(row)

    def _dot(self, k: int) -> dict[str, Any]:
        return self.place | {
            "dot_id": k + 1,
            "x_px": self.dots[k, 0],
            "y_px": self.dots[k, 1],
            "pl_photons_s": 1000.0 + 100 * k,
            "turn_on_voltage_low_v": 2.1,
            "turn_on_voltage_high_v": 2.4,
            "flags": "non_monotone" if k == 0 else "",
            "accepted": True,
            "isolated": True,
            "signal_unit": self.what.unit,
        }

    def _el(self, index: int, el: El) -> None:
        shared = self.place | {"channel": el.channel, "voltage_v": el.voltage_v}
        readable = "failed" if el.status == "failed" else "ok"
        message = el.message if readable == "failed" else ""
        self._channel(el.channel, "el", el.voltage_v, readable, message, index)
        answer = {"status": el.status, "message": el.message}
        affine = (1.0, 0.0, SHIFT[0], 0.0, 1.0, SHIFT[1]) if el.status == "ok" else (None,) * 6
        names = ("m00", "m01", "m02", "m10", "m11", "m12")
        found = {"n_inliers": el.n_lit, "rms_px": 0.05, "chance_p": 1e-9, "overlap_fraction": 0.9}
        self.rows["registration"].append(
            shared | answer | dict(zip(names, affine, strict=True)) | found
            if el.status == "ok"
            else shared | answer
        )
        for k in range(self.n):
            self.rows["dot_channels"].append(shared | self._flux(k, el))
        for k in range(N_BLANKS if el.status == "ok" else 0):
            self.rows["blanks"].append(shared | self._blank(k))
        for k in range(el.n_lit if el.status != "failed" else 0):
            self._localization(shared, k, el)
        self.rows["turn_on"].append(shared | answer | self._fraction(el))

    def _flux(self, k: int, el: El) -> dict[str, Any]:
        row = {"dot_id": k + 1, "status": el.status, "flags": "", "signal_unit": self.what.unit}
        if el.status != "ok":
            return row
        lit = k < el.n_lit
        flux = 50.0 * (k + 1) if lit else 0.5 - k
        return row | {
            "photons_s": flux,
            "photons_err_s": 1.0,
            "photons_upper_s": max(flux, 0) + 2.0,
            "lit": lit,
            "false_alarm_p": 1e-6 if lit else 0.5,
        }

    def _blank(self, k: int) -> dict[str, Any]:
        return {
            "blank_id": k + 1,
            "x_px": float(k % SIZE),
            "y_px": float(k // SIZE),
            "photons_s": 30.0 if k == 0 else float(norm.ppf(k / N_BLANKS)),
            "photons_err_s": 1.0,
            "occupied": k == 0,
            "lit": k == 0 or k > 0.99 * N_BLANKS,
            "signal_unit": self.what.unit,
        }

    def _localization(self, shared: dict[str, Any], k: int, el: El) -> None:
        place = {"loc_id": k + 1}
        own = {name: shared[name] for name in ("device", "field", "channel")}
        position = self.dots[k] + self.jitter[k] if self.n else np.full(2, 5.0 + k)
        self.rows["localizations"].append(
            own | place | {"x_px": position[0] - SHIFT[0], "y_px": position[1] - SHIFT[1]}
        )
        if el.status != "ok" or not self.n:
            return
        residual = self.jitter[k]
        self.rows["matches"].append(
            shared
            | place
            | {
                "x_px": position[0],
                "y_px": position[1],
                "nearest_dot_id": k + 1,
                "residual_x_px": residual[0],
                "residual_y_px": residual[1],
                "distance_px": float(np.hypot(*residual)),
                "gate_px": 0.3,
                "dot_id": k + 1 if k else None,
                "chance_density_per_px2": self.n / SIZE**2,
            }
        )

    def _fraction(self, el: El) -> dict[str, Any]:
        row = {"f_min_photons_s": F_MIN, "confidence": 0.95, "signal_unit": self.what.unit}
        if el.status != "ok" or not self.n:
            return row
        return row | _counts(el.n_lit, self.n)


def _counts(n_lit: int, n: int) -> dict[str, Any]:
    share = n_lit / n
    return {
        "n_pl": n,
        "n_lit": n_lit,
        "n_el_only": 1,
        "n_pl_dark": n - n_lit,
        "n_edge": 0,
        "n_outside": 0,
        "n_unresolved": 0,
        "chance_matches": 0.0,
        "fraction": share,
        "fraction_low": max(0.0, share - 0.1),
        "fraction_high": min(1.0, share + 0.1),
        "fraction_extrapolated": share,
    }


def _add_pools(rows: list[dict[str, Any]]) -> None:
    keys = sorted({(row["device"], row["voltage_v"] or 0.0) for row in rows})
    for device, voltage in keys:
        own = [r for r in rows if r["device"] == device and (r["voltage_v"] or 0.0) == voltage]
        known = [row for row in own if "fraction" in row]
        pooled = {
            "device": device,
            "field": "all",
            "voltage_v": voltage,
            "confidence": 0.95,
            "signal_unit": own[0]["signal_unit"],
            "f_min_photons_s": F_MIN,
            "status": "ok" if known else "refused",
            "message": "" if known else f"none of {len(own)} channels gave a fraction",
        }
        if known:
            pooled |= _counts(sum(r["n_lit"] for r in known), sum(r["n_pl"] for r in known))
        rows.append(pooled)


@dataclass(frozen=True)
class Tags:
    """Time tags of one field: how many dots of each kind, and where EL was measured."""

    field: str = "field-01"
    device: str = "device-A"
    n_el: int = 6
    n_pl: int = 5
    voltages: Sequence[float] = (2.4, 2.6)
    sample: str = "device"
    located: bool = True
    n_refused: int = 1
    n_failed: int = 1


def add_time_tags(out: Path, tags: Sequence[Tags] = (Tags(),), *, population: bool = True) -> None:
    """Add the photon tables and their curves to a run."""
    rows = [row for k, each in enumerate(tags) for row in _TagRows(out, each, k).photons()]
    photons = as_frame(rows, PHOTONS)
    write_table(photons, PHOTONS, out)
    found = population_tables(photons, read_table(out, DOTS)) if population else {}
    for table in (POPULATION, POPULATION_DOTS):
        write_table(as_frame(found.get(table.name, []), table), table, out)
    makers = [_TagRows(out, each, k) for k, each in enumerate(tags)]
    write_table(as_frame([row for m in makers for row in m.traces()], TRACES), TRACES, out)
    decays = [row for maker in makers for row in maker.decays()]
    write_table(as_frame(decays, LIFETIMES), LIFETIMES, out)


class _TagRows:
    """Rows and curves of one field's time tags."""

    def __init__(self, out: Path, tags: Tags, number: int) -> None:
        self.out, self.tags, self.number = out, tags, number
        self.rng = np.random.default_rng(number)

    def photons(self) -> list[dict[str, Any]]:
        tags = self.tags
        rows = [
            self._file("el", k + 1, voltage, 0.06 + 0.03 * k + 0.1 * (voltage - 2.4), 0.008)
            for voltage in tags.voltages
            for k in range(tags.n_el)
        ]
        rows += [self._file("pl", k + 1, None, 0.09 + 0.02 * k, 0.012) for k in range(tags.n_pl)]
        why = {"refused": "found 12 coincidences, expected at least 50; measure longer"}
        why["failed"] = "broken.ptu: found no header; copy it again"
        for status, n in (("refused", tags.n_refused), ("failed", tags.n_failed)):
            for k in range(n):
                shared = self._shared("el", None, 2.4, f"{status}_{k}.ptu")
                rows.append(shared | {"status": status, "message": why[status]})
        return rows

    def traces(self) -> list[dict[str, Any]]:
        rows = []
        for k in range(min(self.tags.n_el, 2)):
            row = self._shared("el", k + 1, 2.4, f"dots/el_{k + 1}_2.4V.ptu")
            on = (np.arange(400) // 40) % 3 != k
            level = np.where(on, 9000.0, 700.0)
            curve = {"time_s": 0.05 * np.arange(400), "level_counts_s": level}
            curve["counts"] = self.rng.poisson(0.05 * level)
            row |= {"bin_s": 0.05, "on_fraction": float(on.mean()), "n_levels": 2, "status": "ok"}
            rows.append(row | {"curve": self._write("traces", k, curve)})
        return rows

    def decays(self) -> list[dict[str, Any]]:
        rows = []
        for k in range(min(self.tags.n_pl, 2)):
            row = self._shared("pl", k + 1, None, f"dots/pl_{k + 1}.ptu")
            time = 0.25 * np.arange(400)
            model = 1500 * np.exp(-time / (20 + 5 * k)) + 4
            curve = {"time_ns": time, "counts": self.rng.poisson(model), "model": model}
            curve["residual"] = (curve["counts"] - model) / np.sqrt(model)
            row |= {"main_lifetime_ns": 20.0 + 5 * k, "status": "ok"}
            rows.append(row | {"curve": self._write("decays", k, curve)})
        return rows

    def _shared(
        self, kind: str, dot: int | None, voltage: float | None, file: str
    ) -> dict[str, Any]:
        return {
            "device": self.tags.device,
            "field": self.tags.field,
            "dot_id": dot if self.tags.located else None,
            "file": file,
            "kind": kind,
            "sample": self.tags.sample,
            "voltage_v": voltage,
        }

    def _file(
        self, kind: str, dot: int, voltage: float | None, g2_0: float, err: float
    ) -> dict[str, Any]:
        at = "" if voltage is None else f"_{voltage}V"
        row = self._shared(kind, dot, voltage, f"dots/{kind}_{dot}{at}.ptu")
        value = max(g2_0 + err * float(self.rng.normal()), 0.0)
        lag = np.arange(-250.0, 251.0)
        model = 1.4 * (1 - (1 - value) * np.exp(-np.abs(lag - 1.5) / 12.0))
        counts = self.rng.poisson(30 * model)
        curve = {"lag_ns": lag, "counts": counts, "g2": counts / 30, "model": model}
        curve["rate_model"] = 1.01 * model
        curve["g2_err"] = np.sqrt(np.maximum(counts, 1)) / 30
        number = 1000 * dot + round(100 * (voltage or 0))
        return row | {
            "status": "ok",
            "excitation": "cw",
            "record": "time tags",
            "g2_0": value,
            "g2_0_low": max(value - 1.96 * err, 0.0),
            "g2_0_high": value + 1.96 * err,
            "g2_0_low_68": max(value - err, 0.0),
            "g2_0_high_68": value + err,
            "g2_0_uncorrected": value + 0.02,
            "counts_s": 12000.0,
            "duration_s": 60.0,
            "coincidences": int(counts.sum()),
            "rise_time_ns": 12.0,
            "delay_ns": 1.5,
            "blinking_factor": 1.4,
            "p_value": 0.4,
            "flags": "" if dot > 1 else "rate_drift",
            "curve": self._write("g2", number, curve),
        }

    def _write(self, folder: str, number: int, curve: dict[str, Any]) -> str:
        name = f"curves/{folder}/{self.number}_{number:05d}.csv"
        write_curve(pd.DataFrame(curve), self.out / name)
        return name
