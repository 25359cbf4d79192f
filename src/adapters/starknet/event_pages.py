"""Pages of the port made of a node's own pages, each of one chain, and re-checked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...domain.errors import ServiceError
from ...domain.job import Address, Task
from ...ports.ledger import Event, EventPage, JobCreated, TaskClaimed
from ...ports.trail import REORG_WINDOW_BLOCKS, BlockMark, Trail, digest_of
from .events import RawEvent, decode
from .node import Node
from .rpc import Block, EventsChunk, Keys

PAGE_EVENTS = 1_000
READINGS = 3
"""How often a page is begun anew when the chain changes under it or events are missing."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What the contract's storage says at a block, for events to be held against. Each answers
    None where the node does not know the state of that block any more."""

    jobs: Callable[[int], int | None]
    tasks: Callable[[int, int], Sequence[Task] | None]  # of a job at a block


class EventPages:
    """The events of one contract.

    ``ask`` makes a request of the node, again while it is silent. ``first_block`` deployed the
    contract, so that no block before it has an event.
    """

    def __init__(
        self,
        node: Node,
        contract: Address,
        counts: Counts,
        ask: Callable[[Callable[[], Any]], Any],
        first_block: int = 0,
    ) -> None:
        self._first_block = first_block
        self._node, self._contract, self._counts, self._ask = node, contract, counts, ask

    def page(self, cursor: int, job_id: int | None, trail: Trail | None) -> EventPage:
        """As ``LedgerReader.events``."""
        failure: ServiceError | None = None
        for _ in range(READINGS):
            try:
                return self._reading(cursor, job_id, trail)
            except _Changed:
                failure = ServiceError(
                    "ledger.restless", "the chain changed whenever its events were read", retryable=True
                )
            except ServiceError as error:
                if error.code != "ledger.events_missing":
                    raise
                failure = error
                self._node.distrust()
        assert failure is not None
        raise failure

    def raw(self, keys: Keys, first: int, last: int) -> list[RawEvent]:
        """All events of blocks first..last with these keys."""
        return self._raw(keys, first, last)[0]

    def _reading(self, cursor: int, job_id: int | None, trail: Trail | None) -> EventPage:
        head = self._block("latest")
        mark = mark_of(head)
        floor = min(self._first_block, head.block_number)
        cursor = max(cursor, floor)
        if trail is None and cursor > head.block_number:
            return EventPage((), cursor)
        if trail is not None and trail.last == mark and cursor == head.block_number + 1:
            return EventPage((), cursor, trail)
        first = cursor
        if trail is not None and not self._stands(trail, head):
            first = max(floor, min(cursor, head.block_number + 1) - REORG_WINDOW_BLOCKS)
        keys: Keys = [] if job_id is None else [[], [job_id]]
        raw, in_one_page = self._raw(keys, first, head.block_number)
        events = tuple(event for each in raw if (event := decode(each)) is not None)
        if mark_of(self._block(head.block_number)) != mark:
            raise _Changed
        if job_id is None:
            self._check_jobs(events, first, mark)
        if not in_one_page:
            self._check_claims(events, first, head.block_number)
        if trail is None:
            return EventPage(events, head.block_number + 1)
        parted = trail.parts_at(events, first=first, cursor=cursor)
        begin = cursor if parted is None else parted
        return EventPage(
            tuple(event for event in events if event.block >= begin),
            head.block_number + 1,
            trail.extended(events, since=first, last=mark),
            parted,
        )

    def _stands(self, trail: Trail, head: Block) -> bool:
        """Whether the block before the cursor proves that all below it is as it was read: it is
        the same block, on a chain whose hashes commit to state and parent."""
        last = trail.last
        if last is None or last.block > head.block_number or not head.new_root:
            return False
        return mark_of(self._block(last.block)) == last

    def _block(self, block: int | str) -> Block:
        found: Block = self._ask(lambda: self._node.block(block))
        return found

    def _raw(self, keys: Keys, first: int, last: int) -> tuple[list[RawEvent], bool]:
        """The events, and whether the node told them in one page.

        A token is its node's own: when that falls silent between two pages, its last block is
        begun anew, at whichever node answers then.
        """
        found: list[RawEvent] = []
        token: str | None = None
        in_one_page, fruitless = True, 0
        while True:
            try:
                page = self._node_page(keys, first, last, token)
            except ServiceError as error:
                if token is None or not error.retryable or fruitless == READINGS:
                    raise
                fruitless = fruitless + 1 if found and found[-1].block == first else 0
                first, token = (found[-1].block if found else first), None
                found = [event for event in found if event.block < first]
                continue
            found += [
                RawEvent(event.block_number, event.transaction_hash, event.keys, event.data)
                for event in page.events
                if event.block_number is not None
            ]
            token = page.continuation_token
            if token is None:
                return found, in_one_page
            in_one_page = False

    def _node_page(self, keys: Keys, first: int, last: int, token: str | None) -> EventsChunk:
        def call() -> EventsChunk:
            return self._node.events(self._contract, keys, first, last, token, PAGE_EVENTS)

        page: EventsChunk = self._ask(call) if token is None else call()
        return page

    # --- what the contract's storage says ---

    def _check_jobs(self, events: Sequence[Event], first: int, last: BlockMark) -> None:
        before = 0 if first <= self._first_block else self._counts.jobs(first - 1)
        after = self._counts.jobs(last.block)
        if before is None or after is None:
            return
        told = [event.job_id for event in events if isinstance(event, JobCreated)]
        if told != list(range(before + 1, after + 1)):
            raise _missing(f"{after - before} jobs were created in blocks {first} to {last.block}", len(told))

    def _check_claims(self, events: Sequence[Event], first: int, last: int) -> None:
        """Of every job that there is an event of: each attempt that was claimed in between has
        its event."""
        told: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
        for event in events:
            attempts = told[event.job_id]
            if isinstance(event, TaskClaimed):
                attempts.add((event.task, event.attempt))
        for job_id, attempts in told.items():
            before = () if first <= self._first_block else self._counts.tasks(job_id, first - 1)
            after = self._counts.tasks(job_id, last)
            if before is None or after is None:
                continue
            claimed = {task.task: _claims(task) for task in before}
            expected = {
                (task.task, attempt)
                for task in after
                for attempt in range(claimed.get(task.task, 0), _claims(task))
            }
            if attempts != expected:
                raise _missing(f"{len(expected)} claims were made on job {job_id}", len(attempts))


class _Changed(Exception):
    """The block up to which events were read is another one now."""


def mark_of(block: Block) -> BlockMark:
    """All that tells a block from another one of its number. A devnet's hash follows from number
    and count of transactions alone."""
    digest = digest_of(
        block.block_hash, block.parent_hash, block.new_root, block.timestamp, block.transactions
    )
    return BlockMark(block.block_number, digest)


def _claims(task: Task) -> int:
    """How many attempts at the task were claimed: attempts end only by a claim."""
    return task.attempt + (task.claim_block > 0)


def _missing(what: str, told: int) -> ServiceError:
    return ServiceError(
        "ledger.events_missing",
        f"the node's events are incomplete: {what}, and it tells of {told}",
        remedy="wait until the node has caught up, or name another one in STARKNET_RPC",
        retryable=True,
    )
