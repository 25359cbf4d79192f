"""A cast on a ledger, fake or real, and short words for what it does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.errors import LedgerRejected
from tileproof.domain.job import (
    NO_SEAT,
    Address,
    Appeal,
    Bounds,
    Commitment,
    Ground,
    Question,
    Reveal,
    Task,
    TaskResult,
    TaskState,
    Terms,
    Verdict,
)
from tileproof.domain.money import Fri
from tileproof.domain.sampling import RoundId, verdict_commitment
from tileproof.ports.ledger import Ledger, Receipt

from tests.fakes.ledger import BOUNDS, FakeChain
from tests.services.devnet import Deploy, Deployment

CAST = (
    "requester",
    "worker",
    "other_worker",
    "passer_by",
    "pauper",
    "verifier_a",
    "verifier_b",
    "verifier_c",
    "verifier_d",
)
DEPOSIT = 50_000
"""What the cast pays in before the story begins; the pauper has none."""
REWARD, FEE, BOND = 1_000, 10, 101
SEAT_BOND = BOUNDS.seat_bond.units
ESCROW = REWARD + 3 * FEE
SEATED = 10
"""3n + 1 for a committee of three."""
LAPSE = 6
"""Five per cent of the bond, rounded up."""
MANIFEST = Cid(Codec.RAW, bytes(range(32)))
RESULT = Cid(Codec.DAG_PB, b"\xfe" * 16 + b"\x01" * 16)
EVIDENCE = Cid(Codec.DAG_PB, b"\xe7" + bytes(31))


class Chain(ABC):
    """What a ledger's suite needs besides the port: a cast, and blocks and time on demand."""

    bounds: Bounds

    @abstractmethod
    def acting_as(self, who: str) -> Ledger: ...

    @abstractmethod
    def pass_blocks(self, count: int) -> None: ...

    @abstractmethod
    def pass_seconds(self, seconds: int) -> None:
        """Lets time pass and makes a block that knows it."""

    @abstractmethod
    def abort_from(self, block: int) -> None:
        """A reorganisation: this block and all after it never were."""


class ModelChain(Chain):
    def __init__(self, bounds: Bounds = BOUNDS) -> None:
        self.bounds, self.chain = bounds, FakeChain(bounds)
        self._ledgers = {}
        for number, who in enumerate(CAST, start=0x1001):
            self.chain.mint(Address(number), Fri(10**21))
            self._ledgers[who] = self.chain.acting_as(Address(number))

    def acting_as(self, who: str) -> Ledger:
        return self._ledgers[who]

    def pass_blocks(self, count: int) -> None:
        self.chain.pass_blocks(count)

    def pass_seconds(self, seconds: int) -> None:
        self.chain.pass_seconds(seconds)

    def abort_from(self, block: int) -> None:
        self.chain.abort_blocks(block)


class DevnetChain(Chain):
    def __init__(self, deployment: Deployment, bounds: Bounds = BOUNDS) -> None:
        self.bounds, self.deployment = bounds, deployment
        self._ledgers: dict[str, Ledger] = {}

    def acting_as(self, who: str) -> Ledger:
        if who not in self._ledgers:
            self._ledgers[who] = self.deployment.connect(CAST.index(who))
        return self._ledgers[who]

    def pass_blocks(self, count: int) -> None:
        self.deployment.devnet.create_blocks(count)

    def pass_seconds(self, seconds: int) -> None:
        self.deployment.devnet.increase_time(seconds)

    def abort_from(self, block: int) -> None:
        self.deployment.devnet.abort_blocks(block)


def make_chain(kind: str, request: pytest.FixtureRequest, bounds: Bounds = BOUNDS) -> Chain:
    if kind == "model":
        return ModelChain(bounds)
    deploy: Deploy = request.getfixturevalue("deploy")
    return DevnetChain(deploy(bounds), bounds)


