"""``experiment.toml`` is validated once, at the border, and says in one line what is wrong."""

import re
from pathlib import Path

import pytest
from folders import link

from qdimage.errors import ConfigurationError, FormatError, QdimageError
from qdimage.io.camera_file import read_camera_file
from qdimage.io.experiment_file import (
    find_experiments,
    read_experiment,
    read_experiments,
    read_toml,
)

PL = '[[channels]]\nname = "PL"\nkind = "pl"\nstack = "pl.tif"\n'
EL = '[[channels]]\nname = "EL"\nkind = "el"\nstack = "el.tif"\nvoltage_v = 2.4\n'

CONTRACT = """
contract = 1
[experiment]
name = "field-01"
device = "device-A"
batch = "2017-03"
sample = "device"
pixel_size_um = 0.107

[device]
pmma_nm = 12.0

[camera]
bias_adu = 200.0
electrons_per_adu = 12.3
em_gain = 300.0
quantum_efficiency = 0.92
read_noise_e = 45.0
clock_induced_charge_e = 0.005
saturation_adu = 65535

[optics]
numerical_aperture = 1.46
emission_nm = 630.0
collection_efficiency = 0.08
camera_collection_efficiency = 0.1
pinhole_um = 0.5
stage_from_px = [[0.107, 0.0, 0.0], [0.0, 0.107, 0.0]]
stage_z_um = 0.0

[[channels]]
name = "PL"
kind = "pl"
stack = "pl.tif"
exposure_s = 0.1
excitation_power_uw = 1.0
frames = [0, 200]
frames_excluded = [17]
channel_index = 0
binning = 1
roi_offset_px = [0, 0]
acquired_at = "2017-03-01"
order = 1

[[channels]]
name = "EL 2.4V"
kind = "el"
voltage_v = 2.4
stack = "el_2.4V.tif"
exposure_s = 0.1
em_gain = 200.0
transform = [[1.0, 0.0, 3.0], [0.0, 1.0, -2.0]]
pins = [[1.0, 2.0, 3.0, 4.0]]

[[photons]]
file = "dots/d07_el_2.6V.ptu"
kind = "el"
voltage_v = 2.6
x_px = 120.4
y_px = 88.1
excitation = "cw"
detectors = [0, 1]
response_fwhm_ns = 0.5
dark_counts_s = [120.0, 80.0]
absorption_cross_section_cm2 = 1e-14

[[spectra]]
file = "dots/d07_el.csv"
scope = "dot"
kind = "el"
voltage_v = 2.8
exposure_s = 10.0
x_px = 120.4
y_px = 88.1

[dot_parameters]
exciton_lifetime_ns = 40.0
exciton_qy = 1.0
negative_trion_lifetime_ns = 4.0
negative_trion_qy = 0.2
positive_trion_lifetime_ns = 0.8
positive_trion_qy = 0.04
biexciton_lifetime_ns = 0.7
biexciton_qy = 0.07

[analysis.localize]
false_alarms_per_frame = 0.1
"""


