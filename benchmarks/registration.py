"""How often registration accepts, how far off it is, and how often it is fooled.

Fields with the simulator's options at random are photographed and localized by the stages
themselves; what was localized is kept in a folder, so that a changed registration is judged again
in minutes. Printed are acceptance and error against the number of pairs (dots that both channels
detected), the same through another voltage, for half turns, mirrors, strips with 40 % of overlap
and 2 x 2 binning, the wrong acceptances among fields without anything in common, and CPU time.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray
from registration_fields import points, views
from registration_fields.draw import SIDE
from registration_fields.photographed import Seen, stored, stored_binned
from registration_fields.views import Pair
from scipy.stats import beta

from qdimage.domain.localizations import Localizations
from qdimage.domain.refusal import Refusal
from qdimage.domain.registration import Registration
from qdimage.registration.align import align
from qdimage.registration.options import RegisterOptions
from qdimage.registration.sibling import align_by_sibling

Array = NDArray[np.float64]
Rng = np.random.Generator
Fields = list[list[Seen]]
Answers = list[list[Registration | Refusal]]

OPTIONS = RegisterOptions()
# Everything that would be accepted with a bound as loose as this is counted as well.
_LOOSE_P = 0.09
_EDGES = (0, 3, 4, 5, 6, 7, 8, 15, 30, 60, 10_000)
_ENOUGH_PAIRS, _ENOUGH_DOTS = 8, 30
_WRONG_PX = 1.0


def registered(
    moving: Localizations,
    fixed: Localizations,
    shape: tuple[int, int] = (SIDE, SIDE),
    options: RegisterOptions = OPTIONS,
) -> Registration | Refusal:
    """The answer for two channels of the same shape."""
    return align(moving, fixed, moving_shape=shape, fixed_shape=shape, options=options)


def error_px(found: Registration, pair: Pair) -> float:
    """Median distance between found and true map over what both frames show."""
    height, width = pair.shape
    x, y = np.meshgrid(np.linspace(0, width - 1, 12), np.linspace(0, height - 1, 12))
    grid = np.column_stack([x.ravel(), y.ravel()])
    places = pair.true_map(grid)
    shown = np.all((places > -0.5) & (places < np.array([width, height]) - 0.5), axis=1)
    off = found.transform.apply(grid[shown]) - places[shown]
    return float(np.median(np.hypot(off[:, 0], off[:, 1])))


def judged(pair: Pair, found: Registration | Refusal) -> float:
    """Error of a pair's registration, px; NaN where it was refused."""
    return float("nan") if isinstance(found, Refusal) else error_px(found, pair)


def share(passed: NDArray[np.bool_]) -> str:
    """How many of how many, and in percent."""
    n, k = len(passed), int(np.sum(passed))
    return f"{k} of {n} ({100 * k / n:.1f} %)" if n else "none to judge"


def print_fields(fields: Fields, answers: Answers) -> None:
    """Print acceptance and error of the channels as they were taken."""
    rows = []
    for field, found in zip(fields, answers, strict=True):
        for el, answer in zip(field[1:], found, strict=True):
            pair = views.as_taken(el, field[0])
            fewer = min(len(pair.moving), len(pair.fixed))
            rows.append((pair.n_common, fewer, judged(pair, answer)))
    table = np.array(rows)
    pairs, fewer, error = table.T
    print("Up to 29 px, 3 degrees, 1 % scale, 0.4 px radial term")
    print_by_pairs(pairs, error)
    accepted = np.isfinite(error)
    print(f"8 or more pairs: {share(accepted[pairs >= _ENOUGH_PAIRS])} registered")
    print(f"30 or more detections in each: {share(accepted[fewer >= _ENOUGH_DOTS])} registered")
    many, most = error[accepted & (pairs >= 15)], error[accepted & (pairs >= 60)]
    print(
        f"median error {np.nanmedian(error):.3f} px; 95 % of those with 15 pairs below "
        f"{np.quantile(many, 0.95):.3f} px; median at 60 pairs {np.median(most):.3f} px"
    )
    print(f"wrong (> {_WRONG_PX:g} px): {np.sum(error > _WRONG_PX)} of {np.sum(accepted)}")


