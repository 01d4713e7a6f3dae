"""Results in a file: the same when read back, and nothing made that is not a noun of qdimage."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdimage.domain.curation import FieldKey, JudgedPlace, Judgement
from qdimage.domain.experiment import ChannelTable
from qdimage.domain.photometry import BlankPlaces
from qdimage.domain.photon_flags import PhotonFlag
from qdimage.domain.refusal import Refusal
from qdimage.errors import FormatError
from qdimage.io.object_file import read_object, write_object

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
trees = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("objects")


@given(tree=trees)
def test_plain_values_come_back_with_their_kinds(folder: Path, tree: Any) -> None:
    write_object(folder / "tree.zip", tree)
    found = read_object(folder / "tree.zip")
    assert found == tree
    assert repr(found) == repr(tree)


def test_flags_in_a_set_come_back_and_give_the_same_bytes(folder: Path) -> None:
    flags = list(PhotonFlag)
    for name, each in (("forth", flags), ("back", flags[::-1])):
        write_object(folder / f"{name}.zip", {"flags": frozenset(each)})
    assert read_object(folder / "forth.zip") == {"flags": frozenset(flags)}
    trees = [
        zipfile.ZipFile(folder / f"{name}.zip").read("tree.json") for name in ("forth", "back")
    ]
    assert trees[0] == trees[1]


def test_nouns_and_arrays_come_back(folder: Path) -> None:
    value = {
        "place": JudgedPlace(1.5, float("inf"), Judgement(accepted=False, flags=("odd",))),
        "key": FieldKey("device", "field"),
        "refusal": Refusal("too dark"),
        "declared": ChannelTable(name="EL", kind="el", stack="el.tif", voltage_v=2.4),
        "number": np.float64(0.1),
        "blanks": BlankPlaces(np.array([np.nan, 1.0]), np.ones(2), np.array([True, False])),
        "empty": np.empty((0, 2), np.float32),
        "path": Path("a") / "b",
    }
    write_object(folder / "nouns.zip", value)
    found = read_object(folder / "nouns.zip")
    blanks, again = value.pop("blanks"), found.pop("blanks")
    np.testing.assert_array_equal(again.flux_s, blanks.flux_s)
    assert again.occupied.dtype == bool
    assert found.pop("empty").shape == value.pop("empty").shape
    assert isinstance(found["number"], np.float64)
    assert found == value


def test_what_cannot_be_kept_is_refused_and_leaves_no_file(folder: Path) -> None:
    with pytest.raises(TypeError, match="cannot be kept"):
        write_object(folder / "none.zip", {"call": print})
    assert not (folder / "none.zip").exists()


def forged(tree: Any) -> Callable[[zipfile.ZipFile], None]:
    return lambda archive: archive.writestr("tree.json", json.dumps(tree))


@pytest.mark.parametrize(
    "tree",
    [
        ["object", "os:system", {"command": "true"}],
        ["object", "subprocess:Popen", {}],
        ["object", "qdimage.__main__:run", {}],
        ["tuple", "qdimage.io.object_file:write_object", ["x", 1]],
        ["enum", "qdimage.domain.flags:flag_bits", "hot"],
        ["object", "qdimage.domain.refusal:Refusal", {"other": 1}],
        ["array", 7],
        ["what", 1],
    ],
)
def test_a_forged_file_makes_nothing(folder: Path, tree: Any) -> None:
    with zipfile.ZipFile(folder / "forged.zip", "w") as archive:
        forged(tree)(archive)
    with pytest.raises(FormatError, match="no results of this version"):
        read_object(folder / "forged.zip")


def test_a_file_cut_short_is_named(folder: Path) -> None:
    write_object(folder / "cut.zip", np.arange(100.0))
    data = (folder / "cut.zip").read_bytes()
    (folder / "cut.zip").write_bytes(data[: len(data) // 2])
    with pytest.raises(FormatError, match="cut"):
        read_object(folder / "cut.zip")


def npy(shape: tuple[int, ...], dtype: Any, data: bytes) -> bytes:
    file = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + data


def pickled() -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.array([print, {}], object), allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize(
    "array",
    [
        pickled(),
        npy((2**60,), "<f8", bytes(80)),
        npy((2**31, 2**31, 0, 2**31), "<f8", bytes(8)),
        npy((-3,), "<f8", bytes(24)),
        b"",
    ],
)
def test_pickles_and_false_shapes_are_never_loaded(folder: Path, array: bytes) -> None:
    with zipfile.ZipFile(folder / "forged.zip", "w") as archive:
        archive.writestr("tree.json", json.dumps(["array", 0]))
        archive.writestr("0.npy", array)
    with pytest.raises(FormatError, match="no results of this version"):
        read_object(folder / "forged.zip")


def test_a_packed_part_is_not_unpacked(folder: Path) -> None:
    with zipfile.ZipFile(folder / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tree.json", " " * 10**6 + "1")
    with pytest.raises(FormatError, match=r"packed tree\.json"):
        read_object(folder / "packed.zip")
