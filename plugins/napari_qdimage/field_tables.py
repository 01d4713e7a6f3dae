"""Tables of one field that were computed here, among those of a session."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

import qdimage
from napari_qdimage import messages
from napari_qdimage.session import Session
from qdimage import steps

if TYPE_CHECKING:
    from napari_qdimage.widgets.job_bar import JobBar
    from qdimage.pipeline.field import RegisteredField


def take_registered(session: Session, found: "RegisteredField") -> None:
    """Make a field's localizations and registrations those of the session."""
    fresh = {
        "localizations": steps.localization_table(found),
        "registration": steps.registration_table(found),
    }
    device, field = found.experiment.device, found.experiment.name
    merged = {
        name: _with(session.measured[name], own, device, field) for name, own in fresh.items()
    }
    session.replace_tables(merged)


def _with(table: pd.DataFrame, fresh: pd.DataFrame, device: str, field: str) -> pd.DataFrame:
    others = table[(table["device"] != device) | (table["field"] != field)]
    merged = pd.concat([each for each in (others, fresh) if len(each)] or [fresh])
    return merged.sort_values(["device", "field"], kind="stable").reset_index(drop=True)


def analyse_again(session: Session, bar: "JobBar", choose_folder: Callable[[], object]) -> None:
    """Repeat the run in its own folder; without one, let the user choose where to."""
    if session.out is None:
        choose_folder()
        return
    with messages.shown():
        _analyse(session, session.out, bar)


def _analyse(session: Session, out: Path, bar: "JobBar") -> None:
    # As every run, this one reads them beside the experiments.
    session.write_curation()
    bar.compute(
        "Analysing",
        qdimage.run,
        [each.path for each in session.experiments.values()],
        out,
        options=session.run_options,
        on_done=lambda result: session.replace_tables(result.tables),
    )
