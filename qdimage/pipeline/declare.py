"""An ``experiment.toml`` for a folder of stacks and time tags, from file names and metadata."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qdimage.errors import ConfigurationError, FormatError, QdimageError
from qdimage.io import STACK_READERS, is_stack_file, open_stack
from qdimage.io.atomic import write_text
from qdimage.io.experiment_file import FILE_NAME
from qdimage.io.time_tags import HISTOGRAM_READERS, PHOTON_READERS, holds_photons

Ask = Callable[[str], str]

_PL = re.compile(r"(?<![a-z])pl(?![a-z])|photolum|fluor", re.IGNORECASE)
_EL = re.compile(r"(?<![a-z])el(?![a-z])|electrolum", re.IGNORECASE)
_NUMBER = r"(?<![\d.,])(\d+(?:[.,p]\d+)?)[ _-]?"
_VOLTAGE = re.compile(_NUMBER + r"(mv|v)(?![a-z])", re.IGNORECASE)
_EXPOSURE = re.compile(_NUMBER + r"(ms|s|sec)(?![a-z])", re.IGNORECASE)
_FACTOR = {"mv": 1e-3, "v": 1.0, "ms": 1e-3, "s": 1.0, "sec": 1.0}

_PHOTON_SUFFIXES = tuple({**PHOTON_READERS, **HISTOGRAM_READERS})
_CAMERA_KEYS = (
    "bias_adu",
    "electrons_per_adu",
    "em_gain",
    "quantum_efficiency",
    "read_noise_e",
)

_FILE_NAME, _METADATA, _ANSWER = "the file name", "the file's metadata", "your answer"


@dataclass(frozen=True)
class Declaration:
    """What was written, what in it is a guess, and what is missing.

    Attributes
    ----------
    path : pathlib.Path
        The ``experiment.toml``.
    guessed, missing : list of str
        One line each.
    """

    path: Path
    guessed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass
class _File:
    """One file: for each key its value and where that is from; nothing for what is not known."""

    file: str
    known: dict[str, tuple[str | float, str]] = field(default_factory=dict)
    problem: str = ""

    @property
    def kind(self) -> str:
        return str(self.known["kind"][0]) if "kind" in self.known else ""


@dataclass(frozen=True)
class FoundStack:
    """A stack that no ``experiment.toml`` declares yet, and what its name and metadata say.

    Attributes
    ----------
    file : str
        Name in its folder.
    kind : str
        "pl", "el", or "" where not known.
    voltage_v, exposure_s, pixel_size_um : float or None
    problem : str
        Why it cannot be read; "" where it can.
    """

    file: str
    kind: str
    voltage_v: float | None
    exposure_s: float | None
    pixel_size_um: float | None
    problem: str


def find_stacks(folder: Path) -> list[FoundStack]:
    """Return the stacks in a folder, as far as they explain themselves.

    Raises
    ------
    FormatError
        If there is no such folder, or it holds neither stacks nor time tags.
    """
    files, _ = _files(folder)
    return [_found(_look_at(each)) for each in files]


def _found(file: _File) -> FoundStack:
    numbers = {key: value for key, (value, _) in file.known.items() if isinstance(value, float)}
    return FoundStack(
        file.file,
        file.kind,
        numbers.get("voltage_v"),
        numbers.get("exposure_s"),
        numbers.get("pixel_size_um"),
        file.problem,
    )


def declare_experiment(
    folder: Path,
    *,
    ask: Ask | None = None,
    answers: Mapping[str, Mapping[str, str | float]] | None = None,
) -> Declaration:
    """Write ``experiment.toml`` into a folder that has none.

    Parameters
    ----------
    folder : pathlib.Path
        Holds the stacks of one field, and its time tags in or below it.
    ask : callable, optional
        Called with a question where something cannot be found; "" is no answer.
    answers : mapping of str to mapping, optional
        What is known of a stack beforehand, by its file's name: ``kind`` ("" for neither),
        ``voltage_v``, ``exposure_s``, ``pixel_size_um``. It wins over names and metadata.

    Raises
    ------
    FormatError
        If the folder holds neither.
    ConfigurationError
        If there is an ``experiment.toml`` already, or an answer is no number.
    """
    path = folder / FILE_NAME
    if path.exists():
        raise ConfigurationError(f"{path}: it is there already; edit it, or remove it first")
    files, tags = _files(folder)
    stacks = [_answered(_look_at(each), (answers or {}).get(each.name, {})) for each in files]
    photons = [_named(each, each.relative_to(folder).as_posix()) for each in tags]
    if ask is not None:
        for stack in stacks:
            _ask_about(stack, ask)
        for tagged in photons:
            _ask_kind(tagged, ask)
    declaration = Declaration(path)
    write_text(path, _format(folder.resolve(), stacks, photons, declaration, ask))
    return declaration


def _files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The stacks in a folder, and the time tags in and below it."""
    if not folder.is_dir():
        raise FormatError(f"{folder}: there is no such folder; name the one with the stacks")
    files = sorted(each for each in folder.iterdir() if is_stack_file(each))
    tags = sorted(each for each in folder.rglob("*") if holds_photons(each))
    if not files and not tags:
        raise FormatError(
            f"{folder}: found no stack in this folder and no time tags, expected files that end "
            f"in {', '.join((*STACK_READERS, *_PHOTON_SUFFIXES))}; name another folder"
        )
    return files, tags


