"""Rules that hold for every test."""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

IN_CI = os.environ.get("CI") == "true"

# Compiling a kernel on first use is slower than any deadline; CI has to answer the same each time.
settings.register_profile("qdimage", deadline=None, derandomize=IN_CI)
settings.load_profile("qdimage")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, where everything that they need is installed, a skipped GUI test is a failed one."""
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if IN_CI and skipped and item.get_closest_marker("gui"):
        report.outcome = "failed"
        report.longrepr = f"a GUI test was skipped in CI: {call.excinfo and call.excinfo.value}"
    return report