def written(folder: Path, text: str | bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "experiment.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(path: Path, **options: bool) -> str:
    with pytest.raises(QdimageError) as caught:
        read_experiment(path, **options)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_every_key_of_the_contract_is_known(tmp_path: Path) -> None:
    experiment = read_experiment(written(tmp_path, CONTRACT))
    assert (experiment.device, experiment.name) == ("device-A", "field-01")
    assert experiment.folder == tmp_path
    declared = experiment.declared
    assert declared.camera.em_gain == 300.0
    assert declared.reference.frames == (0, 200)
    assert declared.el_channels[0].pins == ((1.0, 2.0, 3.0, 4.0),)
    assert declared.photons[0].detectors == (0, 1)
    assert declared.dot_parameters.biexciton_qy == 0.07
    assert declared.analysis == {"localize": {"false_alarms_per_frame": 0.1}}


def test_an_empty_file_is_named_by_its_folders(tmp_path: Path) -> None:
    experiment = read_experiment(written(tmp_path / "device-B/field-07", ""))
    assert (experiment.device, experiment.name) == ("device-B", "field-07")


def test_a_path_through_the_parent_folder_keeps_the_folders_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "device/field", "")
    (tmp_path / "device/field/deeper").mkdir()
    monkeypatch.chdir(tmp_path / "device/field/deeper")
    (experiment,) = read_experiments([Path("..")])
    assert (experiment.device, experiment.name) == ("device", "field")


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbf" + CONTRACT.encode())
    assert read_experiment(path).name == "field-01"


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, CONTRACT.replace("\n", "\r\n"))
    assert read_experiment(path).name == "field-01"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[experiment]\nnane = 'a'", ("'experiment.nane'", "'name'")),
        ("[camera]\nem_gian = 3.0", ("'camera.em_gian'", "'em_gain'")),
        (PL + "exposure = 0.1", ("'channels.0.exposure'", "'exposure_s'")),
        ("[experimnt]\nname = 'a'", ("'experimnt'", "'experiment'")),
        ("[dot_parameters]\nexciton_lifetime = 1.0", ("'exciton_lifetime_ns'",)),
        ("[device]\nqqqq = 1", ("'device.qqqq'", "known are: pmma_nm")),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(
    text: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    message = refusal(written(tmp_path, text))
    for word in ("unknown key", *words):
        assert word in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("contract = 2", ("contract", "found 2")),
        (PL.replace('"pl"', '"PL"'), ("channels.0.kind", "'pl' or 'el'", "found 'PL'")),
        (PL.replace('stack = "pl.tif"\n', ""), ("channels.0.stack", "required")),
        (PL + "exposure_s = 0", ("channels.0.exposure_s", "greater than 0")),
        (PL + "exposure_s = 'long'", ("channels.0.exposure_s", "found 'long'")),
        (PL + "exposure_s = true", ("channels.0.exposure_s", "truth value", "found True")),
        ("contract = true", ("contract", "truth value")),
        (PL + "frames = [1]", ("channels.0.frames",)),
        (PL + "em_gain = 0.5", ("channels.0.em_gain", "found 0.5")),
        ("[camera]\nquantum_efficiency = 92.0", ("quantum_efficiency", "found 92.0")),
        ("experiment = 3", ("experiment", "found 3")),
        ("channels = 3", ("channels", "found 3")),
        (PL + EL.replace("voltage_v = 2.4\n", ""), ("'EL'", "no voltage_v")),
        (PL + EL + EL, ("two channels are named 'EL'",)),
        (PL + PL.replace("PL", "PL2"), ("found 2 reference channels among 2",)),
        (EL, ("found 0 reference channels",)),
        (PL + "reference = true\n" + PL.replace("PL", "P") + "reference = true", ("found 2 ref",)),
        (PL + EL + "reference = true\n", ("reference channel 'EL' is EL",)),
        (PL + "transform = [[0, 0, 1], [0, 1, 0]]", ("channels.0.transform", "inverted")),
        ("[optics]\nstage_from_px = [[1, 2, 0], [2, 4, 0]]", ("stage_from_px", "inverted")),
        ("[experiment]\nname = 'all'", ("'all'", "another name")),
        ("[experiment]\nname = ''", ("experiment.name",)),
    ],
)
def test_a_wrong_value_is_named_and_shown(
    text: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    message = refusal(written(tmp_path, text))
    for word in words:
        assert word in message


def test_one_of_several_pl_channels_can_be_marked_as_reference(tmp_path: Path) -> None:
    text = PL + PL.replace("PL", "PL after") + "reference = true\n" + EL
    declared = read_experiment(written(tmp_path, text)).declared
    assert declared.reference.name == "PL after"


def test_el_channels_come_in_order_of_voltage_then_name(tmp_path: Path) -> None:
    channels = [
        f'[[channels]]\nname = "{name}"\nkind = "el"\nstack = "x.tif"\nvoltage_v = {voltage}\n'
        for name, voltage in (("c", 2.6), ("b", 2.1), ("a", 2.6))
    ]
    declared = read_experiment(written(tmp_path, PL + "".join(channels))).declared
    assert [channel.name for channel in declared.el_channels] == ["b", "a", "c"]


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[experiment]\npixel_size_um = {}", "experiment.pixel_size_um"),
        (PL + EL + "pins = [[1.0, 2.0, 3.0, {}]]", "channels.1.pins.0.3"),
        ("[analysis.localize]\nfalse_alarms_per_frame = {}", "analysis.localize.false_alarms"),
    ],
)
def test_numbers_that_are_not_finite_are_refused(
    text: str, name: str, number: str, tmp_path: Path
) -> None:
    message = refusal(written(tmp_path, text.format(number)))
    assert name in message
    assert "no finite number" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe[\x00", ("not UTF-8", "save it as UTF-8")),
        ("name = 'ä'".encode("latin-1"), ("not UTF-8",)),
        (b"[experiment\n", ("no TOML", "line 1")),
        (b"a = 1\na = 2", ("no TOML",)),
        (b"\x89PNG\r\n\x1a\n", ("not UTF-8",)),
        (b"a = " + b"[" * 100_000, ("nested",)),
        (b"a = " + b"{b = " * 100_000, ("nested",)),
        (b"a = " + b"9" * 10_000, ("no TOML",)),
        (b".".join([b"a"] * 3_000) + b" = 1", ("unknown key 'a'",)),
        (b"[experiment]\nname = " + b'"' + b"x" * 9 + b"\x00" + b'"', ("no TOML",)),
    ],
)
def test_what_is_no_toml_is_refused_in_one_line(
    content: bytes, words: tuple[str, ...], tmp_path: Path
) -> None:
    message = refusal(written(tmp_path, content))
    for word in words:
        assert word in message


