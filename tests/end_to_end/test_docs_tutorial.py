"""The tutorial's commands run as they stand, on a corner of the stacks that it speaks of."""

import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
from folders import CLONE, DEMO
from small_device import make_field

sys.path.insert(0, str(CLONE / "docs"))

from run_tutorial import FIELD, PAGE, Block, blocks, run_blocks, with_outputs

VOLTAGES = ("2.1", "2.2", "2.4", "2.6")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[Block, str]]]:
    folder = tmp_path_factory.mktemp("tutorial")
    field = make_field(folder / FIELD, number=1, voltages=VOLTAGES)
    (field / "experiment.toml").unlink()
    shutil.copytree(DEMO / "field-01" / "dots", field / "dots")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, list(run_blocks(PAGE.read_text(encoding="utf-8")))


def printed_by(done: tuple[Path, list[tuple[Block, str]]], words: str) -> str:
    return next(text for block, text in done[1] if words in block.text)


def test_every_command_prints_what_the_page_shows(
    done: tuple[Path, list[tuple[Block, str]]],
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = [block for block in blocks(page) if block.language == "text"]
    assert len(done[1]) == len(shown)
    for (block, text), example in zip(done[1], shown, strict=True):
        assert text.strip(), block.text
        # Numbers differ, since the stacks do; the first word says what it is about.
        assert text.split()[0].isdigit() == example.text.split()[0].isdigit(), block.text


def test_init_guesses_what_the_page_says(done: tuple[Path, list[tuple[Block, str]]]) -> None:
    text = printed_by(done, "qdimage init")
    assert all(f"voltage_v = {voltage}" in text for voltage in VOLTAGES)
    assert "not found, fill it in" in text


def test_tables_and_figures_of_the_page_are_there(
    done: tuple[Path, list[tuple[Block, str]]],
) -> None:
    results = done[0] / "results"
    assert (results / "report.html").is_file()
    for name in ("micrographs", "turn_on", "null", "g2"):
        assert list((results / "figures").glob(f"*_{name}.png")), name
    turn_on = pd.read_csv(results / "turn_on.csv")
    assert set(turn_on["voltage_v"]) == {float(voltage) for voltage in VOLTAGES}
    photons = pd.read_csv(results / "photons.csv")
    assert list(photons["status"]) == ["ok"]


def test_output_takes_the_place_of_the_text_after_its_command() -> None:
    page = "```sh\nqdimage a\n```\n\n```text\nold\n```\nwords\n```python\nb\n```\n```text\n```\n"
    sh, text, python, _ = blocks(page)
    assert text.text == "old\n"
    made = with_outputs(page, [(sh, "one\n"), (python, "two\n")])
    assert made == page.replace("old\n", "one\n").replace("```text\n```", "```text\ntwo\n```")
