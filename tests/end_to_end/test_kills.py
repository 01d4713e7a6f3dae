"""Three of the kills of ``benchmarks/kills.py``, each at another moment of a run."""

import os
import shutil
import signal
import sys
import warnings
from pathlib import Path

import pytest
from folders import CLONE
from small_device import make_field

sys.path.insert(0, str(CLONE / "benchmarks"))

from kills import EARLIER, faults_of_kill, faults_of_resumed, files_of, write_tables

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("device")
    make_field(folder / "field-a", voltages=("2.6",))
    return folder


@pytest.fixture(scope="module")
def earlier(device: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a run with another option."""
    out = tmp_path_factory.mktemp("earlier") / "out"
    write_tables(device, out, 1, options=EARLIER)
    return out


@pytest.fixture(scope="module")
def undisturbed(device: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A run that nobody disturbed, and how many files it put in their place."""
    out, n_placed = tmp_path_factory.mktemp("undisturbed") / "out", 0
    replace = Path.replace

    def counted(source: Path, target: Path) -> Path:
        nonlocal n_placed
        n_placed += 1
        return replace(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", counted)
        write_tables(device, out, 1)
    return out, n_placed


def run_and_be_killed(device: Path, out: Path, n_placed: int) -> None:
    """Run until so many files are in their place, and be killed before the next one is."""
    replace = Path.replace

    def until_killed(source: Path, target: Path) -> Path:
        nonlocal n_placed
        n_placed -= 1
        if n_placed < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(source, target)

    Path.replace = until_killed  # type: ignore[method-assign,assignment]
    write_tables(device, out, 1)


# While steps are kept, while tables are written, while they take the place of the earlier ones.
@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_a_killed_run_leaves_whole_files_and_resumes_to_the_same_bytes(
    share: float, device: Path, earlier: Path, undisturbed: tuple[Path, int], tmp_path: Path
) -> None:
    out, (wanted, n_placed) = tmp_path / "out", undisturbed
    shutil.copytree(earlier, out)
    with warnings.catch_warnings():
        # Of a fork beside threads that this process may have: the child needs none of them.
        warnings.simplefilter("ignore")
        child = os.fork()
    if not child:
        try:
            run_and_be_killed(device, out, int(share * n_placed))
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert faults_of_kill(out, [files_of(wanted), files_of(earlier)]) == []
    write_tables(device, out, 1)
    assert faults_of_resumed(out, files_of(wanted)) == []
