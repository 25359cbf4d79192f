"""Jobs of the registry, walked call by call by a whole cast."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from tileproof.adapters.starknet.ledger import StarknetLedger
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.job import (
    NO_SEAT,
    Appeal,
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
from tileproof.domain.money import parse_strk
from tileproof.domain.sampling import RoundId, verdict_commitment
from tileproof.localnet.devnet import Devnet
from tileproof.ports.ledger import Receipt

from benchmarks.gas_figures import APPEAL_LOST, APPEAL_WON, SEATS_WITHDRAW, Case
from benchmarks.gas_meter import Meter, Progress

T = TypeVar("T")
COMMITTEE = 3
SEATS = 3 * COMMITTEE + 1
"""What a claim needs, so that an appeal finds its larger committee among other seats; each is another
account's, so that nobody's votes share a transaction more than on a busy network."""
REWARD, FEE, BOND = parse_strk("2"), parse_strk("0.3"), parse_strk("3")
LEASE_SECONDS, DEADLINE_SECONDS = 600, 20_000
APPEAL_BLOCKS = 40
"""Room for every seat to reveal in a block of its own, and then for an appeal."""
BLOCKS_UNTIL_A_SEED_IS_READ = 12
TILE = 3
"""Of the list: what appeals ask about."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody with a ledger of their own; ``passer_by`` draws and settles, as anyone may."""

    devnet: Devnet
    requester: StarknetLedger
    worker: StarknetLedger
    passer_by: StarknetLedger
    verifiers: tuple[StarknetLedger, ...]
    newcomers: tuple[StarknetLedger, ...]
    """Verifiers who take their seats before the appeals, so that lots for seven find seats at once."""

    def terms(self) -> Terms:
        return Terms(
            reward=REWARD,
            audit_fee=FEE,
            worker_bond=BOND,
            committee_size=COMMITTEE,
            audit_rate_bps=10_000,
            lease_seconds=LEASE_SECONDS,
            commit_blocks=500,
            reveal_blocks=500,
            appeal_blocks=APPEAL_BLOCKS,
            deadline=self.requester.head().timestamp + DEADLINE_SECONDS,
        )


@dataclass(frozen=True, slots=True)
class Voter:
    """A verifier, and all that it says in one job."""

    ledger: StarknetLedger
    votes: list[tuple[Task, Reveal]] = field(default_factory=list)


def take_seats(cast: Cast, meter: Meter) -> None:
    """Money and seats, before any job: what an account does once."""
    once = Case.once()
    progress = Progress("seats", len(cast.verifiers))
    for ledger in cast.verifiers:
        meter.took(once, "deposit", ledger.deposit(parse_strk("150")).tx_hash)
        meter.took(once, "take_seat", ledger.take_seat()[1].tx_hash)
        progress.step()
    for ledger in (cast.worker, cast.requester):
        meter.took(once, "deposit", ledger.deposit(parse_strk("100")).tx_hash)
    cast.devnet.create_blocks(1)


def take_more_seats(cast: Cast) -> None:
    """As many again."""
    for ledger in cast.newcomers:
        ledger.deposit(parse_strk("150"))
        ledger.take_seat()
    cast.devnet.create_blocks(1)


def leave_seat(cast: Cast, meter: Meter) -> None:
    """Once there are more seats than a claim needs."""
    last = cast.verifiers[-1]
    [seat] = last.seats_of(last.account())
    meter.took(Case.once(), "leave_seat", last.leave_seat(seat.slot).tx_hash)


