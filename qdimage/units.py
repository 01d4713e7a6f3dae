"""Unit suffixes of columns and options, and what they mean."""

UNIT_OF_SUFFIX = {
    "_px": "px",
    "_um": "um",
    "_nm": "nm",
    "_ev": "eV",
    "_v": "V",
    "_s": "s",
    "_ns": "ns",
    "_deg": "deg",
    "_adu": "ADU",
    "_e": "electrons",
    "_photons_s": "photons/s",
    "_photons_err_s": "photons/s",
    "_photons_upper_s": "photons/s",
    "_photons_px_s": "photons/px/s",
    "_counts_s": "counts/s",
    "_counts_s_mm2": "counts/s/mm2",
    "_per_us": "1/us",
}


def unit_of(name: str) -> str:
    """Return the unit that a column's or option's name states, "" if it states none.

    The longest suffix wins: ``pl_photons_s`` is in photons/s, not in s.
    """
    suffixes = [suffix for suffix in UNIT_OF_SUFFIX if f"_{name}".endswith(suffix)]
    return UNIT_OF_SUFFIX[max(suffixes, key=len)] if suffixes else ""
