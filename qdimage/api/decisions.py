"""Calls about what a person decided about dots."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from qdimage.api.arguments import PathLike

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from qdimage.domain.curation import Curation
    from qdimage.pipeline.curation import Judged, JudgedDots, MatchedCuration


def read_curation(path: PathLike) -> "Curation":
    """Read the decisions of a ``curation.json``.

    Returns
    -------
    Curation
        The entries, in the order in which they were taken.

    Raises
    ------
    FormatError
        If the file is missing, damaged, of a newer version, or says what it cannot.
    """
    from qdimage.io.curation_file import read_curation

    return read_curation(Path(path))


def write_curation(curation: "Curation", path: PathLike) -> None:
    """Write decisions about dots, whole or not at all."""
    from qdimage.io.curation_file import write_curation

    write_curation(Path(path), curation)


def match_curation(dots: "pd.DataFrame", curation: "Curation") -> "MatchedCuration":
    """Find the dots that decisions are about, by place.

    Parameters
    ----------
    dots : pandas.DataFrame
        The table `dots` of a run, made with these decisions, older ones, or none.
    curation : Curation
        Every entry names its field.

    Returns
    -------
    MatchedCuration
        Which dot each decision means, and the decisions that mean none.
    """
    from qdimage.pipeline.curation import match_curation

    return match_curation(dots, curation)


def same_dots(before: "pd.DataFrame", after: "pd.DataFrame") -> "NDArray[np.int64]":
    """Return for each row of `after` the dot_id of the same dot in `before`, by place; 0 for none.

    Parameters
    ----------
    before, after : pandas.DataFrame
        Rows of the table `dots` of one field, of different runs.

    Returns
    -------
    ndarray of int64, shape (rows of `after`,)
    """
    from qdimage.pipeline.curation import same_dots

    return same_dots(before, after)


def curated_dots(dots: "pd.DataFrame", judged: "JudgedDots") -> "pd.DataFrame":
    """Return one field's rows of `dots` as decisions leave them.

    Parameters
    ----------
    dots : pandas.DataFrame
    judged : mapping of int to JudgedPlace
        By dot_id.

    Returns
    -------
    pandas.DataFrame
    """
    from qdimage.pipeline.curated_dots import curated_dots

    return curated_dots(dots, judged)


def curate(tables: "Mapping[str, pd.DataFrame]", judged: "Judged") -> dict[str, "pd.DataFrame"]:
    """Return a run's tables with decisions applied and the fractions computed anew.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
    judged : mapping
        By (device, field), then by dot_id; from `match_curation`.

    Returns
    -------
    dict of str to pandas.DataFrame
        All tables, the given ones unchanged.
    """
    from qdimage.pipeline.curated_tables import curate

    return curate(tables, judged)
