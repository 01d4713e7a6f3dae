"""Headers by other writers: order, unknown tags and kinds of text do not matter."""

import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from time_tag_files import NAMES, events_of, fine_message, photons_in, write_events

from qdimage.errors import ConfigurationError
from qdimage.io.time_tags import open_histogram, open_photons
from qdimage.photons.correlate import correlate

# Name, index, type, eight bytes, what follows.
Tag = tuple[bytes, int, int, bytes, bytes]

LONG = (0x4001FFFF, 0x4002FFFF, 0x2001FFFF, 0xFFFFFFFF)
KINDS = (0xFFFF0008, 0x00000008, 0x10000008, 0x11000008, 0x12000008, 0x20000008, 0x21000008, *LONG)
TAG = struct.Struct("<32siI8s")

on_one_folder = settings(
    max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
short_tags = st.tuples(
    st.text("abcXYZ_0 9", min_size=1, max_size=31).map(lambda name: b"u" + name.encode()),
    st.integers(-1, 5),
    st.sampled_from([kind for kind in KINDS if kind not in LONG]),
    st.binary(min_size=8, max_size=8),
    st.just(b""),
)
long_tags = st.tuples(
    st.text("abcXYZ_", min_size=1, max_size=31).map(str.encode),
    st.integers(-1, 5),
    st.sampled_from(LONG),
    st.none(),
    st.binary(max_size=200),
).map(lambda tag: (*tag[:3], struct.pack("<q", len(tag[4])), tag[4]))


def split(data: bytes) -> tuple[bytes, list[Tag], bytes]:
    """Return what stands before the tags, the tags without the last, and what is behind."""
    tags: list[Tag] = []
    at = 16
    while True:
        name, index, kind, payload = TAG.unpack_from(data, at)
        at += TAG.size
        if name.startswith(b"Header_End"):
            return data[:16], tags, data[at:]
        n_more = struct.unpack("<q", payload)[0] if kind in LONG else 0
        tags.append((name.rstrip(b"\0"), index, kind, payload, data[at : at + n_more]))
        at += n_more


def joined(before: bytes, tags: list[Tag], behind: bytes, *, end_kind: int = 0xFFFF0008) -> bytes:
    head = b"".join(TAG.pack(*tag[:4]) + tag[4] for tag in tags)
    return before + head + TAG.pack(b"Header_End", -1, end_kind, bytes(8)) + behind


def as_wide(tag: Tag) -> Tag:
    if tag[2] != 0x4001FFFF:
        return tag
    text = tag[4].rstrip(b"\0").decode().encode("utf-16-le") + bytes(2)
    return (*tag[:2], 0x4002FFFF, struct.pack("<q", len(text)), text)


@on_one_folder
@given(
    data=st.data(),
    name=st.sampled_from(NAMES),
    strange=st.lists(st.one_of(short_tags, long_tags), max_size=8),
    wide=st.booleans(),
    index=st.sampled_from([-1, 0]),
    kept=st.sets(
        st.sampled_from([b"TTResultFormat_BitsPerRecord", b"TTResult_NumberOfRecords", b"HW_Type"])
    ),
)
def test_what_another_writer_may_do_changes_no_photon(
    data: st.DataObject,
    name: str,
    strange: list[Tag],
    wide: bool,
    index: int,
    kept: set[bytes],
    tmp_path: Path,
) -> None:
    path = write_events(tmp_path / "a.ptu", name, events_of(name, 100))
    expected = photons_in(open_photons(path))
    before, tags, behind = split(path.read_bytes())
    optional = {b"MeasDesc_AcquisitionTime", b"Measurement_Mode", b"HW_Type"}
    optional |= {b"TTResultFormat_BitsPerRecord", b"TTResult_NumberOfRecords"}
    if name.endswith("T2"):
        optional.add(b"MeasDesc_Resolution")
    tags = [(tag[0], index, *tag[2:]) for tag in tags if tag[0] not in optional - kept]
    if wide:
        tags = [as_wide(tag) for tag in tags]
    tags = data.draw(st.permutations([*tags, *strange]))
    path.write_bytes(joined(before, tags, behind, end_kind=data.draw(st.sampled_from(KINDS))))
    stream = open_photons(path)
    found = photons_in(stream)
    np.testing.assert_array_equal(found.time, expected.time)
    np.testing.assert_array_equal(found.channel, expected.channel)
    assert stream.warnings == []


numbers = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(lambda value: struct.pack("<q", value)),
    st.floats().map(lambda value: struct.pack("<d", value)),
    st.sampled_from([bytes(8), b"\xff" * 8]),
)


