"""One truth for all views: an experiment or a run, its tables, the selection, the decisions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal

import qdimage
from napari_qdimage.acts import Act, Ledger, curation_of
from napari_qdimage.autosave import Autosave, free_name, kept_sessions
from napari_qdimage.dot_numbers import known_places, with_kept_numbers
from napari_qdimage.session_file import Ask, InputFile, SavedSession, read_session
from napari_qdimage.session_options import SessionOptions
from napari_qdimage.session_sources import CURATION, Source, experiments_at, run_at
from qdimage.config import AnalysisOptions
from qdimage.domain.curation import (
    Curation,
    FieldKey,
    JudgedPlace,
    Judgement,
    check_flag,
    entries_of,
)
from qdimage.domain.experiment import Experiment
from qdimage.errors import ConfigurationError, FormatError, QdimageError

if TYPE_CHECKING:
    import pandas as pd

Change = Callable[[Judgement], Judgement]

POOLED = "all"


class Session:
    """What the plugin knows, without a window.

    A signal is emitted once the state is consistent; views redraw from the session and keep no
    state of their own. Undo and redo are of curation alone: options show their defaults beside
    them.

    Attributes
    ----------
    opened
        Another experiment, run or field: everything is new.
    tables_changed
        With the names of the tables that changed.
    selection_changed
    channel_changed
        The EL channel that the dots are judged in.
    curation_changed
        Decisions, and with them the live fraction.
    options_changed
    history_changed
        What can be undone or redone.
    """

    opened = Signal()
    tables_changed = Signal(frozenset)
    selection_changed = Signal()
    channel_changed = Signal()
    curation_changed = Signal()
    options_changed = Signal()
    history_changed = Signal()

    def __init__(self, *, autosave: bool = True) -> None:
        """Begin with nothing open.

        Parameters
        ----------
        autosave : bool
            Keep decisions beside what is opened before `save` names a file.
        """
        self._keeps_itself = autosave
        self._ledger = Ledger()
        self._autosave = Autosave()
        self._view: dict[str, Any] = {}
        self._inputs: dict[Path, InputFile] = {}
        self._take(Source())

    def _take(self, source: Source) -> None:
        """Take over what was opened; nothing is decided yet."""
        self.source, self.out, self.warnings = source.source, source.out, source.warnings
        self._files = source.files
        self._experiments = dict(source.experiments)
        self._options = SessionOptions(source.options)
        self._base: dict[str, pd.DataFrame] = dict(source.tables)
        self._fields = source.fields
        self._field = source.fields[0] if source.fields else None
        self._channel = ""
        # Asked for many times in each act.
        self._judged_in: tuple[object, str] = (None, "")
        self._selection: tuple[int, ...] = ()
        self._forget()

    def _forget(self) -> None:
        """Drop what is computed from tables and decisions; it is computed anew when asked for."""
        self._curated: dict[str, pd.DataFrame] | None = None
        self._dots: pd.DataFrame | None = None

    # Opening

    def open_experiment(self, path: str | Path, ask: Ask | None = None) -> bool:
        """Open declared experiments; nothing is measured yet.

        Parameters
        ----------
        path : path
            An ``experiment.toml``, or a folder with some in and below it.
        ask : callable, optional
            As for `reopen`, where an earlier session is kept beside them.

        Raises
        ------
        FormatError, ConfigurationError
            If none can be read; the session is as it was.
        """
        return self._open(experiments_at(Path(path)), ask)

    def open_run(self, out: str | Path, ask: Ask | None = None) -> bool:
        """Open the folder of a finished run, and the experiments that it was made from if there.

        Parameters
        ----------
        out : path
        ask : callable, optional
            As for `reopen`, where an earlier session is kept in the folder.

        Raises
        ------
        FormatError
            If it holds none, or a table is damaged; the session is as it was.
        """
        return self._open(run_at(Path(out)), ask)

    def reopen(self, path: str | Path, ask: Ask | None = None) -> bool:
        """Open a saved session and go on with it.

        Parameters
        ----------
        path : path
        ask : callable, optional
            Asked what to do where files are not as they were: "continue" with the session's own
            decisions, "take_files" for those of each ``curation.json``, or "cancel". Not asked,
            the session goes on and `warnings` say what has changed.

        Returns
        -------
        bool
            False where the answer was "cancel"; the session is as it was.

        Raises
        ------
        FormatError
            If the file, or the run that it is about, cannot be read; the session is as it was.
        """
        path = Path(path)
        saved = read_session(path)
        try:
            if saved.out is not None:
                source = run_at(saved.out)
            elif saved.source is not None:
                source = experiments_at(saved.source)
            else:
                source = Source()
        except QdimageError as error:
            raise FormatError(
                f"{path}: what this session is about is not there: {error}"
            ) from error
        return self._go_on(source, saved, path, ask)

    def _open(self, source: Source, ask: Ask | None) -> bool:
        """Go on with the latest session that is kept beside the source, or begin one."""
        unreadable: list[str] = []
        folder = source.folder if self._keeps_itself else None
        for path in () if folder is None else kept_sessions(folder):
            try:
                saved = read_session(path)
            except FormatError as error:
                unreadable.append(f"{error}; it is left alone")
            else:
                return self._go_on(source, saved, path, ask)
        self._take(source)
        self.warnings += tuple(unreadable)
        self._start(source.curation)
        self._view = {}
        self._autosave = Autosave(None if folder is None else free_name(folder))
        self.opened.emit()
        return True

    def _go_on(self, source: Source, saved: SavedSession, path: Path, ask: Ask | None) -> bool:
        conflicts = saved.conflicts()
        answer = ask(conflicts) if conflicts and ask is not None else "continue"
        if answer == "cancel":
            return False
        changed = {each.path.stem for each in conflicts}
        self._take(source)
        self.warnings += tuple(map(str, conflicts))
        self._view = dict(saved.view)
        self._autosave = Autosave(path)
        if "run" not in changed:
            self._restore_options(saved)
        if answer == "take_files":
            self._start(source.curation)
        elif "dots" in changed:
            # The numbers are another run's; the places are still the same.
            self._start(curation_of(saved.judged, saved.lost))
        else:
            self._ledger.start(saved.judged, saved.lost)
        if saved.shown in self._fields:
            self._field = saved.shown
        self._channel = saved.channel
        self._select(saved.selection)
        self.opened.emit()
        return True

    def _restore_options(self, saved: SavedSession) -> None:
        try:
            self._options = self._options.restored(saved.options)
        except ConfigurationError as error:
            self.warnings += (f"{error}; the options are those of the run or the experiment",)

    def reread(self) -> None:
        """Read the declarations again, one of which was changed; all else stays as it is.

        Raises
        ------
        FormatError, ConfigurationError
            If one cannot be read any more; the session is as it was.
        """
        self._experiments = {
            key: qdimage.plan(experiment.path, allow_outside=True).fields[0][0]
            for key, experiment in self._experiments.items()
        }
        self._keep_begun()
        self.tables_changed.emit(frozenset())

    def _start(self, curation: Curation) -> None:
        matched = qdimage.match_curation(self._base["dots"], curation)
        self._ledger.start(matched.judged, matched.lost)
        self._forget()

    # Keeping

    @property
    def file(self) -> Path | None:
        """The file that holds the session, once something was decided or saved."""
        return self._autosave.path

    @property
    def unsaved(self) -> str:
        """Why the last decision is not on disk; "" where it is."""
        return self._autosave.problem

    @property
    def view(self) -> dict[str, Any]:
        """What the window wants to find again, of texts, numbers and lists; kept by `save`."""
        return self._view

    def save(self, path: str | Path | None = None) -> Path:
        """Save the session whole, with hashes of all inputs; later decisions go there too.

        Parameters
        ----------
        path : path, optional
            Where; `file` if not given.

        Raises
        ------
        ConfigurationError
            If there is no place, or it cannot be written.
        """
        if path is not None and Path(path) != self._autosave.path:
            self._autosave = Autosave(Path(path))
        if self._autosave.path is None:
            raise ConfigurationError(
                "nothing is open that could be saved; open an experiment first"
            )
        self._inputs = {each.path: each.hashed() for each in self._input_files()}
        self._keep()
        if self.unsaved:
            raise ConfigurationError(self.unsaved)
        return self._autosave.path

    def _keep(self) -> None:
        """Put the session on disk as it is now."""
        self._autosave.write(
            SavedSession(
                out=self.out,
                source=self.source,
                shown=self._field,
                channel=self._channel,
                selection=self._selection,
                options=self._options.changed(),
                view=self._view,
                judged=self._ledger.judged,
                lost=self._ledger.lost,
                inputs=tuple(self._input_files()),
            )
        )

    def _keep_begun(self) -> None:
        """Put the session on disk if it is there already: nobody decided anything before."""
        if self._autosave.has_written:
            self._keep()

    def _input_files(self) -> list[InputFile]:
        """Inputs as they are now, with the hashes that are known of the very same files."""
        now = [InputFile.of(path.absolute()) for path in self._files]
        known = self._inputs
        return [
            known[each.path]
            if each.path in known and replace(known[each.path], sha256="") == each
            else each
            for each in now
        ]

    def write_curation(self, folder: str | Path | None = None) -> tuple[Path, ...]:
        """Write the decisions as the ``curation.json`` that every run reads.

        Parameters
        ----------
        folder : path, optional
            For one file with the decisions of all fields; beside each experiment if not given.

        Returns
        -------
        tuple of pathlib.Path
            The files written.

        Raises
        ------
        ConfigurationError
            If a field with decisions has no folder, or it cannot be written.
        """
        if folder is not None:
            targets = {Path(folder) / CURATION: self._ledger.curation()}
        else:
            targets = {
                self._folder_of(field) / CURATION: self._ledger.curation([field])
                for field in self._fields
                if self._ledger.curation([field]) or (field in self._experiments)
            }
            targets = {path: each for path, each in targets.items() if each or path.is_file()}
        try:
            for path, curation in targets.items():
                qdimage.write_curation(curation, path)
        except OSError as error:
            raise ConfigurationError(
                f"{error.filename}: cannot be written ({error.strerror}); choose another folder"
            ) from error
        return tuple(targets)

    def _folder_of(self, field: FieldKey) -> Path:
        if field not in self._experiments:
            raise ConfigurationError(
                f"{field}: its experiment.toml is not there; name a folder for the decisions"
            )
        return self._experiments[field].folder

    # Fields and tables

    @property
    def fields(self) -> tuple[FieldKey, ...]:
        """All fields, in the run's order."""
        return self._fields

    @property
    def field(self) -> FieldKey | None:
        """The field that is shown."""
        return self._field

    def show(self, field: FieldKey) -> None:
        """Show another field; nothing is selected in it.

        Raises
        ------
        KeyError
            If there is none of this name.
        """
        if field not in self._fields:
            raise KeyError(f"found no field {field}, expected one of {list(self._fields)}")
        if field == self._field:
            return
        self._field = field
        self._selection = ()
        self._dots = None
        self.opened.emit()

    @property
    def channel(self) -> str:
        """The EL channel that the dots are judged in; "" where there is none.

        The one that was chosen, else the one of the highest voltage that gave a fraction, else of
        the highest voltage.
        """
        key = (id(self._base["channels"]), id(self._base["turn_on"]), self._field, self._channel)
        if self._judged_in[0] != key:
            self._judged_in = key, self._find_channel()
        return self._judged_in[1]

    def _find_channel(self) -> str:
        declared = self._rows("channels", self._field)
        declared = declared[declared["kind"] == "el"].sort_values("voltage_v", kind="stable")
        names = [str(name) for name in declared["channel"]]
        if self._channel in names:
            return self._channel
        table = self._base["turn_on"]
        answered = set(table.loc[table["fraction"].notna(), "channel"])
        best = [name for name in names if name in answered] or names
        return best[-1] if best else ""

    def show_channel(self, channel: str) -> None:
        """Judge the dots in another EL channel.

        Raises
        ------
        KeyError
            If the shown field has none of this name.
        """
        declared = self._rows("channels", self._field)
        if channel not in set(declared.loc[declared["kind"] == "el", "channel"]):
            raise KeyError(f"found no EL channel {channel!r} in {self._field}")
        if channel != self.channel:
            self._channel = channel
            self.channel_changed.emit()

    @property
    def experiment(self) -> Experiment | None:
        """The declaration of the shown field; None where its folder is not there."""
        return None if self._field is None else self._experiments.get(self._field)

    @property
    def experiments(self) -> Mapping[FieldKey, Experiment]:
        """The declarations that are there."""
        return dict(self._experiments)

    @property
    def tables(self) -> Mapping[str, "pd.DataFrame"]:
        """All tables of all fields, with the decisions applied; not to be changed."""
        if self._curated is None:
            self._curated = qdimage.curate(self._base, self._ledger.judged)
        return self._curated

    @property
    def measured(self) -> Mapping[str, "pd.DataFrame"]:
        """All tables of all fields as they were measured, without the decisions."""
        return dict(self._base)

    @property
    def dots(self) -> "pd.DataFrame":
        """The shown field's rows of `dots` with the decisions applied, indexed by dot_id."""
        if self._dots is None:
            own = self._rows("dots", self._field)
            if self._field is not None:
                own = qdimage.curated_dots(own, self._ledger.of_field(self._field))
            own.index = own["dot_id"].astype(int).rename(None)
            self._dots = own
        return self._dots

    def of_field(self, table: str) -> "pd.DataFrame":
        """Return the shown field's rows of a table."""
        return self.dots if table == "dots" else self._rows(table, self._field)

    def _rows(self, table: str, field: FieldKey | None) -> "pd.DataFrame":
        frame = self._base[table] if table != "turn_on" else self.tables["turn_on"]
        if field is None:
            return frame.iloc[:0]
        own = (frame["device"] == field.device) & (frame["field"] == field.field)
        return frame[own].reset_index(drop=True)

    @property
    def f_min_photons_s(self) -> float:
        """Flux above which a dot counts as lit, which no decision changes; NaN if not known."""
        known = self._base["turn_on"]["f_min_photons_s"].dropna()
        return float(known.iloc[0]) if len(known) else float("nan")

    def turn_on(self) -> "pd.DataFrame":
        """Return the rows of `turn_on` of the shown field's device, with the decisions applied."""
        frame = self.tables["turn_on"]
        device = "" if self._field is None else self._field.device
        return frame[frame["device"] == device].reset_index(drop=True)

    def replace_tables(self, tables: Mapping[str, "pd.DataFrame"]) -> None:
        """Take over tables that were computed anew; a dot that is still there keeps its number.

        Parameters
        ----------
        tables : mapping of str to pandas.DataFrame
            Those that changed, of all fields.
        """
        if "dots" in tables:
            first_free = {field: self._next_id(field) for field in self._fields}
            for field, number in first_free.items():
                self._ledger.spend_ids(field, number - 1)
            tables = with_kept_numbers(tables, self._known_places(), first_free)
        self._base |= tables
        self._find_lost()
        self._forget()
        self._select(self._selection)
        self.tables_changed.emit(frozenset(tables))

    def _known_places(self) -> dict[FieldKey, "pd.DataFrame"]:
        return {
            field: known_places(self._rows("dots", field), self._ledger.of_field(field))
            for field in self._fields
        }

    def _find_lost(self) -> None:
        """Look again for the dots of decisions that were about places without one."""
        for field, places in self._ledger.lost.items():
            entries = (entry for place in places for entry in entries_of(place, field))
            found = qdimage.match_curation(self._base["dots"], Curation(tuple(entries)))
            self._ledger.find(field, found.judged[field], found.lost.get(field, ()))

    # Selection

    @property
    def selection(self) -> tuple[int, ...]:
        """Selected dots of the shown field, the last one being the current one."""
        return self._selection

    @property
    def current(self) -> int | None:
        """The dot that was selected last."""
        return self._selection[-1] if self._selection else None

    def select(self, dot_ids: Iterable[int]) -> None:
        """Select dots of the shown field; others are passed over."""
        before = self._selection
        self._select(dot_ids)
        if self._selection != before:
            self.selection_changed.emit()

    def _select(self, dot_ids: Iterable[int]) -> None:
        known = self.dots.index
        self._selection = tuple(int(dot) for dot in dict.fromkeys(dot_ids) if dot in known)

    def next(self) -> int | None:
        """Select the dot after the current one, the first one after the last, and return it."""
        return self._step(1)

    def previous(self) -> int | None:
        """Select the dot before the current one, the last one before the first, and return it."""
        return self._step(-1)

    def _step(self, by: int) -> int | None:
        ids = list(self.dots.index)
        if not ids:
            return None
        at = ids.index(self.current) + by if self.current is not None else min(by, 0)
        self.select([ids[at % len(ids)]])
        return self.current

    def next_unreviewed(self) -> int | None:
        """Select the next dot that nobody accepted or rejected; None where there is none."""
        ids = list(self.dots.index)
        start = ids.index(self.current) + 1 if self.current is not None else 0
        reviewed = self.reviewed
        for dot in (*ids[start:], *ids[:start]):
            if dot not in reviewed:
                self.select([dot])
                return self.current
        return None

    # Decisions

    @property
    def reviewed(self) -> frozenset[int]:
        """Dots of the shown field that somebody accepted or rejected."""
        return frozenset(
            dot for dot, place in self._judged.items() if place.judgement.accepted is not None
        )

    def judgement(self, dot_id: int) -> Judgement:
        """Return what was decided about a dot of the shown field."""
        place = self._judged.get(dot_id)
        return Judgement() if place is None else place.judgement

    @property
    def judged(self) -> Mapping[FieldKey, Mapping[int, JudgedPlace]]:
        """All decisions that a dot was found for, by field and dot_id."""
        return self._ledger.judged

    @property
    def curation(self) -> Curation:
        """All decisions, as ``curation.json`` holds them."""
        return self._ledger.curation()

    def accept(self, dot_ids: Iterable[int]) -> None:
        """Accept dots; they are reviewed."""
        self._decide("Accept", dot_ids, lambda judged: replace(judged, accepted=True))

    def reject(self, dot_ids: Iterable[int]) -> None:
        """Reject dots: they keep their row and leave fraction and population."""
        self._decide("Reject", dot_ids, lambda judged: replace(judged, accepted=False))

    def flag(self, dot_ids: Iterable[int], word: str) -> None:
        """Give dots a word of one's own.

        Raises
        ------
        ConfigurationError
            If it is none: empty, with a space or a semicolon, or one that the analysis uses.
        """
        check_flag(word)
        self._decide(
            f"Flag {word}:",
            dot_ids,
            lambda judged: replace(judged, flags=tuple(sorted({*judged.flags, word}))),
        )

    def unflag(self, dot_ids: Iterable[int], word: str) -> None:
        """Take a word of one's own from dots."""
        self._decide(
            f"Unflag {word}:",
            dot_ids,
            lambda judged: replace(judged, flags=tuple(w for w in judged.flags if w != word)),
        )

    def write_note(self, dot_id: int, text: str) -> None:
        """Write a note beside a dot; an empty one takes it away."""
        self._decide("Note on", [dot_id], lambda judged: replace(judged, note=text.strip()))

    def add(self, x_px: float, y_px: float) -> int:
        """Put a dot where none was found, and return its number.

        It is accepted; its light is measured by the next run.

        Raises
        ------
        ConfigurationError
            If no field is shown.
        """
        field = self._shown()
        dot = self._next_id(field)
        place = JudgedPlace(*_place(x_px, y_px), Judgement(accepted=True, added=True))
        self._do(f"Add dot {dot}", {dot: place})
        return dot

    def move(self, dot_id: int, x_px: float, y_px: float) -> None:
        """Put a dot elsewhere; its light there is measured by the next run."""
        at = _place(x_px, y_px)
        judged = self._judged.get(dot_id)
        if judged is not None and judged.judgement.added:
            self._do(f"Move dot {dot_id}", {dot_id: JudgedPlace(*at, judged.judgement)})
            return
        self._decide("Move", [dot_id], lambda judged: replace(judged, moved_to_px=at))

    def delete(self, dot_ids: Iterable[int]) -> None:
        """Take away dots that are none; one that was added by hand is as if it had never been.

        For a dot that exists and should not count, use `reject`: it keeps its row.
        """
        known = [dot for dot in dict.fromkeys(dot_ids) if dot in self.dots.index]
        after = {
            dot: None
            if self.judgement(dot).added
            else self._changed(dot, lambda judged: replace(judged, deleted=True))
            for dot in known
        }
        self._do(_text("Delete", known), after)

    @property
    def _judged(self) -> Mapping[int, JudgedPlace]:
        return {} if self._field is None else self._ledger.of_field(self._field)

    def _shown(self) -> FieldKey:
        if self._field is None:
            raise ConfigurationError("no field is open; open an experiment or a finished run first")
        return self._field

    def _next_id(self, field: FieldKey) -> int:
        found = self._rows("dots", field)["dot_id"]
        return max(int(found.max()) if len(found) else 0, self._ledger.highest_id(field)) + 1

    def _decide(self, verb: str, dot_ids: Iterable[int], change: Change) -> None:
        known = [int(dot) for dot in dict.fromkeys(dot_ids) if dot in self.dots.index]
        after = {dot: self._changed(dot, change) for dot in known}
        after = {dot: place for dot, place in after.items() if place != self._judged.get(dot)}
        self._do(_text(verb, list(after)), after)

    def _changed(self, dot: int, change: Change) -> JudgedPlace | None:
        before = self._judged.get(dot)
        if before is None:
            x_px, y_px = (self.dots.at[dot, name] for name in ("x_px", "y_px"))
            before = JudgedPlace(*_place(x_px, y_px), Judgement())
        after = replace(before, judgement=change(before.judgement))
        return None if after.judgement == Judgement() else after

    def _do(self, text: str, after: Mapping[int, JudgedPlace | None]) -> None:
        if not after:
            return
        before = {dot: self._judged.get(dot) for dot in after}
        self._ledger.do(Act(text, self._shown(), before, after))
        self._decided()

    def _decided(self) -> None:
        self._forget()
        before = self._selection
        self._select(before)
        self._keep()
        self.curation_changed.emit()
        if self._selection != before:
            self.selection_changed.emit()
        self.history_changed.emit()

    # History

    @property
    def can_undo(self) -> bool:
        """Whether an act can be taken back."""
        return bool(self.undo_text)

    @property
    def can_redo(self) -> bool:
        """Whether an act can be carried out again."""
        return bool(self.redo_text)

    @property
    def undo_text(self) -> str:
        """What `undo` takes back; "" for nothing."""
        return self._ledger.undo_text

    @property
    def redo_text(self) -> str:
        """What `redo` carries out again; "" for nothing."""
        return self._ledger.redo_text

    def undo(self) -> None:
        """Take the last act back, and show the field that it was in."""
        if self.can_undo:
            self._went(self._ledger.undo())

    def redo(self) -> None:
        """Carry out again what was taken back last, and show the field that it is in."""
        if self.can_redo:
            self._went(self._ledger.redo())

    def _went(self, act: Act) -> None:
        self._forget()
        if act.field != self._field:
            self.show(act.field)
        self._decided()
        self.select(act.after)

    # Options

    @property
    def options(self) -> AnalysisOptions:
        """The options of the shown field."""
        return self._options.of_field(self._field)

    def set_option(self, name: str, value: Any) -> None:
        """Set an option of all fields, such as ``localize.max_rounds``.

        Raises
        ------
        ConfigurationError
            If there is none of this name, or the value is not allowed; nothing has changed.
        """
        changed = self._options.with_option(name, value)
        if changed != self._options:
            self._options = changed
            self._keep_begun()
            self.options_changed.emit()

    @property
    def run_options(self) -> dict[str, Any]:
        """What `qdimage.run` takes as ``options`` to analyse with these options."""
        return self._options.document()

    def options_toml(self) -> str:
        """Return the file that ``qdimage run --config FILE`` takes."""
        return self._options.toml()


def _text(verb: str, dots: Sequence[int]) -> str:
    return f"{verb} dot {dots[0]}" if len(dots) == 1 else f"{verb} {len(dots)} dots"


def _place(x_px: Any, y_px: Any) -> tuple[float, float]:
    """A place as a file for people holds it."""
    return round(float(x_px), 4), round(float(y_px), 4)
