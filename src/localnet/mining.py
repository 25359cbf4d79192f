"""When a local chain makes a block by itself: every second while something waits for one, else seldom.

A devnet keeps every block for as long as it runs. One that is left alone for days must not make a
block a second, and a task that waits for blocks must not wait longer than it would on a busy chain.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Protocol

from ..adapters.starknet.ledger import StarknetLedger, connect
from ..domain.job import Address, Task, TaskState
from ..ports.ledger import LedgerReader, TaskEvent

log = logging.getLogger("tileproof.localnet")

RESTING = frozenset(
    {
        TaskState.OPEN,
        TaskState.LAPSED,
        TaskState.DRAWABLE,
        TaskState.SETTLEABLE,
        TaskState.PAID,
        TaskState.CLOSED,
    }
)
"""States that only a transaction ends, and a transaction makes its own block."""
BLOCK_SECONDS = 1.0
IDLE_BLOCK_SECONDS = 60.0
AWAKE_SECONDS = 30.0
"""After a transaction. What follows it at once, such as the claim of a new job, then finds the chain's
clock up to date: a devnet runs a transaction at the time of the block before."""
_STOP_SECONDS = 10.0


def waits_for_blocks(state: TaskState) -> bool:
    """Returns True if blocks or their time alone move a task on: a lease, a seed, a window."""
    return state not in RESTING


def any_waits(tasks: Iterable[Task]) -> bool:
    """Returns True if blocks or their time alone move one of the tasks on."""
    return any(waits_for_blocks(task.state) for task in tasks)


def is_due(*, waits: bool, since_block: float, since_transaction: float, idle_seconds: float) -> bool:
    """Returns True if the chain needs a block now.

    The times are seconds since the newest block, and since the newest that a transaction made.
    """
    is_awake = waits or since_transaction < AWAKE_SECONDS
    return since_block >= (BLOCK_SECONDS if is_awake else max(BLOCK_SECONDS, idle_seconds))


class TaskWatch:
    """The tasks of one contract that wait for blocks, found by their events."""

    def __init__(self, ledger: LedgerReader) -> None:
        self._ledger = ledger
        self._cursor = 0
        self._moving: dict[tuple[int, int], None] = {}

    def waits(self) -> bool:
        """Returns True if some task waits for blocks. Raises as ``LedgerReader``.

        A task that rests leaves that state by a transaction, whose event brings it back here.
        """
        page = self._ledger.events(self._cursor)
        for event in page.events:
            if isinstance(event, TaskEvent):
                self._moving[event.job_id, event.task] = None
        self._cursor = page.cursor
        for job_id, task in tuple(self._moving):
            if any_waits([self._ledger.task(job_id, task)]):
                return True
            del self._moving[job_id, task]
        return False


class Chain(Protocol):
    """The part of a devnet that a miner needs."""

    def block_number(self) -> int:
        """Returns the number of the newest block."""
        ...

    def create_blocks(self, count: int = 1) -> None:
        """Makes empty blocks."""
        ...


class Miner:
    """Makes the blocks of a devnet that makes none by itself but one for each transaction."""

    def __init__(
        self,
        chain: Chain,
        waits: Callable[[], bool],
        *,
        idle_seconds: float = IDLE_BLOCK_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._chain, self._waits = chain, waits
        self._idle_seconds, self._monotonic = idle_seconds, monotonic
        self._head: int | None = None
        self._block_at = self._transaction_at = monotonic()
        self._has_failed = False

    def step(self) -> None:
        """Makes a block if one is due. An error is logged once in a row and ends nothing."""
        try:
            self._step()
        except Exception as error:  # noqa: BLE001
            self._failed("no block could be made", error)
        else:
            self._has_failed = False

    def run(self, stop: Event) -> None:
        """Makes blocks as they are due until ``stop`` is set."""
        while not stop.wait(BLOCK_SECONDS):
            self.step()

    def _step(self) -> None:
        head, now = self._chain.block_number(), self._monotonic()
        if head != self._head:  # a transaction, or somebody who asked for blocks
            self._head, self._block_at, self._transaction_at = head, now, now
        if is_due(
            waits=self._is_needed(),
            since_block=now - self._block_at,
            since_transaction=now - self._transaction_at,
            idle_seconds=self._idle_seconds,
        ):
            self._chain.create_blocks(1)
            self._head, self._block_at = self._chain.block_number(), now

    def _is_needed(self) -> bool:
        try:
            return self._waits()
        except Exception as error:  # noqa: BLE001
            self._failed("blocks are made in any case: the tasks could not be read", error)
            return True

    def _failed(self, what: str, error: Exception) -> None:
        if not self._has_failed:
            log.warning("%s: %s", what, error)
        self._has_failed = True


class ContractWatch:
    """The tasks of a contract that may not be deployed yet, and may become another one; a context that
    closes its connection. Until there is one, it waits for blocks."""

    def __init__(self, rpc_url: str, contract: Callable[[], Address | None]) -> None:
        self._rpc_url, self._contract = rpc_url, contract
        self._ledger: StarknetLedger | None = None
        self._watch: TaskWatch | None = None

    def __enter__(self) -> ContractWatch:
        return self

    def __exit__(self, *_: object) -> None:
        if self._ledger is not None:
            self._ledger.close()
        self._ledger = self._watch = None

    def waits(self) -> bool:
        """Returns True if some task waits for blocks, or no contract is known. Raises as ``connect``."""
        contract = self._contract()
        if contract is None:
            return True
        if self._ledger is None or self._watch is None or self._ledger.contract() != contract:
            self.__exit__()
            self._ledger = connect(self._rpc_url, contract, None)
            self._watch = TaskWatch(self._ledger)
        return self._watch.waits()


@contextmanager
def mining(
    chain: Chain, rpc_url: str, contract: Address, *, idle_seconds: float = IDLE_BLOCK_SECONDS
) -> Iterator[None]:
    """Makes blocks in a thread of its own until the context ends."""
    stop = Event()

    def run() -> None:
        with ContractWatch(rpc_url, lambda: contract) as watch:
            Miner(chain, watch.waits, idle_seconds=idle_seconds).run(stop)

    thread = Thread(target=run, name="miner", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_STOP_SECONDS)
