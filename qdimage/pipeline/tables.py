"""Results of all fields as the tables that a run writes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.curation import joined_flags
from qdimage.domain.flags import DotFlag, flag_names
from qdimage.domain.iv_tables import IV
from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_tables import (
    LIFETIMES,
    PHOTON_TABLES,
    PHOTONS,
    POPULATION,
    POPULATION_DOTS,
    RATE_FITS,
)
from qdimage.domain.refusal import Failure, Refusal
from qdimage.domain.run_tables import RUN_TABLES
from qdimage.domain.spectrum_tables import SPECTRA
from qdimage.domain.table import Table
from qdimage.domain.tables import (
    BLANKS,
    CHANNELS,
    DOT_CHANNELS,
    DOTS,
    LOCALIZATIONS,
    MATCHES,
    REGISTRATION,
)
from qdimage.image.calibration import ESTIMATED
from qdimage.match.neighbours import g2_floor, is_isolated
from qdimage.match.options import MatchOptions
from qdimage.match.turn_on import counted as in_denominator
from qdimage.match.turn_on import turn_on_voltage
from qdimage.pipeline.blank_rows import blank_rows
from qdimage.pipeline.channel_fluxes import ChannelKey, read_fluxes
from qdimage.pipeline.decisions import (
    DotFluxes,
    dot_fluxes,
    run_options,
    shared_f_min_s,
    shared_population_options,
)
from qdimage.pipeline.el_series import LitChannel
from qdimage.pipeline.field import ChannelResult, ElResult, FieldResult
from qdimage.pipeline.headlines import add_headlines
from qdimage.pipeline.light_tables import light_tables
from qdimage.pipeline.pmma_series import Limits, pmma_tables
from qdimage.pipeline.population import FieldFacts, population_tables
from qdimage.pipeline.registration import Registered
from qdimage.pipeline.spectrum_headlines import add_spectrum_headlines, add_sub_bandgap
from qdimage.pipeline.turn_on_curve_rows import known_facts
from qdimage.pipeline.turn_on_rows import ElChannel, turn_on_tables

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]


def build_tables(fields: Sequence[FieldResult]) -> dict[str, "pd.DataFrame"]:
    """Return every table, checked against its declared columns, by name.

    Raises
    ------
    ConfigurationError
        If fields disagree on an option that the whole run has to share.
    """
    options = run_options(fields)
    f_min_s = shared_f_min_s(fields, options)
    rows: dict[Table, list[Row]] = {table: [] for table in RUN_TABLES}
    rows |= {
        CHANNELS: [channel.row for field in fields for channel in field.channels],
        LOCALIZATIONS: [row for field in fields for row in _localizations(field)],
        REGISTRATION: [_registration(field, each) for field in fields for each in field.el],
        MATCHES: [row for field in fields for row in _matches(field)],
        BLANKS: [row for field in fields for row in blank_rows(field)],
    }
    for field in fields:
        dots, dot_channels = _dots(field, f_min_s)
        of_files = (field.photons[table.name] for table in (PHOTONS, LIFETIMES, RATE_FITS))
        add_headlines(dots, *of_files)
        add_sub_bandgap(field.photons.get(SPECTRA.name, []), dots)
        add_spectrum_headlines(dots, field.photons.get(SPECTRA.name, []))
        rows[DOTS] += dots
        rows[DOT_CHANNELS] += dot_channels
        for table in (*PHOTON_TABLES, IV):
            rows[table] += field.photons.get(table.name, [])
    rows |= pmma_tables(_spectra(fields))
    frames = {table.name: as_frame(each, table) for table, each in rows.items()}
    for table, each in _turn_on(fields, frames, options, f_min_s).items():
        frames[table.name] = as_frame(each, table)
    for table, each in light_tables(fields, _lit_channels(fields), frames).items():
        frames[table.name] = as_frame(each, table)
    return frames | _population(fields, frames)


def _lit_channels(fields: Sequence[FieldResult]) -> list[LitChannel]:
    channels = []
    for field in fields:
        for channel in field.el:
            row = _channel(field, channel) | _flux_status(channel)
            row["signal_unit"] = channel.signal_unit
            light = channel.el.light if isinstance(channel.el, ElResult) else None
            channels.append(LitChannel(row, light, channel.exposure_s, channel.pixel_um))
    return channels


def _spectra(fields: Sequence[FieldResult]) -> Iterator[tuple[Row, Limits]]:
    """Yield rows of spectra, and what a field calls background-free or vanished."""
    for field in fields:
        options = field.options.spectrum
        for row in field.photons.get(SPECTRA.name, []):
            yield row, Limits(options.most_background, options.least_dots)


def _population(
    fields: Sequence[FieldResult], frames: Mapping[str, "pd.DataFrame"]
) -> dict[str, "pd.DataFrame"]:
    rows = population_tables(
        frames[PHOTONS.name],
        frames[DOTS.name],
        fields=[
            FieldFacts(
                each.experiment.device,
                each.experiment.name,
                each.experiment.declared.experiment.batch or "",
                each.experiment.declared.dot_parameters.model_dump(exclude_none=True),
            )
            for each in fields
        ],
        options=shared_population_options(fields),
    )
    return {
        table.name: as_frame(rows[table.name], table) for table in (POPULATION, POPULATION_DOTS)
    }


def as_frame(rows: Sequence[Row], table: Table) -> "pd.DataFrame":
    """Return rows as a table; a column that a row does not name is empty in it."""
    import pandas as pd

    from qdimage.io.table_file import typed

    unknown = {name for row in rows for name in row} - set(table.column_names)
    if unknown:
        raise ValueError(f"{table.name}: undeclared columns {sorted(unknown)}")
    columns = {name: [row.get(name) for row in rows] for name in table.column_names}
    return typed(pd.DataFrame(columns, dtype=object), table)


def _place(field: FieldResult) -> Row:
    return {"device": field.experiment.device, "field": field.experiment.name}


def _channel(field: FieldResult, channel: ChannelResult) -> Row:
    return _place(field) | {
        "channel": channel.declared.name,
        "voltage_v": channel.declared.voltage_v,
    }


def _status(answer: object) -> Row:
    if isinstance(answer, Failure):
        return {"status": "failed", "message": answer.reason}
    if isinstance(answer, Refusal):
        return {"status": "refused", "message": answer.reason}
    return {"status": "ok", "message": ""}


def localization_rows(
    place: Row,
    dots: Localizations,
    *,
    exposure_s: float,
    pixel_um: float | None,
    signal_unit: str,
) -> list[Row]:
    """Return a row for each dot of a channel; `place` is device, field, channel."""
    size = float("nan") if pixel_um is None else pixel_um
    unknown = np.full(len(dots), np.nan)
    moved = unknown if dots.moved_px is None else dots.moved_px
    moved_err = unknown if dots.moved_err_px is None else dots.moved_err_px
    return [
        place
        | {
            "loc_id": k + 1,
            "x_px": dots.x_px[k],
            "y_px": dots.y_px[k],
            "x_err_px": dots.x_err_px[k],
            "y_err_px": dots.y_err_px[k],
            "x_um": size * dots.x_px[k],
            "y_um": size * dots.y_px[k],
            "photons_s": dots.signal[k] / exposure_s,
            "photons_err_s": dots.signal_err[k] / exposure_s,
            "background_photons_px_s": dots.background[k] / exposure_s,
            "sigma_px": dots.sigma_px[k],
            "false_alarm_p": dots.false_alarm_p[k],
            "moved_px": moved[k],
            "moved_err_px": moved_err[k],
            "flags": flag_names(int(dots.flags[k])),
            "signal_unit": signal_unit,
        }
        for k in range(len(dots))
    ]


def _localizations(field: FieldResult) -> list[Row]:
    rows: list[Row] = []
    for channel in field.channels:
        if isinstance(channel.dots, Localizations):
            rows += localization_rows(
                _place(field) | {"channel": channel.declared.name},
                channel.dots,
                exposure_s=channel.exposure_s,
                pixel_um=channel.pixel_um,
                signal_unit=channel.signal_unit,
            )
    return rows


def registration_row(
    answer: Registered | Refusal | Failure, *, shape: tuple[int, int] | None
) -> Row:
    """Return what a registration is and rests on; `shape` is the channel's (height, width)."""
    row = _status(answer)
    if not isinstance(answer, Registered):
        return row
    found = answer.registration
    height, width = shape or (2, 2)
    local = found.transform.local_affine(width, height)
    names = ("m00", "m01", "m02", "m10", "m11", "m12")
    row |= {
        "model": found.model,
        **dict(zip(names, (float(value) for value in local.ravel()), strict=True)),
        "radial_px": found.transform.radial_px,
        "shared_from": answer.shared_from,
        "n_inliers": found.n_inliers,
        "rms_px": found.rms_px,
        "chance_p": found.chance_p,
        "overlap_fraction": answer.overlap_fraction,
    }
    notes = [answer.note] if answer.note else []
    if found.inherited:
        notes.append(
            f"the dots here are too few to test a transform; taken over from {answer.shared_from}"
        )
    if notes:
        row["message"] = "; ".join(notes)
    return row


