"""What must always hold (docs/protocol.md), asked of the real contract after every transaction."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from tileproof.domain.cid import Cid, Codec
from tileproof.domain.job import (
    APPEAL_ROUND,
    Ground,
    Outcome,
    Question,
    Task,
    TaskState,
    Verdict,
)
from tileproof.ports import ledger as port

from model.books import AppealRecord, Books, Cell, Charge, Place, Round
from tests.services.rewind import WALLET, Done

from .twin import Twin

Where = tuple[int, int]
"""Job and task."""
FAILED = (Outcome.REJECTED, Outcome.UNAVAILABLE)


class Truth(Enum):
    """What a result really is."""

    GOOD = "good"
    BAD_TILE = "tile 3 of every list is bad"
    BAD_ELSEWHERE = "tile 7 of the first picture is bad, and on no list"
    BAD_PICTURE = "the second picture is missing"
    WITHHELD = "nobody serves it"


RESULTS = {truth: Cid(Codec.DAG_PB, bytes([number + 1]) * 32) for number, truth in enumerate(Truth)}
"""A result's CID tells its truth."""


def truth_of(cell: Cell) -> Truth:
    return next(truth for truth, result in RESULTS.items() if result == cell.result)


Said = tuple[Verdict, Charge | None]
ACCEPT: Said = (Verdict.ACCEPT, None)
TILE, ELSEWHERE, PICTURE = (
    (Verdict.REJECT, Charge(Ground.TILE, 3)),
    (Verdict.REJECT, Charge(Ground.TILE, 7)),
    (Verdict.REJECT, Charge(Ground.MISSING, 1)),
)
AUDITED: dict[Truth, Said] = {
    Truth.GOOD: ACCEPT,
    Truth.BAD_TILE: TILE,
    Truth.BAD_ELSEWHERE: ACCEPT,
    Truth.BAD_PICTURE: PICTURE,
    Truth.WITHHELD: (Verdict.UNAVAILABLE, None),
}
"""What an honest audit of a list says."""


def honest(truth: Truth, appeal: AppealRecord | None) -> Said:
    """What an honest seat says: of the list, or of what the appeal asks."""
    if appeal is None or appeal.question is Question.WHOLE or truth is Truth.WITHHELD:
        return AUDITED[truth]
    asked = (appeal.question, appeal.position, appeal.tile)
    bad = {
        Truth.BAD_TILE: ((Question.LISTED_TILE, 0, 3), TILE),
        Truth.BAD_ELSEWHERE: ((Question.NAMED_TILE, 0, 7), ELSEWHERE),
        Truth.BAD_PICTURE: ((Question.PICTURE, 1, 0), PICTURE),
    }
    return bad[truth][1] if truth in bad and asked == bad[truth][0] else ACCEPT


def lies(place: Place, truth: Truth, appeal: AppealRecord | None) -> bool:
    """Whether a place opened a verdict that is false; an inconclusive one says nothing."""
    said = (place.verdict, place.charge)
    return place.verdict not in (None, Verdict.INCONCLUSIVE) and said != honest(truth, appeal)


def majority_lies(cell: Cell, truth: Truth) -> bool:
    """Whether most places of the first committee or of the appeal's did."""
    return any(
        sum(lies(place, truth, appeal) for place in drawn.places) * 2 > len(drawn.places)
        for drawn, appeal in rounds_of(cell)
    )


def rounds_of(cell: Cell) -> list[tuple[Round, AppealRecord | None]]:
    """The deciding round, and the appeal's with what it was asked."""
    rounds: list[tuple[Round, AppealRecord | None]] = []
    if cell.round is not None:
        rounds.append((cell.round, None))
    if cell.appeal is not None and cell.appeal.round is not None:
        rounds.append((cell.appeal.round, cell.appeal))
    return rounds


