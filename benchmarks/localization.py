"""Single frames beside trackpy, Picasso, photutils and scikit-image: `./qd bench localization`.

Frames are 512 x 512 px with 0.1 dots per um^2 at 0.16 um/px, of an EMCCD at a gain of 200, all
dots of one brightness. The thresholds and sizes of the other programs are chosen with the truth,
for each kind of frame; ours are the defaults. Beside each number stands what it should be: the
stated false alarms, the Cramer-Rao bound, a bias of nought.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from localization_frames.draw import (
    DENSITY_PER_UM2,
    GAUSSIAN,
    OTHER_SPOTS,
    Frame,
    Spots,
    field,
    position_bound,
)
from localization_frames.ours import accuracy, image_of, located, pairs
from localization_frames.peers import Finder, installed, picasso_mle, trackpy_locate
from localization_frames.score import MATCH_PX, best_jaccard, isolated, jaccard, matches

from qdimage.localize.dots import localize
from qdimage.localize.options import LocalizeOptions

CELLS = ((100, 5), (300, 5), (1000, 5), (5000, 5), (300, 50), (1000, 50), (5000, 50))
OURS = LocalizeOptions()
_SIZES_PX = (2.0, 3.0, 4.0)
_ALARM_BACKGROUNDS = (0.0, 0.05, 0.5, 5.0, 50.0)
_REPEATS = 9


def print_jaccard(peers: dict[str, Finder], spots: Sequence[Spots], n_frames: int) -> None:
    """Found, missed and false dots in one number."""
    print(f"\nJaccard index, {DENSITY_PER_UM2} dots per um^2, matched within {MATCH_PX:g} px")
    names = " ".join(f"{name:>14}" for name in peers)
    print(f"{'spots':>21} {'photons':>7} {'ph/px':>5} {'qdimage':>8} {'false':>6} {names}")
    for kind in spots:
        for photons, background in CELLS:
            rng = np.random.default_rng([1, photons, background])
            frames = [field(kind, photons, background, rng) for _ in range(n_frames)]
            found = [located(frame, OURS).positions for frame in frames]
            pairs_of = list(zip(found, frames, strict=True))
            own = np.mean([jaccard(each, frame.positions) for each, frame in pairs_of])
            false = np.mean([np.sum(matches(e, frame.positions) < 0) for e, frame in pairs_of])
            theirs = [f"{best_of(finder, frames):14.3f}" for finder in peers.values()]
            start = f"{kind.name:>21} {photons:7d} {background:5d}"
            print(f"{start} {own:8.3f} {false:6.1f} {' '.join(theirs)}", flush=True)


def best_of(finder: Finder, frames: Sequence[Frame]) -> float:
    """The best mean Jaccard index of a peer, with sizes and thresholds chosen by the truth."""
    best = 0.0
    for size in _SIZES_PX:
        each = []
        for frame in frames:
            found = finder(frame, size)
            known = np.isfinite(found.positions).all(axis=1)
            each.append(best_jaccard(found.positions[known], found.score[known], frame.positions))
        best = max(best, float(np.mean(each)))
    return best


def print_accuracy(spots: Sequence[Spots], n_frames: int) -> None:
    """Errors and fluxes of isolated dots."""
    print("\nIsolated dots: errors over the Cramer-Rao bound, their pulls, photons")
    print(
        f"{'spots':>21} {'photons':>7} {'ph/px':>5} {'recall':>6} {'extra':>5} {'rms/bound':>9} "
        f"{'pulls':>6} {'flux pulls':>10} {'flux bias %':>14} {'flagged %':>9}"
    )
    for kind in spots:
        for photons, background in CELLS[1:]:
            of = accuracy(kind, photons, background, OURS, n_frames)
            print(
                f"{kind.name:>21} {photons:7d} {background:5d} {of.recall:6.3f} {of.extra:5.1f} "
                f"{of.rms_over_bound:9.3f} {of.pulls:6.3f} {of.flux_pulls:10.3f} "
                f"{100 * of.bias:7.2f} +-{100 * of.bias_err:4.2f} {100 * of.warned:9.1f}",
                flush=True,
            )


def print_peers_accuracy(peers: dict[str, Finder], n_frames: int) -> None:
    """The same of the peers, where dots are alone in fields."""
    print("\nPeers on Gaussian spots: rms/bound of dots 7 px from others, flux bias %")
    print(f"{'photons':>7} {'ph/px':>5} " + " ".join(f"{name:>18}" for name in peers))
    for photons, background in CELLS[1:]:
        bound, texts = position_bound(GAUSSIAN, photons, background), []
        for finder in peers.values():
            rng, errors, flux = np.random.default_rng(5), [], []
            for _ in range(n_frames):
                frame = field(GAUSSIAN, photons, background, rng)
                found = finder(frame, 3.0)
                of = matches(found.positions, frame.positions)
                good = of >= 0
                good[good] &= isolated(frame.positions, 7.0, 512)[of[good]]
                errors.append(found.positions[good] - frame.positions[of[good]])
                flux.append(found.photons[good] / photons - 1)
            rms = np.sqrt(np.mean(np.vstack(errors) ** 2)) / bound
            texts.append(f"{rms:9.2f} {100 * np.median(np.concatenate(flux)):8.1f}")
        print(f"{photons:7d} {background:5d} {' '.join(texts)}", flush=True)


def print_false_alarms(n_frames: int) -> None:
    """Blank frames."""
    print("\nFalse alarms in a blank frame")
    print(f"{'ph/px':>6} {'stated':>7} {'found':>14}")
    for stated in (0.1, 1.0):
        options = OURS.model_copy(update={"false_alarms_per_frame": stated})
        for background in _ALARM_BACKGROUNDS:
            rng, n_found = np.random.default_rng(6), 0
            for _ in range(n_frames):
                n_found += len(located(field(GAUSSIAN, 0, background, rng, n=0), options))
            chance = max(n_found, 1) ** 0.5 / n_frames
            print(
                f"{background:6g} {stated:7g} {n_found / n_frames:7.3f} +-{chance:5.3f}", flush=True
            )


def print_pairs(n_frames: int) -> None:
    """Pairs of equal dots, resolved or flagged."""
    print("\nPairs of equal dots, 1000 photons each")
    print(f"{'apart/sigma':>11} {'ph/px':>5} {'resolved':>9} {'flagged':>8} {'either':>7}")
    for apart in (1.0, 1.5, 2.0, 2.5, 3.0):
        for background in (5, 50):
            resolved, flagged = pairs(GAUSSIAN, 1000, background, apart * 1.3, OURS, n_frames)
            print(
                f"{apart:11g} {background:5d} {resolved:9.3f} {flagged:8.3f} "
                f"{resolved + flagged:7.3f}",
                flush=True,
            )


def print_times(peers: dict[str, Finder]) -> None:
    """The fastest of several runs in turns, on one core where threads are kept to one."""
    frame = field(GAUSSIAN, 1000, 5, np.random.default_rng(7))
    image = image_of(frame)
    calls: dict[str, Callable[[], object]] = {
        "qdimage, photon image to dots": lambda: localize(image, options=OURS, psf_sigma_px=1.3),
        "qdimage, ADU to dots": lambda: located(frame, OURS),
    }
    if "trackpy" in peers:
        calls["trackpy, locate"] = lambda: trackpy_locate(frame, 3.0, 2000.0)
    if "Picasso" in peers:
        calls["Picasso, identify and fit"] = lambda: picasso_mle(frame, 3.0, 4000.0)
    print(
        f"\nCPU time for a frame of {len(frame.positions)} dots, the least of {_REPEATS} in turns"
    )
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(_REPEATS):
        for name, call in calls.items():
            begin = time.process_time()
            call()
            times[name].append(time.process_time() - begin)
    for name, taken in times.items():
        print(f"{name:>30}: {1e3 * min(taken):7.1f} ms", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="folder where Picasso and photutils are installed")
    parser.add_argument("--frames", type=int, default=2, help="frames for each line")
    tables = ("jaccard", "accuracy", "peers", "alarms", "pairs", "times")
    parser.add_argument("--only", nargs="+", choices=tables, default=tables)
    asked = parser.parse_args()
    if asked.peers:
        sys.path.append(asked.peers)
    peers = installed()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "times" in asked.only:
            print_times(peers)
        if "jaccard" in asked.only:
            print_jaccard(peers, (GAUSSIAN,), asked.frames)
        if "accuracy" in asked.only:
            print_accuracy((GAUSSIAN, *OTHER_SPOTS), asked.frames)
        if "peers" in asked.only:
            print_peers_accuracy(peers, asked.frames)
        if "alarms" in asked.only:
            print_false_alarms(10 * asked.frames)
        if "pairs" in asked.only:
            print_pairs(asked.frames)


if __name__ == "__main__":
    main()