def test_deeply_nested_options_do_not_crash(tmp_path: Path) -> None:
    text = "[analysis]\n" + ".".join(["a"] * 3_000) + " = nan"
    assert "no finite number" in refusal(written(tmp_path, text))


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_a_missing_file_or_a_folder_is_named(make: object, tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    make(path)  # type: ignore[operator]
    with pytest.raises(FormatError, match=re.escape(str(path))):
        read_toml(path)


OUTSIDE = ["../pl.tif", "/etc/pl.tif", "sub/../../pl.tif", "..\\pl.tif", "C:\\data\\pl.tif"]
OUTSIDE += ["C:pl.tif", "\\\\server\\share\\pl.tif", "\\pl.tif", "sub\\..\\..\\pl.tif"]


@pytest.mark.parametrize("outside", OUTSIDE)
def test_a_stack_outside_the_folder_is_refused_unless_allowed(outside: str, tmp_path: Path) -> None:
    path = written(tmp_path, PL.replace('"pl.tif"', f"'{outside}'"))
    message = refusal(path)
    assert repr(outside) in message
    assert "--allow-outside" in message
    assert read_experiment(path, allow_outside=True).declared.reference.stack == outside


@pytest.mark.parametrize("inside", ["pl.tif", "sub/pl.tif", "sub/../pl.tif", "./pl.tif", "..pl"])
def test_a_stack_inside_the_folder_is_accepted(inside: str, tmp_path: Path) -> None:
    path = written(tmp_path, PL.replace("pl.tif", inside))
    assert read_experiment(path).declared.reference.stack == inside


@pytest.mark.parametrize(
    "text",
    [
        "[camera]\nfile = '../c.toml'",
        "[[photons]]\nkind = 'pl'\nfile = '../d.ptu'",
        "[[photons]]\nkind = 'pl'\nfile = 'd.ptu'\nresponse_file = '../r.csv'",
        "[[photons]]\nkind = 'pl'\nfile = 'd.ptu'\nbackground_file = '../b.ptu'",
        "[[spectra]]\nkind = 'pl'\nfile = '../s.csv'",
    ],
)
def test_every_declared_path_is_held_inside_the_folder(text: str, tmp_path: Path) -> None:
    assert "leaves the experiment's folder" in refusal(written(tmp_path, text))


def test_a_link_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.tif").touch()
    path = written(tmp_path / "field", PL)
    link(tmp_path / "field/pl.tif", tmp_path / "outside.tif")
    assert "leaves the experiment's folder" in refusal(path)
    assert read_experiment(path, allow_outside=True).name == "field"


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, PL)
    link(tmp_path / "pl.tif", tmp_path / "pl.tif")
    with pytest.raises(ConfigurationError, match=r"pl\.tif"):
        read_experiment(path)


def test_a_path_with_a_null_character_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, PL.replace("pl.tif", "p\\u0000l.tif"))
    assert "cannot be followed" in refusal(path)


def test_experiments_are_found_below_folders_and_each_once(tmp_path: Path) -> None:
    paths = [written(tmp_path / f"d/{name}", "") for name in ("b", "a", "c/deep")]
    found = find_experiments([tmp_path, tmp_path / "d/a", paths[1], tmp_path / "d/c/../b"])
    assert found == sorted(paths)


def test_a_folder_that_is_named_like_the_file_is_no_experiment(tmp_path: Path) -> None:
    (tmp_path / "d/experiment.toml").mkdir(parents=True)
    with pytest.raises(FormatError, match=r"found no experiment\.toml.*qdimage init"):
        find_experiments([tmp_path])


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such folder"):
        find_experiments([tmp_path / "absent"])


def test_a_stack_given_for_a_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pl.tif"
    path.touch()
    with pytest.raises(FormatError, match=r"expected a folder or an experiment\.toml"):
        find_experiments([path])


def test_two_fields_of_one_name_are_an_error_that_names_both(tmp_path: Path) -> None:
    text = "[experiment]\nname = 'f'\ndevice = 'd'"
    first, second = written(tmp_path / "a", text), written(tmp_path / "b", text)
    with pytest.raises(ConfigurationError) as caught:
        read_experiments([tmp_path])
    for word in (str(first), str(second), "'f'", "another name"):
        assert word in str(caught.value)


def test_fields_of_one_name_on_two_devices_are_sorted_by_device(tmp_path: Path) -> None:
    for device in ("b", "a"):
        written(tmp_path / device / "f", "")
    assert [each.device for each in read_experiments([tmp_path])] == ["a", "b"]


@pytest.mark.parametrize("text", ["em_gain = 300.0", "[camera]\nem_gain = 300.0"])
def test_a_camera_file_holds_the_keys_with_or_without_their_table(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "camera.toml"
    path.write_text(text, encoding="utf-8")
    assert read_camera_file(path).em_gain == 300.0


@pytest.mark.parametrize(
    ("text", "word"), [("em_gian = 300.0", "'em_gain'"), ("bias_adu = nan", "finite")]
)
def test_a_wrong_camera_file_is_named(text: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "camera.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(QdimageError, match=word) as caught:
        read_camera_file(path)
    assert str(caught.value).startswith(str(path))


def test_a_whole_number_of_more_bits_than_toml_allows_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(f"[a]\nfine = {2**63 - 1}\nb = {'9' * 400}\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"a\.b is no finite number"):
        read_toml(path)
