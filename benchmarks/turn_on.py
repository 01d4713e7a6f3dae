"""Bias, coverage and width of the turn-on fraction on simulated fields.

Fields of four densities are drawn, photographed, localized, registered and measured by the stages
themselves, at one voltage of 2.1 to 2.4 V and one of 2.5 or 2.6 V, half of them with dim EL over a
background. The PL list is as detected; the truth is about all PL-visible dots that both channels
show. There are two truths: the probability by the laws of the simulation that a dot is brighter
than F_min (of the device, which the interval is for), and the share of the field's own dots that
are (of the field). Dots are a sample of the device, so an interval that covers its share covers
that of the field nearly always.

The kind `model` has Gaussian spots and a log-normal brightness; `other` an Airy pattern, and
brightnesses that are exponential or of two kinds.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from turn_on_fields.draw import MODEL, OTHER, SIDES_PX, draw_case
from turn_on_fields.judged import Figures, Judged, figures, judged
from turn_on_fields.localized import localized
from turn_on_fields.measured import MATCH, Population, measured

_HEAD = (
    f"{'1/um^2':>7} {'kind':>6} {'channels':>9} {'registered':>11} {'answered':>9} {'dots':>6} "
    f"{'bias':>16} {'(field)':>8} {'covers':>7} {'below':>6} {'above':>6} {'(field)':>8} "
    f"{'width':>6}"
)


def line(density_per_um2: float, kind: str, n_channels: int, found: list[Judged]) -> str:
    """One line of the table."""
    start = f"{density_per_um2:7.2f} {kind:>6} {n_channels:9d} {len(found) / n_channels:11.3f} "
    if not found:
        return start
    of: Figures = figures(found)
    return start + (
        f"{of.answered:9.3f} {of.dots:6.1f} {of.bias_of_device:+8.4f} +-{of.bias_err:6.4f} "
        f"{of.bias_of_field:+8.4f} {of.covers_device:7.3f} {of.too_low:6.3f} {of.too_high:6.3f} "
        f"{of.covers_field:8.3f} {of.width:6.3f}"
    )


def run(density_per_um2: float, kind: str, n_fields: int, folder: Path, truth: Population) -> str:
    """Measure fields of one density and kind, and return their line."""
    found, n_channels = [], 0
    for index in range(n_fields):
        field = measured(localized(draw_case(density_per_um2, kind, index), folder))
        n_channels += len(field.channels)
        answers = (judged(field, channel, truth) for channel in field.channels)
        found += [each for each in answers if each is not None]
    return line(density_per_um2, kind, n_channels, found)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=12, help="fields of each density and kind")
    parser.add_argument("--densities", type=float, nargs="+", default=list(SIDES_PX))
    parser.add_argument("--kinds", nargs="+", choices=(MODEL, OTHER), default=[MODEL, OTHER])
    parser.add_argument("--cache", type=Path, help="folder that keeps localized fields")
    asked = parser.parse_args()
    begin, truth = perf_counter(), Population()
    print(
        f"F_min is {MATCH.f_min_sigma:g} widths of the null; intervals of {MATCH.confidence:.0%}; "
        "width is the median over that of counting all dots\n" + _HEAD
    )
    with TemporaryDirectory() as temporary:
        folder = asked.cache or Path(temporary)
        for kind in asked.kinds:
            for density in asked.densities:
                print(run(density, kind, asked.fields, folder, truth), flush=True)
    print(f"\n{perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
