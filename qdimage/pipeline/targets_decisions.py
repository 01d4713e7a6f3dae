"""A run's tables with what a person has decided about dots since."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from qdimage.domain.curation import Curation, FieldKey
from qdimage.errors import ConfigurationError
from qdimage.io.curation_file import FILE_NAME, curation_sha256, read_curation
from qdimage.io.experiment_file import refuse_link_out
from qdimage.pipeline.curated_tables import curate
from qdimage.pipeline.curation import match_curation
from qdimage.pipeline.finished import FinishedRun, read_run


def with_decisions(
    run: FinishedRun, recorded: Iterable[Mapping[str, Any]], given: Path | None
) -> tuple[FinishedRun, tuple[str, ...]]:
    """Apply decisions that are not those of the run.

    Parameters
    ----------
    run : FinishedRun
    recorded : iterable of mapping
        The fields in ``run.json`` that count.
    given : pathlib.Path or None
        Decisions instead of those that the run has read, or of the ``curation.json`` beside each
        experiment.

    Returns
    -------
    FinishedRun
        With other tables, or the same.
    tuple of str
        What was applied.

    Raises
    ------
    FormatError, ConfigurationError
        If decisions cannot be read, or do not name their fields.
    """
    fields = list(recorded)
    entries: list[Any] = []
    notes = []
    for each in fields:
        path = given or _read_by_run(each)
        if not path.is_file() and given is None:
            continue
        if given is None and not each.get("curation"):
            refuse_link_out(path)
        key = FieldKey(str(each["device"]), str(each["field"]))
        own = _decisions(path, key, only_field=len(fields) == 1 or given is None)
        if curation_sha256(own) == each.get("curation_sha256"):
            continue
        entries += [entry for entry in own.entries if (entry.device, entry.field) == tuple(key)]
        notes.append(f"{key}: decisions of {path} are applied that the run has not seen")
    if not entries:
        return run, ()
    matched = match_curation(run.tables["dots"], Curation(entries=tuple(entries)))
    whole = read_run(run.out)
    return replace(run, tables=curate(whole.tables, matched.judged)), tuple(notes)


def _read_by_run(recorded: Mapping[str, Any]) -> Path:
    named = recorded.get("curation")
    return Path(str(named)) if named else Path(str(recorded["experiment"])).parent / FILE_NAME


def _decisions(path: Path, key: FieldKey, *, only_field: bool) -> Curation:
    curation = read_curation(path)
    if only_field:
        return curation.placed(key)
    unnamed = [each for each in curation.entries if not (each.device and each.field)]
    if unnamed:
        raise ConfigurationError(
            f"{path}: {unnamed[0]} names no field, expected device and field, since several fields "
            "are chosen; add them, or choose one with --field"
        )
    return curation
