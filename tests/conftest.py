"""Rules that hold for every test."""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

IN_CI = os.environ.get("CI") == "true"
_NEVER_SKIPPED_IN_CI = ("gui", "browser")

# Compiling a kernel on first use is slower than any deadline; CI has to answer the same each time.
settings.register_profile("qdimage", deadline=None, derandomize=IN_CI)
settings.load_profile("qdimage")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, where all that they need is installed, a skipped test of a window is a failed one."""
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if IN_CI and skipped and any(item.get_closest_marker(name) for name in _NEVER_SKIPPED_IN_CI):
        report.outcome = "failed"
        report.longrepr = f"this test was skipped in CI: {call.excinfo and call.excinfo.value}"
    return report
