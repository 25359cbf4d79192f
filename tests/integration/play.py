"""What the cast of a sequence may do: calls that make sense, and calls that make none."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from tileproof.domain.cid import Cid, Codec
from tileproof.domain.job import (
    Appeal,
    Commitment,
    Ground,
    Lane,
    Outcome,
    Question,
    Reveal,
    TaskResult,
    TaskState,
    Terms,
    Verdict,
)
from tileproof.domain.money import Fri
from tileproof.domain.sampling import RoundId, verdict_commitment

from model.books import Cell, Charge, Round
from tests.services.rewind import Call

from .invariants import RESULTS, Said, Truth, honest, truth_of
from .twin import Twin

PARTIES = ("requester", "worker", "other_worker")
VERIFIERS = ("verifier_a", "verifier_b", "verifier_c", "verifier_d")
CAST = (*PARTIES, *VERIFIERS, "passer_by", "pauper")
SEATS_EACH = 3
MANIFEST = Cid(Codec.RAW, bytes(range(32)))
EVIDENCE = Cid(Codec.DAG_PB, b"\xe7" + bytes(31))
TASKS = 2
WAITING = (TaskState.SUBMITTED, TaskState.APPEALED, TaskState.DRAWABLE)
VOTING = (TaskState.COMMITTING, TaskState.REVEALING)
DECIDED = (TaskState.PROVISIONAL, TaskState.SETTLEABLE)

LIES: list[Said] = [
    (Verdict.ACCEPT, None),
    (Verdict.REJECT, Charge(Ground.TILE, 3)),
    (Verdict.REJECT, Charge(Ground.TILE, 4)),
    (Verdict.REJECT, Charge(Ground.MISSING, 1)),
    (Verdict.UNAVAILABLE, None),
    (Verdict.INCONCLUSIVE, None),
]
"""What is said whatever is true; some of it may be."""
QUESTIONS = [
    (Question.LISTED_TILE, 0, 3),
    (Question.LISTED_TILE, 0, 4),
    (Question.NAMED_TILE, 0, 7),
    (Question.NAMED_TILE, 1, 2),
    (Question.PICTURE, 1, 0),
    (Question.WHOLE, 0, 0),
]

TRUTHS = [Truth.GOOD, Truth.GOOD, *Truth]


def terms_at(now: int, **changes: Any) -> Terms:
    plain = Terms(
        reward=Fri(1_000),
        audit_fee=Fri(10),
        worker_bond=Fri(101),
        committee_size=1,
        audit_rate_bps=10_000,
        lease_seconds=600,
        commit_blocks=9,
        reveal_blocks=9,
        appeal_blocks=5,
        deadline=now + 50_000,
    )
    return replace(plain, **changes)


OFFERS: list[dict[str, Any]] = [
    {},
    {},
    {"lane": Lane.HASH},
    {"committee_size": 3},
    {"committee_size": 3, "worker_bond": Fri(500)},
    {"audit_rate_bps": 4_000, "worker_bond": Fri(1_500)},
    {"reward": Fri(1), "worker_bond": Fri(40)},
]
POOR_OFFERS: list[dict[str, Any]] = [
    {"committee_size": 2},
    {"worker_bond": Fri(39)},
    {"audit_fee": Fri(11)},
    {"reward": Fri(2**96)},
    {"appeal_blocks": 21},
    {"deadline": 5},
    {"reward": Fri(2**96 - 1)},
]


def own_places(twin: Twin, job_id: int, task: int, who: str) -> list[int]:
    """The places of the round that runs in which this account sits."""
    live, seats = twin.find(job_id, task)[0].live, twin.books.seats
    places = enumerate(live.places) if live is not None else ()
    me = twin.address(who)
    return [at for at, place in places if not place.is_empty and seats[place.slot].owner == me]


def sitters(twin: Twin, job_id: int, task: int) -> list[str]:
    """Who has something to seal, or to open, in the round that runs."""
    cell, status = twin.find(job_id, task)
    live = round_of(cell)
    sealing = status.state is TaskState.COMMITTING
    owners = [
        twin.names[twin.books.seats[place.slot].owner]
        for place in live.places
        if not place.is_empty
        and (place.sealed is None if sealing else place.sealed is not None and place.verdict is None)
    ]
    return list(dict.fromkeys(owners))


def round_of(cell: Cell) -> Round:
    assert cell.live is not None
    return cell.live


def round_id(twin: Twin, job_id: int, task: int) -> RoundId:
    cell, status = twin.find(job_id, task)
    return RoundId(twin.chain_id, twin.contract, job_id, task, cell.attempt, status.round)


def ballot(task: int, place: int, said: Said) -> Reveal:
    verdict, charge = said
    ground, index = (charge.ground, charge.index) if charge is not None else (Ground.NONE, 0)
    return Reveal(task, place, verdict, ground, index, EVIDENCE, salt=2**130 + place)


def seal(of: RoundId, reveal: Reveal) -> Commitment:
    said = (reveal.verdict, reveal.ground, reveal.index, reveal.evidence)
    sealed = verdict_commitment(of, reveal.seat, *said, reveal.salt)
    return Commitment(reveal.task, of.attempt, of.round, reveal.seat, sealed)


def opened(of: RoundId, task: int, place: int, sealed: int) -> Reveal:
    """What was sealed: there are few things to say."""
    ballots = (ballot(task, place, said) for said in [*LIES, (Verdict.REJECT, Charge(Ground.TILE, 7))])
    return next(each for each in ballots if seal(of, each).commitment == sealed)


def true_words(twin: Twin, job_id: int, task: int) -> Said:
    cell = twin.find(job_id, task)[0]
    return honest(truth_of(cell), cell.appeal)


def hurt_party(twin: Twin, job_id: int, task: int) -> str | None:
    """Who may appeal against the provisional verdict."""
    cell, status = twin.find(job_id, task)
    if status.outcome in (Outcome.REJECTED, Outcome.UNAVAILABLE):
        assert cell.worker is not None
        return twin.names[cell.worker]
    if status.outcome in (Outcome.ACCEPTED, Outcome.NOT_DRAWN):
        return twin.names[twin.books.jobs[job_id - 1].requester]
    return None


def fitting(twin: Twin, job_id: int, task: int) -> list[Appeal]:
    """Appeals that may be raised now."""
    found = twin.now().task(job_id, task)
    if found.outcome is Outcome.REJECTED:
        if found.ground is Ground.TILE:
            return [Appeal(task, Question.LISTED_TILE, 0, found.index)]
        return [Appeal(task, Question.PICTURE, found.index, 0)]
    if found.outcome is Outcome.UNAVAILABLE:
        return [Appeal(task, Question.WHOLE)]
    named = [Appeal(task, Question.NAMED_TILE, 0, 7), Appeal(task, Question.NAMED_TILE, 1, 2)]
    listed = [Appeal(task, Question.LISTED_TILE, 0, 3), Appeal(task, Question.LISTED_TILE, 0, 5)]
    return named if found.outcome is Outcome.NOT_DRAWN else [*named, *listed]


def any_call(luck: Random, twin: Twin) -> Call:
    """A call that makes sense somewhere, with arguments that often make sense here."""
    job_id = luck.randint(0, len(twin.books.jobs) + 1)
    tasks = [luck.randint(0, TASKS) for _ in range(luck.randint(1, 2))]  # one of them is unknown
    slot = luck.randint(0, len(twin.books.seats))
    name = luck.choice([*OF_TASKS, *OF_JOBS, *OTHERS])
    if name in OF_TASKS:
        return name, (job_id, tasks)
    if name in OF_JOBS:
        return name, (job_id,)
    match name:
        case "submit":
            return name, (job_id, [TaskResult(task, RESULTS[luck.choice(TRUTHS)]) for task in tasks])
        case "take_seat":
            return name, ()
        case "leave_seat" | "collect_seat":
            return name, (slot,)
        case "deposit" | "withdraw":
            return name, (Fri(luck.randint(0, 12_000)),)
        case "create_job":
            terms = terms_at(twin.head.timestamp, **luck.choice([*OFFERS, *POOR_OFFERS]))
            return name, (MANIFEST, luck.randint(0, TASKS), terms)
        case "appeal":
            asks = luck.choice(QUESTIONS)
            return name, (job_id, [Appeal(task, *asks) for task in tasks])
        case _:
            reveal = ballot(tasks[0], luck.randint(0, 3), luck.choice(LIES))
            if name == "reveal":
                return name, (job_id, [reveal])
            of = RoundId(twin.chain_id, twin.contract, job_id, tasks[0], luck.randint(0, 1), 0)
            return name, (job_id, [seal(of, reveal)])


OF_TASKS = ("claim", "give_back", "draw", "settle", "release", "close_tasks")
OF_JOBS = ("pause_job", "resume_job", "close_job")
OTHERS = (
    *("submit", "take_seat", "leave_seat", "collect_seat", "deposit", "withdraw"),
    *("create_job", "appeal", "commit", "reveal"),
)
