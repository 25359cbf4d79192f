"""Processes that send and are killed on the way: run by test_ledger_sender.py and
test_sender_crowd.py.

``deposit`` makes one deposit; ``transfers`` carries out many orders from many threads, each once,
and goes on where an earlier life of it ended. Either sends itself SIGKILL when it takes a step of
a given name for the n-th time; other deaths come from the test.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from starknet_py.hash.selector import get_selector_from_name
from starknet_py.net.client_models import Call
from tileproof.adapters.starknet.accounts import load_signer
from tileproof.adapters.starknet.deploy import STRK
from tileproof.adapters.starknet.ledger import DEFAULT_CAPS, connect
from tileproof.adapters.starknet.node import Node, open_node
from tileproof.adapters.starknet.sender import Sender
from tileproof.adapters.store.journal import SqliteJournal
from tileproof.domain.errors import ServiceError
from tileproof.domain.job import Address
from tileproof.domain.money import Fri
from tileproof.ports.journal import Record

RECIPIENT = 0x7E57_0DE2
ORDER = "order"
"""The journal's kind for what the caller has seen done."""


class Fate:
    """Counts the steps that this process takes, tells each on stdout when asked to, and ends the
    process at one of them."""

    def __init__(self, death: str, *, aloud: bool) -> None:
        self._step, _, nth = death.partition("#")
        self._nth, self._aloud = int(nth or 1), aloud
        self._taken: Counter[str] = Counter()
        self._guard = threading.Lock()

    def step(self, name: str) -> int:
        """How often the step was taken before."""
        with self._guard:
            self._taken[name] += 1
            if (name, self._taken[name]) == (self._step, self._nth):
                os.kill(os.getpid(), signal.SIGKILL)
            if self._aloud:
                print(name, flush=True)
            return self._taken[name] - 1


class MortalJournal(SqliteJournal):
    def __init__(self, path: Path, fate: Fate) -> None:
        self._fate = fate
        super().__init__(path)

    def put(self, kind: str, key: str, record: Record) -> None:
        what = f"put {kind} landed" if record.get("landed") else f"put {kind}"
        self._fate.step(f"before {what}")
        super().put(kind, key, record)
        self._fate.step(f"after {what}")

    def remove(self, kind: str, key: str) -> None:
        self._fate.step(f"before remove {kind}")
        super().remove(kind, key)
        self._fate.step(f"after remove {kind}")


def make_hand_over_mortal(node: Node, fate: Fate) -> None:
    send = node.client.send_transaction

    async def mortal(signed: Any) -> Any:
        turns = fate.step("before hand over") % 12
        sending = asyncio.ensure_future(send(signed))
        await asyncio.sleep(turns / 4_000)  # each time its thread has got another bit further
        fate.step("during hand over")
        answer = await sending
        fate.step("after hand over")
        return answer

    setattr(node.client, "send_transaction", mortal)  # noqa: B010


def deposit(url: str, contract: str, account: str, journal: str, death: str) -> None:
    logging.basicConfig(level=logging.INFO)  # the test reads when it waits for its turn
    signer = load_signer(account=account, private_key=os.environ["STARKNET_PRIVATE_KEY"])
    kept = MortalJournal(Path(journal), Fate(death, aloud=False))
    with connect(url, Address(int(contract, 16)), signer, journal=kept) as ledger:
        print("connected", flush=True)
        ledger.deposit(Fri(1))
        print("deposited", flush=True)


def transfers(url: str, account: str, journal: str, first: str, last: str, threads: str, death: str) -> None:
    """Orders ``first`` to ``last``: each a transfer of as many fri as its number says."""
    fate = Fate(death, aloud=True)
    signer = load_signer(account=account, private_key=os.environ["STARKNET_PRIVATE_KEY"])
    with closing(MortalJournal(Path(journal), fate)) as kept:
        node, chain_id = open_node(url)
        make_hand_over_mortal(node, fate)
        sender = Sender(node, chain_id, signer, kept, DEFAULT_CAPS)
        done = kept.all(ORDER)
        for order in done:
            sender.taken(order)
        waiting = [str(number) for number in range(int(first), int(last) + 1) if str(number) not in done]
        with ThreadPoolExecutor(int(threads)) as pool:
            list(pool.map(lambda order: carry_out(order, sender, kept), waiting))
        node.close()


def carry_out(order: str, sender: Sender, kept: SqliteJournal) -> None:
    call = Call(STRK.felt, get_selector_from_name("transfer"), [RECIPIENT, int(order), 0])
    while True:
        try:
            receipt = sender.send("transfer", [call], key=order)
            break
        except ServiceError as error:
            if error.code != "ledger.nonce_taken":
                raise
    kept.put(ORDER, order, {"tx": hex(receipt.transaction_hash)})
    sender.taken(order)


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    deposit(*arguments) if what == "deposit" else transfers(*arguments)
