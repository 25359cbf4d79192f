"""Every test that pytest collects runs in make test, or in one part of make test-long."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.long.parts import PARTS

ROOT = Path(__file__).resolve().parents[2]
COLLECTED = """
import json, sys
import pytest

class Listing:
    def pytest_collection_finish(self, session):
        long = {item.nodeid: item.get_closest_marker("long") is not None for item in session.items}
        print("\\n" + json.dumps(long), file=sys.__stdout__)

sys.exit(pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", "tests"], plugins=[Listing()]))
"""


@pytest.fixture(scope="module")
def collected() -> dict[str, bool]:
    """Every test there is, and whether it is long."""
    done = subprocess.run(
        [sys.executable, "-c", COLLECTED], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found: dict[str, bool] = json.loads(
        next(line for line in done.stdout.splitlines() if line.startswith("{"))
    )
    return found


def test_a_long_test_runs_in_exactly_one_part(collected: dict[str, bool]) -> None:
    homes = {
        test: [part.name for part in PARTS if any(lies_in(test, place) for place in part.tests)]
        for test, long in collected.items()
        if long
    }
    assert {test: names for test, names in homes.items() if len(names) != 1} == {}


def test_a_part_names_only_places_with_long_tests(collected: dict[str, bool]) -> None:
    in_parts = {test for test, long in collected.items() if long}
    for part in PARTS:
        for place in part.tests:
            assert any(lies_in(test, place) for test in in_parts), f"{part.name}: {place}"


def test_the_lists_of_make_test_and_of_the_parts_are_what_pytest_collects(collected: dict[str, bool]) -> None:
    """``make test`` deselects what is long, and a part what is not."""
    in_test = {test for test, long in collected.items() if not long}
    in_parts = {
        test
        for test, long in collected.items()
        if long and any(lies_in(test, place) for part in PARTS for place in part.tests)
    }
    assert in_test | in_parts == set(collected)
    assert not in_test & in_parts


def test_what_a_part_runs_at_a_larger_size_runs_small_in_make_test(collected: dict[str, bool]) -> None:
    in_test = {test for test, long in collected.items() if not long}
    for part in PARTS:
        for place in part.larger:
            assert any(lies_in(test, place) for test in in_test), f"{part.name}: {place}"


def lies_in(test: str, place: str) -> bool:
    return test == place or test.startswith((f"{place}::", f"{place}/", f"{place}["))
