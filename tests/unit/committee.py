"""Owners of seats that vote as a test tells them, on a chain in memory."""

from __future__ import annotations

from tileproof.domain.cid import Cid
from tileproof.domain.job import NO_SEAT, Address, Commitment, Ground, Reveal, Task, TaskState, Verdict
from tileproof.domain.money import Fri
from tileproof.domain.sampling import RoundId, verdict_commitment

from tests.fakes.ledger import FakeChain, FakeLedger

FIRST_OWNER = 0x5EA70000


class Committee:
    """So many owners of ``each`` seats, funded for their bonds. Owners of the first committee never
    sit in that of an appeal: the others need seats enough for it."""

    def __init__(self, chain: FakeChain, owners: int, each: int) -> None:
        self.chain = chain
        self.owners: dict[Address, FakeLedger] = {}
        for account in (Address(FIRST_OWNER + number) for number in range(owners)):
            owner = self.owners[account] = chain.acting_as(account)
            bonds = owner.bounds().seat_bond * each
            chain.mint(account, bonds)
            chain.mint(account, Fri(1_000_000))  # for gas
            owner.deposit(bonds)
            for _ in range(each):
                owner.take_seat()

    @property
    def anyone(self) -> FakeLedger:
        """For what anyone may send."""
        return self.owners[Address(FIRST_OWNER)]

    def owner(self, slot: int) -> FakeLedger:
        return self.owners[self.anyone.seat(slot).owner]

    def draw(self, job_id: int, task: int) -> Task:
        """The task, drawn for its audit or its appeal as soon as that may be."""
        while self.task(job_id, task).state in (TaskState.SUBMITTED, TaskState.APPEALED):
            self.chain.pass_blocks()
        if self.task(job_id, task).state is TaskState.DRAWABLE:
            self.anyone.draw(job_id, [task])
        return self.task(job_id, task)

    def vote(
        self,
        verdict: Verdict,
        job_id: int = 1,
        task: int = 0,
        *,
        ground: Ground = Ground.TILE,
        index: int = 0,
    ) -> None:
        """Every seat that is drawn says the same; a reject names ``ground`` and ``index``."""
        now = self.draw(job_id, task)
        of = RoundId(self.chain.chain_id, self.chain.contract, job_id, task, now.attempt, now.round)
        charge = (ground, index) if verdict is Verdict.REJECT else (Ground.NONE, 0)
        evidence, salt = Cid.of_raw_block(b"report"), 2**130
        places = [(seat, slot) for seat, slot in enumerate(now.seats) if slot != NO_SEAT]
        for seat, slot in places:
            sealed = verdict_commitment(of, seat, verdict, *charge, evidence, salt)
            commitment = Commitment(task, now.attempt, now.round, seat, sealed)
            self.owner(slot).commit(job_id, [commitment])
        for seat, slot in places:
            self.owner(slot).reveal(job_id, [Reveal(task, seat, verdict, *charge, evidence, salt)])

    def settle(self, job_id: int = 1, task: int = 0) -> None:
        """As soon as the window is over."""
        while self.task(job_id, task).state is TaskState.PROVISIONAL:
            self.chain.pass_blocks()
        self.anyone.settle(job_id, [task])

    def task(self, job_id: int, task: int) -> Task:
        return self.anyone.task(job_id, task)
