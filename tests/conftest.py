"""Services as fixtures, and the order in which the suite's files run.

A service is started or found once a process. A test fails with the reason where its service is missing.
"""

from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

pytest_plugins = [
    "tests.services.blender",
    "tests.services.devnet",
    "tests.services.docker",
    "tests.services.kubo",
]
NETWORKS = Path(__file__).parent / "e2e"
"""Tests on one local network, which they share in one process."""
OWN_NETWORKS = ("test_localnet.py", "test_containers.py")
"""Those below ``NETWORKS`` that start a network of their own."""
SERVICES = ("devnet", "kubo", "blender", "sandbox", "docker", "slow")


class NetworkScheduling(LoadFileScheduling):  # type: ignore[misc]
    """Gives each file to one process, and all files that share the local network to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(super()._split_scope(nodeid))
        shares = NETWORKS.name in file.parts and file.name not in OWN_NETWORKS
        return str(file.parent if shares else file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> NetworkScheduling:
    return NetworkScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begins with the network and then with the files that use services.

    They take longest. Processes that share the files then end at about the same time.
    """
    serviced = {item.path for item in items if any(map(item.get_closest_marker, SERVICES))}
    items.sort(key=lambda item: (NETWORKS not in item.path.parents, item.path not in serviced))
