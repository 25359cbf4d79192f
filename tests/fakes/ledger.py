"""A chain in memory with the model of the contract on it, behind the Ledger port.

Blocks and time are stepped by hand. ``FakeChain`` is shared; ``FakeLedger`` is one account's view
of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from tileproof.domain.cid import Cid
from tileproof.domain.errors import InputError, ServiceError
from tileproof.domain.job import (
    Address,
    Appeal,
    Balances,
    Bounds,
    Commitment,
    Job,
    Reveal,
    Seat,
    Task,
    TaskResult,
    Terms,
    Totals,
)
from tileproof.domain.money import Fri
from tileproof.domain.sampling import poseidon
from tileproof.ports.ledger import EventPage, GasPrices, Head, Receipt
from tileproof.ports.trail import REORG_WINDOW_BLOCKS, BlockMark, Trail

from model.books import Books, Token
from model.checks import check_bounds, require
from model.contract import Contract
from model.draw import active_seats

T = TypeVar("T")
CONTRACT, NOBODY = Address(0xC0FFEE), Address(0)
BOUNDS = Bounds(
    max_tasks=200,
    max_committee_size=7,
    min_audit_rate_bps=1_000,
    min_lease_seconds=10,
    max_lease_seconds=10_000,
    min_window_blocks=2,
    max_window_blocks=20,
    max_deadline_seconds=100_000,
    seat_bond=Fri(640),
    seat_exit_blocks=230,
    lapse_share_bps=500,
)
"""Small numbers, in the proportions of a real deployment."""


class FakeChain:
    """A chain with one contract. Every transaction makes a block, as devnet does; other blocks
    and time pass when a test says so."""

    def __init__(
        self,
        bounds: Bounds = BOUNDS,
        *,
        chain_id: int = 0x5345504F4C4941,
        contract: Address = CONTRACT,
        block: int = 1_000,
        timestamp: int = 1_800_000_000,
        seconds_per_block: int = 1,
        fee: int = 3,
    ) -> None:
        self.chain_id, self.contract = chain_id, contract
        self.block, self.timestamp, self.seconds_per_block = block, timestamp, seconds_per_block
        self.fee, self.gas = fee, GasPrices()
        check_bounds(bounds)
        self.books = Books(bounds)
        self.guard = threading.RLock()
        self._sent = 0
        self._past = [(block, self.books)]  # a block, and the books after it
        self._branches: list[int] = []  # for each time the chain was taken back: the first new block

    def acting_as(self, account: Address) -> FakeLedger:
        return FakeLedger(self, account)

    def mint(self, account: Address, amount: Fri) -> None:
        self.books.wallets[account] = self.books.wallets.get(account, 0) + amount.units

    def make_token(self, manner: Token) -> None:
        """From now on the token behaves like this."""
        self.books.token = manner

    def pass_blocks(self, count: int = 1) -> None:
        self.block += count
        self.timestamp += count * self.seconds_per_block

    def pass_seconds(self, seconds: int) -> None:
        """Time passes, and a block with the new time is made."""
        self.block += 1
        self.timestamp += seconds

    def abort_blocks(self, first: int) -> None:
        """A reorganisation: this block and all after it never were; time goes on."""
        kept = [each for each in self._past if each[0] < first]
        assert kept, f"nothing is known of the chain before block {first}"
        self._past, self.block, self.books = kept, first - 1, kept[-1][1].copy()
        self._branches.append(first)

    def hash_of(self, block: int) -> int:
        return poseidon([self.chain_id, block, sum(first <= block for first in self._branches)])

    def head(self) -> Head:
        return Head(self.block, self.timestamp, self.hash_of(self.block), self.gas)

    def read(self, account: Address = NOBODY) -> Contract:
        """The contract as calls at the head see it."""
        return Contract(self, self.books, account, self.head(), 0)

    def send(self, account: Address, call: Callable[[Contract], T]) -> tuple[T, Receipt]:
        """As the adapter sends: first tried at the head, which costs nothing, and then run in the
        next block, where it may still be refused."""
        with self.guard:
            call(Contract(self, self.books.copy(), account, self.head(), 0))
            require(self.books.wallets.get(account, 0) >= self.fee, "WALLET_TOO_LOW")
            self._sent += 1
            self.pass_blocks()
            self._become(self.books.copy())
            self.books.wallets[account] -= self.fee
            books, tx_hash = self.books.copy(), 0x7E57_0000 + self._sent
            answer = call(Contract(self, books, account, self.head(), tx_hash))
            self._become(books)
            return answer, Receipt(tx_hash, self.block, Fri(self.fee), gas_l2=1)

    def _become(self, books: Books) -> None:
        self.books = books
        self._past.append((self.block, books))


class FakeLedger:
    """The Ledger port for one account of a FakeChain.

    ``before`` and ``after`` are told the name of each write; what they raise is the process
    dying before it was sent, or after it took effect.
    """

    def __init__(self, chain: FakeChain, account: Address) -> None:
        self.chain, self._account = chain, account
        self.before: Callable[[str], None] = lambda name: None
        self.after: Callable[[str], None] = lambda name: None

    # --- reading ---

    def head(self) -> Head:
        return self.chain.head()

    def chain_id(self) -> int:
        return self.chain.chain_id

    def contract(self) -> Address:
        return self.chain.contract

    def bounds(self) -> Bounds:
        return self.chain.books.bounds

    def totals(self) -> Totals:
        return self.chain.read().totals()

    def job_count(self) -> int:
        return len(self.chain.books.jobs)

    def job(self, job_id: int) -> Job:
        self._check_job(job_id)
        return self.chain.read().job(job_id)

    def task(self, job_id: int, task: int) -> Task:
        self._check_job(job_id)
        return self.chain.read().task(job_id, task)

    def tasks(self, job_id: int) -> tuple[Task, ...]:
        return tuple(self.task(job_id, task) for task in range(self.job(job_id).task_count))

    def balances(self, account: Address) -> Balances:
        return self.chain.read().balances(account)

    def seats_of(self, account: Address) -> tuple[Seat, ...]:
        return self.chain.read().seats_of(account)

    def seat(self, slot: int) -> Seat:
        return self.chain.read().seat(slot)

    def active_seats(self) -> int:
        return active_seats(self.chain.books)

    def block_hash(self, block: int) -> int:
        if block > self.chain.block:
            raise ServiceError("ledger.block_unknown", f"there is no block {block} yet", retryable=True)
        return self.chain.hash_of(block)

    def events(self, cursor: int = 0, *, job_id: int | None = None, trail: Trail | None = None) -> EventPage:
        told = tuple(e for e in self.chain.books.events if job_id in (None, e.job_id))
        after = self.chain.block + 1
        if trail is None:
            return EventPage(tuple(e for e in told if e.block >= cursor), max(cursor, after))
        first = max(0, cursor - REORG_WINDOW_BLOCKS)
        recent = tuple(e for e in told if e.block >= first)
        parted = trail.parts_at(recent, first=first, cursor=cursor)
        last = BlockMark(self.chain.block, self.chain.hash_of(self.chain.block))
        new = tuple(e for e in told if e.block >= (cursor if parted is None else parted))
        return EventPage(new, after, trail.extended(recent, since=first, last=last), parted)

    # --- writing ---

    def account(self) -> Address:
        return self._account

    def create_job(self, manifest: Cid, task_count: int, terms: Terms) -> tuple[int, Receipt]:
        return self._send("create_job", lambda contract: contract.create_job(manifest, task_count, terms))

    def find_job(self, manifest: Cid) -> int | None:
        own = (job for job in self.chain.books.jobs if job.requester == self._account)
        return max((job.job_id for job in own if job.manifest == manifest), default=None)

    def pause_job(self, job_id: int) -> Receipt:
        return self._write("pause_job", lambda contract: contract.pause_job(job_id))

    def resume_job(self, job_id: int) -> Receipt:
        return self._write("resume_job", lambda contract: contract.resume_job(job_id))

    def close_job(self, job_id: int) -> Receipt:
        return self._write("close_job", lambda contract: contract.close_job(job_id))

    def close_tasks(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        return self._write("close_tasks", lambda contract: contract.close_tasks(job_id, tasks))

    def claim(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        return self._write("claim", lambda contract: contract.claim(job_id, tasks))

    def give_back(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        return self._write("give_back", lambda contract: contract.give_back(job_id, tasks))

    def submit(self, job_id: int, results: Iterable[TaskResult]) -> Receipt:
        sent = tuple(results)
        return self._write("submit", lambda contract: contract.submit(job_id, sent))

    def draw(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        return self._write("draw", lambda contract: contract.draw(job_id, tasks))

    def appeal(self, job_id: int, appeals: Sequence[Appeal]) -> Receipt:
        return self._write("appeal", lambda contract: contract.appeal(job_id, appeals))

    def settle(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        return self._write("settle", lambda contract: contract.settle(job_id, tasks))

    def release(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        return self._write("release", lambda contract: contract.release(job_id, tasks))

    def take_seat(self) -> tuple[int, Receipt]:
        return self._send("take_seat", lambda contract: contract.take_seat())

    def leave_seat(self, slot: int) -> Receipt:
        return self._write("leave_seat", lambda contract: contract.leave_seat(slot))

    def collect_seat(self, slot: int) -> Receipt:
        return self._write("collect_seat", lambda contract: contract.collect_seat(slot))

    def commit(self, job_id: int, commitments: Sequence[Commitment]) -> Receipt:
        return self._write("commit", lambda contract: contract.commit(job_id, commitments))

    def reveal(self, job_id: int, reveals: Sequence[Reveal]) -> Receipt:
        return self._write("reveal", lambda contract: contract.reveal(job_id, reveals))

    def deposit(self, amount: Fri) -> Receipt:
        return self._write("deposit", lambda contract: contract.deposit(amount))

    def withdraw(self, amount: Fri) -> Receipt:
        return self._write("withdraw", lambda contract: contract.withdraw(amount))

    def _write(self, name: str, call: Callable[[Contract], None]) -> Receipt:
        return self._send(name, call)[1]

    def _send(self, name: str, call: Callable[[Contract], T]) -> tuple[T, Receipt]:
        self.before(name)
        answer = self.chain.send(self._account, call)
        self.after(name)
        return answer

    def _check_job(self, job_id: int) -> None:
        if not 1 <= job_id <= len(self.chain.books.jobs):
            raise InputError("job.unknown", f"there is no job {job_id}", job=job_id)
