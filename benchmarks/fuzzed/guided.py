"""One parser fed by atheris, which follows what its inputs reach: ``pip install atheris`` first.

    .qd/env/bin/python benchmarks/fuzzed/guided.py "ptu, PicoHarp T2" -max_total_time=60

Whatever is raised but an error of qdimage in one line ends it, and the input is kept as `crash-*`.
Arguments behind the parser's name go to libFuzzer. Compiled code is not followed.
"""

import shutil
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import atheris

BENCHMARKS = Path(__file__).parents[1]
sys.path[:0] = [str(BENCHMARKS), str(BENCHMARKS.parent), str(BENCHMARKS.parent / "tests")]

# Numba compiles these from their bytecode, which has to stay as it is.
COMPILED = (
    *("io.ptu_decode", "io.spc_decode", "io.tiff_lzw", "io.time_tag_text"),
    *("photons.correlate", "photons.correlate_parts"),
)


def main() -> None:
    """Feed the parser until libFuzzer ends."""
    for name in COMPILED:
        import_module(f"qdimage.{name}")
    with atheris.instrument_imports(include=["qdimage.io"]):
        from fuzzed.subjects import SUBJECTS, read_through

    from qdimage.errors import QdimageError

    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in SUBJECTS:
        raise SystemExit(f"name one of: {'; '.join(SUBJECTS)}")
    subject = SUBJECTS[name]
    with tempfile.TemporaryDirectory() as folder:
        path, corpus = subject.make(Path(folder)), Path(folder) / "corpus"
        corpus.mkdir()
        shutil.copy(path, corpus)

        def read(data: bytes) -> None:
            path.write_bytes(data)
            with suppress(QdimageError):
                read_through(subject, path, lambda: None)

        limits = ["-timeout=10", "-rss_limit_mb=2000"]
        atheris.Setup([sys.argv[0], str(corpus), *limits, *sys.argv[2:]], read)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
