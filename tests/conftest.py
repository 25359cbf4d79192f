"""Services as fixtures: started or found once a run, skipped with a reason where they are missing."""

import pytest

pytest_plugins = ["tests.services.blender", "tests.services.devnet", "tests.services.kubo"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--sequences",
        type=int,
        default=48,
        help="how many sequences of calls the model and the contract are compared in",
    )
