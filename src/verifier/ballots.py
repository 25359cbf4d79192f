"""Votes and the ledger: sealing, committing, revealing, and learning what became of them."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from ..domain.cid import Cid
from ..domain.errors import LedgerRejected
from ..domain.hops import Hop
from ..domain.job import Task, TaskState
from ..domain.sampling import RoundId, verdict_commitment
from ..domain.verdict import Judgement
from ..ports.ledger import Head, Ledger, Receipt
from .votes import RoundKey, Stage, Vote, Votes, key_of, standing

log = logging.getLogger("tileproof.verifier")

MAX_PER_CALL = 16
OVER = (TaskState.OPEN, TaskState.CLAIMED, TaskState.LAPSED, TaskState.PAID, TaskState.CLOSED)
"""States in which the submission that was judged is settled for good."""

_Item = TypeVar("_Item")


class Ballots:
    """Moves votes along: the journal always knows at least as much as the ledger was told."""

    def __init__(self, ledger: Ledger, votes: Votes) -> None:
        self._ledger, self._votes = ledger, votes

    def seal(self, key: RoundKey, seats: Sequence[int], judgement: Judgement, evidence: Cid) -> None:
        """Makes durable what these places of the committee say, each with a salt of its own."""
        chain, contract = self._ledger.chain_id(), self._ledger.contract()
        of = RoundId(chain, contract, key.job_id, key.task, key.attempt, key.round)
        verdict, ground, index = judgement.verdict, judgement.ground, judgement.index
        for seat in seats:
            salt = secrets.randbits(248)
            sealed = verdict_commitment(of, seat, verdict, ground, index, evidence, salt)
            vote = Vote(key, seat, verdict, ground, index, evidence, salt, sealed, Stage.SEALED)
            self._votes.put(vote)

    def seal_missing(self, key: RoundKey, seats: Sequence[int]) -> None:
        """Goes on where a process was killed between its own places: all say what the first said."""
        votes = self._votes.of(key)
        sealed = {vote.seat for vote in votes}
        missing = [seat for seat in seats if seat not in sealed]
        if votes and missing:
            said = Judgement(votes[0].verdict, votes[0].ground, votes[0].index, "as its other places")
            self.seal(key, missing, said, votes[0].evidence)

    def update(self, task: Task, key: RoundKey, head: Head) -> None:
        """Brings this task's votes up to what the ledger shows, whoever crashed in between."""
        for vote in self._votes.every():
            if (vote.key.job_id, vote.key.task) != (key.job_id, key.task):
                continue
            current = vote.key == key and task.state not in OVER
            with vote.key.logged():
                if vote.stage.is_open:
                    vote = self._update_open(vote, task, current)
                elif current:
                    vote = self._taken_back(vote, task)
            over = task.state in OVER or vote.key not in standing(task)
            if not over and vote.over_at_block is not None:
                self._votes.put(replace(vote, over_at_block=None))
            elif not vote.stage.is_open and over and vote.over_at_block is None:
                self._votes.put(replace(vote, over_at_block=head.block))

    def _update_open(self, vote: Vote, task: Task, current: bool) -> Vote:
        current = current and vote.seat < len(task.seats)
        if current and task.revealed[vote.seat] is not None:
            return self._votes.advance(vote, Stage.REVEALED)
        committed = current and task.committed[vote.seat]
        if current and task.state is TaskState.COMMITTING:
            # Committed and not there any more: the block that held it was reorganised away.
            stage = Stage.COMMITTED if committed else Stage.SEALED
            return vote if vote.stage is stage else self._votes.advance(vote, stage)
        if committed and task.state is TaskState.REVEALING:
            return self._votes.advance(vote, Stage.COMMITTED)
        log.error(
            "missed the window job=%d task=%d seat=%d stage=%s",
            vote.key.job_id,
            vote.key.task,
            vote.seat,
            vote.stage.value,
        )
        return self._votes.advance(vote, Stage.MISSED)

    def _taken_back(self, vote: Vote, task: Task) -> Vote:
        """A vote that was done with, where a reorganisation has undone what ended it and its window
        is open again: a seat that leaves it unrevealed is slashed."""
        if vote.stage is Stage.UNPINNED or vote.seat >= len(task.seats):
            return vote
        committed = task.committed[vote.seat]
        is_due = task.state is TaskState.COMMITTING or (task.state is TaskState.REVEALING and committed)
        if not is_due or task.revealed[vote.seat] is not None:
            return vote
        return self._votes.advance(vote, Stage.COMMITTED if committed else Stage.SEALED)

    def send_commits(self, job_id: int, tasks: Sequence[Task]) -> None:
        votes = self._to_send(tasks, TaskState.COMMITTING, Stage.SEALED)

        def call(batch: Sequence[Vote]) -> Receipt:
            return self._ledger.commit(job_id, [vote.sealed() for vote in batch])

        for vote, receipt in send(votes, call, "commit"):
            self._votes.advance(vote, Stage.COMMITTED)
            with vote.key.logged():
                log.info(
                    "hop=%d committed job=%d task=%d seat=%d tx=%#x",
                    Hop.JUDGED, vote.key.job_id, vote.key.task, vote.seat, receipt.tx_hash,
                )  # fmt: skip

    def send_reveals(self, job_id: int, tasks: Sequence[Task]) -> None:
        votes = self._to_send(tasks, TaskState.REVEALING, Stage.COMMITTED)

        def call(batch: Sequence[Vote]) -> Receipt:
            return self._ledger.reveal(job_id, [vote.opened() for vote in batch])

        for vote, receipt in send(votes, call, "reveal"):
            self._votes.advance(vote, Stage.REVEALED)
            with vote.key.logged():
                log.info(
                    "hop=%d revealed job=%d task=%d seat=%d verdict=%s ground=%s tx=%#x",
                    Hop.JUDGED, vote.key.job_id, vote.key.task, vote.seat, vote.verdict.value.lower(),
                    vote.ground.value.lower(), receipt.tx_hash,
                )  # fmt: skip

    def _to_send(self, tasks: Sequence[Task], state: TaskState, stage: Stage) -> list[Vote]:
        ready = [key_of(task) for task in tasks if task.state is state]
        return [vote for key in ready for vote in self._votes.of(key) if vote.stage is stage]


def send(
    items: Sequence[_Item], call: Callable[[Sequence[_Item]], Receipt], name: str
) -> Iterator[tuple[_Item, Receipt]]:
    """Sends in batches; a refused batch is sent one by one, so that one stale item (somebody
    else was first) holds up none of the others. Yields what went through."""
    for at in range(0, len(items), MAX_PER_CALL):
        batch = items[at : at + MAX_PER_CALL]
        try:
            receipt = call(batch)
        except LedgerRejected as error:
            log.info("%s refused: %s", name, error.reason)
            if len(batch) > 1:
                for item in batch:
                    yield from send([item], call, name)
            continue
        for item in batch:
            yield item, receipt