def _answered(stack: _File, answers: Mapping[str, str | float]) -> _File:
    for key, value in answers.items():
        stack.known[key] = value, _ANSWER
    return stack


def _named(path: Path, file: str) -> _File:
    """What a file's name says of it."""
    named, name = _File(file), path.stem
    voltage = _number(_VOLTAGE, name)
    if _PL.search(name):
        named.known["kind"] = "pl", _FILE_NAME
    elif _EL.search(name) or voltage is not None:
        named.known["kind"] = "el", _FILE_NAME
        if voltage is not None:
            named.known["voltage_v"] = voltage, _FILE_NAME
    return named


def named_kind(path: Path) -> tuple[str, float | None]:
    """Return the kind ("" where not said) and the voltage that a file's name states."""
    known = _named(path, path.name).known
    kind = str(known["kind"][0]) if "kind" in known else ""
    return kind, float(known["voltage_v"][0]) if "voltage_v" in known else None


def _look_at(path: Path) -> _File:
    stack, exposure = _named(path, path.name), _number(_EXPOSURE, path.stem)
    if exposure is not None:
        stack.known["exposure_s"] = exposure, _FILE_NAME
    try:
        with open_stack(path) as opened:
            for key in ("exposure_s", "pixel_size_um"):
                if key in opened.metadata:
                    stack.known[key] = float(opened.metadata[key]), _METADATA
    except QdimageError as error:
        stack.problem = str(error)
    return stack


def _number(pattern: re.Pattern[str], name: str) -> float | None:
    found = pattern.search(name)
    if found is None:
        return None
    value = float(re.sub("[,p]", ".", found.group(1).lower()))
    return round(value * _FACTOR[found.group(2).lower()], 9)


def _ask_kind(file: _File, ask: Ask) -> None:
    if not file.kind:
        answer = ask(f"{file.file}: does it show pl or el? (empty: neither)").strip().lower()
        if answer in ("pl", "el"):
            file.known["kind"] = answer, _ANSWER
    if file.kind == "el" and "voltage_v" not in file.known:
        _ask_number(file.known, "voltage_v", f"{file.file}: voltage in V?", ask)


def _ask_about(stack: _File, ask: Ask) -> None:
    _ask_kind(stack, ask)
    if stack.kind and "exposure_s" not in stack.known:
        _ask_number(stack.known, "exposure_s", f"{stack.file}: exposure of a frame in s?", ask)


