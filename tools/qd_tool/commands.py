"""The words that qd knows itself; every other command is qdimage's."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from qd_tool.environment import prepare
from qd_tool.places import CLONE, HOME, PYTHON, QdError, say
from qd_tool.processes import become, call
from qd_tool.settings import run_environment, test_environment
from qd_tool.system_packages import install_system_packages

_MOST_WORKERS = 8


def start(arguments: Sequence[str]) -> int:
    """Run qd and return its exit code; what the user has to mend is said in one line."""
    try:
        return _dispatch(arguments)
    except QdError as error:
        say(str(error))
        return 2
    except OSError as error:
        say(f"{error}; qd has to be able to write below {HOME}")
        return 2
    except KeyboardInterrupt:
        say("interrupted; the next call goes on")
        return 130


def _dispatch(arguments: Sequence[str]) -> int:
    commands = {"test": run_tests, "lint": run_lint, "bench": run_benchmarks, "docs": build_site}
    if arguments and arguments[0] in commands:
        return commands[arguments[0]](arguments[1:])
    run_qdimage(arguments)


def run_qdimage(arguments: Sequence[str]) -> NoReturn:
    """Run ``qdimage ARGS...`` in the folder where the user stands."""
    prepare()
    become([str(PYTHON), "-m", "qdimage", *arguments], run_environment(os.environ))


def run_tests(arguments: Sequence[str]) -> int:
    """Run pytest, which ends with the skipped tests' reasons and its count."""
    if "--system-packages" in arguments:
        install_system_packages()
    prepare("test")
    return call(pytest_command(arguments, os.cpu_count() or 1), test_environment(os.environ))


def pytest_command(arguments: Sequence[str], n_cores: int) -> list[str]:
    """The call of pytest; what is not an option of ``qd test`` comes last, and so wins."""
    command = [str(PYTHON), "-m", "pytest", "-rs"]
    if n_cores > 1:
        # In the order of the folders, the long files of tests/end_to_end come first; sorted by the
        # number of tests, as is usual, they come last and leave cores idle.
        command += ["-n", str(min(n_cores, _MOST_WORKERS)), "--dist", "loadfile"]
        command.append("--no-loadscope-reorder")
    if "--fast" in arguments:
        command += ["-m", "not slow"]
    own = ("--fast", "--system-packages")
    return [*command, *(argument for argument in arguments if argument not in own)]


def run_lint(arguments: Sequence[str]) -> int:
    """Run every check, also those after one that failed."""
    if arguments:
        raise QdError(f"found {arguments[0]!r} after lint, which takes no arguments")
    prepare("test")
    checks = ("ruff check .", "ruff format --check .", "mypy")
    environ = run_environment(os.environ)
    codes = [call([str(PYTHON), "-m", *check.split()], environ) for check in checks]
    return max(codes)


def run_benchmarks(names: Sequence[str]) -> int:
    """Run the named benchmarks, or all of them."""
    scripts = {path.stem: path for path in sorted((CLONE / "benchmarks").glob("*.py"))}
    for name in names:
        if name not in scripts:
            raise QdError(f"found no benchmark {name!r}; there are: {', '.join(scripts)}")
    prepare("test")
    environ = run_environment(os.environ)
    codes = [call([str(PYTHON), str(scripts[name])], environ) for name in names or scripts]
    return max(codes, default=0)


def build_site(arguments: Sequence[str]) -> int:
    """Build the documentation site; a warning, such as a broken link or anchor, is an error."""
    if len(arguments) > 1 or any(each.startswith("-") for each in arguments):
        raise QdError(f"found {' '.join(arguments)!r} after docs, expected one folder or nothing")
    out = Path(arguments[0]).absolute() if arguments else HOME / "site"
    prepare("docs")
    code = call(site_command(out), test_environment(os.environ))
    if code == 0:
        say(f"open {out / 'index.html'}")
    return code


def site_command(out: Path) -> list[str]:
    """The call of Sphinx, whose cache of pages stays apart from what it builds."""
    strict = ["--fail-on-warning", "--keep-going", "--quiet", "--jobs", "auto"]
    cache = ["--doctree-dir", str(HOME / "doctrees")]
    return [str(PYTHON), "-m", "sphinx", *strict, *cache, str(CLONE / "docs"), str(out)]
