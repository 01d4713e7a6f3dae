"""A stack of 2 GiB: how much memory, and how long beside reading its pages with tifffile."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIDE_PX, BACKGROUND = 512, 3.0
CAMERA = (
    "bias_adu = 200.0\nelectrons_per_adu = 12.3\nem_gain = 300.0\nquantum_efficiency = 0.92\n"
    "read_noise_e = 45.0\n"
)
LOCATE = """
import resource, sys, time
import numpy as np
import tifffile
import qdimage
import qdimage.pipeline.single
def read():
    with tifffile.TiffFile(sys.argv[1]) as file:
        for page in file.pages:
            page.asarray()
def timed(call):
    begun = time.process_time()
    found = call()
    return time.process_time() - begun, found
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
camera = sys.argv[2]
with tifffile.TiffFile(sys.argv[1]) as file:
    small = np.stack([page.asarray()[:128, :128] for page in file.pages[:12]])
qdimage.locate(small, camera=camera, exposure_s=0.1)
before = peak()
reads, locates = [], []
for _ in range(3):
    taken, found = timed(lambda: qdimage.locate(sys.argv[1], camera=camera, exposure_s=0.1))
    locates.append(taken)
    after = peak() if len(locates) == 1 else after
    reads.append(timed(read)[0])
print(min(reads), min(locates), before, after - before, len(found.dots))
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=2.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        camera = Path(folder) / "camera.toml"
        camera.write_text(CAMERA, encoding="utf-8")
        for drifting in (False, True):
            path = Path(folder) / "stack.tif"
            n_frames = write(path, int(asked.gib * 2**30), drifting)
            read_s, taken_s, imports, above, n_dots = map(float, output(path, camera).split())
            print(
                f"{n_frames} frames{', drifting' * drifting}: read in {read_s:.2f} s CPU, located "
                f"in {taken_s:.2f} s ({taken_s / read_s:.2f} x); {above:.0f} MiB above the "
                f"{imports:.0f} MiB of imports; {n_dots:.0f} dots",
                flush=True,
            )


def output(*arguments: Path) -> str:
    """What a fresh process prints."""
    command = [sys.executable, "-c", LOCATE, *map(str, arguments)]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environ = {**os.environ, **one_thread}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout


def write(path: Path, n_bytes: int, drifting: bool) -> int:
    """Write frames with dots, one after the other; return how many."""
    rng = np.random.default_rng(1)
    places = rng.uniform(10, SIDE_PX - 10, (300, 2))
    n_frames = n_bytes // (2 * SIDE_PX**2)
    # Values of background pixels, from which each frame draws: 16 bits choose one of them.
    background = recorded(np.full(2**16, BACKGROUND), rng)
    moved, light, lit = -1, np.empty(0), np.empty(0, np.int64)
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for index in range(n_frames):
            move = round(4 * index / n_frames) if drifting else 0
            if move != moved:
                moved, image = move, scene(places + np.array([move, 0]))
                lit = np.flatnonzero(image > BACKGROUND)
                light = image.ravel()[lit]
            chosen = rng.integers(0, 2**16, SIDE_PX**2, dtype=np.uint16)
            frame = background[chosen]
            frame[lit] = recorded(light, rng)
            file.write(frame.reshape(SIDE_PX, SIDE_PX), contiguous=False)
    return n_frames


def scene(places: Floats) -> Floats:
    """Photons of dots on a background."""
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    image = np.full((SIDE_PX, SIDE_PX), BACKGROUND)
    for px, py in places:
        cut = (slice(int(py) - 6, int(py) + 8), slice(max(int(px) - 6, 0), int(px) + 8))
        square = (x[cut] - px) ** 2 + (y[cut] - py) ** 2
        image[cut] += 60 * np.exp(-square / (2 * 1.3**2))
    return image


def recorded(photons: Floats, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Values that an EM camera makes of photons."""
    electrons = rng.poisson(photons * 0.92).astype(float)
    output = 300 * rng.gamma(np.maximum(electrons, 1e-9)) * (electrons > 0)
    output += 45 * rng.standard_normal(output.shape)
    return np.rint(output / 12.3 + 200).clip(0, 65535).astype(np.uint16)


if __name__ == "__main__":
    main()
