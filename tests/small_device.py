"""Fields small enough to be analysed in seconds, cut out of the demo device."""

import re
import shutil
import tomllib
from pathlib import Path

import tifffile
from folders import DEMO

SIDE_PX = 128
N_FRAMES = 6


def make_field(
    folder: Path,
    *,
    number: int = 2,
    voltages: tuple[str, ...] = ("2.4", "2.6"),
    time_tags: int = 0,
) -> Path:
    """Write a corner of a field of the demo device and return its folder.

    Parameters
    ----------
    folder : pathlib.Path
        New; its name becomes the field's.
    number : int
        Field of the demo device.
    voltages : tuple of str
        Of the EL channels that are kept.
    time_tags : int
        The first files of time tags that are kept.
    """
    source = DEMO / f"field-{number:02d}"
    folder.mkdir(parents=True)
    text = (source / "experiment.toml").read_text(encoding="utf-8")
    head, *tables = re.split(r"(?m)^(?=\[\[)", text)
    names = {"pl.tif", *(f"el_{voltage}V.tif" for voltage in voltages)}
    kept = [table for table in tables if any(f'"{name}"' in table for name in names)]
    photons = [table for table in tables if table.startswith("[[photons]]")][:time_tags]
    for table in photons:
        file = tomllib.loads(table)["photons"][0]["file"]
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file, folder / file)
    head = head.replace(f'name = "{source.name}"', f'name = "{folder.name}"')
    (folder / "experiment.toml").write_text(head + "".join(kept + photons), encoding="utf-8")
    for name in names:
        stack = tifffile.imread(source / name)[:N_FRAMES, :SIDE_PX, :SIDE_PX]
        tifffile.imwrite(folder / name, stack)
    return folder


def copy_field(field: Path, folder: Path) -> Path:
    """Copy such a field under another name."""
    shutil.copytree(field, folder)
    declaration = folder / "experiment.toml"
    text = declaration.read_text(encoding="utf-8")
    renamed = text.replace(f'name = "{field.name}"', f'name = "{folder.name}"')
    declaration.write_text(renamed, encoding="utf-8")
    return folder
