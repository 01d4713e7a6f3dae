"""The private environment: fetched, built, stamped when complete, rebuilt when out of date."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from qd_tool.lock import locked
from qd_tool.places import CLONE, ENVIRONMENT, HOME, PYTHON, QdError, say, step
from qd_tool.processes import run_quietly
from qd_tool.settings import pip_settings, uv_environment

UV_PIN = "0.13.9"
BASE = "base"


def prepare(name: str = BASE) -> None:
    """Have everything in requirements/`name`.txt in the environment."""
    if is_ready(name):
        return
    with locked(HOME / "lock") as lock:
        if is_ready(name):
            return
        uv = _uv(lock)
        environ = {**os.environ, **_pip_environment()}
        if not is_ready(BASE):
            _make(uv, lock, environ)
        _install(name, uv, lock, environ)


def is_ready(name: str) -> bool:
    """Whether the environment was completed, and from what now stands in the clone."""
    try:
        written = _stamp(name).read_text(encoding="ascii")
    except OSError:
        return False
    return written == fingerprint(name) and PYTHON.exists()


def fingerprint(name: str) -> str:
    """A hash of everything that the environment is made from."""
    digest = hashlib.sha256(f"{UV_PIN}\n{CLONE}\n".encode())
    for path in (CLONE / "pyproject.toml", _requirements(BASE), _requirements(name)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _requirements(name: str) -> Path:
    return CLONE / "requirements" / f"{name}.txt"


def _stamp(name: str) -> Path:
    return ENVIRONMENT / f"{name}.stamp"


def _make(uv: str, lock: int, environ: Mapping[str, str]) -> None:
    if ENVIRONMENT.exists():
        say("the environment is unfinished or out of date: making it anew")
        shutil.rmtree(ENVIRONMENT)
    # Resolved, since a link such as /usr/bin/python3 may point to another version one day.
    python = str(Path(sys.executable).resolve())
    command = [uv, "venv", "--no-project", "--python", python, str(ENVIRONMENT)]
    run_quietly("uv venv", command, lock=lock, environ=environ)


def _install(name: str, uv: str, lock: int, environ: Mapping[str, str]) -> None:
    install = [uv, "pip", "install", "--python", str(PYTHON)]
    # trackpy is published as source alone; what builds it is pinned too.
    wheels = ["--only-binary", ":all:", "--no-binary", "trackpy", "-b", str(_requirements(BASE))]
    files = [each for part in sorted({BASE, name}) for each in ("-r", str(_requirements(part)))]
    pinned = [*install, *wheels, *files]
    editable = [*install, "--no-deps", "--no-build-isolation", "-e", str(CLONE)]
    with step(f"installing requirements/{name}.txt into .qd/env"):
        run_quietly("uv pip install", pinned, lock=lock, environ=environ)
        run_quietly("uv pip install -e", editable, lock=lock, environ=environ)
    for done in {BASE, name}:
        partial = ENVIRONMENT / "stamp.partial"
        partial.write_text(fingerprint(done), encoding="ascii")
        partial.replace(_stamp(done))


def _uv(lock: int) -> str:
    folder = HOME / f"uv-{UV_PIN}"
    if not folder.exists():
        try:
            _fetch_uv(folder, lock)
        except QdError as error:
            return _uv_of_user(error)
    found = [*folder.glob("bin/uv*"), *folder.glob("Scripts/uv*")]
    programs = [path for path in found if path.stem == "uv"]
    return str(programs[0]) if programs else _uv_of_user(QdError("pip brought no uv program"))


def _fetch_uv(folder: Path, lock: int) -> None:
    partial = HOME / "uv.partial"
    shutil.rmtree(partial, ignore_errors=True)
    environ = {**os.environ, "PIP_USER": "0", "PIP_NO_CACHE_DIR": "1"}
    # --target is what an externally managed Python (PEP 668) allows.
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(partial)]
    with step(f"fetching uv {UV_PIN} with pip"):
        run_quietly("pip", [*pip, f"uv=={UV_PIN}"], lock=lock, environ=environ)
    partial.replace(folder)


def _uv_of_user(error: QdError) -> str:
    uv = shutil.which("uv")
    if uv is None:
        raise QdError(
            f"{error}. Put a uv program on the PATH, or give {sys.executable} a working pip, "
            "and run qd again"
        )
    say(f"{error}; using {uv}")
    return uv


def _pip_environment() -> dict[str, str]:
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return uv_environment(pip_settings(listing.stdout), os.environ)
