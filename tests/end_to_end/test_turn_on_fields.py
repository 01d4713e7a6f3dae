"""The turn-on fraction from photographed fields, a small part of `./qd bench turn_on`."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from turn_on_fields.draw import MODEL, draw_case
from turn_on_fields.judged import figures, judged
from turn_on_fields.localized import localized
from turn_on_fields.measured import Population, measured

FIELDS = range(2000, 2006)


@pytest.mark.slow
@pytest.mark.parametrize(("density_per_um2", "error"), [(0.1, 0.032), (0.5, 0.022)])
def test_the_fraction_and_its_interval_hold_on_simulated_fields(
    density_per_um2: float, error: float, tmp_path: Path
) -> None:
    truth = Population()
    fields = [measured(localized(draw_case(density_per_um2, MODEL, k), tmp_path)) for k in FIELDS]
    channels = [(field, channel) for field in fields for channel in field.channels]
    found = [judged(field, channel, truth) for field, channel in channels]
    # 99.9 % of such channels are registered.
    known = [each for each in found if each is not None]
    assert len(known) >= len(channels) - 1
    of = figures(known)
    assert of.answered == 1.0
    # Four standard errors of the mean over 12 channels, whose errors are given by 1,000 fields.
    assert abs(of.bias_of_field) < 4 * error / len(known) ** 0.5
    # Of 12 intervals that cover 95 % each, more than 3 miss with odds of 0.2 %; of those against
    # the field's own dots, which cover 99 %, more than 1 misses with odds of 0.6 %.
    assert of.covers_device >= 9 / 12
    assert of.covers_field >= 11 / 12
    assert 0.8 < of.width < 1.2
