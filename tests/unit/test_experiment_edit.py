"""Changing a channel's keys in a declaration that a person wrote."""

from pathlib import Path

import pytest

from qdimage.errors import ConfigurationError
from qdimage.io.experiment_edit import append_rows, set_channel_keys, set_table_keys
from qdimage.io.experiment_file import read_experiment

TEXT = """\
contract = 1  # as the lab writes it

[experiment]
name = "f"

[[channels]]
name = "PL"
kind = "pl"
stack = "pl.tif"

[[channels]]  # the lowest voltage
name = "EL low"
kind = "el"
voltage_v = 2.1  # guessed from the file name
stack = "el_a.tif"
pins = [
    [1.0, 2.0, 3.0, 4.0],
    [5.0, 6.0, 7.0, 8.0],
]

[[channels]]
name = "EL high"
kind = "el"
voltage_v = 2.6
stack = "el_b.tif"

[analysis.localize]
max_rounds = 2
"""
PINS = ((1.5, 2.0, 3.0, 4.0), (5.0, 6.0, 7.0, 8.0), (9.0, 9.0, 11.0, 11.0))


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    path = tmp_path / "experiment.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_one_value_changes_and_nothing_else(declared: Path) -> None:
    set_channel_keys(declared, "EL high", {"voltage_v": 2.7})
    assert declared.read_text(encoding="utf-8") == TEXT.replace("2.6", "2.7")


def test_a_key_is_added_to_its_own_channel(declared: Path) -> None:
    set_channel_keys(declared, "EL high", {"pins": PINS})
    channels = {each.name: each for each in read_experiment(declared).declared.channels}
    assert channels["EL high"].pins == PINS
    assert len(channels["EL low"].pins) == 2
    assert "# the lowest voltage" in declared.read_text(encoding="utf-8")


def test_a_value_over_several_lines_is_replaced_and_taken_away(declared: Path) -> None:
    set_channel_keys(declared, "EL low", {"pins": PINS, "voltage_v": 2.2})
    channel = read_experiment(declared).declared.channels[1]
    assert (channel.pins, channel.voltage_v) == (PINS, 2.2)
    set_channel_keys(declared, "EL low", {"pins": None})
    assert read_experiment(declared).declared.channels[1].pins == ()


@pytest.mark.parametrize(
    ("channel", "keys", "reason"),
    [
        ("EL", {"voltage_v": 2.0}, "no channel named 'EL'"),
        ("EL low", {"voltage_v": None}, "no voltage_v"),
        ("EL low", {"exposure_s": -1.0}, "exposure_s"),
    ],
)
def test_what_is_refused_leaves_the_file_alone(
    declared: Path, channel: str, keys: dict[str, object], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        set_channel_keys(declared, channel, keys)
    assert str(declared) in str(caught.value)
    assert declared.read_text(encoding="utf-8") == TEXT
    assert list(declared.parent.iterdir()) == [declared]


def test_a_file_written_otherwise_is_left_to_its_owner(declared: Path) -> None:
    inline = 'channels = [{name = "PL", kind = "pl", stack = "pl.tif"}]\n'
    declared.write_text(inline, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="by hand"):
        set_channel_keys(declared, "PL", {"exposure_s": 0.1})
    assert declared.read_text(encoding="utf-8") == inline


MAP = ((0.107, 0.0, 12.5), (0.0, -0.107, 3.0))


def test_a_key_of_a_table_is_added_changed_and_taken_away(declared: Path) -> None:
    set_table_keys(declared, "experiment", {"pixel_size_um": 0.1})
    set_table_keys(declared, "experiment", {"pixel_size_um": 0.107})
    text = declared.read_text(encoding="utf-8")
    assert text == TEXT.replace('name = "f"\n', 'name = "f"\npixel_size_um = 0.107\n')
    set_table_keys(declared, "experiment", {"pixel_size_um": None})
    assert declared.read_text(encoding="utf-8") == TEXT


def test_a_table_that_is_not_there_is_added_at_the_end(declared: Path) -> None:
    set_table_keys(declared, "optics", {"stage_from_px": MAP})
    text = declared.read_text(encoding="utf-8")
    assert text.startswith(TEXT)
    assert read_experiment(declared).declared.optics.stage_from_px == MAP
    set_table_keys(declared, "optics", {"stage_z_um": 4.0})
    optics = read_experiment(declared).declared.optics
    assert (optics.stage_from_px, optics.stage_z_um) == (MAP, 4.0)


def test_an_inline_table_is_left_alone(declared: Path) -> None:
    text = "optics = { stage_z_um = 1.0 }\n" + TEXT
    declared.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="by hand"):
        set_table_keys(declared, "optics", {"stage_z_um": 2.0})
    assert declared.read_text(encoding="utf-8") == text


NEW_FILE = {
    "file": "dots/d07_el_2.6V.ptu",
    "kind": "el",
    "voltage_v": 2.6,
    "x_px": 1.5,
    "y_px": 2.0,
}


def test_measured_files_are_added_at_the_end_and_nothing_else_changes(declared: Path) -> None:
    append_rows(declared, {"photons": [NEW_FILE], "spectra": []})
    append_rows(declared, {"photons": [NEW_FILE | {"file": "second.ptu"}]})
    text = declared.read_text(encoding="utf-8")
    assert text.startswith(TEXT)
    photons = read_experiment(declared).declared.photons
    assert [each.file for each in photons] == ["dots/d07_el_2.6V.ptu", "second.ptu"]
    assert photons[0].voltage_v == 2.6


def test_a_list_on_one_line_cannot_be_added_to(declared: Path) -> None:
    text = 'photons = [{ file = "a.ptu", kind = "pl" }]\n' + TEXT
    declared.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="double brackets"):
        append_rows(declared, {"photons": [NEW_FILE]})
    assert declared.read_text(encoding="utf-8") == text


def test_a_row_that_is_not_allowed_changes_nothing(declared: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"experiment\.toml"):
        append_rows(declared, {"photons": [NEW_FILE | {"colour": "red"}]})
    assert declared.read_text(encoding="utf-8") == TEXT
    append_rows(declared, {"photons": []})
    assert declared.read_text(encoding="utf-8") == TEXT
