"""Many intents, many threads, several processes, one account, and kill -9 at any point: exactly one
effect each, on a real chain.

The full size, in a few minutes::

    SENDER_INTENTS=1000 SENDER_KILLS=20 python -m pytest tests/integration/test_sender_crowd.py -s
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from starknet_py.hash.selector import get_selector_from_name
from tileproof.adapters.starknet.accounts import Signer
from tileproof.adapters.starknet.deploy import STRK
from tileproof.adapters.starknet.intents import INTENT
from tileproof.adapters.starknet.node import Node, open_node
from tileproof.adapters.store.journal import SqliteJournal
from tileproof.localnet.devnet import Devnet

from tests.integration.sender_child import ORDER, RECIPIENT

pytestmark = pytest.mark.devnet
INTENTS = int(os.environ.get("SENDER_INTENTS", "48"))
KILLS = int(os.environ.get("SENDER_KILLS", "12"))
PROCESSES, THREADS = 4, 4
ME = 5
SEED = "the sender's twenty deaths"
FROM_OUTSIDE = "from outside"
STEPS = (
    "before put ledger.intent",
    "after put ledger.intent",
    "before hand over",
    "during hand over",
    "after hand over",
    "before put ledger.fees",
    "after put ledger.fees",
    "before put ledger.intent landed",
    "after put ledger.intent landed",
    "before put order",
    "after put order",
    "after remove ledger.intent",
)
LINES_PER_ORDER = 13
"""Steps that an order takes, each told in a line."""


@pytest.fixture
def node(devnet: Devnet) -> Iterator[Node]:
    node, _ = open_node(devnet.rpc_url)
    yield node
    node.close()


def deaths() -> list[list[str]]:
    """For each process how its lives end, one by one: at a step, or from outside after a number of
    steps of any kind. The same for every run; every step first, the rest from outside."""
    chance = random.Random(SEED)
    ways = [*STEPS[:KILLS], *([FROM_OUTSIDE] * (KILLS - len(STEPS)))]
    chance.shuffle(ways)
    each: list[list[str]] = [ways[number::PROCESSES] for number in range(PROCESSES)]
    most = INTENTS // PROCESSES // (max(map(len, each)) + 1)  # orders that one life may carry out
    return [
        [f"{way}#{chance.randint(1, most * (LINES_PER_ORDER if way == FROM_OUTSIDE else 1))}" for way in ways]
        for ways in each
    ]


@contextmanager
def alive(*arguments: str, signer: Signer) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.sender_child", "transfers", *arguments],
        env={**os.environ, "STARKNET_PRIVATE_KEY": hex(signer.private_key)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def live(devnet: Devnet, signer: Signer, journal: Path, number: int, death: str) -> int:
    """One life of one process, to its end; how it ended."""
    share = INTENTS // PROCESSES
    orders = (str(number * share + 1), str((number + 1) * share))
    with alive(
        devnet.rpc_url, str(signer.address), str(journal), *orders, str(THREADS), death, signer=signer
    ) as child:
        assert child.stdout is not None
        way, _, nth = death.partition("#")
        for line, _ in enumerate(child.stdout, start=1):
            if way == FROM_OUTSIDE and line == int(nth):
                child.kill()
        return child.wait()


@pytest.mark.timeout(60 + 3 * INTENTS)
def test_concurrent_intents_of_processes_that_are_killed_have_exactly_one_effect_each(
    devnet: Devnet, signers: tuple[Signer, ...], node: Node, tmp_path: Path
) -> None:
    assert INTENTS % PROCESSES == 0
    signer = signers[ME]
    journals = [tmp_path / f"{number}" / "journal.sqlite" for number in range(PROCESSES)]
    block, nonce = _block(node), _nonce(node, signer)
    fates = deaths()
    assert sum(map(len, fates)) == KILLS

    def lives(number: int) -> list[int]:
        return [live(devnet, signer, journals[number], number, death) for death in (*fates[number], "")]

    began = time.monotonic()
    with ThreadPoolExecutor(PROCESSES) as pool:
        ends = list(pool.map(lives, range(PROCESSES)))
    seconds = time.monotonic() - began

    for fate, end in zip(fates, ends, strict=True):
        assert end == [*([-signal.SIGKILL] * len(fate)), 0], fate
    effects = _transfers(node, signer, block + 1)
    assert Counter(effects.values()) == Counter(range(1, INTENTS + 1))
    assert _nonce(node, signer) - nonce == INTENTS, "and nothing else was sent"
    for journal in journals:
        with closing(SqliteJournal(journal)) as kept:
            assert kept.all(INTENT) == {}
            told = {str(record["tx"]): int(order) for order, record in kept.all(ORDER).items()}
            assert told == {tx: effects[tx] for tx in told}
            assert len(told) == INTENTS // PROCESSES
    print(f"\n{INTENTS} intents, {KILLS} kills, {PROCESSES} processes, {THREADS} threads: {seconds:.0f} s")


def _block(node: Node) -> int:
    return node.run(node.client.get_block_number())


def _nonce(node: Node, signer: Signer) -> int:
    return node.run(node.client.get_contract_nonce(signer.address.felt, block_number="latest"))


def _transfers(node: Node, signer: Signer, first_block: int) -> dict[str, int]:
    """The amount of each transfer of the account to the recipient, by its transaction's hash. The
    chain's own count: an amount that came twice is there twice, under two hashes."""
    keys: list[list[int | str]] = [
        [get_selector_from_name("Transfer")],
        [signer.address.felt],
        [RECIPIENT],
    ]
    found: dict[str, int] = {}
    token: Any = None
    while True:
        page = node.run(
            node.client.get_events(
                address=STRK.felt,
                keys=keys,
                from_block_number=first_block,
                to_block_number="latest",
                continuation_token=token,
                chunk_size=1000,
            )
        )
        for event in page.events:
            assert hex(event.transaction_hash) not in found
            found[hex(event.transaction_hash)] = event.data[0]
        token = page.continuation_token
        if token is None:
            return found