def print_by_pairs(pairs: Array, error: Array) -> None:
    """Print a line for each number of pairs."""
    print(f"{'pairs':>8} {'channels':>9} {'accepted':>9} {'median px':>10} {'worst px':>9}")
    for low, high in pairwise(_EDGES):
        inside = error[(pairs >= low) & (pairs < high)]
        good = inside[np.isfinite(inside)]
        median, worst = (np.median(good), good.max()) if len(good) else (np.nan, np.nan)
        name = f">= {low}" if high == _EDGES[-1] else f"{low}-{high - 1}"
        print(f"{name:>8} {len(inside):9d} {len(good):9d} {median:10.3f} {worst:9.3f}")


def print_siblings(fields: Fields, answers: Answers) -> None:
    """Print what becomes of the lower voltage where the higher one passed."""
    print("\nThe lower voltage, on its own or else through the higher one")
    print(f"{'pairs':>8} {'channels':>9} {'own':>5} {'tested':>7} {'inherited':>10} {'refused':>8}")
    rows = [sibling_row(*each) for each in zip(fields, answers, strict=True)]
    table = np.array([row for row in rows if row is not None])
    for low, high in pairwise(_EDGES):
        inside = table[(table[:, 0] >= low) & (table[:, 0] < high)]
        counts = [int(np.sum(inside[:, 1] == kind)) for kind in range(4)]
        name = f">= {low}" if high == _EDGES[-1] else f"{low}-{high - 1}"
        print(
            f"{name:>8} {len(inside):9d} {counts[0]:5d} {counts[1]:7d} {counts[2]:10d} "
            f"{counts[3]:8d}"
        )
    tested = table[table[:, 1] == 1, 2]
    print(
        f"tested through the sibling: median error {np.median(tested):.3f} px, worst "
        f"{tested.max():.3f} px"
    )


def sibling_row(
    field: list[Seen], answers: list[Registration | Refusal]
) -> tuple[int, int, float] | None:
    """Pairs, how it was registered (own, tested, inherited, refused) and the error."""
    (pl, low, high), (own, sibling) = field, answers
    if isinstance(sibling, Refusal):
        return None
    pair = views.as_taken(low, pl)
    if isinstance(own, Registration):
        return pair.n_common, 0, error_px(own, pair)
    shapes = {"moving_shape": pair.shape, "fixed_shape": pair.shape}
    known = sibling.transform.apply(high.dots.positions)
    found = align_by_sibling(low.dots, pl.dots, sibling, known=known, **shapes, options=OPTIONS)
    if isinstance(found, Refusal):
        return pair.n_common, 3, float("nan")
    return pair.n_common, 2 if found.inherited else 1, error_px(found, pair)


def print_views(fields: Fields, binned: Fields) -> None:
    """Print acceptance and error for other arrangements, the higher voltage of each field."""
    print("\nWith 8 or more pairs, at the higher voltage")
    print(f"{'arrangement':>12} {'accepted':>20} {'median px':>10} {'worst px':>9}")
    cases = [(draw, fields) for draw in (views.overlap, views.half_turn, views.mirror)]
    for draw, some in [*cases, (views.as_taken, binned)]:
        pairs = [draw(field[-1], field[0]) for field in some]
        enough = [pair for pair in pairs if pair.n_common >= _ENOUGH_PAIRS]
        found = [registered(pair.moving, pair.fixed, pair.shape) for pair in enough]
        error = np.array([judged(*each) for each in zip(enough, found, strict=True)])
        name = "2 x binning" if some is binned else draw.__name__.replace("_", " ")
        if len(error):
            print(
                f"{name:>12} {share(np.isfinite(error)):>20} {np.nanmedian(error):10.3f} "
                f"{np.nanmax(error):9.3f}"
            )


def print_false(name: str, pairs: Iterator[tuple[Localizations, Localizations]], side: int) -> None:
    """Print how many pairs without anything in common were accepted."""
    loose = replace_bound(_LOOSE_P)
    found = []
    for moving, fixed in pairs:
        answer = registered(moving, fixed, (side, side), loose)
        found.append(1.0 if isinstance(answer, Refusal) else answer.chance_p)
    least = np.array(found)
    accepted = int(np.sum(least <= OPTIONS.max_chance_probability))
    limit = beta.ppf(0.95, accepted + 1, len(least) - accepted) if len(least) else 1.0
    print(
        f"{name:>28} {len(least):7d} {accepted:9d} {limit:12.4f} {np.sum(least <= _LOOSE_P):8d}",
        flush=True,
    )


def replace_bound(probability: float) -> RegisterOptions:
    """The options with another bound."""
    return OPTIONS.model_copy(update={"max_chance_probability": probability})


