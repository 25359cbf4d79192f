"""How fast a worker that was never there before knows all jobs of a contract with 10,000 events.

    python -m benchmarks.events

Starts a devnet of its own, fills the contract with events (jobs created, paused and resumed, many calls
in one transaction), and then follows them into a journal on disk: every page decoded, held against the
contract's counts, its trail kept. Beside it, in the same run, the time that the node alone takes to give
the same pages, undecoded. Prints a table; the last line is JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median

import httpx2
from starknet_py.hash.selector import get_selector_from_name
from starknet_py.net.client_models import Call
from tileproof.adapters.clock import SystemClock
from tileproof.adapters.starknet.accounts import Signer, predeployed
from tileproof.adapters.starknet.deploy import LOCAL_BOUNDS, deploy_registry
from tileproof.adapters.starknet.event_pages import PAGE_EVENTS
from tileproof.adapters.starknet.ledger import StarknetLedger, connect
from tileproof.adapters.starknet.node import open_node
from tileproof.adapters.starknet.signing import account_of
from tileproof.adapters.store.journal import SqliteJournal
from tileproof.config import load
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.job import Address, Terms
from tileproof.domain.money import parse_strk
from tileproof.intake.following import EventFollower
from tileproof.localnet.devnet import Devnet, running_devnet
from tileproof.provision.locate import locate
from tileproof.provision.table import DEVNET
from tileproof.worker.market import Market

EVENTS, JOBS = 10_000, 50
CALLS_PER_TRANSACTION = 200
RUNS = 5
GOAL_SECONDS = 10.0
MANIFEST = Cid(Codec.RAW, bytes(range(32)))


def main() -> int:
    program = locate(DEVNET, load().cache)
    with tempfile.TemporaryDirectory() as name, closing(httpx2.Client(timeout=60)) as http:
        folder = Path(name)
        with running_devnet(program, log=folder / "devnet.log", block_seconds=None) as devnet:
            signer = predeployed(devnet.rpc_url)[0]
            contract = deploy_registry(devnet.rpc_url, signer, bounds=LOCAL_BOUNDS).address
            with connect(devnet.rpc_url, contract, signer) as ledger:
                fill(devnet, ledger, signer, contract)
                found = len(ledger.events().events)
                raw, index, known = [], [], 0
                for run in range(RUNS):  # in turns, so that both meet the same machine
                    raw.append(timed(lambda: raw_pages(http, devnet, contract)))
                    path = folder / f"journal-{run}.sqlite"
                    index.append(timed(partial(follow_from_nothing, ledger, path)))
                    known = jobs_known(ledger, path)
                again = timed(partial(follow_from_nothing, ledger, path))
    figures = {
        "events": found,
        "jobs": known,
        "runs": RUNS,
        "raw_seconds": round(median(raw), 3),
        "index_seconds": round(median(index), 3),
        "slowest_index_seconds": round(max(index), 3),
        "index_vs_raw": round(median(index) / median(raw), 2),
        "restart_seconds": round(again, 4),
    }
    print(table(figures))
    print(json.dumps(figures))
    return 0 if found >= EVENTS and known == JOBS and max(index) <= GOAL_SECONDS else 1


def fill(devnet: Devnet, ledger: StarknetLedger, signer: Signer, contract: Address) -> None:
    """JOBS jobs, and pauses and resumptions of them up to EVENTS events in all."""
    terms = Terms(
        reward=parse_strk("2"), audit_fee=parse_strk("0.3"), worker_bond=parse_strk("6"),
        committee_size=3, audit_rate_bps=10_000, lease_seconds=600, commit_blocks=300, reveal_blocks=300,
        appeal_blocks=150, deadline=ledger.head().timestamp + 20_000,
    )  # fmt: skip
    jobs = [ledger.create_job(MANIFEST, 1, terms)[0] for _ in range(JOBS)]
    names = ("pause_job", "resume_job")
    wanted = EVENTS - JOBS
    calls = [
        Call(contract.felt, get_selector_from_name(names[n // JOBS % 2]), [jobs[n % JOBS]])
        for n in range(wanted)
    ]
    node, chain_id = open_node(devnet.rpc_url)
    try:
        account = account_of(node, chain_id, signer)
        for first in range(0, wanted, CALLS_PER_TRANSACTION):
            batch = calls[first : first + CALLS_PER_TRANSACTION]
            sent = node.run(account.execute_v3(batch, auto_estimate=True))
            node.run(node.client.wait_for_tx(sent.transaction_hash, check_interval=0.05))
    finally:
        node.close()


def raw_pages(http: httpx2.Client, devnet: Devnet, contract: Address) -> int:
    """What the node alone takes: its pages of the same events, parsed as JSON and no further."""
    count, token = 0, None
    while True:
        chosen = {
            "address": hex(contract.felt),
            "from_block": {"block_number": 0},
            "to_block": "latest",
            "chunk_size": PAGE_EVENTS,
            **({} if token is None else {"continuation_token": token}),
        }
        request = {"jsonrpc": "2.0", "id": 1, "method": "starknet_getEvents", "params": {"filter": chosen}}
        page = http.post(devnet.rpc_url, json=request).json()["result"]
        count += len(page["events"])
        token = page.get("continuation_token")
        if token is None:
            return count


def follow_from_nothing(ledger: StarknetLedger, path: Path) -> None:
    """A worker's index of jobs, as it follows the ledger; on a journal that is there, the next look."""
    with closing(SqliteJournal(path)) as journal:
        Market(ledger, journal, SystemClock(), 60.0).follow(lambda block: None)


def jobs_known(ledger: StarknetLedger, path: Path) -> int:
    with closing(SqliteJournal(path)) as journal:
        assert EventFollower(ledger, journal).news().events == ()
        return len(Market(ledger, journal, SystemClock(), 60.0).jobs())


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def table(figures: dict[str, float]) -> str:
    rows: Sequence[tuple[str, str]] = [
        (f"the node's pages of {figures['events']:,} events, undecoded", f"{figures['raw_seconds']:.2f} s"),
        ("followed into a new journal", f"{figures['index_seconds']:.2f} s"),
        ("ratio", f"{figures['index_vs_raw']}"),
        ("the next look of a restarted process", f"{figures['restart_seconds'] * 1000:.0f} ms"),
    ]
    return "\n".join(["| what | median |", "| --- | --- |", *(f"| {what} | {took} |" for what, took in rows)])


if __name__ == "__main__":
    sys.exit(main())
