"""Files of every kind that cannot be read, and names that mean mischief, beside good ones."""

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure
from PIL import Image
from small_device import make_field

from qdimage.cli.main import run_command_line
from qdimage.reporting.style import house_style, label, save

EVIL = "<script>alert(1)</script>&'\"../..\\..\\x"
FIELD, DEVICE = f"f {EVIL}", "CON"
GOOD_SPECTRUM, GOOD_IV = "s <b>&'good.csv", "=iv+1.csv"
# Blank places are what takes the time.
FEWER = ("--set", "match.blank_places=200", "--workers", "1", "--quiet")
KINDS = {
    "channels": ('kind = "el"\nvoltage_v = 2.8\nexposure_s = 0.1\nname = "{0}"\nstack', ".tif"),
    "photons": ('kind = "el"\nvoltage_v = 2.8\nfile', ".ptu"),
    "spectra": ('kind = "el"\nvoltage_v = 2.8\nfile', ".csv"),
    "iv": ("file", ".csv"),
}
FILE_KEY = {"channels": "channel"}


@dataclass(frozen=True)
class Run:
    out: Path
    code: int
    stderr: str

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.out / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def cells(self, name: str, key: str, wanted: set[str]) -> list[list[str]]:
        """The rows of some channels or files, as they are written."""
        return [list(row.values()) for row in self.rows(name) if row[key] in wanted]


def run_on(folder: Path, out: Path) -> Run:
    """Run in this process, with the report but without its pictures."""

    def no_picture(figure: Figure, where: Path, stem: str) -> None:
        Image.new("RGB", (2, 2)).save(where / f"{stem}.png")

    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr", said)
        patch.setattr("qdimage.reporting.drawn.save", no_picture)
        code = run_command_line(["run", str(folder), "-o", str(out), *FEWER])
    return Run(out, code, said.getvalue())


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def good_field(folder: Path) -> Path:
    """A field whose names have to be written with care, all of whose files are good."""
    field = make_field(folder / "field-a", voltages=("2.6",))
    lines = "".join(f"{500 + x},{100 + 40 * (x == 30) + x % 7}\n" for x in range(60))
    (field / GOOD_SPECTRUM).write_text(
        f"# exposure_s: 1\nwavelength_nm,counts\n{lines}", encoding="utf-8"
    )
    rows = "".join(f"{v / 10},{v * v * 1e-7:.4e}\n" for v in range(30))
    (field / GOOD_IV).write_text(f"voltage,current\n{rows}", encoding="utf-8")
    path = field / "experiment.toml"
    text = path.read_text(encoding="utf-8")
    text = text.replace('name = "field-a"', f"name = {quoted(FIELD)}")
    text = text.replace('device = "demo-device"', f'device = "{DEVICE}"')
    text = text.replace('name = "EL 2.6V"', f"name = {quoted('EL 2.6V' + EVIL)}")
    text += f'\n[[spectra]]\nkind = "el"\nvoltage_v = 2.6\nfile = {quoted(GOOD_SPECTRUM)}\n'
    text += f"[[iv]]\nfile = {quoted(GOOD_IV)}\n"
    path.write_text(text, encoding="utf-8")
    return field


def add_bad_files(field: Path) -> dict[str, set[str]]:
    """Declare, behind the good ones, files that are none; return their names by table."""
    text, names = "", {table: set() for table in KINDS}
    for table, (keys, suffix) in KINDS.items():
        kinds = [
            "missing",
            "folder",
            "noise",
            "empty",
            *(["pipe"] if hasattr(os, "mkfifo") else []),
        ]
        for kind in kinds:
            name = f"{kind}{suffix}"
            path = field / table / name
            path.parent.mkdir(exist_ok=True)
            if kind == "folder":
                path.mkdir()
            elif kind == "noise":
                path.write_bytes(bytes(range(256)) * 9)
            elif kind == "empty":
                path.touch()
            elif kind == "pipe":
                os.mkfifo(path)
            text += f'\n[[{table}]]\n{keys.format(name)} = "{table}/{name}"\n'
            names[table].add(name if table == "channels" else f"{table}/{name}")
    rows = "".join(f"{v / 10},{v * v * 1e-7:.4e}\n" for v in range(30))
    (field / "half.csv").write_text(f"voltage,current\n{rows}"[:250], encoding="utf-8")
    text += '\n[[iv]]\nfile = "half.csv"\n'
    path = field / "experiment.toml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    return names


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("good")
    return run_on(good_field(folder / "in"), folder / "out")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, dict[str, set[str]]]:
    folder = tmp_path_factory.mktemp("mixed")
    field = good_field(folder / "in")
    bad = add_bad_files(field)
    run = run_on(field, folder / "out")
    assert sorted(path.name for path in folder.iterdir()) == ["in", "out"]
    return run, bad


def test_good_files_alone_end_well(good: Run) -> None:
    assert (good.code, good.stderr) == (0, "")


def test_every_bad_file_has_its_row_and_its_reason(mixed: tuple[Run, dict[str, set[str]]]) -> None:
    run, bad = mixed
    assert run.code == 3
    for table, names in bad.items():
        key = FILE_KEY.get(table, "file")
        rows = {row[key]: row for row in run.rows(table)}
        for name in names:
            assert rows[name]["status"] == "failed", name
            message = rows[name]["message"]
            assert "\n" not in message
            assert "internal error" not in message
            assert ";" in message, "what to do"
            assert name in message
    (half,) = [row for row in run.rows("iv") if row["file"] == "half.csv"]
    assert "cut off" in half["message"]


def test_good_files_beside_bad_ones_have_the_same_bytes(
    good: Run, mixed: tuple[Run, dict[str, set[str]]]
) -> None:
    run, _ = mixed
    for table in ("localizations", "dots"):
        wanted = (good.out / f"{table}.csv").read_bytes()
        assert (run.out / f"{table}.csv").read_bytes() == wanted
    channels = {"PL", f"EL 2.6V{EVIL}"}
    for table in ("channels", "registration", "turn_on", "dot_channels", "blanks"):
        assert run.cells(table, "channel", channels) == good.cells(table, "channel", channels)
        assert good.cells(table, "channel", channels)
    for table, name in (("spectra", GOOD_SPECTRUM), ("iv", GOOD_IV)):
        assert run.cells(table, "file", {name}) == good.cells(table, "file", {name})
        assert good.cells(table, "file", {name})
    for path in good.out.rglob("*"):
        if path.suffix == ".tif" or "curves" in path.parts[len(good.out.parts) : -1]:
            same = run.out / path.relative_to(good.out)
            assert path.is_dir() or same.read_bytes() == path.read_bytes()


def test_names_are_text_wherever_they_stand(good: Run) -> None:
    (field,) = {row["field"] for row in good.rows("channels")}
    assert field == FIELD
    page = (good.out / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<b>&'good" not in page
    for path in good.out.rglob("*"):
        name = path.relative_to(good.out).as_posix()
        assert all(c.isalnum() or c in "._-/" for c in name), name
        assert not any(part.split(".")[0] == DEVICE for part in path.parts[len(good.out.parts) :])


def test_names_are_text_in_drawings(tmp_path: Path) -> None:
    with house_style():
        figure = Figure(figsize=(3, 2))
        figure.suptitle(label(EVIL + "--> ]]> $x_{$"))
        figure.gca().set_xlabel(EVIL[:25])
        save(figure, tmp_path, "evil")
    drawn = ElementTree.fromstring((tmp_path / "evil.svg").read_bytes())  # noqa: S314
    assert not [each for each in drawn.iter() if "script" in str(each.tag)]
