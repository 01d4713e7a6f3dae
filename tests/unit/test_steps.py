"""The steps one at a time give what the whole analysis gives."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from folders import DEMO

import qdimage
from qdimage import steps
from qdimage.domain.refusal import Refusal
from qdimage.errors import ConfigurationError
from qdimage.pipeline.field import RegisteredField
from qdimage.pipeline.landmarks import Pin
from qdimage.pipeline.registration import Found, Registered


@pytest.fixture(scope="module")
def field() -> RegisteredField:
    (experiment, options), *_ = qdimage.plan(DEMO / "field-02").fields
    return steps.register_field(experiment, options=options)


def test_a_field_is_registered_channel_by_channel(field: RegisteredField) -> None:
    assert set(field.found) == {"PL", "EL 2.1V", "EL 2.2V", "EL 2.4V", "EL 2.6V"}
    assert isinstance(field.answers["EL 2.6V"], Registered)


def test_its_tables_are_those_of_a_run(field: RegisteredField, tmp_path: Path) -> None:
    wanted = qdimage.run(DEMO / "field-02", tmp_path / "out").tables
    pd.testing.assert_frame_equal(steps.registration_table(field), wanted["registration"])
    pd.testing.assert_frame_equal(steps.localization_table(field), wanted["localizations"])


def pins(field: RegisteredField, channel: str, n: int, off_px: float = 0.0) -> list[Pin]:
    """Pins at dots that the automatic answer paired, set as badly as a person does."""
    answer, found, fixed = field.answers[channel], field.found[channel], field.found["PL"]
    assert isinstance(answer, Registered)
    assert isinstance(found, Found)
    assert isinstance(fixed, Found)
    pairs = answer.registration.pairs[:: len(answer.registration.pairs) // n][:n]
    jitter = np.random.default_rng(1).normal(0, 0.5, (n, 2))
    own = found.dots.positions[pairs[:, 0]] + jitter
    theirs = fixed.dots.positions[pairs[:, 1]] + off_px
    return [(*a, *b) for a, b in zip(own.tolist(), theirs.tolist(), strict=True)]


def test_pins_lead_to_the_automatic_answer(field: RegisteredField) -> None:
    automatic = field.answers["EL 2.6V"]
    assert isinstance(automatic, Registered)
    options = qdimage.plan(DEMO / "field-02").fields[0][1]
    answer = steps.register_by_pins(
        field, "EL 2.6V", pins(field, "EL 2.6V", 4), options=options.register
    )
    assert isinstance(answer, Registered)
    assert answer.registration.model == "manual"
    corners = np.array([[0.0, 0.0], [255.0, 0.0], [0.0, 255.0], [255.0, 255.0]])
    transforms = (automatic.registration.transform, answer.registration.transform)
    ours, theirs = (each.apply(corners) for each in transforms)
    assert np.abs(ours - theirs).max() < 0.2


def test_pins_on_the_wrong_dots_are_refused(field: RegisteredField) -> None:
    options = qdimage.plan(DEMO / "field-02").fields[0][1]
    wrong = pins(field, "EL 2.6V", 4, off_px=40.0)
    answer = steps.register_by_pins(field, "EL 2.6V", wrong, options=options.register)
    assert isinstance(answer, Refusal)
    assert "chance" in answer.reason


def test_two_pins_are_too_few(field: RegisteredField) -> None:
    options = qdimage.plan(DEMO / "field-02").fields[0][1]
    with pytest.raises(ConfigurationError, match="at least 3"):
        steps.register_by_pins(
            field, "EL 2.6V", pins(field, "EL 2.6V", 2), options=options.register
        )


def test_answers_by_file_win_over_names(tmp_path: Path) -> None:
    import tifffile

    frames = np.random.default_rng(5).poisson(9.0, (3, 16, 16)).astype(np.uint16)
    for name in ("a.tif", "b_2.4V.tif"):
        tifffile.imwrite(tmp_path / name, frames, photometric="minisblack")
    found = steps.find_stacks(tmp_path)
    assert [(each.kind, each.voltage_v) for each in found] == [("", None), ("el", 2.4)]
    answers = {
        "a.tif": {"kind": "pl", "exposure_s": 0.1, "pixel_size_um": 0.107},
        "b_2.4V.tif": {"voltage_v": 2.5, "exposure_s": 0.2},
    }
    declaration = qdimage.init(tmp_path, answers=answers)
    assert declaration.missing == []
    (experiment, _), *_ = qdimage.plan(tmp_path).fields
    assert experiment.declared.el_channels[0].voltage_v == 2.5
    assert experiment.declared.experiment.pixel_size_um == 0.107
