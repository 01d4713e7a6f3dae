"""The kinds of 32-bit records in PTU files, as PicoQuant numbers them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class RecordType:
    """How a device writes its records.

    Attributes
    ----------
    code : int
        Value of the tag ``TTResultFormat_TTTRRecType``.
    name : str
    mode : {"T2", "T3"}
    layout : {"pico", "hydra"}
        Where in a record its channel and its time are.
    wrap : int
        T2: ticks of one overflow; T3: syncs of one overflow.
    counted : bool
        Whether an overflow record says how many overflows it stands for.
    """

    code: int
    name: str
    mode: Literal["T2", "T3"]
    layout: Literal["pico", "hydra"]
    wrap: int
    counted: bool


_HYDRA_T2_WRAP = 1 << 25
_HYDRA_T3_WRAP = 1 << 10

RECORD_TYPES: dict[int, RecordType] = {
    each.code: each
    for each in (
        RecordType(0x00010203, "PicoHarp T2", "T2", "pico", 210_698_240, False),
        RecordType(0x00010303, "PicoHarp T3", "T3", "pico", 1 << 16, False),
        RecordType(0x00010204, "HydraHarp v1 T2", "T2", "hydra", 33_552_000, False),
        RecordType(0x00010304, "HydraHarp v1 T3", "T3", "hydra", _HYDRA_T3_WRAP, False),
        RecordType(0x01010204, "HydraHarp v2 T2", "T2", "hydra", _HYDRA_T2_WRAP, True),
        RecordType(0x01010304, "HydraHarp v2 T3", "T3", "hydra", _HYDRA_T3_WRAP, True),
        RecordType(0x00010205, "TimeHarp 260N T2", "T2", "hydra", _HYDRA_T2_WRAP, True),
        RecordType(0x00010305, "TimeHarp 260N T3", "T3", "hydra", _HYDRA_T3_WRAP, True),
        RecordType(0x00010206, "TimeHarp 260P T2", "T2", "hydra", _HYDRA_T2_WRAP, True),
        RecordType(0x00010306, "TimeHarp 260P T3", "T3", "hydra", _HYDRA_T3_WRAP, True),
        RecordType(0x00010207, "MultiHarp T2", "T2", "hydra", _HYDRA_T2_WRAP, True),
        RecordType(0x00010307, "MultiHarp T3", "T3", "hydra", _HYDRA_T3_WRAP, True),
    )
}
