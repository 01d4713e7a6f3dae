"""The system libraries that the GUI tests need, on Debian and Ubuntu, and a browser."""

import os
import platform
import shutil
import subprocess
import sys

from qd_tool.lock import locked
from qd_tool.places import HOME, QdError, step
from qd_tool.processes import run_quietly

GUI_PACKAGES = (
    # to load Qt and to draw in software
    "libgl1",
    "libegl1",
    "libglib2.0-0",
    "libdbus-1-3",
    "libfontconfig1",
    "libxkbcommon0",
    # to open a window
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-keysyms1",
    "libxcb-shape0",
    "libxcb-xkb1",
    "libxkbcommon-x11-0",
    "xvfb",
    "xauth",
)

# For the tests of the report; Ubuntu's archive has none, only a pointer to another installer.
BROWSER = "chromium"
BROWSERS = (BROWSER, "chromium-browser", "google-chrome")


def install_system_packages() -> None:
    """Install what is missing of `GUI_PACKAGES` and, where Debian has it, a browser."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-query"):
        raise QdError(
            "--system-packages found no apt-get; install Xvfb and the libraries of Qt 6's xcb "
            "plugin with this system's package manager and leave the option out"
        )
    missing = missing_packages(_installed())
    if not any(map(shutil.which, BROWSERS)) and _is_debian():
        missing.append(BROWSER)
    if not missing:
        return
    as_root = [] if sys.platform != "win32" and os.geteuid() == 0 else ["sudo", "-n"]
    apt = [*as_root, "apt-get", "-qq", "-y"]
    install = [*apt, "install", "--no-install-recommends", *missing]
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with step(f"installing {' '.join(missing)} with apt-get"), locked(HOME / "lock") as lock:
        run_quietly("apt-get update", [*apt, "update"], lock=lock, environ=environ)
        run_quietly("apt-get install", install, lock=lock, environ=environ)


def missing_packages(installed: str) -> list[str]:
    """What is absent from lines ``status|package|provided, provided (= version)``."""
    there: set[str] = set()
    for line in installed.splitlines():
        status, package, provides = line.split("|")
        if status == "installed":
            there |= {package, *(entry.split(" (")[0].strip() for entry in provides.split(","))}
    return [package for package in GUI_PACKAGES if package not in there]


def _is_debian() -> bool:
    return platform.freedesktop_os_release().get("ID") == "debian"


def _installed() -> str:
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status}|${Package}|${Provides}\\n"]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout
