"""The contract as a model: the rules of docs/protocol.md in plain Python, no chain needed.

``Contract`` is one call: the books it may change, who calls, and the block in which it runs.
Records are frozen; whoever sends a call copies the books first, so that a refused call has no
effect. What the contract stores as a sum and what follows from other records is computed here,
so that the two cannot make the same mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from tileproof.domain.cid import Cid
from tileproof.domain.errors import LedgerRejected
from tileproof.domain.job import (
    NO_SEAT,
    Address,
    Balances,
    Bounds,
    Commitment,
    Ground,
    Job,
    Outcome,
    Reveal,
    Seat,
    Task,
    TaskResult,
    TaskState,
    Terms,
    Totals,
    Verdict,
)
from tileproof.domain.money import ZERO, Fri
from tileproof.domain.sampling import (
    BPS,
    RoundId,
    audit_seed,
    draw_committee,
    is_audited,
    verdict_commitment,
)
from tileproof.ports import ledger as port
from tileproof.ports.ledger import Head

T = TypeVar("T")

MAX_BATCH = 64
MAX_FAILURES = 3
LAST_ROUND = 2
HASH_AGE = 10
AMOUNT_LIMIT = 2**96
HOLDINGS_LIMIT = 2**122
FEES_PER_SEAT_BOND = 64
MOST_FEES_PER_SEAT_BOND = 65_536
SILENT, UNREVEALED, WRONG = 1, 4, 4
"""What a seat loses, in audit fees."""

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
FREE = (TaskState.OPEN, TaskState.LAPSED)
"""Nobody holds a live claim."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a drawn committee."""

    slot: int
    sealed: int | None = None
    verdict: Verdict | None = None

    @property
    def is_empty(self) -> bool:
        return self.slot == NO_SEAT


@dataclass(frozen=True, slots=True)
class Cell:
    """What is stored of a task; everything else is computed.

    ``state`` is the last step taken: OPEN, CLAIMED, SUBMITTED, PAID or CLOSED.
    """

    state: TaskState = TaskState.OPEN
    attempt: int = 0
    failures: int = 0
    outcome: Outcome = Outcome.UNDECIDED
    worker: Address | None = None
    claim_block: int = 0
    lease_until: int = 0
    slots_at_claim: int = 0
    result: Cid | None = None
    submit_block: int = 0
    round: int = 0
    seed_block: int = 0
    seed: int | None = None
    draw_block: int = 0
    audited: bool = False
    places: tuple[Place, ...] = ()
    sealed_block: int = 0
    opened_block: int = 0

    def reopened(self, failures: int) -> Cell:
        return Cell(attempt=self.attempt + 1, failures=failures)


@dataclass(frozen=True, slots=True)
class Status:
    """Where a task stands at some block and second; ``round`` and ``seed_block`` are those of
    the round that runs, has decided or is to be drawn next."""

    state: TaskState
    outcome: Outcome
    round: int
    seed_block: int
    window_ends: int = 0


@dataclass(slots=True)
class Books:
    """All that the contract and the token store. Amounts are in fri."""

    bounds: Bounds
    jobs: tuple[Job, ...] = ()
    swept: dict[int, int] = field(default_factory=dict)
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    seats: tuple[Seat, ...] = ()
    withdrawable: dict[Address, int] = field(default_factory=dict)
    worker_bonds: dict[Address, int] = field(default_factory=dict)
    forfeited: int = 0
    wallets: dict[Address, int] = field(default_factory=dict)
    events: tuple[port.Event, ...] = ()

    def copy(self) -> Books:
        return replace(
            self,
            swept=dict(self.swept),
            cells=dict(self.cells),
            withdrawable=dict(self.withdrawable),
            worker_bonds=dict(self.worker_bonds),
            wallets=dict(self.wallets),
        )


