"""The suite as ``make test`` runs it: python -m tests [arguments of pytest]

Every test that is not marked `long` runs, on two processes, each with services of its own. ``-n0`` runs
them in one process, which ``-s`` and ``--pdb`` need. ``python -m tests.long`` runs the others.

Exit status: pytest's.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

# Two processes share two cores well: a test waits for services as often as it computes. A file stays
# on one process, for the sake of what its tests share; tests/conftest.py decides the order.
QUICK = ("-m", "not long", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")


def main(arguments: Sequence[str]) -> int:
    """Runs pytest as a child and returns its exit status. Ctrl-C lets it stop its services first."""
    command = [sys.executable, "-m", "pytest", *QUICK, *arguments]
    with subprocess.Popen(command) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
