"""Time Tagger files, by a stand-in for the maker's software: no file of theirs is at hand."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from time_tag_files import photons_in

from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.time_tags import open_photons

Events = list[tuple[int, int, int]]


def software(events: Events, *, ends: bool = True) -> SimpleNamespace:
    """What its FileReader offers: blocks of times, channels and kinds of events."""

    class FileReader:
        def __init__(self, path: str) -> None:
            if not Path(path).is_file():
                raise RuntimeError(f"could not open\n{path}")
            self._left = list(events)

        def hasData(self) -> bool:
            return bool(self._left) or not ends

        def getData(self, n_events: int) -> SimpleNamespace:
            n = min(n_events, 3)
            block, self._left = self._left[:n], self._left[n:]
            times, channels, kinds = (np.array([each[k] for each in block]) for k in range(3))
            return SimpleNamespace(
                getTimestamps=lambda: times.astype(np.int64),
                getChannels=lambda: channels.astype(np.int32),
                getEventTypes=lambda: kinds.astype(np.uint8),
            )

    return SimpleNamespace(FileReader=FileReader)


def tagger_file(
    folder: Path, patch: pytest.MonkeyPatch, events: Events, *, ends: bool = True
) -> Path:
    patch.setitem(sys.modules, "Swabian.TimeTagger", software(events, ends=ends))
    patch.setitem(sys.modules, "Swabian", SimpleNamespace())
    path = folder / "a.ttbin"
    path.write_bytes(b"SITT")
    return path


def test_inputs_are_detectors_from_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [(10, 1, 0), (12, 2, 0), (2**53 + 1, 8, 0), (2**53 + 3, 1, 0)]
    stream = open_photons(tagger_file(tmp_path, monkeypatch, events))
    found = photons_in(stream)
    assert found.time.tolist() == [10, 12, 2**53 + 1, 2**53 + 3]
    assert found.channel.tolist() == [0, 1, 7, 0]
    assert (stream.mode, stream.tick_s, stream.warnings) == ("T2", 1e-12, [])


def test_what_is_no_photon_is_left_out_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [(10, 1, 0), (11, -1, 0), (12, 1001, 0), (13, 0, 4), (9, 2, 0), (9, 2, 0)]
    stream = open_photons(tagger_file(tmp_path, monkeypatch, events))
    assert photons_in(stream).time.tolist() == [10, 9, 9]
    said = " ".join(stream.warnings)
    assert "1 places where the device lost" in said
    assert "2 falling edges" in said
    assert "1 places where time runs backwards" in said


def test_files_without_time_tags_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tagger_file(tmp_path, monkeypatch, [], ends=False)
    with pytest.raises(FormatError, match="finds nothing"):
        list(open_photons(path).reader())
    stream = open_photons(path)
    path.unlink()
    with pytest.raises(FormatError, match="cannot read it") as caught:
        list(stream.reader())
    assert "\n" not in str(caught.value)


def test_without_the_software_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tagger_file(tmp_path, monkeypatch, [])
    monkeypatch.setitem(sys.modules, "Swabian.TimeTagger", None)
    monkeypatch.setitem(sys.modules, "TimeTagger", None)
    with pytest.raises(ConfigurationError, match=r"install qdimage\[swabian\].*time_ps"):
        open_photons(path)
