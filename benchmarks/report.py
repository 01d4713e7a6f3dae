"""How large the report of 1,000 dots is, and how long a browser takes to open and to use it.

Four fields of 250 dots at five voltages, of which 100 dots have EL correlations at two voltages and
50 have PL ones, on top of the device's figures. Needs Chromium.
"""

import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

CLONE = Path(__file__).parent.parent
LARGEST_MB, SLOWEST_S = 15.0, 2.0
FIELDS, DOTS, VOLTAGES = 4, 250, (2.1, 2.2, 2.3, 2.4, 2.6)
REPEATS = 5


def make(out: Path) -> None:
    """Write the tables, images and curves of such a run."""
    from finished_run import El, Field, Tags, add_time_tags, make_run

    lit = [round(DOTS * share) for share in (0.05, 0.15, 0.3, 0.5, 0.85)]
    el = tuple(El(voltage, n) for voltage, n in zip(VOLTAGES, lit, strict=True))
    make_run(out, [Field(name=f"field-{k + 1:02d}", n_dots=DOTS, el=el) for k in range(FIELDS)])
    add_time_tags(out, [Tags(n_el=100, n_pl=50)])


def timed(browser: object, script: str, until: str) -> float:
    """Seconds from a script's start to a condition and the drawing that follows."""
    start = perf_counter()
    browser.evaluate(script)
    browser.wait(until)
    browser.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    return perf_counter() - start


def main() -> int:
    """Print the figures; 1 where a limit is broken."""
    sys.path.insert(0, str(CLONE / "tests"))
    from browser import browser_path, opened_browser

    if browser_path() is None:
        print("not measured: there is no Chromium")
        return 0

    from qdimage.reporting.build import build_report

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        make(out)
        start = perf_counter()
        report = build_report(out)
        print(f"built in {perf_counter() - start:.1f} s")
        size_mb = report.stat().st_size / 1e6
        with opened_browser() as browser:
            opened = [browser.open(report) for _ in range(REPEATS)]
            steps = {
                "show the table": ("location.hash = '#dots'", "dots.offsetHeight"),
                "filter it": (
                    "filter.value = 'lit and pl_photons_s > 2000'; "
                    "filter.dispatchEvent(new Event('input'))",
                    "shown.textContent.includes(' of ')",
                ),
                "sort it": (
                    "document.querySelector('#dot-table th:nth-child(3) button').click()",
                    "document.querySelector('[aria-sort=ascending]')",
                ),
                "open a dot": (
                    "document.querySelector('#dot-table tbody a').click()",
                    "document.querySelector('.chart svg')",
                ),
            }
            for name, (script, until) in steps.items():
                print(f"{name}: {1e3 * timed(browser, script, until):.0f} ms")
            complaints = browser.complaints
    print(f"{FIELDS * DOTS} dots: {size_mb:.1f} MB (at most {LARGEST_MB:g})")
    print(
        f"opened in {np.median(opened):.2f} s, longest {max(opened):.2f} s of {REPEATS} "
        f"(at most {SLOWEST_S:g})"
    )
    print(f"complaints of the browser: {complaints or 'none'}")
    return int(size_mb > LARGEST_MB or np.median(opened) > SLOWEST_S or bool(complaints))


if __name__ == "__main__":
    sys.exit(main())
