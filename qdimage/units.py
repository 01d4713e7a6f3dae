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
    "_electrons_s": "electrons/s",
    "_a": "A",
    "_a_cm2": "A/cm2",
    "_ohm": "ohm",
    "_siemens": "S",
    "_w": "W",
    "_um2": "um2",
    "_mm2": "mm2",
}


def unit_of(name: str) -> str:
    """Return the unit that a column's or option's name states, "" if it states none.

    The longest suffix wins: ``pl_photons_s`` is in photons/s, not in s.
    """
    return UNIT_OF_SUFFIX.get(unit_suffix(name), "")


def unit_suffix(name: str) -> str:
    """Return the end of a name that states its unit, such as ``_photons_s``; "" if none does."""
    suffixes = (suffix for suffix in UNIT_OF_SUFFIX if f"_{name}".endswith(suffix))
    return max(suffixes, key=len, default="")
