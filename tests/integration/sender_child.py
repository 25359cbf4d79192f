"""A process that deposits once and is killed on the way: run by test_ledger_sender.py.

``die`` names a step of the journal, after or before which the process sends itself SIGKILL; the
other deaths come from the test, which watches the wire.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tileproof.adapters.starknet.accounts import load_signer
from tileproof.adapters.starknet.ledger import connect
from tileproof.adapters.store.journal import SqliteJournal
from tileproof.domain.job import Address
from tileproof.domain.money import Fri
from tileproof.ports.journal import Record


class MortalJournal(SqliteJournal):
    def __init__(self, path: Path, die: str) -> None:
        self._die = die
        super().__init__(path)

    def put(self, kind: str, key: str, record: Record) -> None:
        super().put(kind, key, record)
        self._maybe_die(f"after put {kind}")

    def remove(self, kind: str, key: str) -> None:
        self._maybe_die(f"before remove {kind}")
        super().remove(kind, key)

    def _maybe_die(self, step: str) -> None:
        if step == self._die:
            os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, contract: str, account: str, journal: str, die: str) -> None:
    signer = load_signer(account=account, private_key=os.environ["STARKNET_PRIVATE_KEY"])
    kept = MortalJournal(Path(journal), die)
    with connect(url, Address(int(contract, 16)), signer, journal=kept) as ledger:
        print("connected", flush=True)
        ledger.deposit(Fri(1))
        print("deposited", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
