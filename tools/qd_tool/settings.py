"""Environment variables: those that are handed on to uv, and those that qdimage runs with."""

from collections.abc import Mapping

from qd_tool.places import HOME

_SECTIONS = {"global": 0, "install": 1, ":env:": 2}
_OWN_INDEX = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")
_FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


def pip_settings(listing: str) -> dict[str, str]:
    """Read what ``pip config list`` printed; variables win over files, as they do in pip."""
    found: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        name, equals, value = line.partition("=")
        section, _, key = name.rpartition(".")
        rank = _SECTIONS.get(section, -1)
        if equals and rank >= max(0, found.get(key, (0, ""))[0]):
            found[key] = rank, value.strip("'\"").replace("\\n", " ")
    return {key: value for key, (_, value) in found.items()}


def uv_environment(pip: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Translate pip's settings for uv, which reads none of them; uv's own, if set, win."""
    handed = {
        "UV_CACHE_DIR": str(HOME / "cache"),
        "UV_HTTP_TIMEOUT": pip.get("timeout", pip.get("default-timeout", "120")),
    }
    if "cert" in pip:
        handed["SSL_CERT_FILE"] = pip["cert"]
    if "find-links" in pip:
        handed["UV_FIND_LINKS"] = ",".join(pip["find-links"].split())
    if not any(name in environ for name in _OWN_INDEX):
        if "index-url" in pip:
            handed["UV_DEFAULT_INDEX"] = pip["index-url"]
        if "extra-index-url" in pip:
            handed["UV_EXTRA_INDEX_URL"] = pip["extra-index-url"]
            handed["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # how pip sees its indexes
    return {key: value for key, value in handed.items() if key not in environ}


def run_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of a run: caches inside the clone, no packages from elsewhere."""
    own = {key: value for key, value in environ.items() if key not in _FOREIGN}
    own["PYTHONNOUSERSITE"] = "1"
    # Two thousand modules are not to be compiled anew in each process.
    own.pop("PYTHONDONTWRITEBYTECODE", None)
    own.setdefault("PYTHONPYCACHEPREFIX", str(HOME / "pycache"))
    own.setdefault("NUMBA_CACHE_DIR", str(HOME / "numba"))
    own.setdefault("MPLCONFIGDIR", str(HOME / "matplotlib"))
    return own


def test_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """As `run_environment`, with every settings folder in the clone, and one BLAS thread."""
    own = run_environment(environ)
    for name in ("CACHE", "CONFIG", "DATA", "STATE"):
        own[f"XDG_{name}_HOME"] = str(HOME / "home" / name.lower())
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        own.setdefault(name, "1")
    return own
