"""The model and the real contract, side by side: the same calls, and after each of them the same
answers, events and views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from tileproof.domain.errors import LedgerRejected
from tileproof.domain.job import Address, TaskState, Totals
from tileproof.domain.money import ZERO
from tileproof.ports.ledger import Head

from model.books import Books, Cell, Token
from model.contract import Contract
from model.draw import active_seats
from model.status import Status
from tests.services.rewind import WALLET, Call, Done, Rewound, Seen, Wanted

K = TypeVar("K")
T = TypeVar("T")
NOBODY = Address(0)
THOROUGH = 8
"""One of so many looks is at everything."""
NOTHING = Seen({}, {}, {}, {}, {}, Totals(ZERO, ZERO, ZERO, ZERO), 0)
Watch = Callable[["Twin", Books, Done], None]
"""Is told of every transaction: the books before it, and what became of it."""


class Twin:
    """A sequence from the rig's mark, where the model's books are ``books``. It is the model's
    ``Identity``: chain, contract and block hashes are the real ones, so that the draws are the same."""

    def __init__(
        self, rig: Rewound, books: Books | None = None, watch: Watch = lambda twin, before, done: None
    ) -> None:
        rig.rewind()
        self.rig, self._watch = rig, watch
        endowed = Books(rig.bounds, wallets=dict.fromkeys(rig.addresses.values(), WALLET))
        self.books = endowed if books is None else books.copy()
        self.names = {address: who for who, address in rig.addresses.items()}
        self._hashes: dict[int, int] = {}
        self.head = rig.head()
        self.sound = True
        """Nothing has gone wrong so far."""
        self._looks = 0
        self.seen = self._compare(NOTHING, thoroughly=True)

    @property
    def chain_id(self) -> int:
        return self.rig.chain_id

    @property
    def contract(self) -> Address:
        return self.rig.contract

    def hash_of(self, block: int) -> int:
        if block not in self._hashes:
            self._hashes[block] = self.rig.hash_of(block)
        return self._hashes[block]

    def address(self, who: str) -> Address:
        return self.rig.addresses[who]

    # --- acting ---

    def run(self, who: str, *calls: Call) -> str:
        """The calls in one transaction, on both; why both refused, or nothing."""
        self.sound = False
        before, at = self.books, self.head
        done = self.rig.send(who, calls)
        # A transaction runs in the block to come, with the time of the newest one.
        refused, after = self._modelled(who, calls, Head(done.block, at.timestamp, 0), done.tx_hash)
        assert done.reason == refused, f"{who} {calls}"
        told = after.events[len(before.events) :]
        assert done.events == told, f"{who} {calls}"
        self.books = after
        self._look_again()
        self.sound = False
        self._watch(self, before, done)
        self.sound = True
        return refused

    def misbehave(self, token: Token, call: Call = ("take_seat", ())) -> None:
        """The token's manners from now on; one that reenters makes this call."""
        self.sound = False
        self.rig.misbehave(token, call)
        self.books.token = token
        self._look_again()

    def pass_blocks(self, count: int) -> None:
        self.rig.pass_blocks(count)
        self._look_again()

    def pass_seconds(self, seconds: int) -> None:
        self.rig.pass_seconds(seconds)
        self._look_again()

    def pass_until(self, block: int) -> None:
        if block > self.head.block:
            self.pass_blocks(block - self.head.block)

    # --- seeing, on the model ---

    def now(self) -> Contract:
        """The contract as the next call will find it."""
        head = self.head
        return Contract(self, self.books, NOBODY, Head(head.block + 1, head.timestamp, 0), 0)

    def find(self, job_id: int, task: int) -> tuple[Cell, Status]:
        return self.now().find(job_id, task)

    def in_state(self, *states: TaskState) -> list[tuple[int, int]]:
        """Every (job, task) in one of these states."""
        return [where for where in self.books.cells if self.find(*where)[1].state in states]

    def _modelled(self, who: str, calls: tuple[Call, ...], head: Head, tx_hash: int) -> tuple[str, Books]:
        books = self.books.copy()
        contract = Contract(self, books, self.address(who), head, tx_hash)
        try:
            for name, args in calls:
                getattr(contract, name)(*args)
        except LedgerRejected as refusal:
            return refusal.reason, self.books
        return "", books

    def _look_again(self) -> None:
        self.sound = False
        self.head = self.rig.head()
        self._looks += 1
        self.seen = self._compare(self.seen, thoroughly=self._looks % THOROUGH == 0)
        self.sound = True

    def _compare(self, last: Seen, thoroughly: bool) -> Seen:
        """What can be read is equal on both: what should have changed since the last look, and now and
        then everything."""
        books, now = self.books, self.now()
        jobs = {job.job_id: job for job in books.jobs}
        tasks = {
            job.job_id: tuple(now.task(job.job_id, task) for task in range(job.task_count))
            for job in books.jobs
        }
        seats = {seat.slot: seat for seat in books.seats}
        balances = {account: now.balances(account) for account in self.names}
        if thoroughly:
            last = NOTHING
        changed = {*news(jobs, last.jobs), *news(tasks, last.tasks)}
        wanted = Wanted(
            jobs={job_id: jobs[job_id].task_count for job_id in changed},
            slots=news(seats, last.seats),
            accounts=news(balances, last.balances),
            lists=thoroughly,
        )
        seen = self.rig.look(wanted).after(last)
        assert seen.jobs == jobs
        assert seen.tasks == tasks
        assert seen.seats == seats
        assert seen.balances == balances
        assert seen.totals == now.totals()
        assert seen.held == books.wallets.get(self.contract, 0)
        for account, slots in seen.slots_of.items():
            assert sorted(slots) == [seat.slot for seat in now.seats_of(account)]
        if seen.counts:
            assert seen.counts == (len(jobs), len(seats), active_seats(books))
        return seen


def news(now: Mapping[K, T], before: Mapping[K, T]) -> list[K]:
    return [key for key, value in now.items() if key not in before or before[key] != value]
