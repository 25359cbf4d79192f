"""The demo's cheat: the product's own worker, with a renderer from the gallery put into it.

Usage: python -m demo.dishonest_worker NETWORK_FILE ACCOUNT CHEAT
"""

from __future__ import annotations

import logging
import sys

from tileproof.cli.console import run, setup_logging
from tileproof.cli.wiring import run_worker
from tileproof.config import load

import gallery


def main() -> None:
    network, account, cheat = sys.argv[1:4]
    setup_logging(logging.INFO)
    # It knows that it cheated, and stakes no appeal bond on its result.
    own = {"worker.max_claims": 1, "worker.appeal": False}
    settings = load({"network": network, "account": account, **own})
    sys.exit(run(lambda _arguments: run_worker(settings, dress=gallery.load(cheat).dress), []))


if __name__ == "__main__":
    main()
