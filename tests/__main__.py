"""The whole suite, as ``make test`` runs it: python -m tests [what pytest is told]

First, on two processes, the tests that may have others beside them; each process has services of its own.
Then, on one, those that may not, since they render under leases or measure time. ``-n0`` runs the first
part on one process too, which ``-s`` and ``--pdb`` need.

Exit status: pytest's, of the part that went worse; 0 when both are well or one of them is empty.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest

# Of work that waits for services as often as it computes, two share two cores well. A file stays on one
# process, for the sake of what its tests share; the order is that of tests/conftest.py.
BESIDE = ("--part", "beside", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
ALONE = ("--part", "alone")
NOTHING = pytest.ExitCode.NO_TESTS_COLLECTED
GOES_ON = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, NOTHING)


def main(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGINT, lambda *_: None)  # pytest has it too, and takes its services down first
    ends = []
    for part in (BESIDE, ALONE):
        command = [sys.executable, "-m", "pytest", *part, *arguments]
        ends.append(subprocess.run(command, check=False).returncode)
        if ends[-1] not in GOES_ON:
            break
    return max((end for end in ends if end != NOTHING), default=NOTHING)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