def _registration(field: FieldResult, channel: ChannelResult) -> Row:
    row = _channel(field, channel)
    if channel.registered is not None:
        shape = None
        if isinstance(channel.dots, Localizations):
            shape = channel.row["height_px"], channel.row["width_px"]
        row |= registration_row(channel.registered, shape=shape)
    if isinstance(channel.dots, Localizations):
        row["n_localizations"] = len(channel.dots)
    return row


def _pl_dots(field: FieldResult) -> Localizations | None:
    return None if field.curated is None else field.curated.dots


def _matches(field: FieldResult) -> list[Row]:
    dots = _pl_dots(field)
    if dots is None or field.reference is None:
        return []
    area = field.reference.row["width_px"] * field.reference.row["height_px"]
    rows: list[Row] = []
    for channel in field.el:
        if not isinstance(channel.el, ElResult):
            continue
        matches = channel.el.matches
        for k in range(len(matches.mapped)):
            rows.append(
                _channel(field, channel)
                | {
                    "loc_id": k + 1,
                    "x_px": matches.mapped[k, 0],
                    "y_px": matches.mapped[k, 1],
                    "nearest_dot_id": _one_based(matches.nearest[k]),
                    "residual_x_px": matches.residuals_px[k, 0],
                    "residual_y_px": matches.residuals_px[k, 1],
                    "distance_px": matches.distance_px[k],
                    "gate_px": matches.gate_px[k],
                    "dot_id": _one_based(matches.dot[k]),
                    "el_only": bool(matches.el_only[k]),
                    "chance_density_per_px2": len(dots) / area,
                }
            )
    return rows


