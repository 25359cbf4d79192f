"""A pytest plugin that records the outcome of each test, and runs only those that ``CHOSEN`` lists.

``HEARD`` names the file that grows by one JSON line for each test, or file of tests, that ended.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

CHOSEN, HEARD = "PLANTED_CHOSEN", "PLANTED_HEARD"
WORKER = "PYTEST_XDIST_WORKER"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if CHOSEN not in os.environ:
        return
    order = {test: at for at, test in enumerate(Path(os.environ[CHOSEN]).read_text("utf-8").splitlines())}
    wanted = sorted((item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid])
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in order])
    items[:] = wanted


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        _hear(report.nodeid, report.outcome, report.duration)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _hear(report.nodeid, "failed", 0.0)


def _hear(test: str, outcome: str, seconds: float) -> None:
    if WORKER in os.environ or HEARD not in os.environ:
        return
    with Path(os.environ[HEARD]).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"test": test, "outcome": outcome, "seconds": round(seconds, 3)}) + "\n")
