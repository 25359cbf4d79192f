"""A role's own process with an entry of the gallery put into it.

Usage: python -m tests.e2e.dressed_role NETWORK_FILE ACCOUNT ENTRY
"""

from __future__ import annotations

import logging
import sys

from tileproof.cli.console import run, setup_logging
from tileproof.cli.wiring import run_verifier, run_worker
from tileproof.config import load

import gallery


def main() -> None:
    network, account, entry = sys.argv[1:4]
    setup_logging(logging.INFO)
    # Whoever knows that it cheated does not stake an appeal bond on it.
    settings = load({"network": network, "account": account, "worker.appeal": False})
    role = run_worker if account.startswith("worker") else run_verifier
    sys.exit(run(lambda _arguments: role(settings, dress=gallery.load(entry).dress), []))


if __name__ == "__main__":
    main()