def status_of(cell: Cell, terms: Terms, block: int, now: int) -> Status:
    """Where the task stands at this block and second."""
    status = Status(cell.state, cell.outcome, cell.round, cell.seed_block)
    if cell.state is TaskState.CLAIMED and now >= cell.lease_until:
        return replace(status, state=TaskState.LAPSED)
    if cell.state is not TaskState.SUBMITTED:
        return status

    def awaiting(round_: int, seed_block: int) -> Status:
        state = TaskState.DRAWABLE if block >= seed_block + HASH_AGE else TaskState.SUBMITTED
        return replace(status, state=state, round=round_, seed_block=seed_block)

    def decided(outcome: Outcome, since: int) -> Status:
        ends = since + terms.appeal_blocks
        if block < ends:
            return replace(status, state=TaskState.PROVISIONAL, outcome=outcome, window_ends=ends)
        return replace(status, state=TaskState.SETTLEABLE, outcome=outcome)

    if not cell.draw_block:
        return awaiting(cell.round, cell.seed_block)
    if not cell.audited:
        return decided(Outcome.NOT_DRAWN, cell.draw_block)

    sitting = [place for place in cell.places if not place.is_empty]
    committed = [place for place in sitting if place.sealed is not None]
    if len(committed) < len(sitting):
        commit_ends = cell.draw_block + terms.commit_blocks
    else:
        commit_ends = cell.sealed_block if committed else cell.draw_block
    if block < commit_ends:
        return replace(status, state=TaskState.COMMITTING, window_ends=commit_ends)

    if not committed:
        reveal_ends = commit_ends
    elif all(place.verdict for place in committed):
        reveal_ends = cell.opened_block
    else:
        reveal_ends = commit_ends + terms.reveal_blocks
    if block < reveal_ends:
        return replace(status, state=TaskState.REVEALING, window_ends=reveal_ends)

    outcome = majority(cell.places)
    if outcome is Outcome.NO_VERDICT and cell.round < LAST_ROUND:
        return awaiting(cell.round + 1, reveal_ends + 1)
    return decided(outcome, reveal_ends)


def majority(places: Sequence[Place]) -> Outcome:
    """What (n + 1) / 2 of the n places say, empty and silent ones counted."""
    for verdict, outcome in SAID.items():
        if sum(place.verdict is verdict for place in places) * 2 > len(places):
            return outcome
    return Outcome.NO_VERDICT


SAID = {
    Verdict.ACCEPT: Outcome.ACCEPTED,
    Verdict.REJECT: Outcome.REJECTED,
    Verdict.UNAVAILABLE: Outcome.UNAVAILABLE,
}


def fees_lost(place: Place, outcome: Outcome) -> int:
    """How many audit fees this place's seat loses by this outcome of its round."""
    if place.is_empty:
        return 0
    if place.sealed is None:
        return SILENT
    if place.verdict is None:
        return UNREVEALED
    return WRONG if place.verdict is Verdict.ACCEPT and outcome is Outcome.REJECTED else 0