@dataclass
class Invariants:
    """Watches a sequence, and counts what happens in it."""

    tally: Counter[str] = field(default_factory=Counter)
    _stages: dict[Where, tuple[int, int, int]] = field(default_factory=dict)
    _ends: Counter[Where] = field(default_factory=Counter)
    _claimants: dict[Where, object] = field(default_factory=dict)
    _committed: set[tuple[object, ...]] = field(default_factory=set)

    def __call__(self, twin: Twin, before: Books, done: Done) -> None:
        self._money_is_all_there(twin)
        self._tasks_end_once_and_hold_their_escrow(twin, done)
        self._states_move_along_the_graph(twin)
        self._only_whose_turn_it_is_is_heard(twin, done)
        self._honesty_is_slashed_by_lying_majorities_alone(before, done)
        self._nobody_touches_another_job(twin, before, done)
        self.tally.update(type(event).__name__ for event in done.events)

    # 1
    def _money_is_all_there(self, twin: Twin) -> None:
        """Escrow + bonds + withdrawable + forfeited = the contract's token balance."""
        seen, totals = twin.seen, twin.seen.totals
        parts = (totals.escrow, totals.bonds, totals.withdrawable, totals.forfeited)
        assert sum(part.units for part in parts) == seen.held
        every = seen.balances.values()
        assert sum(each.withdrawable.units for each in every) == totals.withdrawable.units
        bonds = ((each.worker_bonds, each.appeal_bonds, each.seat_bonds) for each in every)
        assert sum(bond.units for each in bonds for bond in each) == totals.bonds.units
        assert sum(each.wallet.units for each in every) + seen.held == WALLET * len(seen.balances)

    # 2
    def _tasks_end_once_and_hold_their_escrow(self, twin: Twin, done: Done) -> None:
        """Each task pays or is refunded once, and until then its escrow is there to the unit."""
        for event in done.events:
            if isinstance(event, port.TaskSettled):
                self.tally[f"{event.outcome.value} {event.appeal.value}"] += 1
                self._ends[event.job_id, event.task] += event.paid_to_worker.units > 0
            elif isinstance(event, port.TaskClosed):
                self._ends[event.job_id, event.task] += 1
        assert all(times <= 1 for times in self._ends.values())
        live = 0
        for job in twin.seen.jobs.values():
            tasks = twin.seen.tasks[job.job_id]
            ended = [task for task in tasks if task.state.is_final]
            assert len(ended) == job.paid + job.refunded
            assert [self._ends[job.job_id, task.task] for task in ended] == [1] * len(ended)
            live += job.terms.escrow(job.task_count - len(ended)).units
        assert live == twin.seen.totals.escrow.units

    # 3
    def _states_move_along_the_graph(self, twin: Twin) -> None:
        """At most one claim lives, and no task ever goes back but by a new attempt."""
        for job_id, tasks in twin.seen.tasks.items():
            for task in tasks:
                stage = stage_of(task)
                assert stage >= self._stages.get((job_id, task.task), stage)
                self._stages[job_id, task.task] = stage
        claims: Counter[object] = Counter()
        for job in twin.seen.jobs.values():
            holders = (t.worker for t in twin.seen.tasks[job.job_id] if t.worker and not t.state.is_final)
            for holder in holders:
                claims[holder] += job.terms.worker_bond.units
        assert all(claims[who] == held.worker_bonds.units for who, held in twin.seen.balances.items())

    # 5
    def _only_whose_turn_it_is_is_heard(self, twin: Twin, done: Done) -> None:
        """Only the claimant submits; only a drawn seat's verdict counts; none without its commit."""
        for event in done.events:
            match event:
                case port.TaskClaimed():
                    self._claimants[event.job_id, event.task] = (event.worker, event.attempt)
                case port.ResultSubmitted():
                    claim = self._claimants[event.job_id, event.task]
                    assert claim == (event.worker, event.attempt)
                case port.VerdictCommitted():
                    cell = twin.books.cells[event.job_id, event.task]
                    assert cell.live is not None
                    slot = cell.live.places[event.seat].slot
                    assert twin.seen.seats[slot].owner == event.verifier
                    sealed = (event.job_id, event.task, cell.attempt, cell.live.number, event.seat)
                    assert sealed not in self._committed
                    self._committed.add(sealed)
                case port.VerdictRevealed():
                    opened = (event.job_id, event.task, event.attempt, event.round, event.seat)
                    assert opened in self._committed

    # 6
    def _honesty_is_slashed_by_lying_majorities_alone(self, before: Books, done: Done) -> None:
        for event in done.events:
            if isinstance(event, port.SeatSlashed):
                cell, truth = self._judged(before, event)
                [(place, appeal)] = [
                    (place, appeal)
                    for drawn, appeal in rounds_of(cell)
                    for place in drawn.places
                    if place.slot == event.slot
                ]
                fee = before.jobs[event.job_id - 1].terms.audit_fee.units
                assert event.amount.units <= (fee if place.sealed is None else 4 * fee)
                if place.verdict is not None and not lies(place, truth, appeal):
                    self.tally["an honest seat slashed"] += 1
                    assert majority_lies(cell, truth), f"{event} for {place}"
            if isinstance(event, port.TaskSettled) and event.outcome in FAILED:
                cell, truth = self._judged(before, event)
                if truth is Truth.GOOD:
                    self.tally["an honest worker lost"] += 1
                    assert majority_lies(cell, truth), str(event)

    # 7
    def _nobody_touches_another_job(self, twin: Twin, before: Books, done: Done) -> None:
        """The model changes no cell of a job that no event speaks of, and the contract's tasks are
        the model's."""
        told = {event.job_id for event in done.events}
        for where, cell in before.cells.items():
            assert where[0] in told or twin.books.cells[where] is cell
        for job in before.jobs:
            assert job.job_id in told or twin.seen.jobs[job.job_id] == job

    def _judged(self, before: Books, event: port.TaskEvent) -> tuple[Cell, Truth]:
        cell = before.cells[event.job_id, event.task]
        return cell, truth_of(cell)


PHASES = (
    TaskState.SUBMITTED,
    TaskState.APPEALED,
    TaskState.DRAWABLE,
    TaskState.COMMITTING,
    TaskState.REVEALING,
    TaskState.PROVISIONAL,
)
BEFORE = (TaskState.OPEN, TaskState.CLAIMED, TaskState.LAPSED)


def stage_of(task: Task) -> tuple[int, int, int]:
    """How far a task has come: attempt, round, phase. A redraw is the next round, and an appeal's
    comes after all of them."""
    if task.state in BEFORE:
        return task.attempt, -1, BEFORE.index(task.state)
    if task.state in PHASES:
        return task.attempt, task.round, PHASES.index(task.state)
    return task.attempt, APPEAL_ROUND + 1, 0 if task.state is TaskState.SETTLEABLE else 1
