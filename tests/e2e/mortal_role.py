"""A role's own process that is killed, as by ``kill -9``, at exactly the log line it is told.

Usage: python -m tests.e2e.mortal_role NETWORK_FILE ACCOUNT PATTERN [AFTER]

With AFTER, lines count only once one has matched that.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import sys

from tileproof.cli.console import run, setup_logging
from tileproof.cli.wiring import run_verifier, run_worker
from tileproof.config import load


class Death(logging.Handler):
    """Comes after the handler that wrote the line."""

    def __init__(self, at: str, after: str | None) -> None:
        super().__init__()
        self._at, self._after = at, after

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if self._after is not None and re.search(self._after, line):
            self._after = None
        elif self._after is None and re.search(self._at, line):
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    network, account, at, *after = sys.argv[1:]
    setup_logging(logging.INFO)
    logging.getLogger("tileproof").addHandler(Death(at, after[0] if after else None))
    settings = load({"network": network, "account": account, "worker.max_claims": 20})
    role = run_worker if account.startswith("worker") else run_verifier
    sys.exit(run(lambda _arguments: role(settings), []))


if __name__ == "__main__":
    main()
