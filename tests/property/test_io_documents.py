"""Documents of any content survive the way to text and back; files of any content are answered."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qdimage.config import AnalysisOptions, build_options, option_rows, to_toml
from qdimage.domain.experiment import ChannelTable, ExperimentFile, PhotonsTable
from qdimage.errors import QdimageError
from qdimage.io.documents import format_json, format_toml
from qdimage.io.experiment_file import read_experiment, read_toml

on_one_folder = settings(
    max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
scalars = (
    texts
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = scalars | st.lists(scalars | st.lists(scalars, max_size=3), max_size=3)
tables = st.dictionaries(texts, values, max_size=4)
toml_documents = st.dictionaries(
    texts, values | tables | st.lists(tables, min_size=1, max_size=3), max_size=4
)
json_documents = st.recursive(
    scalars | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)


@given(document=toml_documents)
def test_toml_reads_back_as_the_same_document(document: dict[str, Any]) -> None:
    read = tomllib.loads(format_toml(document))
    assert read == document
    assert json.dumps(read, sort_keys=True) == json.dumps(document, sort_keys=True)


@given(document=json_documents)
def test_json_reads_back_as_the_same_document(document: Any) -> None:
    assert json.loads(format_json(document)) == document


ROWS = {row["name"]: row for row in option_rows(AnalysisOptions)}


@given(
    chosen=st.dictionaries(
        st.sampled_from(sorted(ROWS)),
        st.floats(0, 1) | st.floats(-1e3, 1e3) | st.integers(-1, 1000) | st.booleans(),
        max_size=4,
    )
)
def test_options_written_as_toml_read_back_as_the_same_options(
    chosen: dict[str, float | bool],
) -> None:
    layer: dict[str, Any] = {}
    for name, value in chosen.items():
        stage, _, key = name.rpartition(".")
        (layer.setdefault(stage, {}) if stage else layer)[key] = value
    try:
        options = build_options(AnalysisOptions, layer, source="test")
    except QdimageError as error:
        options = AnalysisOptions()
        message = str(error)
        assert message.startswith("test: ")
        assert "\n" not in message
    again = build_options(AnalysisOptions, tomllib.loads(to_toml(options)), source="text")
    assert again == options


KEYS = sorted(
    {*ExperimentFile.model_fields, *ChannelTable.model_fields, *PhotonsTable.model_fields, "nane"}
)
near_values = values | st.sampled_from(["pl", "el", "cw", "../x", 10**400, [0, 5], [[1.0] * 3] * 2])
near_tables = st.dictionaries(st.sampled_from(KEYS), near_values, max_size=5)
near_documents = st.dictionaries(
    st.sampled_from(sorted(ExperimentFile.model_fields)),
    near_values | near_tables | st.lists(near_tables, min_size=1, max_size=3),
    max_size=4,
)


def outcome(path: Path) -> str | None:
    """The one line that refuses the file."""
    try:
        read_experiment(path)
    except QdimageError as error:
        return str(error)
    return None


@on_one_folder
@given(document=near_documents)
def test_any_experiment_is_read_or_refused_in_one_line(
    document: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(format_toml(document), encoding="utf-8", newline="\n")
    message = outcome(path)
    assert message is None or (str(path) in message and "\n" not in message)


VALID = """\
contract = 1
[experiment]
name = "f"
[[channels]]
name = "PL"
kind = "pl"
stack = "pl.tif"
frames = [0, 2]
"""


@on_one_folder
@given(data=st.data())
def test_an_experiment_with_changed_bytes_is_read_or_refused_in_one_line(
    data: st.DataObject, tmp_path: Path
) -> None:
    content = bytearray(VALID.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "experiment.toml"
    path.write_bytes(content)
    message = outcome(path)
    assert message is None or (str(path) in message and "\n" not in message)


@on_one_folder
@given(content=st.binary(max_size=40).filter(lambda text: b"n" not in text))
def test_any_bytes_are_toml_or_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_bytes(content)
    try:
        expected = tomllib.loads(content.decode("utf-8-sig"))
    except ValueError:
        with pytest.raises(QdimageError):
            read_toml(path)
    else:
        assert read_toml(path) == expected