@on_one_folder
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_no_changed_tag_brings_the_reader_down(
    data: st.DataObject, name: str, tmp_path: Path
) -> None:
    path = write_events(tmp_path / "a.ptu", name, events_of(name, 60))
    before, tags, behind = split(path.read_bytes())
    path.write_bytes(mutated(data, before, tags, behind))
    with fine_message(path):
        correlate(open_photons(path), bin_ticks=100, n_bins=50)


def mutated(data: st.DataObject, before: bytes, tags: list[Tag], behind: bytes) -> bytes:
    """Change, drop or repeat whole tags, and cut the file anywhere."""
    tags = list(tags)
    for _ in range(data.draw(st.integers(1, 3))):
        k = data.draw(st.integers(0, len(tags) - 1))
        change = data.draw(st.sampled_from(["value", "kind", "index", "name", "drop", "repeat"]))
        ident, index, kind, payload, more = tags[k]
        if change == "drop" and len(tags) > 1:
            del tags[k]
        elif change == "repeat":
            tags.insert(data.draw(st.integers(0, len(tags))), tags[k])
        else:
            tags[k] = (
                data.draw(st.binary(max_size=32)) if change == "name" else ident,
                data.draw(st.integers(-(2**31), 2**31 - 1)) if change == "index" else index,
                data.draw(st.one_of(st.sampled_from(KINDS), st.integers(0, 2**32 - 1)))
                if change == "kind"
                else kind,
                data.draw(numbers) if change == "value" else payload,
                more,
            )
    whole = joined(before, tags, behind)
    return whole[: data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))]


def phu_file(counts: np.ndarray) -> bytes:
    """One curve as the device writes it."""
    values: list[tuple[bytes, int, int | float]] = [
        (b"HistoResult_NumberOfCurves", -1, 1),
        (b"HistoResult_BitsPerBin", -1, 32),
        (b"HistResDscr_HistogramBins", 0, counts.size),
        (b"HistResDscr_DataOffset", 0, 16 + 48 * 8),
        (b"HistResDscr_MDescResolution", 0, 4e-12),
        (b"HistResDscr_SyncRate", 0, 1000),
        (b"HistResDscr_InputRate", 0, 2000),
    ]
    tags: list[Tag] = [
        (name, index, 0x20000008, struct.pack("<d", value), b"")
        if isinstance(value, float)
        else (name, index, 0x10000008, struct.pack("<q", value), b"")
        for name, index, value in values
    ]
    return joined(b"PQHISTO\0" + b"1.0.00\0\0", tags, counts.astype("<u4").tobytes())


@pytest.mark.parametrize("index", [-1, 0])
def test_a_single_curve_needs_no_index(index: int, tmp_path: Path) -> None:
    counts = np.arange(50)
    before, tags, behind = split(phu_file(counts))
    path = tmp_path / "a.phu"
    path.write_bytes(joined(before, [(tag[0], index, *tag[2:]) for tag in tags], behind))
    np.testing.assert_array_equal(open_histogram(path, duration_s=1.0).counts, counts)


@on_one_folder
@given(data=st.data())
def test_no_changed_tag_brings_the_histogram_reader_down(
    data: st.DataObject, tmp_path: Path
) -> None:
    path = tmp_path / "a.phu"
    path.write_bytes(mutated(data, *split(phu_file(np.arange(50)))))
    # Rates that are gone are asked for.
    with fine_message(path), suppress(ConfigurationError):
        open_histogram(path, duration_s=1.0)
