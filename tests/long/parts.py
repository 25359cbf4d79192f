"""The table of parts of ``make test-long``, with the tests and the minutes of each.

A part runs every test marked ``long`` under ``tests`` (files, folders or single tests), the tests of
``larger`` at the size that ``environment`` asks for, or a module with its arguments. A later change may
add one part. All together stay under MOST_MINUTES on two quiet cores, each under MOST_MINUTES_EACH.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_MINUTES = 150
MOST_MINUTES_EACH = 40


@dataclass(frozen=True)
class Part:
    """One part. ``minutes`` are enough on two quiet cores. No import and no path in the code leads to its
    further ``files`` and ``modules``."""

    name: str
    minutes: float
    tests: tuple[str, ...] = ()
    larger: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    """A module, and its arguments."""
    processes: int = 1
    """The number of processes that share the tests."""
    environment: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Returns the words that say how the part is run. They belong to its digest."""
        settings = [f"{name}={value}" for name, value in sorted(self.environment.items())]
        return (*self.tests, *self.larger, *self.command, str(self.processes), *settings)


CLI = ("tileproof.cli",)
"""The module that end-to-end tests start as processes of their own."""

PARTS = (
    Part(
        "wheel",
        2,
        tests=("tests/integration/test_wheel.py",),
        files=("README.md", "LICENSE", "pyproject.toml"),
    ),
    Part(
        "containers",
        10,
        tests=("tests/e2e/test_containers.py", "tests/integration/test_image.py"),
        modules=CLI,
        files=("Dockerfile", "docker-compose.yml", ".dockerignore", "docker", "pyproject.toml"),
    ),
    Part(
        "walks",
        20,
        tests=(
            "tests/e2e/test_bad_input.py",
            "tests/e2e/test_commands.py",
            "tests/e2e/test_finishing.py",
            "tests/e2e/test_likeness.py",
            "tests/e2e/test_localnet.py",
            "tests/e2e/test_walk.py",
            "tests/integration/test_kubo.py",
            "tests/integration/test_shell_cases.py",
        ),
        modules=(*CLI, "tests.e2e.dressed_role"),
        files=("gallery",),
    ),
    Part("crashes", 10, tests=("tests/e2e/test_crashes.py",), modules=(*CLI, "tests.e2e.mortal_role")),
    Part(
        "contests",
        20,
        tests=("tests/e2e/test_appeals.py", "tests/e2e/test_cheats.py"),
        modules=(*CLI, "tests.e2e.dressed_role"),
        files=("gallery",),
    ),
    Part(
        "blender",
        6,
        tests=(
            "tests/integration/test_bench_scenes.py",
            "tests/integration/test_bench_verify.py",
            "tests/integration/test_eevee.py",
            "tests/integration/test_replayed_audit.py",
        ),
    ),
    Part(
        "chain",
        10,
        tests=(
            "tests/integration/test_events_index.py",
            "tests/integration/test_reorganisations.py",
            "tests/integration/test_rpc_failover.py",
            "tests/integration/test_rpc_faults.py",
        ),
    ),
    Part("arguments", 10, tests=("tests/integration/test_cli_fuzz.py",), modules=CLI),
    Part(
        "model",
        30,
        tests=("tests/integration/test_ledger_model.py", "tests/unit/test_model_draw.py"),
        processes=2,
    ),
    Part("pictures", 5, command=("benchmarks.fuzz_images", "--files", "20000")),
    Part(
        "senders",
        6,
        larger=("tests/integration/test_sender_crowd.py",),
        environment={"SENDER_INTENTS": "1000", "SENDER_KILLS": "20"},
    ),
)