class Walk:
    """One job of the case, from its creation until every task is paid."""

    def __init__(self, cast: Cast, meter: Meter, case: Case) -> None:
        self._cast, self._meter, self._case = cast, meter, case
        self._tasks = list(range(case.tasks))
        self._rows: Mapping[str, str] | None = None
        """What the rows of measured calls are called; None: all calls are, by their own names."""
        self.job_id = 0

    def run(self) -> None:
        cast, progress = self._cast, Progress(f"registry, {self._case}", 7)
        self._create()
        voters = self._until_judged(progress)
        cast.devnet.create_blocks(APPEAL_BLOCKS + 1)
        self._settle(progress)
        assert all(task.state is TaskState.PAID for task in cast.requester.tasks(self.job_id))
        self._took("withdraw", cast.worker.withdraw(REWARD * self._case.tasks))
        for voter in voters:
            self._took(SEATS_WITHDRAW, voter.ledger.withdraw(FEE * len(voter.votes)))
        progress.step()

    def contest(self, *, wins: bool) -> None:
        """One job whose requester appeals every accept, about a tile of its list, and is right or
        wrong; of the one that is right only the settlement is measured."""
        cast, progress = self._cast, Progress(f"registry, {self._case}, appealed", 10)
        self._rows = {}
        self._create()
        self._until_judged(progress)
        self._rows = APPEAL_WON if wins else APPEAL_LOST
        for appeals in self._loads([Appeal(task, Question.LISTED_TILE, 0, TILE) for task in self._tasks]):
            self._took("appeal", cast.requester.appeal(self.job_id, appeals))
        progress.step()
        self._draw(progress)
        self._vote(Verdict.REJECT if wins else Verdict.ACCEPT, progress)
        self._settle(progress)
        final = TaskState.OPEN if wins else TaskState.PAID
        assert all(task.state is final for task in cast.requester.tasks(self.job_id))

    def _until_judged(self, progress: Progress) -> list[Voter]:
        """Claimed, submitted, drawn and accepted by who was drawn."""
        worker = self._cast.worker
        for some in self._loads(self._tasks):
            self._took("claim", worker.claim(self.job_id, some))
        progress.step()
        for results in self._loads([TaskResult(task, self._result(task)) for task in self._tasks]):
            self._took("submit", worker.submit(self.job_id, results))
        progress.step()
        self._draw(progress)
        return self._vote(Verdict.ACCEPT, progress)

    def _draw(self, progress: Progress) -> None:
        self._cast.devnet.create_blocks(BLOCKS_UNTIL_A_SEED_IS_READ)
        for some in self._loads(self._tasks):
            self._took("draw", self._cast.passer_by.draw(self.job_id, some))
        progress.step()

    def _vote(self, verdict: Verdict, progress: Progress) -> list[Voter]:
        voters = self._voters(verdict)
        for voter in voters:
            for sealed in self._loads([self._seal(task, vote) for task, vote in voter.votes]):
                self._took("commit", voter.ledger.commit(self.job_id, sealed))
        progress.step()
        for voter in voters:
            for opened in self._loads([vote for _, vote in voter.votes]):
                self._took("reveal", voter.ledger.reveal(self.job_id, opened))
        progress.step()
        return voters

    def _settle(self, progress: Progress) -> None:
        for some in self._loads(self._tasks):
            self._took("settle", self._cast.passer_by.settle(self.job_id, some))
        progress.step()

    def abandon(self) -> None:
        """One job whose claims are given back and lapse, and which is closed in the end; and one
        that is closed with every task open."""
        cast = self._cast
        self._create(measured=False)
        cast.worker.claim(self.job_id, self._tasks)
        self._took("give_back", cast.worker.give_back(self.job_id, self._tasks))
        cast.worker.claim(self.job_id, self._tasks)
        cast.devnet.increase_time(LEASE_SECONDS + 1)
        self._took("release", cast.passer_by.release(self.job_id, self._tasks))
        self._took("pause_job", cast.requester.pause_job(self.job_id))
        self._took("resume_job", cast.requester.resume_job(self.job_id))
        cast.devnet.increase_time(DEADLINE_SECONDS)
        self._took("close_tasks", cast.passer_by.close_tasks(self.job_id, self._tasks))
        assert all(task.state is TaskState.CLOSED for task in cast.requester.tasks(self.job_id))
        self._create(measured=False)
        self._took("close_job", cast.requester.close_job(self.job_id))
        assert all(task.state is TaskState.CLOSED for task in cast.requester.tasks(self.job_id))

    def _create(self, *, measured: bool = True) -> None:
        manifest = Cid(Codec.RAW, _digest(f"manifest of {self._case}"))
        self.job_id, created = self._cast.requester.create_job(manifest, self._case.tasks, self._cast.terms())
        if measured:
            self._took("create", created)

    def _took(self, call: str, receipt: Receipt) -> None:
        row = call if self._rows is None else self._rows.get(call)
        if row is not None:
            self._meter.took(self._case, row, receipt.tx_hash)

    def _loads(self, items: list[T]) -> list[list[T]]:
        """What goes into one transaction each."""
        return [[item] for item in items] if self._case.apart else [items]

    def _result(self, task: int) -> Cid:
        return Cid(Codec.DAG_PB, _digest(f"frames of task {task} of {self._case}"))

    def _voters(self, verdict: Verdict) -> list[Voter]:
        """Whoever was drawn, with what each will say."""
        reader = self._cast.passer_by
        seated = (*self._cast.verifiers, *self._cast.newcomers)
        owner_of = {seat.slot: v for v in seated for seat in v.seats_of(v.account())}
        charge = (Ground.TILE, TILE) if verdict is Verdict.REJECT else (Ground.NONE, 0)
        said: dict[int, Voter] = {}
        for task in reader.tasks(self.job_id):
            for place, slot in enumerate(task.seats):
                assert slot != NO_SEAT, "a place of the committee stayed empty: run it again"
                evidence = Cid(Codec.RAW, _digest(f"report of place {place} on task {task.task}"))
                vote = Reveal(task.task, place, verdict, *charge, evidence, salt=place + 1)
                said.setdefault(slot, Voter(owner_of[slot])).votes.append((task, vote))
        return list(said.values())

    def _seal(self, task: Task, vote: Reveal) -> Commitment:
        reader = self._cast.passer_by
        of = RoundId(reader.chain_id(), reader.contract(), self.job_id, task.task, task.attempt, task.round)
        said = (vote.verdict, vote.ground, vote.index, vote.evidence, vote.salt)
        sealed = verdict_commitment(of, vote.seat, *said)
        return Commitment(task.task, task.attempt, task.round, vote.seat, sealed)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