def print_unrelated(fields: Fields, unlit: Fields, n_cross: int, n_points: int, rng: Rng) -> None:
    """Print the wrong acceptances among fields with nothing in common."""
    bound = OPTIONS.max_chance_probability
    loose = f"at {_LOOSE_P:g}"
    print(f"\nNothing in common; an agreement is accepted if chance reaches it below {bound:g}")
    print(f"{'fields':>28} {'pairs':>7} {'accepted':>9} {'share below':>12} {loose:>8}")
    print_false("photographed, other fields", crossed(fields, n_cross), SIDE)
    dark = ((el.dots, field[0].dots) for field in unlit for el in field[1:])
    print_false("photographed, unlit", dark, SIDE)
    cases: tuple[tuple[Callable[[Rng, int], Array], bool, int], ...] = (
        (points.uniform, False, n_points),
        (points.clustered, False, n_points),
        (points.doublets, False, n_points // 4),
        (points.lattice, True, n_points // 4),
        (points.loose_lattice, True, n_points // 4),
        (points.line, True, n_points // 4),
    )
    for draw, same_number, n in cases:
        lists = (points.unrelated(rng, draw, same_number) for _ in range(n))
        print_false(f"lists, {draw.__name__}", lists, points.SIDE)


def crossed(fields: Fields, n: int) -> Iterator[tuple[Localizations, Localizations]]:
    """EL of one field and PL of another, of the same camera with its hot pixels."""
    step, taken = 1, 0
    while taken < n and step < len(fields):
        for k, field in enumerate(fields):
            if taken < n:
                yield field[1 + taken % 2].dots, fields[(k + step) % len(fields)][0].dots
                taken += 1
        step += 1


def print_time(n_fields: int, rng: Rng) -> None:
    """Print CPU seconds for 512 x 512 px, of fields that belong together and that do not."""
    print(f"\nCPU seconds at 512 x 512 px, median and worst of {n_fields} after the first")
    print(f"{'PL dots':>8} {'registered':>16} {'refused':>16}")
    for n_dots in (150, 300, 1000):
        spent: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(n_fields + 1):
            related = points.related_square(rng, n_dots, 512)
            other = points.related_square(rng, n_dots, 512)
            for moving, fixed, same in ((*related, True), (related[0], other[1], False)):
                begin = process_time()
                registered(moving, fixed, (512, 512))
                spent[same].append(process_time() - begin)
        cells = [f"{np.median(each[1:]):.2f}, {max(each[1:]):.2f}" for each in spent.values()]
        print(f"{n_dots:8d} {cells[0]:>16} {cells[1]:>16}")


def photographed(folder: Path, kind: str, seed: int, n: int, *, stream: int = 0) -> Fields:
    """Fields from the folder; those that it lacks are made."""
    return [
        stored(
            folder / f"{kind}-{seed}-{k}.npz",
            np.random.default_rng([seed, stream, k]),
            unlit=kind == "unlit",
        )
        for k in range(n)
    ]


def binned_fields(folder: Path, seed: int, n: int) -> Fields:
    """The first stored fields with EL binned."""
    return [
        stored_binned(
            folder / f"binned-{seed}-{k}.npz",
            folder / f"field-{seed}-{k}.npz",
            np.random.default_rng([seed, 0, k]),
        )
        for k in range(n)
    ]


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=420, help="of two voltages each")
    parser.add_argument("--unlit", type=int, default=30)
    parser.add_argument("--views", type=int, default=150, help="fields turned, mirrored and cut")
    parser.add_argument("--binned", type=int, default=60)
    parser.add_argument("--crossed", type=int, default=1000, help="EL and PL of other fields")
    parser.add_argument("--lists", type=int, default=200, help="lists of dots, uniform ones")
    parser.add_argument("--timed", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "qdimage-registration"
    )
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    fields = photographed(asked.folder, "field", asked.seed, asked.fields)
    answers = [[registered(el.dots, field[0].dots) for el in field[1:]] for field in fields]
    print_fields(fields, answers)
    print_siblings(fields, answers)
    binned = binned_fields(asked.folder, asked.seed, min(asked.binned, asked.fields))
    print_views(fields[: asked.views], binned)
    unlit = photographed(asked.folder, "unlit", asked.seed, asked.unlit, stream=1)
    print_unrelated(fields, unlit, asked.crossed, asked.lists, rng)
    print_time(asked.timed, rng)


if __name__ == "__main__":
    main()
