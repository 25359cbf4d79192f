"""The seats' sealed verdicts, as the journal keeps them from sealing to the last unpin."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import Enum

from ..domain.cid import Cid, parse_cid
from ..domain.job import APPEAL_ROUND, Commitment, Ground, Reveal, Task, Verdict
from ..domain.log_context import working_on
from ..ports.journal import Journal, Record

_KIND = "vote"


class Stage(Enum):
    """How far a vote has come. Its salt is in the journal before its commitment is sent."""

    SEALED = "sealed"
    COMMITTED = "committed"
    REVEALED = "revealed"
    MISSED = "missed"  # the window closed before the vote was committed or revealed
    UNPINNED = "unpinned"

    @property
    def is_open(self) -> bool:
        return self in (Stage.SEALED, Stage.COMMITTED)


@dataclass(frozen=True, order=True, slots=True)
class RoundKey:
    """One round of judging, apart from chain and contract, which a journal has only one of.

    The seed belongs to it: a reorganisation may draw the same round anew, with other tiles.
    """

    job_id: int
    task: int
    attempt: int
    round: int
    seed: int

    def logged(self) -> AbstractContextManager[None]:
        """Names this round's submission in every line that is logged inside the block."""
        return working_on(self.job_id, self.task, self.attempt)

    def __str__(self) -> str:
        return f"{self.job_id}/{self.task}/{self.attempt}/{self.round}/{self.seed:x}"


def key_of(task: Task) -> RoundKey:
    """The round that the task is in; seed 0 before its first draw."""
    return RoundKey(task.job_id, task.task, task.attempt, task.round, task.audit_seed or 0)


def standing(task: Task) -> tuple[RoundKey, ...]:
    """The rounds whose outcome is open: the one the task is in, and one that is appealed."""
    now = key_of(task)
    if task.round != APPEAL_ROUND or task.appeal is None:
        return (now,)
    return now, replace(now, round=task.appeal.first_round, seed=task.appeal.first_seed or 0)


@dataclass(frozen=True, slots=True)
class Vote:
    """One seat's verdict in one round; ``seat`` is the index in the committee."""

    key: RoundKey
    seat: int
    verdict: Verdict
    ground: Ground
    index: int
    evidence: Cid
    salt: int
    commitment: int
    stage: Stage
    over_at_block: int | None = None
    """The block at which the round's outcome was first seen to be final."""

    def sealed(self) -> Commitment:
        key = self.key
        return Commitment(key.task, key.attempt, key.round, self.seat, self.commitment)

    def opened(self) -> Reveal:
        return Reveal(
            self.key.task, self.seat, self.verdict, self.ground, self.index, self.evidence, self.salt
        )


class Votes:
    """Every vote of this verifier: in memory, and in the journal before a method returns."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._votes = {name: _read(record) for name, record in journal.all(_KIND).items()}

    def put(self, vote: Vote) -> None:
        name = f"{vote.key}/{vote.seat}"
        self._journal.put(_KIND, name, _record(vote))
        self._votes[name] = vote

    def advance(self, vote: Vote, stage: Stage) -> Vote:
        moved = replace(vote, stage=stage)
        self.put(moved)
        return moved

    def of(self, key: RoundKey) -> list[Vote]:
        return [vote for vote in self._votes.values() if vote.key == key]

    def every(self) -> list[Vote]:
        return list(self._votes.values())


def _record(vote: Vote) -> Record:
    return {
        "job_id": vote.key.job_id,
        "task": vote.key.task,
        "attempt": vote.key.attempt,
        "round": vote.key.round,
        "seed": hex(vote.key.seed),
        "seat": vote.seat,
        "verdict": vote.verdict.value,
        "ground": vote.ground.value,
        "index": vote.index,
        "evidence": str(vote.evidence),
        "salt": hex(vote.salt),
        "commitment": hex(vote.commitment),
        "stage": vote.stage.value,
        "over_at_block": vote.over_at_block,
    }


def _read(record: Record) -> Vote:
    over = record["over_at_block"]
    return Vote(
        key=RoundKey(
            job_id=_int(record["job_id"]),
            task=_int(record["task"]),
            attempt=_int(record["attempt"]),
            round=_int(record["round"]),
            seed=int(str(record["seed"]), 16),
        ),
        seat=_int(record["seat"]),
        verdict=Verdict(record["verdict"]),
        ground=Ground(record["ground"]),
        index=_int(record["index"]),
        evidence=parse_cid(str(record["evidence"])),
        salt=int(str(record["salt"]), 16),
        commitment=int(str(record["commitment"]), 16),
        stage=Stage(record["stage"]),
        over_at_block=None if over is None else _int(over),
    )


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError(f"the journal holds {value!r} where a number belongs")
    return value