def _one_based(index: int) -> int | None:
    return int(index) + 1 if index >= 0 else None


def _dots(field: FieldResult, f_min_s: float) -> tuple[list[Row], list[Row]]:
    """Rows of `dots` and of `dot_channels` of one field."""
    dots = _pl_dots(field)
    if dots is None or field.reference is None:
        return [], []
    fluxes = {
        channel.declared.name: dot_fluxes(channel.el, field.options.match, f_min_s)
        for channel in field.el
        if isinstance(channel.el, ElResult)
    }
    rows = _dot_rows(field, field.reference, dots)
    _add_turn_on_voltages(rows, dots, field, fluxes, f_min_s)
    _add_judgements(rows, field)
    inner: list[Row] = []
    for channel in field.el:
        inner += _dot_channel_rows(field, channel, fluxes.get(channel.declared.name), dots)
    return rows, inner


def _add_judgements(rows: list[Row], field: FieldResult) -> None:
    judged = field.curated.judged if field.curated is not None else {}
    for dot, place in judged.items():
        row, judgement = rows[dot - 1], place.judgement
        row |= {
            "accepted": judgement.accepted is not False,
            "note": judgement.note,
            "flags": joined_flags(row["flags"], judgement.flags),
        }


def _dot_rows(field: FieldResult, reference: ChannelResult, dots: Localizations) -> list[Row]:
    n, pixel_um = len(dots), reference.pixel_um
    columns: dict[str, Any] = {
        "dot_id": range(1, n + 1),
        "x_px": dots.x_px,
        "y_px": dots.y_px,
        "x_err_px": dots.x_err_px,
        "y_err_px": dots.y_err_px,
        "pl_photons_s": dots.signal / reference.exposure_s,
        "pl_photons_err_s": dots.signal_err / reference.exposure_s,
    }
    if pixel_um is not None:
        positions_um = pixel_um * dots.positions
        columns |= {"x_um": positions_um[:, 0], "y_um": positions_um[:, 1]}
        distance_um = field.options.match.isolation_um
        isolated = is_isolated(positions_um, distance_um=distance_um)
        columns["isolated"] = [bool(value) for value in isolated]
        pinhole_um = field.experiment.declared.optics.pinhole_um
        if pinhole_um is not None and n:
            columns["g2_floor"] = g2_floor(
                positions_um,
                dots.signal,
                pinhole_um=pinhole_um,
                psf_sigma_um=pixel_um * dots.psf_sigma_px,
                background_um2=_background_um2(reference, dots, pixel_um),
            )
    stage_from_px = field.experiment.declared.optics.stage_from_px
    if stage_from_px is not None:
        affine = np.array(stage_from_px)
        stage = dots.positions @ affine[:, :2].T + affine[:, 2]
        columns |= {"stage_x_um": stage[:, 0], "stage_y_um": stage[:, 1]}
    shared = _place(field) | {
        "accepted": True,
        "note": "",
        "signal_unit": reference.signal_unit,
    }
    return [shared | {name: column[k] for name, column in columns.items()} for k in range(n)]


