"""A stack of 2 GiB: how much memory, and how long beside reading its pages with tifffile."""

import argparse
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
READ = """
import sys, time, tifffile
for _ in range(2):
    begun = time.process_time()
    with tifffile.TiffFile(sys.argv[1]) as file:
        for page in file.pages:
            page.asarray()
    taken = time.process_time() - begun
print(taken)
"""
LOCATE = """
import resource, sys, time
import numpy as np
import qdimage
import qdimage.pipeline.single
camera = sys.argv[2]
import tifffile
with tifffile.TiffFile(sys.argv[1]) as file:
    small = np.stack([page.asarray()[:128, :128] for page in file.pages[:12]])
qdimage.locate(small, camera=camera, exposure_s=0.1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun = time.process_time()
found = qdimage.locate(sys.argv[1], camera=camera, exposure_s=0.1)
taken = time.process_time() - begun
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(taken, before / 1024, (after - before) / 1024, len(found.dots), found.image.n_frames)
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
            read_s = float(output(READ, path))
            taken_s, imports, above, n_dots, _ = output(LOCATE, path, camera).split()
            print(
                f"{n_frames} frames{', drifting' * drifting}: read in {read_s:.1f} s CPU, located "
                f"in {float(taken_s):.1f} s ({float(taken_s) / read_s:.2f} x); {float(above):.0f} "
                f"MiB above the {float(imports):.0f} MiB of imports; {n_dots} dots"
            )


def output(code: str, *arguments: Path) -> str:
    """What a fresh process prints."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


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
