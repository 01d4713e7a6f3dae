"""Lists of points of interest as qudi reads and writes them.

The POI managers of qudi (Binder et al., SoftwareX 6, 85, 2017) and of qudi-iqo-modules take files
whose names end in ``_poi_list.dat``: tab-separated name, X, Y, Z in metres, below lines that begin
with ``#``. They differ in how these lines state the name of the region, so both ways are written;
the older one also needs the extent of a scan image, whether there is one or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qdimage.errors import FormatError
from qdimage.io.atomic import write_text

SUFFIX = "_poi_list.dat"
_METRES_PER_UM = 1e-6


@dataclass(frozen=True)
class Poi:
    """A name, unique in its list, and a place in um."""

    name: str
    x_um: float
    y_um: float
    z_um: float


def write_poi_list(path: Path, pois: Sequence[Poi], *, region: str) -> None:
    """Write points of interest, whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
        Its name ends in ``_poi_list.dat``, or qudi refuses it.
    pois : sequence of Poi
        In the order in which they are to be visited; names are ASCII without tabs and ``#``.
    region : str
        Name of the region of interest.
    """
    x = [_METRES_PER_UM * poi.x_um for poi in pois] or [0.0]
    y = [_METRES_PER_UM * poi.y_um for poi in pois] or [0.0]
    extents = {"x": (min(x), max(x)), "y": (min(y), max(y))}
    head = [f"# roi_name='{region}'", "# poi_nametag=''", f"#roi_name: {region}", "#poi_nametag: "]
    for axis, (low, high) in extents.items():
        head.append(f"#scan_image_{axis}_extent: {low:.9e},{high:.9e}")
    head += ["#", "#name\tX (m)\tY (m)\tZ (m)"]
    lines = [_line(poi) for poi in pois]
    write_text(path, "\n".join([*head, *lines]) + "\n")


def _line(poi: Poi) -> str:
    metres = (_METRES_PER_UM * value for value in (poi.x_um, poi.y_um, poi.z_um))
    return "\t".join([poi.name, *(f"{value:.9e}" for value in metres)])


def read_poi_list(path: Path) -> list[Poi]:
    """Read points of interest, as qudi saves them after it has found them again.

    Raises
    ------
    FormatError
        If a line is none, or two have one name.
    """
    pois = []
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, *cells = line.split("\t")
        try:
            x, y, z = (float(cell) / _METRES_PER_UM for cell in cells)
        except ValueError as error:
            raise FormatError(
                f"{path}: line {number} is {line[:60]!r}, expected a name and X, Y, Z in metres "
                "between tabs; save the list in qudi again"
            ) from error
        pois.append(Poi(name.strip(), x, y, z))
    names = [poi.name for poi in pois]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FormatError(f"{path}: two points are named {twice[0]!r}; rename one of them")
    return pois


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); correct the path") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: the text is not UTF-8; save it as UTF-8") from error
