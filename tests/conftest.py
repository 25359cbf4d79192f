"""Services as fixtures: started or found once a run, skipped with a reason where they are missing.

A whole run has two parts, which ``python -m tests`` runs one after the other: what may have other tests
beside it, and what is ``alone``.
"""

from pathlib import Path

import pytest

pytest_plugins = [f"tests.services.{name}" for name in ("blender", "devnet", "docker", "kubo", "signing")]
ALONE, BESIDE = "alone", "beside"
NETWORKS = Path(__file__).parent / "e2e"
"""Roles that render under leases, and take all the cores for it."""
REFUSALS = NETWORKS / "test_bad_input.py"
"""One command at a time, and nothing is rendered."""
FEW_SEQUENCES = 48
SERVICES = ("devnet", "kubo", "blender", "sandbox", "docker", "slow")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", choices=[ALONE, BESIDE], help="only the tests of one part of a whole run")
    parser.addoption(
        "--sequences",
        type=int,
        default=FEW_SEQUENCES,
        help="how many sequences of calls the model and the contract are compared in",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what is alone, leaves out the other part, and begins with the files that take long, so that
    processes which share the files end at about the same time."""
    for item in items:
        if NETWORKS in item.path.parents and item.path != REFUSALS:
            item.add_marker(ALONE)
    part = config.getoption("part")
    if part is not None:
        wanted = [item for item in items if (item.get_closest_marker(ALONE) is not None) == (part == ALONE)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(wanted)])
        items[:] = wanted
    if config.getoption("sequences") > FEW_SEQUENCES:  # a night's run takes as long as it takes
        for item in items:
            item.add_marker(pytest.mark.timeout(0), append=False)
    serviced = {item.path for item in items if any(map(item.get_closest_marker, SERVICES))}
    items.sort(key=lambda item: item.path not in serviced)