def _ask_number(
    known: dict[str, tuple[str | float, str]], key: str, question: str, ask: Ask
) -> None:
    answer = ask(question).strip()
    if not answer:
        return
    try:
        known[key] = float(answer.replace(",", ".")), _ANSWER
    except ValueError as error:
        raise ConfigurationError(
            f"found {answer!r} for {key}, expected a number; run init again"
        ) from error


def _format(
    folder: Path,
    stacks: list[_File],
    photons: list[_File],
    declaration: Declaration,
    ask: Ask | None,
) -> str:
    sizes = {key: each for stack in stacks for key, each in stack.known.items()}
    shared = {key: each for key, each in sizes.items() if key == "pixel_size_um"}
    if stacks and not shared and ask is not None:
        _ask_number(shared, "pixel_size_um", "size of a camera pixel in the sample plane, um?", ask)
    lines = [
        "contract = 1",
        "",
        "[experiment]",
        f"name = {_text(folder.name)}",
        f"device = {_text(folder.parent.name or folder.name)}  # the folder above; fractions are "
        "pooled by device",
    ]
    if stacks:
        lines += _key("pixel_size_um", shared, "experiment", declaration)
        lines += ["", "[camera]  # without these, fluxes are in ADU"]
        lines += [f"# {key} = " for key in _CAMERA_KEYS]
    n_pl = 0
    for stack in stacks:
        lines += ["", *_channel(stack, declaration, is_reference=stack.kind == "pl" and n_pl == 0)]
        n_pl += stack.kind == "pl"
    if n_pl > 1:
        declaration.guessed.append("the first PL stack is the reference, marked reference = true")
    if stacks and n_pl == 0:
        declaration.missing.append('a PL stack: set kind = "pl" for one of the channels')
    for tagged in photons:
        lines += ["", *_photons(tagged, declaration, imaged=n_pl > 0)]
    return "\n".join(lines) + "\n"


def _channel(stack: _File, declaration: Declaration, *, is_reference: bool) -> list[str]:
    if stack.problem:
        declaration.missing.append(stack.problem)
    if not stack.kind:
        declaration.missing.append(f"{stack.file}: kind (pl or el); its lines are commented out")
        return ["# [[channels]]", '# kind = ""', f"# stack = {_text(stack.file)}"]
    lines = [
        "[[channels]]",
        f"name = {_text(Path(stack.file).stem)}",
        *_key("kind", stack.known, stack.file, declaration),
        f"stack = {_text(stack.file)}",
    ]
    if stack.kind == "el":
        lines += _key("voltage_v", stack.known, stack.file, declaration)
    elif is_reference:
        lines.append("reference = true")
    return lines + _key("exposure_s", stack.known, stack.file, declaration)


def _photons(tagged: _File, declaration: Declaration, *, imaged: bool) -> list[str]:
    if not tagged.kind:
        declaration.missing.append(f"{tagged.file}: kind (pl or el); its lines are commented out")
        return ["# [[photons]]", '# kind = ""', f"# file = {_text(tagged.file)}"]
    lines = [
        "[[photons]]",
        f"file = {_text(tagged.file)}",
        *_key("kind", tagged.known, tagged.file, declaration),
    ]
    if tagged.kind == "el":
        lines += _key("voltage_v", tagged.known, tagged.file, declaration)
    if imaged:
        declaration.missing.append(f"{tagged.file}: x_px and y_px, where it was taken")
        lines += ["# x_px =   # where it was taken: fill in and remove the first #", "# y_px = "]
    return [*lines, "# response_fwhm_ns =   # of the two detectors together"]


def _key(
    key: str, known: dict[str, tuple[str | float, str]], where: str, declaration: Declaration
) -> list[str]:
    if key not in known:
        declaration.missing.append(f"{where}: {key}")
        return [f"# {key} =   # not found: fill in and remove the first #"]
    value, origin = known[key]
    text = _text(value) if isinstance(value, str) else repr(value)
    if origin == _ANSWER:
        return [f"{key} = {text}"]
    declaration.guessed.append(f"{where}: {key} = {text}, from {origin}")
    return [f"{key} = {text}  # guessed from {origin}"]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
