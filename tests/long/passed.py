"""A pytest plugin that leaves out the tests which an interrupted run passed, and lists those that pass.

``PASSED_BEFORE`` names the file that is read, ``PASSED_NOW`` the file that grows; both list test ids.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BEFORE, NOW = "PASSED_BEFORE", "PASSED_NOW"
WORKER = "PYTEST_XDIST_WORKER"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    before = set(Path(os.environ[BEFORE]).read_text("utf-8").splitlines())
    left = [item for item in items if item.nodeid not in before]
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in before])
    items[:] = left


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Lists the test once its services are down again, in the process that all reports reach."""
    if WORKER in os.environ:
        return
    if report.when == "call" and report.passed:
        _called.add(report.nodeid)
    if report.when == "teardown" and report.passed and report.nodeid in _called:
        with Path(os.environ[NOW]).open("a", encoding="utf-8") as file:
            file.write(f"{report.nodeid}\n")


_called: set[str] = set()
