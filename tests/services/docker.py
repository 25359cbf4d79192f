"""The image of this tree and a Docker engine, as fixtures."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.services.blender import unavailable

ROOT = Path(__file__).resolve().parents[2]
BUILD_SECONDS, COMMAND_SECONDS = 1500, 300
OF_THE_OUTER_MAKE = ("ARGS", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS")
"""With them `make test ARGS=-x` would hand pytest's arguments to docker build."""


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """A Docker engine that answers: the one that runs, or one of our own until the tests end."""
    started = subprocess.run(
        [ROOT / "docker" / "start-engine"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    if started.returncode != 0:
        unavailable(f"{started.stderr.strip()}; `system/ensure-packages containers` installs an engine")
    yield
    if pid := started.stdout.strip():
        process = psutil.Process(int(pid))
        process.terminate()
        process.wait(COMMAND_SECONDS)


@pytest.fixture(scope="session")
def image(engine: None) -> str:
    """The image that IMAGE names, or that of this tree, which ``make image`` builds: minutes when nothing
    of it is cached."""
    named = os.environ.get("IMAGE")
    if named:
        return named
    built = subprocess.run(
        ["make", "image"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in OF_THE_OUTER_MAKE},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert built.returncode == 0, f"make image:\n{built.stdout[-2000:]}\n{built.stderr[-2000:]}"
    return "tileproof"


def docker(*arguments: str) -> str:
    """What a docker command that must succeed says."""
    return subprocess.run(
        ["docker", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=True,
    ).stdout


def succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
