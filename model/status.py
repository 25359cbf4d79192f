"""Where a task stands at some block and second. Nothing stores "expired"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tileproof.domain.job import APPEAL_ROUND, AppealOutcome, Outcome, TaskState, Terms, Verdict

from .books import AppealRecord, Cell, Charge, Place, Round

HASH_AGE = 10
"""A contract can read the hash of a block that is at least this old."""
LAST_ROUND = 2
"""After two redraws without majority there is no verdict."""
FREE = (TaskState.OPEN, TaskState.LAPSED)
"""Nobody holds a live claim."""


@dataclass(frozen=True, slots=True)
class Status:
    """``round`` and ``seed_block`` are those of the round that runs, has decided or is to be drawn
    next; ``window_ends`` is exclusive, 0 when no window runs; ``appeal`` is what the appeal
    came to, while SETTLEABLE."""

    state: TaskState
    outcome: Outcome
    round: int
    seed_block: int
    window_ends: int = 0
    appeal: AppealOutcome = AppealOutcome.NONE


@dataclass(frozen=True, slots=True)
class Decision:
    """What a committee's majority says. ``charge`` is None unless it rejects."""

    outcome: Outcome
    charge: Charge | None = None


NO_DECISION = Decision(Outcome.NO_VERDICT)


def decision(places: Sequence[Place]) -> Decision:
    """What (n + 1) / 2 of the n places say alike, empty and silent ones counted. Rejects agree when
    they name the same ground and index."""
    said = Counter((place.verdict, place.charge) for place in places if place.verdict in SAID)
    for (verdict, charge), count in said.items():
        if count * 2 > len(places):
            assert verdict is not None
            return Decision(SAID[verdict], charge)
    return NO_DECISION


def appeal_majority(places: Sequence[Place]) -> Verdict | None:
    """What n + 1 of an appeal's 2n + 1 places say: they judge one question, so that rejects agree
    whatever they name."""
    said = Counter(place.verdict for place in places if place.verdict in SAID)
    return next((verdict for verdict, count in said.items() if count * 2 > len(places)), None)


SAID = {
    Verdict.ACCEPT: Outcome.ACCEPTED,
    Verdict.REJECT: Outcome.REJECTED,
    Verdict.UNAVAILABLE: Outcome.UNAVAILABLE,
}
"""The verdicts that can decide."""


def appealed(against: Outcome, majority: Verdict | None) -> tuple[Outcome, AppealOutcome]:
    """The final outcome, and what the appeal came to for who raised it."""
    if majority is None:
        return against, AppealOutcome.UNDECIDED
    says = SAID[majority]
    if against.pays_worker:
        return (against, AppealOutcome.LOST) if says is Outcome.ACCEPTED else (says, AppealOutcome.WON)
    if says is Outcome.ACCEPTED:
        return says, AppealOutcome.WON
    if against is Outcome.REJECTED:
        return against, AppealOutcome.LOST
    return says, AppealOutcome.LOST


def status_of(cell: Cell, terms: Terms, block: int, now: int) -> Status:
    """Where the task stands."""
    plain = _as_stored(cell)
    if cell.state is TaskState.CLAIMED and now >= cell.lease_until:
        return replace(plain, state=TaskState.LAPSED)
    if cell.state is not TaskState.SUBMITTED:
        return plain
    if cell.appeal is not None:
        return _under_appeal(cell.appeal, plain, terms, block)
    if cell.round is None:
        return _awaiting(plain, 0, cell.submit_block + 1, block)
    if not cell.round.audited:
        return _decided(plain, Outcome.NOT_DRAWN, cell.round.draw_block, terms, block)
    phase, ends = phase_of(cell.round, terms, block)
    if phase is not None:
        return replace(plain, state=phase, window_ends=ends)
    outcome = decision(cell.round.places).outcome
    if outcome is Outcome.NO_VERDICT and cell.round.number < LAST_ROUND:
        return _awaiting(plain, cell.round.number + 1, ends + 1, block)
    return _decided(plain, outcome, ends, terms, block)


def phase_of(round_: Round, terms: Terms, block: int) -> tuple[TaskState | None, int]:
    """COMMITTING, REVEALING or None for over, and the block in which that ends or has ended.

    Windows are upper bounds: committing ends when every seat has committed, revealing when every
    commitment is opened. An empty place is not waited for.
    """
    sitting = [place for place in round_.places if not place.is_empty]
    committed = [place for place in sitting if place.sealed is not None]
    if len(committed) < len(sitting):
        commit_ends = round_.draw_block + terms.commit_blocks
    else:
        commit_ends = round_.sealed_block if committed else round_.draw_block
    if block < commit_ends:
        return TaskState.COMMITTING, commit_ends
    if not committed:
        reveal_ends = commit_ends
    elif all(place.verdict is not None for place in committed):
        reveal_ends = round_.opened_block
    else:
        reveal_ends = commit_ends + terms.reveal_blocks
    if block < reveal_ends:
        return TaskState.REVEALING, reveal_ends
    return None, reveal_ends


def _as_stored(cell: Cell) -> Status:
    """The last step taken, as if no time had passed."""
    if cell.appeal is not None:
        return Status(cell.state, cell.outcome, APPEAL_ROUND, cell.appeal.seed_block)
    if cell.round is not None:
        return Status(cell.state, cell.outcome, cell.round.number, cell.round.seed_block)
    seed_block = cell.submit_block + 1 if cell.submit_block else 0
    return Status(cell.state, cell.outcome, 0, seed_block)


def _awaiting(plain: Status, round_: int, seed_block: int, block: int) -> Status:
    state = TaskState.DRAWABLE if block >= seed_block + HASH_AGE else TaskState.SUBMITTED
    return replace(plain, state=state, round=round_, seed_block=seed_block)


def _decided(plain: Status, outcome: Outcome, since: int, terms: Terms, block: int) -> Status:
    ends = since + terms.appeal_blocks
    if block < ends:
        return replace(plain, state=TaskState.PROVISIONAL, outcome=outcome, window_ends=ends)
    return replace(plain, state=TaskState.SETTLEABLE, outcome=outcome)


def _under_appeal(appeal: AppealRecord, plain: Status, terms: Terms, block: int) -> Status:
    waiting = replace(plain, outcome=appeal.against)
    if appeal.round is None:
        ready = block >= appeal.seed_block + HASH_AGE
        return replace(waiting, state=TaskState.DRAWABLE if ready else TaskState.APPEALED)
    phase, ends = phase_of(appeal.round, terms, block)
    if phase is not None:
        return replace(waiting, state=phase, window_ends=ends)
    outcome, came_to = appealed(appeal.against, appeal_majority(appeal.round.places))
    return replace(plain, state=TaskState.SETTLEABLE, outcome=outcome, appeal=came_to)