@dataclass
class World:
    """The cast at work. Amounts are in fri."""

    chain: Chain

    def as_(self, who: str) -> Ledger:
        return self.chain.acting_as(who)

    @property
    def reader(self) -> Ledger:
        return self.as_("passer_by")

    def address(self, who: str) -> Address:
        return self.as_(who).account()

    def block(self) -> int:
        return self.reader.head().block

    # --- before the story ---

    def with_deposits(self, *cast: str) -> World:
        for who in cast:
            self.as_(who).deposit(Fri(DEPOSIT))
        return self

    def with_seats(self, seats: Mapping[str, int]) -> World:
        """Seats taken in this order, and a block more, so that all may sit."""
        for who, count in seats.items():
            self.as_(who).deposit(Fri(DEPOSIT))
            for _ in range(count):
                self.as_(who).take_seat()
        self.chain.pass_blocks(1)
        return self

    def terms(self, **changes: Any) -> Terms:
        """Every task audited by three seats, and time enough."""
        plain = Terms(
            reward=Fri(REWARD),
            audit_fee=Fri(FEE),
            worker_bond=Fri(BOND),
            committee_size=3,
            audit_rate_bps=10_000,
            lease_seconds=600,
            commit_blocks=12,
            reveal_blocks=15,
            appeal_blocks=5,
            deadline=self.reader.head().timestamp + 50_000,
        )
        return replace(plain, **changes)

    # --- the walk of a task ---

    def create(self, tasks: int = 1, **changes: Any) -> int:
        job_id, _ = self.as_("requester").create_job(MANIFEST, tasks, self.terms(**changes))
        return job_id

    def submit(self, job_id: int, *tasks: int, who: str = "worker") -> Receipt:
        return self.as_(who).submit(job_id, [TaskResult(task, RESULT) for task in tasks])

    def mature(self, job_id: int, task: int = 0) -> None:
        """Lets blocks pass until the next draw is possible."""
        self.pass_until(self.task(job_id, task).seed_block + 10)

    def draw(self, job_id: int, *tasks: int) -> Receipt:
        self.mature(job_id, tasks[0])
        return self.as_("passer_by").draw(job_id, tasks)

    def drawn(self, **changes: Any) -> int:
        """A job of one task, claimed, submitted and drawn."""
        job_id = self.create(**changes)
        self.as_("worker").claim(job_id, [0])
        self.submit(job_id, 0)
        self.draw(job_id, 0)
        return job_id

    def vote(self, job_id: int, verdicts: Sequence[Verdict | None], task: int = 0) -> None:
        """One verdict per place of the drawn committee; None stays silent, and then the commit
        window is waited out."""
        of = self.round_id(job_id, task)
        said = {place: ballot(place, v, task) for place, v in enumerate(verdicts) if v is not None}
        owners = self.sitters(job_id, task)
        for who in dict.fromkeys(owners[place] for place in said):
            sealed = [seal(of, reveal) for place, reveal in said.items() if owners[place] == who]
            self.as_(who).commit(job_id, sealed)
        if None in verdicts:
            self.pass_until(self.task(job_id, task).window_ends_block)
        for who in dict.fromkeys(owners[place] for place in said):
            self.as_(who).reveal(job_id, [r for place, r in said.items() if owners[place] == who])

    def settle(self, job_id: int, task: int = 0) -> Receipt:
        """Lets the appeal window pass, where one runs, and settles."""
        found = self.task(job_id, task)
        assert found.state in (TaskState.PROVISIONAL, TaskState.SETTLEABLE), found.state
        self.pass_until(found.window_ends_block)
        receipt = self.as_("passer_by").settle(job_id, [task])
        self.check_money()
        return receipt

    def run(self, job_id: int, verdicts: Sequence[Verdict | None], task: int = 0) -> Receipt:
        """From an open task to its settlement."""
        self.as_("worker").claim(job_id, [task])
        self.submit(job_id, task)
        self.draw(job_id, task)
        self.vote(job_id, verdicts, task)
        return self.settle(job_id, task)

    def appeal(self, job_id: int, who: str, question: Question, tile: int = 0, task: int = 0) -> Receipt:
        """Raises an appeal and draws its committee."""
        receipt = self.as_(who).appeal(job_id, [Appeal(task, question, 0, tile)])
        self.draw(job_id, task)
        return receipt

    def empty_seats(self, who: str) -> None:
        """The account leaves every seat that it has, waits, and collects them all."""
        owner = self.as_(who)
        seats = self.reader.seats_of(owner.account())
        for seat in seats:
            if seat.leaving_block is None:
                owner.leave_seat(seat.slot)
        self.chain.pass_blocks(self.chain.bounds.seat_exit_blocks)
        for seat in seats:
            owner.collect_seat(seat.slot)

    def pass_until(self, block: int) -> None:
        self.chain.pass_blocks(max(0, block - self.block()))

    # --- what can be seen ---

    def task(self, job_id: int, task: int = 0) -> Task:
        return self.reader.task(job_id, task)

    def sitters(self, job_id: int, task: int = 0) -> list[str]:
        """Who of the cast sits in each place of the committee."""
        names = {self.address(who): who for who in CAST}
        slots = self.task(job_id, task).seats
        return [names[self.reader.seat(slot).owner] if slot != NO_SEAT else "" for slot in slots]

    def round_id(self, job_id: int, task: int = 0) -> RoundId:
        found, reader = self.task(job_id, task), self.reader
        return RoundId(reader.chain_id(), reader.contract(), job_id, task, found.attempt, found.round)

    def purse(self, who: str) -> int:
        return self.reader.balances(self.address(who)).withdrawable.units

    def wallet(self, who: str) -> int:
        return self.reader.balances(self.address(who)).wallet.units

    def seat_bond(self, slot: int) -> int:
        return self.reader.seat(slot).bond.units

    def forfeited(self) -> int:
        return self.reader.totals().forfeited.units

    def escrow(self) -> int:
        return self.reader.totals().escrow.units

    def check_money(self) -> None:
        """Escrow + bonds + withdrawable + forfeited is what the contract holds, and the totals
        are the sums of what the accounts have."""
        totals, reader = self.reader.totals(), self.reader
        held = reader.balances(reader.contract()).wallet.units
        parts = (totals.escrow, totals.bonds, totals.withdrawable, totals.forfeited)
        assert sum(part.units for part in parts) == held
        every = [reader.balances(self.address(who)) for who in CAST]
        assert sum(each.withdrawable.units for each in every) == totals.withdrawable.units
        locked = ((each.worker_bonds, each.appeal_bonds, each.seat_bonds) for each in every)
        bonds = sum(bond.units for each in locked for bond in each)
        assert bonds == totals.bonds.units


def ballot(
    place: int, verdict: Verdict, task: int = 0, *, ground: Ground = Ground.TILE, tile: int = 3
) -> Reveal:
    """What a seat says: a reject names the ground and the tile."""
    charge = (ground, tile) if verdict is Verdict.REJECT else (Ground.NONE, 0)
    return Reveal(task, place, verdict, *charge, EVIDENCE, salt=2**200 + place)


def seal(of: RoundId, reveal: Reveal) -> Commitment:
    sealed = verdict_commitment(
        of, reveal.seat, reveal.verdict, reveal.ground, reveal.index, reveal.evidence, reveal.salt
    )
    return Commitment(reveal.task, of.attempt, of.round, reveal.seat, sealed)


@contextmanager
def refused(reason: str) -> Iterator[None]:
    """A refusal for exactly this reason."""
    with pytest.raises(LedgerRejected) as caught:
        yield
    assert caught.value.reason == reason
    assert caught.value.code == f"ledger.{reason.lower()}"
