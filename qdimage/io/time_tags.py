"""Photon time tags and histograms: one module for each format, chosen by the file's name.

Detectors are numbered from 0 in the order of the device's detector inputs, whatever the device:
each format's module says what is written there.
"""

from collections.abc import Callable
from pathlib import Path

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.photons import PhotonStream
from qdimage.errors import FormatError, QdimageError

LEGACY = (".t3r", ".phd", ".hhd", ".thd")
# Names of tables, images and spectra too.
_SHARED_SUFFIXES = (".csv", ".h5", ".hdf5", ".spc")
# What the makers' own software reads, and what it has to write for us.
FOREIGN = {
    ".bin": "the software of the device, such as that of quTAG",
    ".timeres": "the software of the device",
}


def _open_ptu(path: Path) -> PhotonStream:
    from qdimage.io.ptu import open_ptu

    return open_ptu(path)


def _open_growing_ptu(path: Path, go_on: Callable[[int], bool]) -> PhotonStream:
    from qdimage.io.ptu import open_growing_ptu

    return open_growing_ptu(path, go_on)


def _open_growing_legacy(path: Path, go_on: Callable[[int], bool]) -> PhotonStream:
    from qdimage.io.legacy_tttr import open_growing_legacy

    return open_growing_legacy(path, go_on)


def _open_legacy(path: Path) -> PhotonStream:
    from qdimage.io.legacy_tttr import open_legacy

    return open_legacy(path)


def _open_time_tag_csv(path: Path) -> PhotonStream:
    from qdimage.io.time_tag_csv import open_time_tag_csv

    return open_time_tag_csv(path)


def _open_photon_hdf5(path: Path) -> PhotonStream:
    from qdimage.io.photon_hdf5 import open_photon_hdf5

    return open_photon_hdf5(path)


def _open_spc(path: Path) -> PhotonStream:
    from qdimage.io.spc import open_spc

    return open_spc(path)


def _open_ttbin(path: Path) -> PhotonStream:
    from qdimage.io.swabian import open_ttbin

    return open_ttbin(path)


def _open_phu(
    path: Path,
    *,
    duration_s: float | None,
    rate_counts_s: tuple[float, float] | None,
    curve_index: int | None,
) -> G2Curve:
    from qdimage.io.phu import open_phu

    return open_phu(
        path, duration_s=duration_s, rate_counts_s=rate_counts_s, curve_index=curve_index
    )


def _open_csv(
    path: Path,
    *,
    duration_s: float | None,
    rate_counts_s: tuple[float, float] | None,
    curve_index: int | None,
) -> G2Curve:
    from qdimage.io.histogram_csv import open_histogram_csv

    if curve_index not in (None, 0):
        raise FormatError(
            f"{path}: found curve_index {curve_index}, expected 0, since a CSV histogram holds "
            "one curve; leave it out"
        )
    return open_histogram_csv(path, duration_s=duration_s, rate_counts_s=rate_counts_s)


PHOTON_READERS: dict[str, Callable[[Path], PhotonStream]] = {
    ".ptu": _open_ptu,
    ".pt2": _open_legacy,
    ".pt3": _open_legacy,
    ".ht2": _open_legacy,
    ".ht3": _open_legacy,
    ".csv": _open_time_tag_csv,
    ".h5": _open_photon_hdf5,
    ".hdf5": _open_photon_hdf5,
    ".spc": _open_spc,
    ".ttbin": _open_ttbin,
}
HISTOGRAM_READERS: dict[str, Callable[..., G2Curve]] = {".phu": _open_phu, ".csv": _open_csv}


GROWING_READERS: dict[str, Callable[..., PhotonStream]] = {
    ".ptu": _open_growing_ptu,
    ".pt2": _open_growing_legacy,
    ".pt3": _open_growing_legacy,
    ".ht2": _open_growing_legacy,
    ".ht3": _open_growing_legacy,
}


def is_histogram(path: Path) -> bool:
    """Whether a file is a histogram of delays, by its name, and CSV by its first line."""
    suffix = path.suffix.lower()
    if suffix not in PHOTON_READERS:
        return suffix in HISTOGRAM_READERS
    if suffix not in HISTOGRAM_READERS:
        return False
    from qdimage.io.time_tag_csv import is_time_tag_csv

    return not is_time_tag_csv(path)


def holds_photons(path: Path) -> bool:
    """Whether a file is of time tags or of a counter's histogram, as far as its name says.

    Files whose names other kinds of data have as well are looked into.
    """
    suffix = path.suffix.lower()
    if suffix not in _SHARED_SUFFIXES:
        return suffix in PHOTON_READERS or suffix in HISTOGRAM_READERS
    try:
        open_photons(path)
    except QdimageError:
        return False
    return True