def _background_um2(
    reference: ChannelResult, dots: Localizations, pixel_um: float
) -> NDArray[np.float64] | float:
    """Background per square um in the dots' unit; none where an estimated bias hides it."""
    sources = f";{reference.row.get('camera_sources') or ''}"
    if f"bias_adu: {ESTIMATED}" in sources:
        return 0.0
    return np.asarray(dots.background / pixel_um**2)


def _add_turn_on_voltages(
    rows: list[Row],
    dots: Localizations,
    field: FieldResult,
    fluxes: dict[str, DotFluxes],
    f_min_s: float,
) -> None:
    """Add between which voltages each dot passes F_min, as the fraction counts it."""
    measured = [channel for channel in field.el if channel.declared.name in fluxes]
    voltages = np.array([channel.declared.voltage_v for channel in measured], float)
    each = [fluxes[channel.declared.name] for channel in measured]
    for k, row in enumerate(rows):
        flags = int(dots.flags[k])
        if measured:
            lit = np.array([bool(one.flux_s[k] > f_min_s) for one in each])
            known = np.array([one.known[k] for one in each])
            low, high, monotone = turn_on_voltage(voltages, lit, known)
            row |= {
                "turn_on_voltage_v": (low + high) / 2,
                "turn_on_voltage_low_v": low,
                "turn_on_voltage_high_v": high,
            }
            flags |= 0 if monotone else DotFlag.NON_MONOTONE
        row["flags"] = flag_names(flags)


def _dot_channel_rows(
    field: FieldResult, channel: ChannelResult, fluxes: DotFluxes | None, dots: Localizations
) -> list[Row]:
    n_dots = len(dots)
    shared = _channel(field, channel)
    shared["status"] = _flux_status(channel)["status"]
    shared["signal_unit"] = channel.signal_unit
    if fluxes is None or not isinstance(channel.el, ElResult):
        return [shared | {"dot_id": k + 1} for k in range(n_dots)]
    matches, flags = channel.el.matches, channel.el.photometry.flags
    rejected = None if field.curated is None else field.curated.rejected
    in_fraction = in_denominator(dots, channel.el.photometry, rejected)
    partner = matches.partner_of(n_dots)
    registered = channel.registered
    if isinstance(registered, Registered) and registered.registration.inherited:
        flags = flags | DotFlag.INHERITED_TRANSFORM
    rows = []
    for k in range(n_dots):
        row = shared | {
            "dot_id": k + 1,
            "loc_id": _one_based(partner[k]),
            "counted": bool(in_fraction[k]),
            "flags": flag_names(int(flags[k])),
        }
        if partner[k] >= 0:
            row["distance_px"] = matches.distance_px[partner[k]]
        if fluxes.known[k]:
            row |= {
                "photons_s": fluxes.flux_s[k],
                "photons_err_s": fluxes.err_s[k],
                "photons_upper_s": fluxes.upper_s[k],
                "lit": bool(fluxes.lit[k]),
                "lit_probability": fluxes.lit_probability[k],
                "false_alarm_p": fluxes.false_alarm_p[k],
            }
        rows.append(row)
    return rows


def _flux_status(channel: ChannelResult) -> Row:
    """Status and message of a channel's EL fluxes."""
    if isinstance(channel.el, Failure):
        return _status(channel.el)
    return _status(channel.registered)


def _turn_on(
    fields: Sequence[FieldResult],
    frames: Mapping[str, "pd.DataFrame"],
    options: MatchOptions,
    f_min_s: float,
) -> dict[Table, list[Row]]:
    """Rows of the tables about turn-on, from the other tables, as `curate` makes them anew."""
    measured = [
        ChannelKey(field.experiment.device, field.experiment.name, channel.declared.name)
        for field in fields
        for channel in field.el
        if isinstance(channel.el, ElResult)
    ]
    fluxes = read_fluxes(frames, measured)
    channels = []
    for field in fields:
        for channel in field.el:
            row = _channel(field, channel) | _flux_status(channel)
            row["signal_unit"] = channel.signal_unit
            key = ChannelKey(field.experiment.device, field.experiment.name, row["channel"])
            channels.append(ElChannel(row, fluxes.get(key)))
    spectra: dict[str, list[Row]] = {}
    for field in fields:
        of_device = spectra.setdefault(field.experiment.device, [])
        of_device += field.photons.get(SPECTRA.name, [])
    facts = {
        (field.experiment.device, field.experiment.name): known_facts(
            field.experiment.declared.experiment.batch,
            field.experiment.declared.optics.emission_nm,
            spectra[field.experiment.device],
        )
        for field in fields
    }
    return turn_on_tables(channels, facts=facts, f_min_s=f_min_s, confidence=options.confidence)