def least_worker_bond(terms: Terms) -> int:
    """max(R x (1/q - 1) rounded up, (3n + 1) x f)."""
    deterring = -(-terms.reward.units * (BPS - terms.audit_rate_bps) // terms.audit_rate_bps)
    return max(deterring, (3 * terms.committee_size + 1) * terms.audit_fee.units)


def per_task(terms: Terms) -> int:
    """R + n x f."""
    return terms.escrow(1).units


def require(holds: bool, reason: str) -> None:
    if not holds:
        raise LedgerRejected(reason)


class Identity(Protocol):
    """Which contract of which chain it is, and the chain's block hashes."""

    @property
    def chain_id(self) -> int: ...

    @property
    def contract(self) -> Address: ...

    def hash_of(self, block: int) -> int: ...


class Contract:
    """One call at one moment, by one caller, on books that it may change."""

    def __init__(self, chain: Identity, books: Books, caller: Address, head: Head, tx_hash: int) -> None:
        self.chain, self.books, self.caller = chain, books, caller
        self.block, self.now, self.tx_hash = head.block, head.timestamp, tx_hash

    # --- requester ---

    def create_job(self, manifest: Cid, task_count: int, terms: Terms) -> int:
        require(manifest.digest_int != 0, "MANIFEST_ZERO")
        self._check_terms(terms, task_count)
        escrow = per_task(terms) * task_count
        self._check_room(escrow)
        job_id = len(self.books.jobs) + 1
        job = Job(job_id, self.caller, manifest, task_count, terms, self.block, False, False, 0, 0)
        self.books.jobs += (job,)
        for task in range(task_count):
            self.books.cells[job_id, task] = Cell()
        self._emit(port.JobCreated, job_id, self.caller, manifest, task_count, terms)
        self._transfer(self.caller, self.chain.contract, escrow)
        return job_id

    def pause_job(self, job_id: int) -> None:
        require(not self._own_open_job(job_id).paused, "JOB_PAUSED")
        self._change_job(job_id, paused=True)
        self._emit(port.JobPaused, job_id)

    def resume_job(self, job_id: int) -> None:
        require(self._own_open_job(job_id).paused, "JOB_NOT_PAUSED")
        self._change_job(job_id, paused=False)
        self._emit(port.JobResumed, job_id)

    def close_job(self, job_id: int) -> None:
        job = self.job(job_id)
        require(self.caller == job.requester, "NOT_REQUESTER")
        if not job.closed:
            self._change_job(job_id, closed=True)
            self._emit(port.JobClosed, job_id)
        first = self.books.swept.get(job_id, 0)
        last = min(first + MAX_BATCH, job.task_count)
        self.books.swept[job_id] = last % job.task_count
        for task in range(first, last):
            if self.find(job_id, task)[1].state in FREE:
                self._close_task(job_id, task)

    def close_tasks(self, job_id: int, tasks: Sequence[int]) -> None:
        for task in self._batch(tasks):
            job = self.job(job_id)
            require(job.closed or self.now >= job.terms.deadline, "JOB_STILL_OPEN")
            require(self.find(job_id, task)[1].state in FREE, "TASK_NOT_OPEN")
            self._close_task(job_id, task)

    # --- worker ---

    def claim(self, job_id: int, tasks: Sequence[int]) -> None:
        batch, job = self._batch(tasks), self.job(job_id)
        require(not job.closed, "JOB_CLOSED")
        require(not job.paused, "JOB_PAUSED")
        lease_until = self.now + job.terms.lease_seconds
        require(lease_until <= job.terms.deadline, "DEADLINE_TOO_NEAR")
        parties = (job.requester, self.caller)
        others = sum(s.leaving_block is None and s.owner not in parties for s in self.books.seats)
        require(others >= job.terms.committee_size, "TOO_FEW_SEATS")
        for task in batch:
            cell, status = self.find(job_id, task)
            require(status.state in FREE, "TASK_NOT_OPEN")
            if status.state is TaskState.LAPSED:
                cell = self._end_claim(job_id, task, port.ClaimLapsed)
            self.books.cells[job_id, task] = replace(
                cell,
                state=TaskState.CLAIMED,
                worker=self.caller,
                claim_block=self.block,
                lease_until=lease_until,
                slots_at_claim=len(self.books.seats),
            )
            self._emit(port.TaskClaimed, job_id, task, self.caller, cell.attempt, lease_until)
        bonds = job.terms.worker_bond.units * len(batch)
        self._debit(self.caller, bonds)
        self._add(self.books.worker_bonds, self.caller, bonds)

    def give_back(self, job_id: int, tasks: Sequence[int]) -> None:
        for task in self._batch(tasks):
            cell, status = self.find(job_id, task)
            require(status.state is TaskState.CLAIMED, "TASK_NOT_CLAIMED")
            require(cell.worker == self.caller, "NOT_CLAIMANT")
            self._end_claim(job_id, task, port.ClaimGivenBack)

    def submit(self, job_id: int, results: Sequence[TaskResult]) -> None:
        for each in self._batch(results):
            cell, status = self.find(job_id, each.task)
            require(status.state is not TaskState.LAPSED, "LEASE_OVER")
            require(status.state is TaskState.CLAIMED, "TASK_NOT_CLAIMED")
            require(cell.worker == self.caller, "NOT_CLAIMANT")
            seed_block = self.block + 1
            self.books.cells[job_id, each.task] = replace(
                cell,
                state=TaskState.SUBMITTED,
                result=each.result,
                submit_block=self.block,
                seed_block=seed_block,
            )
            self._emit(
                port.ResultSubmitted, job_id, each.task, self.caller, cell.attempt, each.result, seed_block
            )

    # --- anyone ---

    def draw(self, job_id: int, tasks: Sequence[int]) -> None:
        for task in self._batch(tasks):
            cell, status = self.find(job_id, task)
            require(status.state is not TaskState.SUBMITTED, "SEED_TOO_YOUNG")
            require(status.state is TaskState.DRAWABLE, "TASK_NOT_DRAWABLE")
            if cell.draw_block:
                self._pay_round(job_id, task, cell, Outcome.NO_VERDICT)
            self._draw_round(job_id, task, cell, status)

    def settle(self, job_id: int, tasks: Sequence[int]) -> None:
        for task in self._batch(tasks):
            cell, status = self.find(job_id, task)
            require(status.state is TaskState.SETTLEABLE, "TASK_NOT_SETTLEABLE")
            self._settle_task(self.job(job_id), task, cell, status.outcome)

    def release(self, job_id: int, tasks: Sequence[int]) -> None:
        for task in self._batch(tasks):
            require(self.find(job_id, task)[1].state is TaskState.LAPSED, "TASK_NOT_LAPSED")
            self._end_claim(job_id, task, port.ClaimLapsed)

    # --- verifier ---

    def take_seat(self) -> int:
        bond = self.books.bounds.seat_bond
        self._debit(self.caller, bond.units)
        slot = len(self.books.seats)
        self.books.seats += (Seat(slot, self.caller, bond, self.block, None, False),)
        return slot

    def leave_seat(self, slot: int) -> None:
        require(self._own_seat(slot).leaving_block is None, "SEAT_LEAVING")
        self._change_seat(slot, leaving_block=self.block)

    def collect_seat(self, slot: int) -> None:
        seat = self._own_seat(slot)
        require(seat.leaving_block is not None, "SEAT_NOT_LEAVING")
        assert seat.leaving_block is not None
        require(not seat.collected, "SEAT_COLLECTED")
        free_at = seat.leaving_block + self.books.bounds.seat_exit_blocks
        require(self.block >= free_at, "SEAT_EXIT_RUNNING")
        self._change_seat(slot, bond=ZERO, collected=True)
        self._add(self.books.withdrawable, self.caller, seat.bond.units)

    def commit(self, job_id: int, commitments: Sequence[Commitment]) -> None:
        for each in self._batch(commitments):
            cell, status = self.find(job_id, each.task)
            require(status.state is TaskState.COMMITTING, "NOT_COMMITTING")
            place = self._own_place(cell, each.seat)
            require(place.sealed is None, "ALREADY_COMMITTED")
            changed = _with_place(cell, each.seat, replace(place, sealed=each.commitment))
            self.books.cells[job_id, each.task] = replace(changed, sealed_block=self.block)
            self._emit(port.VerdictCommitted, job_id, each.task, self.caller, each.seat)

    def reveal(self, job_id: int, reveals: Sequence[Reveal]) -> None:
        for each in self._batch(reveals):
            cell, status = self.find(job_id, each.task)
            require(status.state is TaskState.REVEALING, "NOT_REVEALING")
            place = self._own_place(cell, each.seat)
            require(place.sealed is not None, "NOT_COMMITTED")
            require(place.verdict is None, "ALREADY_REVEALED")
            opened = verdict_commitment(
                self._round_id(job_id, each.task, cell.attempt, cell.round),
                each.seat,
                each.verdict,
                each.ground,
                each.index,
                each.evidence,
                each.salt,
            )
            require(place.sealed == opened, "COMMITMENT_MISMATCH")
            names_ground = each.ground is not Ground.NONE
            require(names_ground == (each.verdict is Verdict.REJECT), "BAD_GROUND")
            require(names_ground or each.index == 0, "BAD_GROUND")
            changed = _with_place(cell, each.seat, replace(place, verdict=each.verdict))
            self.books.cells[job_id, each.task] = replace(changed, opened_block=self.block)
            self._emit(
                port.VerdictRevealed,
                job_id,
                each.task,
                self.caller,
                cell.attempt,
                cell.round,
                each.seat,
                each.verdict,
                each.ground,
                each.index,
                each.evidence,
            )

    # --- money ---

    def deposit(self, amount: Fri) -> None:
        require(amount.units != 0, "AMOUNT_ZERO")
        self._check_room(amount.units)
        self._add(self.books.withdrawable, self.caller, amount.units)
        self._transfer(self.caller, self.chain.contract, amount.units)

    def withdraw(self, amount: Fri) -> None:
        require(amount.units != 0, "AMOUNT_ZERO")
        self._debit(self.caller, amount.units)
        self._transfer(self.chain.contract, self.caller, amount.units)

    # --- views ---

    def job(self, job_id: int) -> Job:
        require(1 <= job_id <= len(self.books.jobs), "JOB_UNKNOWN")
        return self.books.jobs[job_id - 1]

    def find(self, job_id: int, task: int) -> tuple[Cell, Status]:
        job = self.job(job_id)
        require(0 <= task < job.task_count, "TASK_UNKNOWN")
        cell = self.books.cells[job_id, task]
        return cell, status_of(cell, job.terms, self.block, self.now)

    def task(self, job_id: int, task: int) -> Task:
        cell, status = self.find(job_id, task)
        waits = status.state in (TaskState.SUBMITTED, TaskState.DRAWABLE)
        places = () if waits else cell.places
        return Task(
            job_id=job_id,
            task=task,
            state=status.state,
            attempt=cell.attempt,
            failures=cell.failures,
            worker=None if cell.state in (TaskState.OPEN, TaskState.CLOSED) else cell.worker,
            claim_block=cell.claim_block,
            lease_until=cell.lease_until,
            result=cell.result,
            submit_block=cell.submit_block,
            round=status.round,
            seed_block=status.seed_block,
            audit_seed=None if waits else cell.seed,
            outcome=status.outcome,
            seats=tuple(place.slot for place in places),
            committed=tuple(place.sealed is not None for place in places),
            revealed=tuple(place.verdict for place in places),
            window_ends_block=status.window_ends,
        )

    def seat(self, slot: int) -> Seat:
        require(0 <= slot < len(self.books.seats), "SEAT_UNKNOWN")
        return self.books.seats[slot]

    def balances(self, account: Address) -> Balances:
        books = self.books
        return Balances(
            wallet=Fri(books.wallets.get(account, 0)),
            withdrawable=Fri(books.withdrawable.get(account, 0)),
            worker_bonds=Fri(books.worker_bonds.get(account, 0)),
            seat_bonds=Fri(sum(seat.bond.units for seat in books.seats if seat.owner == account)),
        )

    def totals(self) -> Totals:
        """Escrow is what the tasks that are neither paid nor refunded hold, so that it cannot
        drift from them."""
        books = self.books
        live = ((job.task_count - job.paid - job.refunded) * per_task(job.terms) for job in books.jobs)
        bonds = sum(books.worker_bonds.values()) + sum(seat.bond.units for seat in books.seats)
        return Totals(
            escrow=Fri(sum(live)),
            bonds=Fri(bonds),
            withdrawable=Fri(sum(books.withdrawable.values())),
            forfeited=Fri(books.forfeited),
        )

    # --- steps of a task ---

    def _end_claim(self, job_id: int, task: int, event: type[port.ClaimLapsed | port.ClaimGivenBack]) -> Cell:
        """A claim without result: a share of the bond, rounded up, is lost."""
        cell = self.books.cells[job_id, task]
        assert cell.worker is not None
        bond = self.job(job_id).terms.worker_bond.units
        lost = -(-bond * self.books.bounds.lapse_share_bps // BPS)
        self._add(self.books.worker_bonds, cell.worker, -bond)
        self._add(self.books.withdrawable, cell.worker, bond - lost)
        self.books.forfeited += lost
        self._emit(event, job_id, task, cell.worker, Fri(lost))
        self.books.cells[job_id, task] = cell.reopened(cell.failures)
        return self.books.cells[job_id, task]

    def _close_task(self, job_id: int, task: int) -> None:
        cell, status = self.find(job_id, task)
        if status.state is TaskState.LAPSED:
            cell = self._end_claim(job_id, task, port.ClaimLapsed)
        self.books.cells[job_id, task] = replace(cell, state=TaskState.CLOSED)
        job = self.job(job_id)
        self._change_job(job_id, refunded=job.refunded + 1)
        self._add(self.books.withdrawable, job.requester, per_task(job.terms))
        self._emit(port.TaskClosed, job_id, task, Fri(per_task(job.terms)))

    def _draw_round(self, job_id: int, task: int, cell: Cell, status: Status) -> None:
        job = self.job(job_id)
        terms, round_ = job.terms, status.round
        assert cell.result is not None
        of = self._round_id(job_id, task, cell.attempt, round_)
        seed = audit_seed(of, cell.result, self.chain.hash_of(status.seed_block))
        audited = round_ > 0 or is_audited(seed, terms.audit_rate_bps)
        voting = terms.commit_blocks + terms.reveal_blocks
        held_until = self.block + voting + terms.appeal_blocks + 1 + HASH_AGE + voting

        def may_sit(slot: int) -> bool:
            seat = self.books.seats[slot]
            if seat.owner in (job.requester, cell.worker):
                return False
            if seat.leaving_block is None:
                return True
            stays = seat.leaving_block + self.books.bounds.seat_exit_blocks > held_until
            return seat.leaving_block >= cell.claim_block and stays

        seats = draw_committee(seed, terms.committee_size, cell.slots_at_claim, may_sit) if audited else ()
        self.books.cells[job_id, task] = replace(
            cell,
            round=round_,
            seed_block=status.seed_block,
            seed=seed,
            draw_block=self.block,
            audited=audited,
            places=tuple(map(Place, seats)),
            sealed_block=0,
            opened_block=0,
        )
        self._emit(port.TaskDrawn, job_id, task, cell.attempt, round_, audited, seed, seats)

    def _settle_task(self, job: Job, task: int, cell: Cell, outcome: Outcome) -> None:
        """The table "Who pays whom" of docs/protocol.md."""
        terms, worker = job.terms, cell.worker
        assert worker is not None
        reward, bond = terms.reward.units, terms.worker_bond.units
        fees = terms.audit_fee.units * terms.committee_size
        paid_to_seats = self._pay_round(job.job_id, task, cell, outcome)
        self._add(self.books.worker_bonds, worker, -bond)
        failures, refund, paid = cell.failures, 0, False
        if outcome in (Outcome.ACCEPTED, Outcome.NOT_DRAWN):
            paid, state = True, TaskState.PAID
            self._add(self.books.withdrawable, worker, reward + bond)
            self._add(self.books.withdrawable, job.requester, fees - paid_to_seats)
            self._change_job(job.job_id, paid=job.paid + 1)
        elif outcome is Outcome.NO_VERDICT:
            state, refund = TaskState.CLOSED, reward
            self._add(self.books.withdrawable, worker, bond)
            self.books.forfeited += fees
        else:
            failures += 1
            state = TaskState.CLOSED if failures == MAX_FAILURES else TaskState.OPEN
            refund = reward + fees if state is TaskState.CLOSED else 0
            self.books.forfeited += bond - paid_to_seats
        self.books.cells[job.job_id, task] = (
            cell.reopened(failures)
            if state is TaskState.OPEN
            else replace(cell, state=state, failures=failures, outcome=outcome)
        )
        credited = terms.reward if paid else ZERO
        self._emit(port.TaskSettled, job.job_id, task, worker, cell.attempt, outcome, credited)
        if state is TaskState.CLOSED:
            self._add(self.books.withdrawable, job.requester, refund)
            self._change_job(job.job_id, refunded=job.refunded + 1)
            self._emit(port.TaskClosed, job.job_id, task, Fri(refund))

    def _pay_round(self, job_id: int, task: int, cell: Cell, outcome: Outcome) -> int:
        """Credits who agreed, slashes who must be; what was credited in all."""
        fee = self.job(job_id).terms.audit_fee.units
        paid = 0
        for place in cell.places:
            if place.verdict is not None and SAID.get(place.verdict) is outcome:
                self._add(self.books.withdrawable, self.seat(place.slot).owner, fee)
                paid += fee
            self._slash(job_id, task, place, fee * fees_lost(place, outcome))
        return paid

    def _slash(self, job_id: int, task: int, place: Place, amount: int) -> None:
        """Takes what is there; a seat below the minimum bond is on its way out."""
        if not amount or not (taken := min(amount, self.seat(place.slot).bond.units)):
            return
        seat = self.seat(place.slot)
        leaving = self.block if seat.leaving_block is None else seat.leaving_block
        self._change_seat(place.slot, bond=seat.bond - Fri(taken), leaving_block=leaving)
        self.books.forfeited += taken
        self._emit(port.SeatSlashed, job_id, task, place.slot, Fri(taken))

    # --- small parts ---

    def _check_terms(self, terms: Terms, task_count: int) -> None:
        bounds = self.books.bounds
        require(0 < task_count <= bounds.max_tasks, "TASK_COUNT")
        require(terms.reward.units > 0, "REWARD_ZERO")
        amounts = (terms.reward, terms.audit_fee, terms.worker_bond)
        require(all(amount.units < AMOUNT_LIMIT for amount in amounts), "AMOUNT_TOO_LARGE")
        size = terms.committee_size
        require(size % 2 == 1 and size <= bounds.max_committee_size, "COMMITTEE_SIZE")
        require(bounds.min_audit_rate_bps <= terms.audit_rate_bps <= BPS, "AUDIT_RATE")
        require(
            terms.audit_fee.units * MOST_FEES_PER_SEAT_BOND >= bounds.seat_bond.units, "AUDIT_FEE_TOO_LOW"
        )
        require(terms.audit_fee.units <= bounds.seat_bond.units // FEES_PER_SEAT_BOND, "AUDIT_FEE_TOO_HIGH")
        require(terms.worker_bond.units >= least_worker_bond(terms), "WORKER_BOND_TOO_LOW")
        require(bounds.min_lease_seconds <= terms.lease_seconds <= bounds.max_lease_seconds, "LEASE")
        windows = (terms.commit_blocks, terms.reveal_blocks, terms.appeal_blocks)
        least, most = bounds.min_window_blocks, bounds.max_window_blocks
        require(all(least <= window <= most for window in windows), "WINDOW")
        ahead = terms.deadline - self.now
        require(terms.lease_seconds <= ahead <= bounds.max_deadline_seconds, "DEADLINE")

    def _check_room(self, amount: int) -> None:
        totals = self.totals()
        parts = (totals.escrow, totals.bonds, totals.withdrawable, totals.forfeited)
        require(sum(part.units for part in parts) + amount < HOLDINGS_LIMIT, "HOLDS_TOO_MUCH")

    def _own_open_job(self, job_id: int) -> Job:
        job = self.job(job_id)
        require(self.caller == job.requester, "NOT_REQUESTER")
        require(not job.closed, "JOB_CLOSED")
        return job

    def _own_seat(self, slot: int) -> Seat:
        seat = self.seat(slot)
        require(seat.owner == self.caller, "NOT_SEAT_OWNER")
        return seat

    def _own_place(self, cell: Cell, index: int) -> Place:
        require(index < len(cell.places), "NOT_YOUR_SEAT")
        place = cell.places[index]
        require(not place.is_empty and self.seat(place.slot).owner == self.caller, "NOT_YOUR_SEAT")
        return place

    def _batch(self, items: Iterable[T]) -> tuple[T, ...]:
        batch = tuple(items)
        require(0 < len(batch) <= MAX_BATCH, "BATCH_SIZE")
        return batch

    def _round_id(self, job_id: int, task: int, attempt: int, round_: int) -> RoundId:
        return RoundId(self.chain.chain_id, self.chain.contract, job_id, task, attempt, round_)

    def _change_job(self, job_id: int, **changes: object) -> None:
        jobs = list(self.books.jobs)
        jobs[job_id - 1] = replace(self.job(job_id), **changes)  # type: ignore[arg-type]
        self.books.jobs = tuple(jobs)

    def _change_seat(self, slot: int, **changes: object) -> None:
        seats = list(self.books.seats)
        seats[slot] = replace(self.seat(slot), **changes)  # type: ignore[arg-type]
        self.books.seats = tuple(seats)

    def _emit(self, kind: Callable[..., port.Event], job_id: int, *data: object) -> None:
        self.books.events += (kind(self.block, self.tx_hash, job_id, *data),)

    def _debit(self, account: Address, amount: int) -> None:
        require(self.books.withdrawable.get(account, 0) >= amount, "BALANCE_TOO_LOW")
        self._add(self.books.withdrawable, account, -amount)

    def _transfer(self, giver: Address, taker: Address, amount: int) -> None:
        require(self.books.wallets.get(giver, 0) >= amount, "WALLET_TOO_LOW")
        self._add(self.books.wallets, giver, -amount)
        self._add(self.books.wallets, taker, amount)

    def _add(self, book: dict[Address, int], account: Address, amount: int) -> None:
        book[account] = book.get(account, 0) + amount
        assert book[account] >= 0, f"{account} owes {-book[account]} fri"


def _with_place(cell: Cell, index: int, place: Place) -> Cell:
    return replace(cell, places=(*cell.places[:index], place, *cell.places[index + 1 :]))
