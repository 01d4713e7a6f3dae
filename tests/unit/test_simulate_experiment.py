"""A simulated device on disk: its files, its seeds, and what a failure leaves."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from qdimage.errors import ConfigurationError
from qdimage.io import open_stack
from qdimage.io.atomic import sha256
from qdimage.io.experiment_file import read_experiments
from qdimage.simulation import files, recording
from qdimage.simulation.experiment import simulate_experiment
from qdimage.simulation.options import SimulateOptions
from qdimage.simulation.recipe import Recipe, read_recipe

SMALL = {"width_px": 48, "height_px": 40, "n_frames": 3, "n_fields": 2, "voltages_v": (2.2, 2.4)}


def options_with(**groups):
    groups["experiment"] = {**SMALL, **groups.get("experiment", {})}
    return SimulateOptions.model_validate(groups)


def simulate(out, seed=5, progress=None, **groups):
    simulate_experiment(out, options=options_with(**groups), seed=seed, progress=progress)
    return out


def contents(folder):
    files_in = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files_in}


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("simulated") / "device")


def test_the_folder_holds_what_it_promises_and_nothing_else(device):
    stacks = ["pl.tif", "el_2.2V.tif", "el_2.4V.tif"]
    expected = {
        f"field-{number:02d}/{name}" for number in (1, 2) for name in ["experiment.toml", *stacks]
    }
    assert set(contents(device)) == expected | {"truth.json", "recipe.toml", "sha256.json"}


def test_the_fields_folders_are_returned(tmp_path):
    folders = simulate_experiment(tmp_path / "out", options=options_with(), seed=1)
    assert folders == [tmp_path / "out" / "field-01", tmp_path / "out" / "field-02"]


def test_stacks_are_16_bit_and_open_in_the_projects_own_reader(device):
    for path in device.rglob("*.tif"):
        with tifffile.TiffFile(path) as tiff:
            assert len(tiff.pages) == SMALL["n_frames"]
            assert tiff.pages[0].dtype == np.uint16
            assert tiff.pages[0].shape == (SMALL["height_px"], SMALL["width_px"])
        with open_stack(path) as stack:
            assert stack.shape == (3, 40, 48)
            assert np.array_equal(stack.reader(0, 3), tifffile.imread(path))


def test_declarations_are_valid_and_name_every_stack(device):
    fields = read_experiments([device])
    assert [field.name for field in fields] == ["field-01", "field-02"]
    assert {field.device for field in fields} == {"simulated-device"}
    for field in fields:
        declared = field.declared
        assert [each.kind for each in declared.channels] == ["pl", "el", "el"]
        assert [each.voltage_v for each in declared.channels] == [None, 2.2, 2.4]
        assert all((field.path.parent / each.stack).is_file() for each in declared.channels)
        camera = SimulateOptions().camera
        assert declared.camera.em_gain == camera.em_gain
        assert declared.camera.saturation_adu == camera.saturation_adu
        assert declared.optics.numerical_aperture == 1.46
    stage = [field.declared.optics.stage_from_px for field in fields]
    assert stage[1][0][2] - stage[0][0][2] == pytest.approx(60.0)


def test_nothing_that_the_analysis_reads_tells_the_truth(device):
    for path in device.glob("field-*/*"):
        assert path.suffix in (".tif", ".toml")
    text = (device / "field-01" / "experiment.toml").read_text(encoding="utf-8")
    for word in ("seed", "turn_on", "density", "drift", "transform", "truth"):
        assert word not in text


def test_hashes_are_those_of_the_stacks(device):
    hashes = json.loads((device / "sha256.json").read_text(encoding="utf-8"))
    stacks = {path.relative_to(device).as_posix(): sha256(path) for path in device.rglob("*.tif")}
    assert hashes == stacks


def test_the_recipe_repeats_the_call_byte_for_byte(device, tmp_path):
    recipe = read_recipe(device / "recipe.toml")
    assert recipe == Recipe(options_with(), 5)
    simulate_experiment(tmp_path / "again", options=recipe.options, seed=recipe.seed)
    assert contents(tmp_path / "again") == contents(device)


def test_another_seed_gives_another_device(device, tmp_path):
    first, second = contents(device), contents(simulate(tmp_path / "other", seed=6))
    for name in first:
        assert (first[name] == second[name]) == name.endswith("experiment.toml"), name


def test_fields_and_channels_of_one_seed_differ(device):
    stacks = [path.read_bytes() for path in device.rglob("*.tif")]
    assert len(set(stacks)) == len(stacks)


def test_further_voltages_and_fields_change_no_other_stack(device, tmp_path):
    more = {"voltages_v": (2.8, 2.4, 2.1, 2.2), "n_fields": 3}
    wider = contents(simulate(tmp_path / "more", experiment=more))
    first = contents(device)
    for name in first:
        if name.endswith(".tif"):
            assert first[name] == wider[name], name
    truths = [json.loads(each["truth.json"])["fields"] for each in (first, wider)]
    for field, truth in truths[0].items():
        assert truths[1][field]["sources"] == truth["sources"]
        for channel in truth["channels"]:
            assert truths[1][field]["channels"][channel] == truth["channels"][channel]


def test_no_voltages_give_pl_alone(tmp_path):
    out = simulate(tmp_path / "pl", experiment={"voltages_v": (), "n_fields": 1})
    assert [path.name for path in out.rglob("*.tif")] == ["pl.tif"]
    assert len(read_experiments([out])[0].declared.channels) == 1


def test_an_empty_scene_is_recorded_too(tmp_path):
    empty = {"density_per_um2": 0.0, "defect_density_per_um2": 0.0}
    out = simulate(tmp_path / "empty", scene=empty, experiment={"n_fields": 1})
    truth = json.loads((out / "truth.json").read_text(encoding="utf-8"))
    assert truth["fields"]["field-01"]["sources"] == []


def test_progress_counts_the_stacks(tmp_path):
    seen = []
    simulate(tmp_path / "out", progress=lambda *each: seen.append(each))
    assert [done for _, done, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert {total for *_, total in seen} == {6}
    assert [name for name, *_ in seen][:2] == ["field-01/pl.tif", "field-01/el_2.2V.tif"]


def test_an_empty_folder_is_filled(tmp_path):
    assert (simulate(tmp_path) / "truth.json").is_file()


def one_line_refusal(out, seed=0, **groups):
    with pytest.raises(ConfigurationError) as caught:
        simulate(out, seed=seed, **groups)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_that_holds_anything_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert "not empty" in one_line_refusal(tmp_path)
    assert contents(tmp_path) == {"notes.txt": b"mine"}


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert "found a file" in one_line_refusal(tmp_path / "file")
    assert "cannot be written" in one_line_refusal(tmp_path / "file" / "below")
    assert contents(tmp_path) == {"file": b"mine"}


def test_a_negative_seed_is_refused(tmp_path):
    assert "seed: found -1" in one_line_refusal(tmp_path / "out", seed=-1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        ({"el": {"rise_v": 1e-7}}, "EL 2.2V: found inf photons"),
        (
            {"el": {"background_photons_px_s": 1, "background_rise_v": 1e-4}},
            "EL 2.6V: found inf photons",
        ),
        ({"pl": {"median_photons_s": 1e30}}, "PL: found"),
        ({"geometry": {"radial_max_px": 20.0}}, "geometry.radial_max_px: found 20.0"),
    ],
)
def test_options_that_contradict_each_other_are_refused_without_a_trace(tmp_path, groups, found):
    experiment = {"voltages_v": (2.2, 2.6)}
    assert found in one_line_refusal(tmp_path / "out", experiment=experiment, **groups)
    assert not (tmp_path / "out").exists()


def test_an_unused_background_never_overflows(tmp_path):
    simulate(tmp_path / "out", el={"background_rise_v": 1e-4})


def interrupt_after(n):
    calls = []

    def progress(*_):
        calls.append(None)
        if len(calls) == n:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("n", [1, 4, 6])
def test_an_interrupt_between_stacks_leaves_no_folder_and_the_call_can_be_repeated(
    device, tmp_path, n
):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        simulate(out, progress=interrupt_after(n))
    assert not out.exists()
    assert contents(simulate(out)) == contents(device)


def test_an_interrupt_leaves_a_folder_that_was_there_empty(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path, progress=interrupt_after(4))
    assert list(tmp_path.iterdir()) == []
    simulate(tmp_path)


def test_an_interrupt_within_a_stack_leaves_nothing_half_written(tmp_path, monkeypatch):
    seen = []

    def interrupted(*arguments, **options):
        seen.append({path.name for path in tmp_path.rglob("*") if path.is_file()})
        if len(seen) == 5:
            raise KeyboardInterrupt
        return expose(*arguments, **options)

    expose = recording.expose
    monkeypatch.setattr(recording, "expose", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "out")
    assert seen[1] == {"pl.tif.partial"}
    assert seen[4] == {"pl.tif", "el_2.2V.tif.partial"}
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_the_last_files_are_written_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("qdimage.simulation.experiment.write_recipe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_reported_in_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.tifffile, "imwrite", full)
    assert "No space left on device" in one_line_refusal(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_failure_removes_nothing_that_another_program_made(tmp_path):
    def intrude(name, *_):
        other = tmp_path / "out" / "field-02"
        other.mkdir(exist_ok=True)
        (other / "mine.txt").write_text("mine", encoding="utf-8")

    (tmp_path / "out").mkdir()
    assert "cannot be written" in one_line_refusal_of(tmp_path / "out", intrude)
    assert contents(tmp_path / "out") == {"field-02/mine.txt": b"mine"}


def one_line_refusal_of(out, progress):
    with pytest.raises(ConfigurationError) as caught:
        simulate(out, progress=progress)
    return str(caught.value)


def test_a_reader_that_hangs_up_is_not_reported_as_a_full_disk(tmp_path):
    def hang_up(*_):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        simulate(tmp_path / "out", progress=hang_up)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("n_frames", "big"), [(1000, False), (8000, True)])
def test_a_stack_beyond_four_gigabytes_is_a_bigtiff(tmp_path, monkeypatch, n_frames, big):
    asked = {}

    def record_options(path, _, **options):
        asked.update(options)
        Path(path).touch()

    monkeypatch.setattr(files.tifffile, "imwrite", record_options)
    files.write_stack(tmp_path / "s.tif", iter(()), shape=(n_frames, 512, 512))
    assert asked["bigtiff"] is big