def open_photons(path: Path | str) -> PhotonStream:
    """Open a time-tag file; no record is read before it is asked for.

    Parameters
    ----------
    path : pathlib.Path or str
        PicoQuant's ``.ptu``, ``.pt2``, ``.pt3``, ``.ht2`` or ``.ht3``, a ``.csv`` with the
        columns ``time_ps`` (or ``time_ns``) and ``channel``, Photon-HDF5 (``.h5``, ``.hdf5``),
        Becker & Hickl's ``.spc``, or Swabian's ``.ttbin``.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    path = Path(path)
    suffix = _checked_suffix(path, tuple(PHOTON_READERS))
    if is_histogram(path):
        raise FormatError(f"{path}: this is a histogram, expected time tags; open it as one")
    return PHOTON_READERS[suffix](path)


def open_growing_photons(path: Path | str, *, go_on: Callable[[int], bool]) -> PhotonStream:
    """Open a time-tag file to which a recorder still appends.

    Parameters
    ----------
    path : pathlib.Path or str
        PicoQuant's ``.ptu``, ``.pt2``, ``.pt3``, ``.ht2`` or ``.ht3``.
    go_on : callable
        ``go_on(n)`` is called before each reading with the number of records read so far, and may
        wait; False ends the stream.

    Raises
    ------
    FormatError
        As `open_photons`; also while the header is not whole yet.
    """
    path = Path(path)
    suffix = _checked_suffix(path, tuple(GROWING_READERS))
    if suffix not in GROWING_READERS:
        raise FormatError(
            f"{path}: found the suffix {path.suffix!r}, expected {' or '.join(GROWING_READERS)} of "
            "a file that grows; read it when it is finished"
        )
    return GROWING_READERS[suffix](path, go_on)


def promised_records(path: Path | str) -> int:
    """Return how many records a file's header promises now; 0 before its recorder has closed it.

    Raises
    ------
    FormatError
        While the header is not whole, or being written anew.
    """
    path = Path(path)
    if path.suffix.lower() == ".ptu":
        from qdimage.io.ptu import promised_records as promised
    else:
        from qdimage.io.legacy_tttr import promised_records as promised
    return promised(path)


def open_histogram(
    path: Path | str,
    *,
    duration_s: float | None = None,
    rate_counts_s: tuple[float, float] | None = None,
    curve_index: int | None = None,
) -> G2Curve:
    """Read a histogram of delays that was made elsewhere.

    Parameters
    ----------
    path : pathlib.Path or str
        A PicoQuant ``.phu`` file, or a ``.csv`` with the columns ``lag_ns`` (centres of the
        bins) and ``counts``.
    duration_s : float, optional
        How long it was measured; needed for CSV, and where a PHU file does not say.
    rate_counts_s : (float, float), optional
        Rates of the two detectors; likewise.
    curve_index : int, optional
        Which curve, from 0, of a file with several.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    ConfigurationError
        If duration or rates are neither given nor in the file, or make no sense.
    """
    path = Path(path)
    suffix = _checked_suffix(path, tuple(HISTOGRAM_READERS))
    if not is_histogram(path):
        raise FormatError(f"{path}: these are time tags, expected a histogram; correlate them")
    return HISTOGRAM_READERS[suffix](
        path, duration_s=duration_s, rate_counts_s=rate_counts_s, curve_index=curve_index
    )


def _checked_suffix(path: Path, expected: tuple[str, ...]) -> str:
    """Return the suffix of a file that is there and has a known one."""
    if path.is_dir():
        raise FormatError(f"{path}: found a folder, expected a file; name the file in it")
    if not path.is_file():
        raise FormatError(f"{path}: there is no such file; correct the path")
    suffix = path.suffix.lower()
    if suffix in LEGACY:
        raise FormatError(
            f"{path}: found PicoQuant's old format {suffix}, which is not read; export it as "
            "PTU (or PHU) with PicoQuant's file converter"
        )
    if suffix in FOREIGN:
        raise FormatError(
            f"{path}: found {suffix}, which is not read; export it with {FOREIGN[suffix]} as CSV "
            "with the columns time_ps and channel"
        )
    if suffix not in {**PHOTON_READERS, **HISTOGRAM_READERS}:
        raise FormatError(
            f"{path}: found the suffix {path.suffix!r}, expected {' or '.join(expected)}; "
            "export the measurement in such a format"
        )
    if path.stat().st_size == 0:
        raise FormatError(f"{path}: the file is empty (0 bytes); copy or export it again")
    try:
        # Else a table would pass for the other kind.
        path.open("rb").close()
    except OSError as error:
        raise FormatError(
            f"{path}: cannot be read ({error.strerror}); correct its permissions"
        ) from error
    return suffix
