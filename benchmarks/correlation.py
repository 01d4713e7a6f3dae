"""How fast time tags are read and correlated: `./qd bench correlation`.

A file of 50 million PicoHarp T2 records (100,000 counts/s on each of two detectors) is written to
a temporary folder, and one of the HydraHarp. Each is decoded and correlated (512 ps bins,
+-500 ns); memory is measured in a fresh process. Where ptufile and trattoria are installed, the
same files go through them, and their answers are compared. Seconds are those of processors, all
of a program's threads together: what one core does, whoever else is at work.
"""

import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from qdimage.io.time_tags import open_photons
from qdimage.photons.correlate import correlate, correlate_between, log_edges
from qdimage.photons.correlate_parts import correlate_parts
from qdimage.simulation.ptu_writer import writing_ptu

N_RECORDS = 50_000_000
RATE_COUNTS_S = 200_000
WIDTH_S, SPAN_S = 512e-12, 500e-9
DEVICES = {"PicoHarp T2": 4e-12, "HydraHarp v2 T2": 1e-12}
ROUNDS = 5


def write_file(path: Path, name: str, tick_s: float, n_records: int) -> None:
    """Poisson light on two detectors, until there are as many records."""
    rng = np.random.default_rng(1)
    now = 0
    with writing_ptu(path, record_type=name, tick_s=tick_s) as writer:
        while writer.n_records < n_records:
            n = min(1 << 20, n_records - writer.n_records)
            steps = rng.exponential(1 / RATE_COUNTS_S / tick_s, n)
            times = now + np.cumsum(steps.astype(np.int64))
            now = int(times[-1])
            writer.append(times, rng.integers(0, 2, n))


def fastest(call: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of the fastest of some rounds, and the answer."""
    seconds, answer = [], None
    for _ in range(ROUNDS):
        start = time.process_time()
        answer = call()
        seconds.append(time.process_time() - start)
    return min(seconds), answer


def report(what: str, seconds: float, n_records: int) -> None:
    print(f"  {what:<42} {seconds:7.3f} s {n_records / seconds / 1e6:8.1f} million records/s")


def bins(tick_s: float) -> tuple[int, int]:
    """Ticks of a bin, and bins on each side of zero."""
    width = round(WIDTH_S / tick_s)
    return width, round(SPAN_S / tick_s) // width


def correlated(path: Path) -> Any:
    stream = open_photons(path)
    width, n_bins = bins(stream.tick_s)
    return correlate(stream, bin_ticks=width, n_bins=n_bins)


def decoded(path: Path) -> int:
    return sum(block.time.size for block in open_photons(path).reader())


def compare_workers(path: Path, curve: Any, n_records: int) -> None:
    """Seconds on the clock of one thread and of two, and those of processors that two cost."""
    stream = open_photons(path)
    width, n_bins = bins(stream.tick_s)
    for workers in (1, 2):
        best, spent = float("inf"), float("inf")
        for _ in range(ROUNDS):
            start, used = time.perf_counter(), time.process_time()
            found = correlate_parts(stream, bin_ticks=width, n_bins=n_bins, workers=workers)
            best = min(best, time.perf_counter() - start)
            spent = min(spent, time.process_time() - used)
            if not np.array_equal(found.counts, curve.counts):
                raise SystemExit(f"{workers} threads count other pairs than one")
        report(f"{workers} threads, on the clock ({spent:.3f} s of processors)", best, n_records)


def blinking(path: Path) -> Any:
    stream = open_photons(path)
    longest = round(1e-3 / stream.tick_s)
    return correlate_between(stream, edges_ticks=log_edges(round(1e-7 / stream.tick_s), longest))


def peak_mb() -> float:
    """Most memory that this process has had; NaN where the system does not say."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return next((int(line.split()[1]) / 1024 for line in lines if "VmHWM" in line), float("nan"))


def print_memory(path: Path) -> None:
    """To be called in a fresh process: what a correlation needs above imports and compiling."""
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.ptu"
        write_file(small, "PicoHarp T2", 4e-12, 1000)
        correlated(small)
    before = peak_mb()
    correlated(path)
    print(f"{peak_mb() - before:.1f}")


def memory_mb(path: Path) -> float:
    code = f"import correlation, pathlib; correlation.print_memory(pathlib.Path({str(path)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def compare_ptufile(path: Path, n_photons: int, n_records: int) -> None:
    if importlib.util.find_spec("ptufile") is None:
        print("  ptufile is not installed: left out")
        return
    import ptufile

    def decode() -> int:
        with ptufile.PtuFile(path) as file:
            return int(np.count_nonzero(file.decode_records()["channel"] >= 0))

    seconds, n = fastest(decode)
    report(f"ptufile: decode alone ({n - n_photons:+d} photons)", seconds, n_records)


def compare_trattoria(path: Path, curve: Any, n_records: int) -> None:
    """Its bins of negative delays are open at the other end, which moves single pairs."""
    if importlib.util.find_spec("trattoria") is None:
        print("  trattoria is not installed: left out")
        return
    import trattoria

    # It calls the HydraHarp's sync input 0, and PicoHarp's as we do.
    sync = int("HydraHarp" in str(open_photons(path).header["record_type"]))
    width_s = float(curve.edges_ns[1] - curve.edges_ns[0]) * 1e-9
    # A hair more, so that rounding does not cost it a bin at each end.
    span_s = float(curve.edges_ns[-1]) * (1 + 1e-9) * 1e-9

    def pairs() -> int:
        parameters = trattoria.G2Parameters(
            channel_1=sync,
            channel_2=sync + 1,
            correlation_window=span_s,
            resolution=width_s,
            record_ranges=None,
        )
        return int(np.sum(trattoria.PTUFile(str(path)).g2(parameters).g2))

    seconds, n = fastest(pairs)
    report(f"trattoria: g2 ({n - curve.counts.sum():+d} pairs)", seconds, n_records)


def main() -> None:
    """Print records per second of each device."""
    with tempfile.TemporaryDirectory() as folder:
        for name, tick_s in DEVICES.items():
            path = Path(folder) / "photons.ptu"
            write_file(path, name, tick_s, N_RECORDS)
            n_records = int(open_photons(path).header["n_records"])
            print(f"{name}: {n_records} records, {path.stat().st_size / 1e6:.0f} MB")
            correlated(path)
            seconds, n_photons = fastest(lambda path=path: decoded(path))
            report("decode", seconds, n_records)
            seconds, curve = fastest(lambda path=path: correlated(path))
            report("decode and correlate", seconds, n_records)
            compare_workers(path, curve, n_records)
            pull = (curve.counts.sum() - curve.accidentals.sum()) / curve.accidentals.sum() ** 0.5
            print(f"  {curve.counts.sum()} pairs, {pull:+.2f} sigma from uncorrelated light")
            start = time.process_time()
            blinking(path)
            report("40 growing bins, 0.1 us to 1 ms", time.process_time() - start, n_records)
            print(f"  memory above imports: {memory_mb(path):.0f} MB")
            compare_ptufile(path, n_photons, n_records)
            compare_trattoria(path, curve, n_records)
            path.unlink()


if __name__ == "__main__":
    main()
