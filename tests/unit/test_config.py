"""Options: layers, assignments, what is refused, and the list that documents them."""

import tomllib
from pathlib import Path

import pytest

from qdimage.config import (
    AnalysisOptions,
    build_options,
    option_rows,
    read_options_file,
    to_toml,
)
from qdimage.errors import ConfigurationError, QdimageError
from qdimage.simulation.options import SimulateOptions
from qdimage.units import unit_of


def built(*layers: dict, assignments: tuple[str, ...] = ()) -> AnalysisOptions:
    return build_options(AnalysisOptions, *layers, assignments=assignments, source="options.toml")


def refusal(*layers: dict, assignments: tuple[str, ...] = ()) -> str:
    with pytest.raises(ConfigurationError) as caught:
        built(*layers, assignments=assignments)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_without_layers_every_option_has_its_default() -> None:
    assert built() == AnalysisOptions()


def test_a_later_layer_wins_and_keeps_what_it_does_not_name() -> None:
    options = built(
        {"match": {"confidence": 0.9, "blank_places": 100}, "seed": 1},
        {"match": {"confidence": 0.8}},
    )
    assert (options.match.confidence, options.match.blank_places, options.seed) == (0.8, 100, 1)


def test_an_assignment_wins_over_layers_and_a_later_one_over_an_earlier() -> None:
    options = built(
        {"match": {"confidence": 0.9}},
        assignments=("match.confidence=0.8", "match.confidence = 0.7", "seed=5"),
    )
    assert (options.match.confidence, options.seed) == (0.7, 5)


def test_layers_are_not_changed() -> None:
    layer = {"match": {"confidence": 0.9}}
    built(layer, {"match": {"confidence": 0.8}}, assignments=("match.blank_places=60",))
    assert layer == {"match": {"confidence": 0.9}}


@pytest.mark.parametrize(
    ("text", "value"), [("false", False), ("False", False), ("true", True), ("off", False)]
)
def test_an_assignment_takes_truth_values_in_any_spelling(text: str, value: bool) -> None:
    assert built(assignments=(f"image.correct_drift={text}",)).image.correct_drift is value


def test_an_assignment_takes_texts_and_lists() -> None:
    options = build_options(
        SimulateOptions,
        assignments=("psf.kind=airy", "experiment.voltages_v=[2.1, 2.5]", 'experiment.device="7"'),
        source="x",
    )
    assert options.psf.kind == "airy"
    assert options.experiment.voltages_v == (2.1, 2.5)
    assert options.experiment.device == "7"


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ({"localise": {}}, ("unknown key 'localise'", "'localize'")),
        ({"match": {"confidense": 0.9}}, ("'match.confidense'", "'confidence'")),
        ({"match": {"confidence": 2}}, ("match.confidence", "less than 1", "found 2")),
        ({"match": {"confidence": "high"}}, ("match.confidence", "found 'high'")),
        ({"match": 3}, ("match", "found 3")),
        ({"seed": -1}, ("seed", "found -1")),
        ({"localize": {"max_rounds": 2.5}}, ("localize.max_rounds", "found 2.5")),
    ],
)
def test_a_wrong_layer_is_named_with_its_source(layer: dict, words: tuple[str, ...]) -> None:
    message = refusal(layer)
    for word in ("options.toml: ", *words):
        assert word in message


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("match.confidence", ("found no '='", "STAGE.OPTION=VALUE")),
        ("match.confidense=0.9", ("unknown option", "did you mean 'match.confidence'")),
        ("confidence=0.9", ("unknown option",)),
        ("match=3", ("unknown option",)),
        ("qqqqqqqqqq=3", ("unknown option", "qdimage options")),
        ("=3", ("unknown option",)),
        ("match.confidence=2", ("match.confidence", "found 2")),
        ("match.confidence=high", ("match.confidence", "found 'high'")),
        ("match.confidence=", ("match.confidence", "found ''")),
        ("match.confidence=0.9\nx=1", ("match.confidence",)),
        ("match.f_min_sigma=inf", ("finite",)),
        ("match.f_min_photons_s=1e999", ("finite",)),
        ("match.confidence=nan", ("finite",)),
        ("match.blank_places=" + "[" * 100_000, ("match.blank_places",)),
        ("match.blank_places=" + "9" * 10_000, ("match.blank_places",)),
    ],
)
def test_a_wrong_assignment_is_named(assignment: str, words: tuple[str, ...]) -> None:
    message = refusal({"seed": 1}, assignments=("seed=2", assignment))
    assert message.startswith("--set ")
    for word in words:
        assert word in message


def test_a_wrong_layer_is_not_blamed_on_a_good_assignment() -> None:
    message = refusal({"match": {"confidence": 2}}, assignments=("match.blank_places=60",))
    assert message.startswith("options.toml: ")


@pytest.mark.parametrize("head", ["", "[analysis]\n"])
def test_an_options_file_holds_them_with_or_without_a_table(head: str, tmp_path: Path) -> None:
    path = tmp_path / "options.toml"
    name = "analysis.match" if head else "match"
    path.write_text(f"{head}[{name}]\nconfidence = 0.9\n", encoding="utf-8")
    assert built(read_options_file(path)).match.confidence == 0.9


@pytest.mark.parametrize("content", [b"\xff", b"[match", b"[match]\nconfidence = nan"])
def test_a_wrong_options_file_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "options.toml"
    path.write_bytes(content)
    with pytest.raises(QdimageError) as caught:
        read_options_file(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("model", [AnalysisOptions, SimulateOptions])
def test_every_option_is_listed_once_with_its_default_and_meaning(
    model: type[AnalysisOptions],
) -> None:
    rows = option_rows(model)
    names = [row["name"] for row in rows]
    assert len(set(names)) == len(names) > 5
    for row in rows:
        stage, _, key = row["name"].rpartition(".")
        holder = getattr(model(), stage) if stage else model()
        assert getattr(holder, key) == row["default"]
        assert row["meaning"].strip()


def test_the_unit_of_an_option_agrees_with_its_name() -> None:
    rows = [row for row in option_rows(AnalysisOptions) if unit_of(row["name"])]
    assert {row["name"]: row["unit"] for row in rows} == {
        row["name"]: unit_of(row["name"]) for row in rows
    }


@pytest.mark.parametrize("model", [AnalysisOptions, SimulateOptions])
def test_defaults_written_as_toml_read_back_as_the_same_options(
    model: type[AnalysisOptions],
) -> None:
    read = tomllib.loads(to_toml(model()))
    assert build_options(model, read, source="text") == model()


def test_an_option_that_is_not_given_is_left_out_of_the_toml() -> None:
    text = to_toml(built({"localize": {"psf_sigma_px": 1.5}}))
    assert "psf_sigma_px = 1.5" in text
    assert "f_min_photons_s" not in text


def test_options_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        built().seed = 3  # type: ignore[misc]
